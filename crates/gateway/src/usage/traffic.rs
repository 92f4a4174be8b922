//! The bytes of one request and its answer, counted as they pass and told to the meter when both have ended.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::Extensions;
use http_body::{Body as HttpBody, Frame, SizeHint};
use larder_identity::TenantId;

use crate::gate::Gate;

/// What passes; an extension of the request, in which the gate notes whose it is.
#[derive(Clone)]
pub(crate) struct Traffic(Arc<Passing>);

struct Passing {
    gate: Arc<Gate>,
    tenant: OnceLock<TenantId>,
    received: AtomicU64,
    sent: AtomicU64,
}

impl Traffic {
    /// What passes of one request, which is noted in its extensions; nothing where nothing is counted.
    pub(crate) fn begin(gate: &Arc<Gate>, extensions: &mut Extensions) -> Option<Self> {
        if !gate.meter.is_on() {
            return None;
        }
        let traffic = Self(Arc::new(Passing {
            gate: gate.clone(),
            tenant: OnceLock::new(),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
        }));
        extensions.insert(traffic.clone());
        Some(traffic)
    }

    /// The body of the request, counted.
    pub(crate) fn received<B>(&self, body: B) -> Counted<B> {
        Counted { body, passing: self.0.clone(), count: |passing| &passing.received }
    }

    /// The body of the answer, counted.
    pub(crate) fn sent<B>(&self, body: B) -> Counted<B> {
        Counted { body, passing: self.0.clone(), count: |passing| &passing.sent }
    }

    /// Notes whose request it is.
    pub(crate) fn belongs_to(&self, tenant: &TenantId) {
        let _ = self.0.tenant.set(tenant.clone());
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if let Some(tenant) = self.tenant.get() {
            let (received, sent) = (self.received.load(Ordering::Relaxed), self.sent.load(Ordering::Relaxed));
            self.gate.meter.add_bytes(tenant, received, sent);
        }
    }
}

/// Counts what passes, where anything is counted.
pub(crate) async fn measure(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let Some(traffic) = Traffic::begin(&gate, request.extensions_mut()) else {
        return next.run(request).await;
    };
    let request = request.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(traffic.received(body)),
    });
    let response = next.run(request).await;
    response.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(traffic.sent(body)),
    })
}

/// A body whose bytes are counted.
pub(crate) struct Counted<B> {
    body: B,
    passing: Arc<Passing>,
    count: fn(&Passing) -> &AtomicU64,
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Counted<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            (self.count)(&self.passing).fetch_add(data.len() as u64, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
