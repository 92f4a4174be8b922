//! From an address to a connection that takes commands: TLS, the greeting, the proof of the password.
//! The password itself leaves this process only where that was allowed by name.

use std::io;

use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{self, ChannelBinding, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::address::{ConnectOptions, Host, TlsMode, WeakPasswords};
use crate::error::ReplicationError;
use crate::tls;
use crate::transport::Transport;
use crate::wire::{Incoming, Wire};

const STEP: &str = "log in";
/// A server may ask for more and more rounds of hashing; no sane one is near this.
const MOST_SCRAM_ROUNDS: u32 = 1_000_000;

/// What the server told of itself.
#[derive(Debug, Default)]
pub(crate) struct Greeting {
    pub(crate) server_version: String,
    pub(crate) is_encrypted: bool,
}

/// Connects and logs in, without a limit of its own.
pub(crate) async fn log_in(options: &ConnectOptions) -> Result<(Wire, Greeting), ReplicationError> {
    let (transport, end_point) = open(options).await?;
    let is_encrypted = matches!(transport, Transport::Tls(_));
    let mut login = Login {
        wire: Wire::new(transport, options.host.to_string(), options.silence_limit),
        options,
        is_encrypted,
        end_point,
    };
    login.greet().await?;
    login.authenticate().await?;
    login.wire.trust();
    let server_version = login.read_parameters().await?;
    Ok((login.wire, Greeting { server_version, is_encrypted }))
}

async fn open(options: &ConnectOptions) -> Result<(Transport, Option<Vec<u8>>), ReplicationError> {
    let unreachable = |source| ReplicationError::Connect { server: options.host.to_string(), source };
    let (name, port) = match &options.host {
        Host::Unix { folder, port } => {
            let stream = UnixStream::connect(Host::socket_path(folder, *port)).await.map_err(unreachable)?;
            return Ok((Transport::Unix(stream), None));
        }
        Host::Tcp { name, port } => (name, *port),
    };
    let mut stream = TcpStream::connect((name.as_str(), port)).await.map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    if options.tls == TlsMode::Disable {
        return Ok((Transport::Tcp(stream), None));
    }
    if offers_tls(&mut stream).await.map_err(unreachable)? {
        let stream = tls::handshake(stream, name, options).await?;
        let end_point = tls::server_end_point(&stream);
        return Ok((Transport::Tls(Box::new(stream)), end_point));
    }
    if options.tls == TlsMode::Prefer {
        return Ok((Transport::Tcp(stream), None));
    }
    let reason = "the server offers none (set ssl = on there, or choose another sslmode)".to_owned();
    Err(ReplicationError::Tls { server: options.host.to_string(), reason })
}

/// One byte is read and no more: whatever somebody smuggled in behind it ends in the handshake.
async fn offers_tls(stream: &mut TcpStream) -> io::Result<bool> {
    let mut request = bytes::BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await?;
    match stream.read_u8().await? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        _ => Err(io::Error::other("what answers there is no PostgreSQL")),
    }
}

struct Login<'a> {
    wire: Wire,
    options: &'a ConnectOptions,
    is_encrypted: bool,
    end_point: Option<Vec<u8>>,
}

impl Login<'_> {
    async fn greet(&mut self) -> Result<(), ReplicationError> {
        let options = self.options;
        let replication = if options.database.is_some() { "database" } else { "true" };
        let mut parameters = vec![
            ("user", options.user.as_str()),
            ("application_name", options.application_name.as_str()),
            ("client_encoding", "UTF8"),
        ];
        if options.replicates {
            parameters.push(("replication", replication));
        }
        if let Some(database) = &options.database {
            parameters.push(("database", database));
        }
        self.wire.put(|out| frontend::startup_message(parameters, out))?;
        self.wire.flush(STEP).await
    }

    async fn authenticate(&mut self) -> Result<(), ReplicationError> {
        match self.message().await? {
            Message::AuthenticationOk => self.accept_without_proof(),
            Message::AuthenticationSasl(body) => self.scram(&body).await,
            Message::AuthenticationMd5Password(body) => {
                self.allow(WeakPasswords::Md5, "an MD5 password")?;
                let user = self.options.user.as_bytes();
                let hash = md5_hash(user, self.password()?.as_bytes(), body.salt());
                self.show(hash.as_bytes()).await
            }
            Message::AuthenticationCleartextPassword => {
                self.allow(WeakPasswords::Cleartext, "the password itself")?;
                let password = self.password()?.to_owned();
                self.show(password.as_bytes()).await
            }
            _ => Err(self.broken_off("the server wants a way of logging in that is not known here")),
        }
    }

    /// `trust`, `peer` and certificates need no proof, unless one was asked for by name.
    fn accept_without_proof(&self) -> Result<(), ReplicationError> {
        if self.options.require_channel_binding {
            return Err(self.broken_off("channel binding is required, and the server asked for no password"));
        }
        Ok(())
    }

    async fn show(&mut self, proof: &[u8]) -> Result<(), ReplicationError> {
        if self.options.require_channel_binding {
            return Err(self.broken_off("channel binding is required, and the server does not use SCRAM"));
        }
        self.wire.put(|out| frontend::password_message(proof, out))?;
        self.wire.flush(STEP).await?;
        match self.message().await? {
            Message::AuthenticationOk => Ok(()),
            _ => Err(self.broken_off("the server asks for more than a password")),
        }
    }

    async fn scram(&mut self, offer: &AuthenticationSaslBody) -> Result<(), ReplicationError> {
        let (mechanism, binding) = self.choose_mechanism(offer)?;
        let mut scram = ScramSha256::new(self.password()?.as_bytes(), binding);
        self.wire.put(|out| frontend::sasl_initial_response(mechanism, scram.message(), out))?;
        self.wire.flush(STEP).await?;

        let Message::AuthenticationSaslContinue(challenge) = self.message().await? else {
            return Err(self.broken_off("the server left SCRAM in the middle"));
        };
        if rounds(challenge.data()).is_none_or(|rounds| rounds > MOST_SCRAM_ROUNDS) {
            return Err(self.broken_off("the server wants no sane number of SCRAM rounds"));
        }
        scram.update(challenge.data()).map_err(|error| self.broken_off(&error.to_string()))?;
        self.wire.put(|out| frontend::sasl_response(scram.message(), out))?;
        self.wire.flush(STEP).await?;

        let Message::AuthenticationSaslFinal(proof) = self.message().await? else {
            return Err(self.broken_off("the server did not prove that it knows the password"));
        };
        scram.finish(proof.data()).map_err(|error| self.broken_off(&error.to_string()))?;
        match self.message().await? {
            Message::AuthenticationOk => Ok(()),
            _ => Err(self.broken_off("the server asks for more than SCRAM")),
        }
    }

    fn choose_mechanism(
        &self,
        offer: &AuthenticationSaslBody,
    ) -> Result<(&'static str, ChannelBinding), ReplicationError> {
        use fallible_iterator::FallibleIterator;
        let offered: Vec<String> = offer
            .mechanisms()
            .map(|name| Ok(name.to_owned()))
            .collect()
            .map_err(|error| self.broken_off(&error.to_string()))?;
        let offers = |name: &str| offered.iter().any(|offered| offered == name);
        match &self.end_point {
            Some(end_point) if offers(sasl::SCRAM_SHA_256_PLUS) => {
                let binding = ChannelBinding::tls_server_end_point(end_point.clone());
                Ok((sasl::SCRAM_SHA_256_PLUS, binding))
            }
            _ if self.options.require_channel_binding => {
                Err(self.broken_off("channel binding is required and cannot be had on this connection"))
            }
            // Says that we could have bound it, so that a server that could too notices who lied.
            Some(_) if offers(sasl::SCRAM_SHA_256) => {
                Ok((sasl::SCRAM_SHA_256, ChannelBinding::unrequested()))
            }
            None if offers(sasl::SCRAM_SHA_256) => Ok((sasl::SCRAM_SHA_256, ChannelBinding::unsupported())),
            _ => Err(self.broken_off("the server offers no SCRAM-SHA-256")),
        }
    }

    async fn read_parameters(&mut self) -> Result<String, ReplicationError> {
        let mut version = String::new();
        loop {
            match self.message().await? {
                Message::ParameterStatus(parameter) => {
                    let read = |text: io::Result<&str>| text.map(str::to_owned).unwrap_or_default();
                    if read(parameter.name()) == "server_version" {
                        version = read(parameter.value());
                    }
                }
                Message::BackendKeyData(_) => {}
                Message::ReadyForQuery(_) => return Ok(version),
                other => return Err(self.wire.unexpected(STEP, &Incoming::Message(other))),
            }
        }
    }

    async fn message(&mut self) -> Result<Message, ReplicationError> {
        loop {
            match self.wire.receive(STEP).await? {
                Incoming::Message(Message::ErrorResponse(body)) => {
                    return Err(self.wire.refused(STEP, &body).await);
                }
                Incoming::Message(Message::NoticeResponse(_)) => {}
                Incoming::Message(message) => return Ok(message),
                other => return Err(self.wire.unexpected(STEP, &other)),
            }
        }
    }

    fn password(&self) -> Result<&str, ReplicationError> {
        let password = self.options.password.as_ref().map(ExposeSecret::expose_secret);
        password.ok_or_else(|| self.broken_off("the server asks for a password and none is set"))
    }

    fn allow(&self, wanted: WeakPasswords, name: &str) -> Result<(), ReplicationError> {
        if self.options.weak_passwords >= wanted {
            return Ok(());
        }
        let way = if self.is_encrypted { "" } else { " over a connection without TLS" };
        Err(self.broken_off(&format!(
            "the server asks for {name}{way}, which is not allowed here; give the role a SCRAM-SHA-256 \
             password (password_encryption = scram-sha-256) and use scram-sha-256 in pg_hba.conf"
        )))
    }

    fn broken_off(&self, reason: &str) -> ReplicationError {
        ReplicationError::Login {
            server: self.options.host.to_string(),
            user: self.options.user.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// The `i=` of a server's first SCRAM message (RFC 5802 §5.1).
fn rounds(challenge: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(challenge).ok()?;
    text.split(',').find_map(|part| part.strip_prefix("i="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_of_a_challenge_are_read() {
        assert_eq!(rounds(b"r=abc,s=c2FsdA==,i=4096"), Some(4096));
        assert_eq!(rounds(b"r=abc,s=c2FsdA=="), None);
        assert_eq!(rounds(b"r=abc,s=c2FsdA==,i=99999999999"), None);
    }
}
