//! A way to a service that goes wrong as it is told, in the middle of connections too.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// Connections end, and new ones end at once.
    Stopped,
    /// Everything arrives two seconds late.
    Slow,
    /// Connections are there and nothing comes through, either way.
    Silent,
    /// Whatever is asked, the answer is noise.
    Garbage,
}

pub(crate) const FAULTS: [Fault; 4] = [Fault::Stopped, Fault::Slow, Fault::Silent, Fault::Garbage];

/// The way.
pub(crate) struct Relay {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
}

impl Relay {
    pub(crate) async fn before(service: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fault, told) = watch::channel(Fault::None);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, service, told.clone()));
            }
        });
        Self { address, fault }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Old and new connections are like this from now on.
    pub(crate) fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }
}

async fn carry(client: TcpStream, service: SocketAddr, told: watch::Receiver<Fault>) {
    let Ok(server) = TcpStream::connect(service).await else { return };
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let mut ending = told.clone();
    let stopped = async {
        let _ = ending.wait_for(|fault| *fault == Fault::Stopped).await;
    };
    let there = tokio::spawn(pass(from_client, to_server, told.clone(), false));
    let back = tokio::spawn(pass(from_server, to_client, told.clone(), true));
    let (ending_there, ending_back) = (there.abort_handle(), back.abort_handle());
    tokio::select! {
        () = stopped => {}
        _ = there => {}
        _ = back => {}
    }
    ending_there.abort();
    ending_back.abort();
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut told: watch::Receiver<Fault>,
    is_answer: bool,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else { return };
        let fault = *told.borrow();
        match fault {
            Fault::None => {}
            Fault::Stopped => return,
            Fault::Slow => tokio::time::sleep(Duration::from_secs(2)).await,
            Fault::Silent => {
                if told.wait_for(|fault| *fault != Fault::Silent).await.is_err() {
                    return;
                }
            }
            Fault::Garbage if is_answer => {
                for (at, byte) in buffer[..count].iter_mut().enumerate() {
                    *byte = byte.wrapping_mul(31).wrapping_add(at as u8) ^ 0xa5;
                }
            }
            Fault::Garbage => {}
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
