//! A way to a real server that can be cut and mended: what a pulled cable looks like to a
//! client, without stopping a server that other tests share.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A TCP relay on a port of its own.
pub struct NetworkCut {
    address: SocketAddr,
    is_open: watch::Sender<bool>,
}

impl NetworkCut {
    /// Relays to `upstream` until it is cut or dropped.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (is_open, watcher) = watch::channel(true);
        tokio::spawn(relay(listener, upstream, watcher));
        Self { address, is_open }
    }

    /// Where clients connect instead.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops every connection and every new one at once.
    pub fn cut(&self) {
        self.is_open.send_replace(false);
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.is_open.send_replace(true);
    }
}

async fn relay(listener: TcpListener, upstream: SocketAddr, mut is_open: watch::Receiver<bool>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // The owner is gone: the way ends with it.
            () = closed(is_open.clone()) => return,
        };
        let Ok((client, _)) = accepted else { continue };
        if *is_open.borrow_and_update() {
            tokio::spawn(carry(client, upstream, is_open.clone()));
        }
    }
}

async fn carry(mut client: TcpStream, upstream: SocketAddr, mut is_open: watch::Receiver<bool>) {
    let Ok(mut server) = TcpStream::connect(upstream).await else { return };
    tokio::select! {
        _ended = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        _cut = is_open.wait_for(|is_open| !is_open) => {}
    }
}

async fn closed(mut is_open: watch::Receiver<bool>) {
    while is_open.changed().await.is_ok() {}
}
