//! Where a server is and how to speak to it, read from the same address that the rest of Larder
//! uses: `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=…`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::ReplicationError;

const DEFAULT_PORT: u16 = 5432;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SILENCE_LIMIT: Duration = Duration::from_secs(60);

/// Where the server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Host {
    /// A name or an address.
    Tcp {
        /// What is looked up and, with `verify-full`, compared with the certificate.
        name: String,
        /// The port.
        port: u16,
    },
    /// A folder with the socket of `port` in it.
    Unix {
        /// The folder.
        folder: PathBuf,
        /// Part of the socket's name.
        port: u16,
    },
}

impl Host {
    pub(crate) fn socket_path(folder: &Path, port: u16) -> PathBuf {
        folder.join(format!(".s.PGSQL.{port}"))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { name, port } => write!(formatter, "{name}:{port}"),
            Self::Unix { folder, port } => {
                write!(formatter, "{}", Self::socket_path(folder, *port).display())
            }
        }
    }
}

/// When to speak TLS, and whom to believe. Sockets of the same machine never use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum TlsMode {
    /// Never.
    Disable,
    /// When the server can. Anybody on the way can see to it that it cannot.
    #[default]
    Prefer,
    /// Always, with whatever certificate the server has.
    Require,
    /// Always, with a certificate of a known authority.
    VerifyCa,
    /// Always, with a certificate of a known authority for this very host.
    VerifyFull,
}

/// Which ways of showing a password are allowed besides SCRAM-SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum WeakPasswords {
    /// None.
    #[default]
    Refuse,
    /// MD5, which shows whoever listens enough to log in.
    Md5,
    /// MD5, and the password itself when the server asks for it.
    Cleartext,
}

/// Everything a connection needs to know.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// Where the server is.
    pub host: Host,
    /// The role to log in with; it needs `REPLICATION` for a connection that replicates.
    pub user: String,
    /// Its password, when the server asks for one.
    pub password: Option<SecretString>,
    /// A database, for a connection that can answer SQL beside replication commands.
    pub database: Option<String>,
    /// Whether the connection takes replication commands; one that does not needs a database, and takes
    /// none of the server's places for those who replicate.
    pub replicates: bool,
    /// What the server's views and logs call this connection.
    pub application_name: String,
    /// When to speak TLS.
    pub tls: TlsMode,
    /// The authorities to believe (PEM); `None` believes those of the system.
    pub root_certificates: Option<PathBuf>,
    /// A certificate and its key to show the server (PEM).
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Whether SCRAM must be bound to the TLS connection, so that nobody can sit in between.
    pub require_channel_binding: bool,
    /// What else than SCRAM is allowed.
    pub weak_passwords: WeakPasswords,
    /// How long looking up, connecting, TLS and logging in may take together.
    pub connect_limit: Duration,
    /// How long the server may be silent before it counts as lost.
    pub silence_limit: Duration,
}

impl ConnectOptions {
    /// For a server without a password, as the private cluster's socket is.
    pub fn new(host: Host, user: &str) -> Self {
        Self {
            host,
            user: user.to_owned(),
            password: None,
            database: None,
            replicates: true,
            application_name: "larder backup".to_owned(),
            tls: TlsMode::default(),
            root_certificates: None,
            client_certificate: None,
            require_channel_binding: false,
            weak_passwords: WeakPasswords::default(),
            connect_limit: CONNECT_LIMIT,
            silence_limit: SILENCE_LIMIT,
        }
    }

    /// Reads an address. For a socket the host is its folder, percent-encoded, or `?host=/folder`.
    /// The path's database is left out: see [`ConnectOptions::database`].
    ///
    /// # Errors
    /// [`ReplicationError::Address`] names the part that is wrong, never the password.
    pub fn from_url(address: &SecretString) -> Result<Self, ReplicationError> {
        let url = Url::parse(address.expose_secret()).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(wrong(format!("its scheme is {:?}, not postgres", url.scheme())));
        }
        let named = decode(url.host_str().unwrap_or_default())?;
        let host = host(&named, url.port().unwrap_or(DEFAULT_PORT));
        let mut options = Self::new(host, &decode(url.username())?);
        options.password = url.password().map(decode).transpose()?.map(SecretString::from);
        for (key, value) in url.query_pairs() {
            options.apply(&key, &value)?;
        }
        if options.user.is_empty() {
            return Err(wrong("it names no user"));
        }
        Ok(options)
    }

    /// Parameters of other drivers mean nothing here and are passed over.
    fn apply(&mut self, key: &str, value: &str) -> Result<(), ReplicationError> {
        match key {
            "user" => value.clone_into(&mut self.user),
            "password" => self.password = Some(SecretString::from(value.to_owned())),
            "host" => self.host = host(value, self.port()),
            "port" => self.set_port(value.parse().map_err(|_| wrong("port is no number"))?),
            "sslmode" => self.tls = tls_mode(value)?,
            "sslrootcert" if value == "system" => self.root_certificates = None,
            "sslrootcert" => self.root_certificates = Some(PathBuf::from(value)),
            "sslcert" => self.client_certificate.get_or_insert_default().0 = PathBuf::from(value),
            "sslkey" => self.client_certificate.get_or_insert_default().1 = PathBuf::from(value),
            "channel_binding" => self.require_channel_binding = value == "require",
            _ => {}
        }
        Ok(())
    }

    fn port(&self) -> u16 {
        match self.host {
            Host::Tcp { port, .. } | Host::Unix { port, .. } => port,
        }
    }

    fn set_port(&mut self, new: u16) {
        match &mut self.host {
            Host::Tcp { port, .. } | Host::Unix { port, .. } => *port = new,
        }
    }
}

fn host(named: &str, port: u16) -> Host {
    if named.starts_with('/') {
        return Host::Unix { folder: PathBuf::from(named), port };
    }
    let bare = named.trim_start_matches('[').trim_end_matches(']');
    let name = if bare.is_empty() { "localhost" } else { bare };
    Host::Tcp { name: name.to_owned(), port }
}

fn tls_mode(value: &str) -> Result<TlsMode, ReplicationError> {
    match value {
        "disable" => Ok(TlsMode::Disable),
        "allow" | "prefer" => Ok(TlsMode::Prefer),
        "require" => Ok(TlsMode::Require),
        "verify-ca" => Ok(TlsMode::VerifyCa),
        "verify-full" => Ok(TlsMode::VerifyFull),
        other => Err(wrong(format!(
            "sslmode is {other:?}, not one of disable, prefer, require, verify-ca, verify-full"
        ))),
    }
}

fn wrong(reason: impl Into<String>) -> ReplicationError {
    ReplicationError::Address(reason.into())
}

fn decode(text: &str) -> Result<String, ReplicationError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'%' => {
                let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let pair = digit(rest.next()).zip(digit(rest.next()));
                let value = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                value.ok_or_else(|| wrong("a % is not followed by two hexadecimal digits"))?
            }
            plain => plain,
        };
        bytes.push(decoded);
    }
    String::from_utf8(bytes).map_err(|_| wrong("a part of it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> Result<ConnectOptions, ReplicationError> {
        ConnectOptions::from_url(&SecretString::from(address.to_owned()))
    }

    #[test]
    fn an_address_is_read_whole() {
        let options =
            read("postgres://ba%63kup:p%40ss@db.example:5433/larder?sslmode=verify-full&sslrootcert=/ca.pem")
                .unwrap();
        assert_eq!(options.host, Host::Tcp { name: "db.example".to_owned(), port: 5433 });
        assert_eq!(options.user, "backup");
        assert_eq!(options.password.unwrap().expose_secret(), "p@ss");
        assert_eq!(options.tls, TlsMode::VerifyFull);
        assert_eq!(options.root_certificates, Some(PathBuf::from("/ca.pem")));
        assert_eq!(options.database, None);
    }

    #[test]
    fn a_socket_is_a_folder_and_a_port() {
        for address in [
            "postgres://postgres@%2Frun%2Flarder:5432/larder?sslmode=disable",
            "postgres:///larder?host=/run/larder&user=postgres",
        ] {
            let options = read(address).unwrap();
            assert_eq!(options.host, Host::Unix { folder: "/run/larder".into(), port: 5432 }, "{address}");
            assert_eq!(options.host.to_string(), "/run/larder/.s.PGSQL.5432");
        }
    }

    #[test]
    fn a_wrong_address_is_named_without_its_password() {
        for address in [
            "mysql://u:hunter2@db/x",
            "postgres://:hunter2@db/x",
            "postgres://u:hunter2@db/x?sslmode=maybe",
            "postgres://u:hunter2%zz@db/x",
            "postgres://u:hunter2@db:99999/x",
        ] {
            let error = read(address).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let options = read("postgres://u:hunter2@db/x").unwrap();
        assert!(!format!("{options:?}").contains("hunter2"));
    }

    #[test]
    fn an_ipv6_address_loses_its_brackets() {
        let options = read("postgres://u@[::1]:5433/x").unwrap();
        assert_eq!(options.host, Host::Tcp { name: "::1".to_owned(), port: 5433 });
    }
}
