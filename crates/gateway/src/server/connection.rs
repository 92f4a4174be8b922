//! One connection from its first byte to its end. Who says nothing is let go, and so is who has not asked for long; one that is
//! old is told to come back on another, so that clients spread over the gateways there are by then.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body::Body as HttpBody;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use larder_lifecycle::Shutdown;
use larder_settings::GatewaySettings;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};
use tower::{Service, ServiceExt};

use crate::metrics::{self, Ended};
use crate::peer::Peer;

/// A client has this long to say its first byte.
const FIRST_BYTE: Duration = Duration::from_secs(10);
/// Enough to hold a first byte; whatever is read beside it passes the buffer by.
const BUFFER_BYTES: usize = 32;
/// Ages lie apart by up to this part of the greatest, so that clients that came together do not leave together.
const SPREAD: u32 = 10;

/// How old connections become.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ages {
    /// Then a client is told to come back on another connection.
    oldest: Duration,
    /// So long may calls that are still running take then.
    grace: Duration,
    /// So long may a client ask for nothing.
    idle: Duration,
}

/// What it takes to serve one.
pub(super) struct Connection<S> {
    pub(super) builder: Builder<TokioExecutor>,
    pub(super) service: S,
    pub(super) ages: Ages,
    /// Triggered when the gateway stops.
    pub(super) ending: Shutdown,
}

impl Ages {
    pub(crate) fn new(settings: &GatewaySettings) -> Self {
        Self {
            oldest: settings.connection_max_age,
            grace: settings.connection_grace,
            idle: settings.connection_idle,
        }
    }

    /// Those of one client: a little less than the greatest, by its port.
    pub(super) fn of(self, peer: Peer) -> Self {
        let less = self.oldest / SPREAD * u32::from(peer.0.port() % 1_000) / 1_000;
        Self { oldest: self.oldest - less, ..self }
    }
}

impl<S, B> Connection<S>
where
    S: Service<http::Request<Incoming>, Response = http::Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
    B: HttpBody<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    /// Serves it to its end.
    pub(super) async fn talk<I>(self, stream: I)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { builder, service, ages, ending } = self;
        let mut stream = BufReader::with_capacity(BUFFER_BYTES, stream);
        tokio::select! {
            () = ending.wait() => return,
            first = tokio::time::timeout(FIRST_BYTE, stream.fill_buf()) => match first {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return tracing::debug!(error = %error, "connection ended before its first byte"),
                Err(_) => return metrics::count_ended_connection(Ended::Silent),
            },
        }
        let asked = Arc::new(AtomicU64::new(0));
        let counted = asked.clone();
        let service = service.map_request(move |request: http::Request<Incoming>| {
            counted.fetch_add(1, Ordering::Relaxed);
            request
        });
        let serving = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let mut serving = pin!(serving.into_owned());
        let reason = tokio::select! {
            ended = serving.as_mut() => return told(ended),
            () = ending.wait() => None,
            () = tokio::time::sleep(ages.oldest) => Some(Ended::Old),
            () = nothing_asked(&asked, ages.idle) => Some(Ended::Idle),
        };
        serving.as_mut().graceful_shutdown();
        let Some(reason) = reason else { return told(serving.await) };
        metrics::count_ended_connection(reason);
        tokio::select! {
            ended = serving.as_mut() => told(ended),
            () = tokio::time::sleep(ages.grace) => metrics::count_ended_connection(Ended::Cut),
        }
    }
}

/// Waits until so long no request has come.
async fn nothing_asked(asked: &AtomicU64, idle: Duration) {
    let mut before = asked.load(Ordering::Relaxed);
    loop {
        tokio::time::sleep(idle).await;
        let now = asked.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

fn told(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(error = %error, "connection ended early");
    }
}
