//! A way to a real server that can be made slow, silent or closed, and whose connections can be reset: what a bad
//! network looks like from both ends, while both ends stay what they are.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What is read at once.
const PIECE_BYTES: usize = 16 * 1024;
/// So many pieces may be under way in a direction; then the sender has to wait.
const PIECES: usize = 64;

/// How a way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    /// As if it were not there.
    Open,
    /// Every piece of data arrives so much later.
    Slow(Duration),
    /// Connections stay and open, and nothing passes until it is open again.
    Silent,
    /// Connections end, and new ones are reset at once.
    Refusing,
}

/// Where a way leads.
#[derive(Debug, Clone)]
pub(crate) enum End {
    Tcp(SocketAddr),
    Socket(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    condition: Condition,
    /// How often all connections were reset.
    resets: u64,
}

/// The way, on a port of its own; it ends with this value.
#[derive(Debug)]
pub(crate) struct Link {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

impl Link {
    /// Opens a way.
    pub(crate) async fn to(end: End) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (state, watched) = watch::channel(State { condition: Condition::Open, resets: 0 });
        let accepting = tokio::spawn(accept(listener, end, watched));
        Ok(Self { address, state, accepting })
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, condition: Condition) {
        self.state.send_modify(|state| state.condition = condition);
    }

    /// Resets every connection there is.
    pub(crate) fn reset(&self) {
        self.state.send_modify(|state| state.resets += 1);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, end: End, state: watch::Receiver<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else { continue };
        tokio::spawn(connection(client, end.clone(), state.clone()));
    }
}

async fn connection(client: TcpStream, end: End, mut state: watch::Receiver<State>) {
    // Whatever ends this connection but its own two ends, ends it with a reset.
    let _ = client.set_nodelay(true);
    let _ = client.set_zero_linger();
    let at_begin = state.borrow_and_update().resets;
    let carrying = state.clone();
    tokio::select! {
        () = connect_and_carry(client, end, carrying) => {}
        _ended = state.wait_for(|now| now.condition == Condition::Refusing || now.resets != at_begin) => {}
    }
}

async fn connect_and_carry(mut client: TcpStream, end: End, state: watch::Receiver<State>) {
    match end {
        End::Tcp(address) => {
            let Ok(mut server) = TcpStream::connect(address).await else { return };
            let _ = server.set_nodelay(true);
            let (from, to) = (client.split(), server.split());
            both(from, to, state).await;
        }
        End::Socket(path) => {
            let Ok(mut server) = UnixStream::connect(path).await else { return };
            let (from, to) = (client.split(), server.split());
            both(from, to, state).await;
        }
    }
}

async fn both(
    (client_read, client_write): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    (server_read, server_write): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    state: watch::Receiver<State>,
) {
    tokio::join!(carry(client_read, server_write, state.clone()), carry(server_read, client_write, state));
}

/// Carries one direction. What was read is stamped, so that being late does not make it few.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut state: watch::Receiver<State>,
) {
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    let reading = async move {
        let mut buffer = vec![0; PIECE_BYTES];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            if sender.send((Instant::now(), buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((read_at, piece)) = pieces.recv().await {
            let passed = state.wait_for(|now| now.condition != Condition::Silent).await;
            let condition = passed.map_or(Condition::Refusing, |now| now.condition);
            if let Condition::Slow(delay) = condition {
                tokio::time::sleep_until(read_at + delay).await;
            }
            if to.write_all(&piece).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// A server that sends back whatever it gets.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                });
            }
        });
        address
    }

    async fn ask(stream: &mut TcpStream) -> io::Result<Duration> {
        let asked = Instant::now();
        stream.write_all(b"hello").await?;
        let mut answer = [0; 5];
        tokio::time::timeout(LIMIT, stream.read_exact(&mut answer)).await.expect("it ends in time")?;
        assert_eq!(&answer, b"hello");
        Ok(asked.elapsed())
    }

    #[tokio::test]
    async fn a_way_is_open_slow_silent_and_open_again_and_nothing_is_lost() {
        let link = Link::to(End::Tcp(echo().await)).await.unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        ask(&mut stream).await.unwrap();

        link.set(Condition::Slow(Duration::from_millis(60)));
        let took = ask(&mut stream).await.unwrap();
        assert!(took >= Duration::from_millis(120), "both directions are slow: {took:?}");

        link.set(Condition::Silent);
        stream.write_all(b"hello").await.unwrap();
        let mut answer = [0; 5];
        let early = tokio::time::timeout(Duration::from_millis(200), stream.read_exact(&mut answer)).await;
        assert!(early.is_err(), "nothing passes");
        link.set(Condition::Open);
        tokio::time::timeout(LIMIT, stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"hello", "what was on its way arrives");
    }

    #[tokio::test]
    async fn a_reset_ends_every_connection_and_lets_new_ones_in() {
        let link = Link::to(End::Tcp(echo().await)).await.unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        ask(&mut stream).await.unwrap();
        link.reset();
        let error = ask(&mut stream).await.unwrap_err();
        let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        ask(&mut TcpStream::connect(link.address()).await.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_way_that_refuses_ends_what_is_there_and_what_comes() {
        let link = Link::to(End::Tcp(echo().await)).await.unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        ask(&mut stream).await.unwrap();
        link.set(Condition::Refusing);
        assert!(ask(&mut stream).await.is_err());
        let refused = async { ask(&mut TcpStream::connect(link.address()).await?).await };
        assert!(refused.await.is_err());
        link.set(Condition::Open);
        ask(&mut TcpStream::connect(link.address()).await.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn an_end_that_closes_is_told_to_the_other() {
        let link = Link::to(End::Tcp(echo().await)).await.unwrap();
        let mut stream = TcpStream::connect(link.address()).await.unwrap();
        stream.write_all(b"bye").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert_eq!(answer, b"bye");
    }
}
