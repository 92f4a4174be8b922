//! The services behind the gateway: a few HTTP/2 connections to each, one policy, and calls
//! with messages that are already encoded.

mod codec;
mod metadata;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::uri::PathAndQuery;
use larder_certificates::Watched;
use larder_lifecycle::CheckOutcome;
use larder_resilience::{BreakerState, CallError, Policy, classify_status};
use larder_settings::{ResilienceSettings, Settings};
use larder_telemetry::propagation::{InjectLayer, InjectService};
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tower::Layer;

use crate::cache::{Ask, Fetched, Keeping};
use crate::error::{self, GatewayError};
use codec::RawCodec;
pub(crate) use metadata::CallMetadata;
use wire::{CONNECT_TIMEOUT, CONNECTION_WINDOW_BYTES, KEEP_ALIVE_INTERVAL, Plain, STREAM_WINDOW_BYTES, Wire};

/// A connection that passes trace and correlation on and measures its calls.
pub(crate) type Connection = InjectService<Wire>;

/// One service behind the gateway.
pub(crate) struct Upstream {
    pub(crate) name: &'static str,
    connections: Vec<Wire>,
    inject: InjectLayer,
    next: AtomicUsize,
    policy: Policy,
    message_limit_bytes: usize,
}

impl Upstream {
    /// Prepares the connections; they are opened by the first call.
    ///
    /// With certificates, every `https` connection shows ours and wants one of our authority.
    pub(crate) fn new(
        name: &'static str,
        url: &url::Url,
        settings: &Settings,
        certificates: Option<&Arc<Watched>>,
    ) -> Result<Self, GatewayError> {
        let certificates = certificates.filter(|_| url.scheme() == "https");
        let endpoint = endpoint(url, certificates.is_some());
        let endpoint = endpoint.map_err(|source| GatewayError::UpstreamUrl { name, source })?;
        let connections =
            (0..settings.gateway.upstream_connections.max(1)).map(|_| connect(&endpoint, url, certificates));
        let limits = ResilienceSettings {
            total_timeout: settings.gateway.request_timeout,
            ..settings.resilience.clone()
        };
        Ok(Self {
            name,
            connections: connections.collect(),
            inject: InjectLayer::new("gateway"),
            next: AtomicUsize::new(0),
            policy: Policy::new(name, &limits),
            message_limit_bytes: settings.gateway.request_body_limit_bytes,
        })
    }

    /// A service in this very process, at the other end of a pipe.
    pub(crate) fn in_this_process(name: &'static str, pipe: Channel, settings: &Settings) -> Self {
        let limits = ResilienceSettings {
            total_timeout: settings.gateway.request_timeout,
            ..settings.resilience.clone()
        };
        Self {
            name,
            connections: vec![Wire::Channel(pipe)],
            inject: InjectLayer::new("gateway"),
            next: AtomicUsize::new(0),
            policy: Policy::new(name, &limits),
            message_limit_bytes: settings.gateway.request_body_limit_bytes,
        }
    }

    /// The next connection in turn.
    pub(crate) fn connection(&self) -> Connection {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        self.inject.layer(self.connections[turn].clone())
    }

    /// The policy that every call goes through.
    pub(crate) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What the breaker would do with a call now.
    pub(crate) fn breaker_state(&self) -> BreakerState {
        self.policy.breaker_state()
    }

    /// Calls an RPC that takes one message and gives one.
    pub(crate) async fn unary(&self, call: &UpstreamCall) -> Result<Bytes, Status> {
        Ok(self.fetch(call, None).await?.message)
    }

    /// The same for the cache: nothing is sent before the answer is awaited, and tries that fail
    /// are told.
    pub(crate) fn ask(self: &Arc<Self>, call: UpstreamCall) -> Ask {
        let (teller, failing) = watch::channel(false);
        let upstream = self.clone();
        let answer = async move { upstream.fetch(&call, Some(&teller)).await };
        Ask { answer: answer.boxed(), failing }
    }

    async fn fetch(
        &self,
        call: &UpstreamCall,
        teller: Option<&watch::Sender<bool>>,
    ) -> Result<Fetched, Status> {
        let answer = self.policy.call(
            Some(call.deadline),
            call.idempotent,
            |attempt| async move {
                let attempted = Attempted(teller);
                let mut client = self.client().await?;
                let request = self.request(call, attempt.timeout);
                let response = client.unary(request, call.path.clone(), RawCodec).await?;
                attempted.succeeded();
                let keeping = keeping_of(response.metadata());
                Ok(Fetched { message: response.into_inner(), keeping })
            },
            classify_status,
        );
        answer.await.map_err(|refusal| self.status_of(refusal))
    }

    /// Calls an RPC that takes one message and gives a stream. The deadline is for the answer
    /// to begin; the stream itself lasts as long as both sides want it.
    pub(crate) async fn server_streaming(&self, call: &UpstreamCall) -> Result<Streaming<Bytes>, Status> {
        let answer = self.policy.call(
            Some(call.deadline),
            call.idempotent,
            |_| async move {
                let mut client = self.client().await?;
                let mut request = Request::new(call.message.clone());
                *request.metadata_mut() = call.metadata.to_metadata_map(call.stream_timeout);
                let response = client.server_streaming(request, call.path.clone(), RawCodec).await?;
                Ok(response.into_inner())
            },
            classify_status,
        );
        answer.await.map_err(|refusal| self.status_of(refusal))
    }

    /// What a client is told when a call gave no answer.
    pub(crate) fn status_of(&self, refusal: CallError<Status>) -> Status {
        let retry_after = refusal.retry_after();
        match refusal {
            CallError::Inner(status) => error::from_upstream(self.name, status),
            CallError::Timeout => error::upstream_timeout(self.name),
            CallError::BreakerOpen { .. } | CallError::BulkheadFull => {
                error::upstream_unavailable(self.name, retry_after)
            }
        }
    }

    /// Asks the service how it is.
    pub(crate) async fn check(&self) -> CheckOutcome {
        if self.breaker_state() == BreakerState::Open {
            return CheckOutcome::unhealthy("calls fail and are held back");
        }
        let answer = async {
            let path = PathAndQuery::from_static("/grpc.health.v1.Health/Check");
            self.client().await?.unary(Request::new(Bytes::new()), path, RawCodec).await
        };
        match answer.await {
            // HealthCheckResponse { status: SERVING }
            Ok(response) if response.get_ref().as_ref() == [8, 1] => CheckOutcome::healthy(),
            Ok(_) => CheckOutcome::degraded("does not want requests"),
            // It answers; it only has no such service.
            Err(status) if status.code() == Code::Unimplemented => CheckOutcome::healthy(),
            Err(_) => CheckOutcome::unhealthy("cannot be reached"),
        }
    }

    async fn client(&self) -> Result<Grpc<Connection>, Status> {
        let mut client = Grpc::new(self.connection())
            .max_decoding_message_size(self.message_limit_bytes)
            .max_encoding_message_size(usize::MAX);
        client.ready().await?;
        Ok(client)
    }

    fn request(&self, call: &UpstreamCall, timeout: Duration) -> Request<Bytes> {
        let mut request = Request::new(call.message.clone());
        *request.metadata_mut() = call.metadata.to_metadata_map(Some(timeout));
        request
    }
}

/// One call as the HTTP side makes it.
pub(crate) struct UpstreamCall {
    pub(crate) path: PathAndQuery,
    pub(crate) message: Bytes,
    pub(crate) metadata: CallMetadata,
    pub(crate) deadline: Instant,
    /// How long a stream may last, when the client says so.
    pub(crate) stream_timeout: Option<Duration>,
    pub(crate) idempotent: bool,
}

/// One try; tells when it ends without an answer, also when it is cut off.
struct Attempted<'a>(Option<&'a watch::Sender<bool>>);

impl Attempted<'_> {
    fn succeeded(mut self) {
        self.0 = None;
    }
}

impl Drop for Attempted<'_> {
    fn drop(&mut self) {
        if let Some(teller) = self.0 {
            teller.send_replace(true);
        }
    }
}

/// What the service says of keeping its answer, in the words of HTTP.
fn keeping_of(metadata: &MetadataMap) -> Keeping {
    match metadata.get("cache-control").and_then(|value| value.to_str().ok()) {
        Some(told) if told.contains("no-store") => Keeping::Forbidden,
        Some(told) if told.contains("no-cache") => Keeping::LastGood,
        _ => Keeping::Allowed,
    }
}

fn connect(endpoint: &Endpoint, url: &url::Url, certificates: Option<&Arc<Watched>>) -> Wire {
    if let Some(certificates) = certificates {
        return Wire::Channel(larder_certificates::channel(endpoint, url, certificates.clone()));
    }
    match Plain::to(url) {
        Some(plain) => Wire::Plain(Arc::new(plain)),
        None => Wire::Channel(endpoint.connect_lazy()),
    }
}

fn endpoint(url: &url::Url, has_certificates: bool) -> Result<Endpoint, tonic::transport::Error> {
    let endpoint = match has_certificates {
        true => larder_certificates::endpoint(url)?,
        false => Endpoint::from_shared(url.to_string())?,
    };
    let endpoint = endpoint
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    if url.scheme() == "https" && !has_certificates {
        return endpoint.tls_config(ClientTlsConfig::new().with_native_roots());
    }
    Ok(endpoint)
}
