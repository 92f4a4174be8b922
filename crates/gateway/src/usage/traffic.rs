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
    if !gate.meter.is_on() {
        return next.run(request).await;
    }
    let passing = Arc::new(Passing {
        gate,
        tenant: OnceLock::new(),
        received: AtomicU64::new(0),
        sent: AtomicU64::new(0),
    });
    request.extensions_mut().insert(Traffic(passing.clone()));
    let received = passing.clone();
    let request = request.map(|body| counted(body, received, |passing| &passing.received));
    let response = next.run(request).await;
    response.map(|body| counted(body, passing, |passing| &passing.sent))
}

fn counted(body: Body, passing: Arc<Passing>, count: fn(&Passing) -> &AtomicU64) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Counted { body, passing, count })
}

struct Counted {
    body: Body,
    passing: Arc<Passing>,
    count: fn(&Passing) -> &AtomicU64,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
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
