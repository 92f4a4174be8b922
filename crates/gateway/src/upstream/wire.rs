//! The wire to a service. Without TLS it is bare HTTP/2: the usual channel has a queue and a task between a call and the
//! connection, which take as much as all that the gateway does itself.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

/// How long a service may take to be connected to.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
pub(super) const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(20);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);
pub(super) const STREAM_WINDOW_BYTES: u32 = 1 << 20;
pub(super) const CONNECTION_WINDOW_BYTES: u32 = 8 << 20;

/// One connection to a service.
#[derive(Clone)]
pub(crate) enum Wire {
    Plain(Arc<Plain>),
    /// Over TLS, or a pipe within this process.
    Channel(Channel),
}

/// Bare HTTP/2, opened by the first call and again whenever it has ended.
pub(crate) struct Plain {
    authority: Authority,
    host: String,
    port: u16,
    open: Mutex<Option<SendRequest<Body>>>,
    /// Held by whoever connects.
    connecting: tokio::sync::Mutex<()>,
    /// How often somebody tried to connect.
    tries: AtomicU64,
}

impl Plain {
    /// To the service at an `http` address; nothing when it is none.
    pub(super) fn to(url: &url::Url) -> Option<Self> {
        let uri: Uri = url.as_str().parse().ok()?;
        let authority = uri.authority().filter(|_| uri.scheme() == Some(&Scheme::HTTP))?.clone();
        // An IPv6 address stands in brackets, which the resolver does not know.
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        let port = authority.port_u16().unwrap_or(80);
        Some(Self {
            authority,
            host,
            port,
            open: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
            tries: AtomicU64::new(0),
        })
    }

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, Status> {
        *request.uri_mut() = self.address_of(request.uri())?;
        let mut sender = self.sender().await?;
        let failure = match sender.try_send_request(request).await {
            Ok(response) => return Ok(response.map(Body::new)),
            Err(failure) => failure,
        };
        let mut failure = failure;
        // What was never sent, since the connection was about to end, goes over a new one.
        let Some(request) = failure.take_message() else {
            return Err(Status::from_error(failure.into_error().into()));
        };
        self.forget();
        let answer = self.sender().await?.send_request(request).await;
        answer.map(|response| response.map(Body::new)).map_err(|error| Status::from_error(error.into()))
    }

    fn address_of(&self, asked: &Uri) -> Result<Uri, Status> {
        let path = asked.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let address =
            Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone()).path_and_query(path);
        address.build().map_err(|error| Status::internal(error.to_string()))
    }

    async fn sender(&self) -> Result<SendRequest<Body>, Status> {
        if let Some(sender) = self.kept() {
            return Ok(sender);
        }
        let tries = self.tries.load(Ordering::Relaxed);
        let _turn = self.connecting.lock().await;
        if let Some(sender) = self.kept() {
            return Ok(sender);
        }
        // Who waited for somebody that failed does not fail for as long once more.
        if self.tries.load(Ordering::Relaxed) != tries {
            return Err(not_connected("somebody else tried just now"));
        }
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.connect()).await;
        self.tries.fetch_add(1, Ordering::Relaxed);
        let sender = match connected {
            Ok(Ok(sender)) => sender,
            Ok(Err(error)) => return Err(not_connected(error)),
            Err(_) => return Err(not_connected("it takes too long")),
        };
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
        Ok(sender)
    }

    fn kept(&self) -> Option<SendRequest<Body>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.as_ref().filter(|sender| !sender.is_closed()).cloned()
    }

    fn forget(&self) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn connect(&self) -> Result<SendRequest<Body>, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEP_ALIVE_INTERVAL)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .handshake(TokioIo::new(stream))
            .await?;
        // It ends with the last sender; what went wrong on the way, the calls tell.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

/// A refusal made up on this side, which is known by its source.
fn not_connected(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Status {
    let mut status = Status::unavailable("cannot connect");
    status.set_source(Arc::from(cause.into()));
    status
}

impl Service<Request<Body>> for Wire {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Status>> {
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Channel(channel) => {
                channel.poll_ready(task).map_err(|error| Status::from_error(error.into()))
            }
        }
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self {
            Self::Plain(plain) => {
                let plain = plain.clone();
                Box::pin(async move { plain.send(request).await })
            }
            Self::Channel(channel) => {
                let answer = channel.call(request);
                Box::pin(async move { answer.await.map_err(|error| Status::from_error(error.into())) })
            }
        }
    }
}
