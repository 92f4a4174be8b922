//! The listener: HTTP/1.1 and HTTP/2 on one port, over TLS where there is a certificate, with limits on slow and silent clients, and
//! an end that lets requests in flight finish.

mod connection;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use larder_certificates::Watched;
use larder_lifecycle::Shutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, Service};

use crate::peer::Peer;
pub(crate) use connection::Ages;
use connection::Connection;

/// A client has this long to send the head of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
const STREAMS_PER_CONNECTION: u32 = 1024;
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;
const HEADERS_LIMIT_BYTES: u32 = 32 * 1024;
/// How long to wait after the system refuses a connection, for want of file handles say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` is done, then says good-bye to every client and waits for them. The
/// caller bounds that wait by dropping the future.
pub(crate) async fn serve<S, B>(
    listener: TcpListener,
    tls: Option<Arc<Watched>>,
    ages: Ages,
    service: S,
    stop: impl Future<Output = ()>,
) where
    S: Service<http::Request<Incoming>, Response = http::Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let builder = builder();
    let ending = Shutdown::new();
    let mut connections = tokio::task::JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let (stream, peer) = match accepted {
            Ok((stream, peer)) => (stream, Peer(peer)),
            Err(error) => {
                tracing::warn!(error = %error, "connection cannot be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = Connection {
            builder: builder.clone(),
            service: Extension(peer).layer(service.clone()),
            ages: ages.of(peer),
            ending: ending.clone(),
        };
        match tls.clone() {
            None => connections.spawn(connection.talk(prepare(stream))),
            // Hands are shaken beside the others, so that a slow client holds up nobody.
            Some(tls) => connections.spawn(async move {
                match tls.shake_hands(stream).await {
                    Ok(stream) => connection.talk(stream).await,
                    Err(error) => tracing::debug!(error = %error, "no TLS with this client"),
                }
            }),
        };
    }
    drop(listener);
    ending.trigger();
    while connections.join_next().await.is_some() {}
}

fn prepare(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "nodelay cannot be set");
    }
    stream
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).pipeline_flush(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .max_concurrent_streams(STREAMS_PER_CONNECTION)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_header_list_size(HEADERS_LIMIT_BYTES);
    builder
}
