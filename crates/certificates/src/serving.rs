//! Accepting connections: hands of TLS are shaken beside each other, each with a limit, so that a client that is slow
//! or speaks something else holds up nobody.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;

use crate::Watched;

/// A client has this long to prove who it is.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Handshakes at once; further clients wait.
const HANDSHAKES: usize = 256;
/// How long to wait after the system refuses a connection, for want of file handles say.
const PAUSE: Duration = Duration::from_millis(50);
/// Connections that are ready and not served yet.
const READY: usize = 64;

/// A connection whose client proved who it is.
pub type Accepted = TlsStream<TcpStream>;

impl Watched {
    /// Connections of `listener`, in the order in which they are ready. Ends the listener when it is dropped.
    pub fn incoming(self: Arc<Self>, listener: TcpListener) -> ReceiverStream<io::Result<Accepted>> {
        let (sender, receiver) = mpsc::channel(READY);
        tokio::spawn(self.accept(listener, sender));
        ReceiverStream::new(receiver)
    }

    async fn accept(self: Arc<Self>, listener: TcpListener, ready: mpsc::Sender<io::Result<Accepted>>) {
        let places = Arc::new(Semaphore::new(HANDSHAKES));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            let accepted = tokio::select! {
                () = ready.closed() => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(error.cause = %error, "connection cannot be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            let (watched, ready) = (self.clone(), ready.clone());
            tokio::spawn(async move {
                let shaken = watched.shake_hands(stream).await;
                drop(place);
                match shaken {
                    Ok(stream) => drop(ready.send(Ok(stream)).await),
                    Err(error) => told(peer, &error),
                }
            });
        }
    }

    /// Shakes hands with one client.
    ///
    /// # Errors
    /// When it speaks no TLS, shows no certificate that is believed, or is too slow.
    pub async fn shake_hands(&self, stream: TcpStream) -> io::Result<Accepted> {
        stream.set_nodelay(true)?;
        let shaking = TlsAcceptor::from(self.server()).accept(stream);
        let late = |_| io::Error::from(io::ErrorKind::TimedOut);
        tokio::time::timeout(HANDSHAKE_LIMIT, shaking).await.map_err(late)?
    }

    /// Opens a connection to a server that the authority vouches for.
    ///
    /// # Errors
    /// When nobody answers there, or somebody who is not who they should be.
    pub async fn connect(
        &self,
        host: &str,
        port: u16,
    ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let other = |cause: &str| io::Error::other(cause.to_owned());
        let client = self.client().ok_or_else(|| other("there is no authority to judge servers by"))?;
        let bare = host.trim_matches(['[', ']']).to_owned();
        let stream = TcpStream::connect((bare.as_str(), port)).await?;
        stream.set_nodelay(true)?;
        let name = rustls::pki_types::ServerName::try_from(bare).map_err(|_| other("its url has no host"))?;
        tokio_rustls::TlsConnector::from(client).connect(name, stream).await
    }
}

fn told(peer: SocketAddr, error: &io::Error) {
    tracing::debug!(client.address = %peer, error.cause = %error, "client was not let in");
}
