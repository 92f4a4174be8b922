//! A way to an S3 server that goes wrong as it is told: it answers 500, says nothing, or cuts a
//! connection in the middle.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// Every request is answered with status 500.
    Answer500,
    /// Requests are taken and never answered.
    Silence,
    /// A connection ends behind so many bytes of requests.
    CutRequestsBehind(usize),
    /// A connection ends behind so many bytes of answers.
    CutAnswersBehind(usize),
}

/// A relay on a port of its own.
pub(super) struct FaultyWay {
    port: u16,
    fault: watch::Sender<Fault>,
    requests: Arc<Mutex<Vec<u8>>>,
}

impl FaultyWay {
    pub(super) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let (fault, told) = watch::channel(Fault::None);
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = requests.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, told.clone(), heard.clone()));
            }
        });
        Self { port: own, fault, requests }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Everything that clients have sent, as text.
    pub(super) fn requests(&self) -> String {
        String::from_utf8_lossy(&self.requests.lock().unwrap()).to_lowercase()
    }

    /// New and open connections go wrong like this from now on.
    pub(super) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

/// Carries bytes both ways until one side ends or the fault changes, which ends the connection too: a
/// client's pool would keep healthy ones otherwise.
async fn carry(
    mut client: TcpStream,
    port: u16,
    mut told: watch::Receiver<Fault>,
    heard: Arc<Mutex<Vec<u8>>>,
) {
    let fault = *told.borrow_and_update();
    let work = async {
        match fault {
            Fault::Answer500 => answer_500(&mut client).await,
            Fault::Silence => swallow(&mut client).await,
            _ => relay(&mut client, port, fault, &heard).await,
        }
    };
    tokio::select! {
        _ = told.changed() => {}
        _ = work => {}
    }
}

async fn answer_500(client: &mut TcpStream) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    if client.read(&mut request).await? == 0 {
        return Ok(());
    }
    client
        .write_all(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .await?;
    client.shutdown().await?;
    // Closed with bytes unread, the connection would be reset and the answer lost.
    while client.read(&mut request).await? > 0 {}
    Ok(())
}

async fn swallow(client: &mut TcpStream) -> std::io::Result<()> {
    let mut request = vec![0; 64 * 1024];
    while client.read(&mut request).await? > 0 {}
    std::future::pending().await
}

async fn relay(
    client: &mut TcpStream,
    port: u16,
    fault: Fault,
    heard: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let requests = match fault {
        Fault::CutRequestsBehind(bytes) => bytes,
        _ => usize::MAX,
    };
    let answers = match fault {
        Fault::CutAnswersBehind(bytes) => bytes,
        _ => usize::MAX,
    };
    tokio::select! {
        ended = pass(&mut from_client, &mut to_server, requests, |bytes| heard.lock().unwrap().extend_from_slice(bytes)) => ended,
        ended = pass(&mut from_server, &mut to_client, answers, |_| {}) => ended,
    }
}

async fn pass(
    from: &mut (impl AsyncReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
    most: usize,
    mut hear: impl FnMut(&[u8]),
) -> std::io::Result<()> {
    let (mut left, mut buffer) = (most, vec![0; 64 * 1024]);
    loop {
        let count = from.read(&mut buffer).await?.min(left);
        if count == 0 {
            return Ok(());
        }
        hear(&buffer[..count]);
        to.write_all(&buffer[..count]).await?;
        left -= count;
    }
}
