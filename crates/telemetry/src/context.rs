//! What is known about the request a task works for: service, correlation id, trace, tenant. Log lines and outgoing
//! calls read it, so ids are there even when the request is not sampled and has no span.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use opentelemetry::trace::SpanContext;

use crate::correlation::CorrelationId;

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// Shared facts of one request. The layers make it; a spawned task inherits it only through [`RequestContext::scope`].
#[derive(Clone, Debug)]
pub struct RequestContext(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    service: &'static str,
    correlation_id: CorrelationId,
    span_context: SpanContext,
    sampled: bool,
    tenant: OnceLock<Box<str>>,
    error_counted: AtomicBool,
}

impl RequestContext {
    /// A context for work that no request caused, such as a scheduled job. Its spans are sampled one root at a time.
    pub fn for_job(service: &'static str) -> Self {
        let correlation_id = CorrelationId::generate();
        Self::new(service, correlation_id, crate::sampling::unsampled_root(), true)
    }

    pub(crate) fn new(
        service: &'static str,
        correlation_id: CorrelationId,
        span_context: SpanContext,
        sampled: bool,
    ) -> Self {
        let (tenant, error_counted) = (OnceLock::new(), AtomicBool::new(false));
        Self(Arc::new(Facts { service, correlation_id, span_context, sampled, tenant, error_counted }))
    }

    /// The context of the current task, to carry into a spawned one.
    pub fn current() -> Option<Self> {
        Self::with_current(Clone::clone)
    }

    /// Tells every later log line of this request whose it is. The first call wins; outside a request nothing happens.
    pub fn set_tenant(tenant_id: &str) {
        Self::with_current(|context| context.0.tenant.get_or_init(|| tenant_id.into()).len());
    }

    /// Runs `work` with this context as the current one.
    pub fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// Which service answers.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// The request's correlation id.
    pub fn correlation_id(&self) -> &CorrelationId {
        &self.0.correlation_id
    }

    /// The tenant, once [`RequestContext::set_tenant`] was called.
    pub fn tenant(&self) -> Option<&str> {
        self.0.tenant.get().map(AsRef::as_ref)
    }

    pub(crate) fn span_context(&self) -> &SpanContext {
        &self.0.span_context
    }

    pub(crate) fn is_sampled(&self) -> bool {
        self.0.sampled
    }

    /// True for the first caller alone, so that an error handled on two floors is counted once.
    pub(crate) fn claim_error(&self) -> bool {
        !self.0.error_counted.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn with_current<T>(read: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(read).ok()
    }

    pub(crate) fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        CURRENT.sync_scope(self.clone(), work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_tenant_is_seen_by_the_whole_request_and_set_once() {
        let context = RequestContext::for_job("test");
        let outside = context.clone();
        context
            .scope(async {
                RequestContext::set_tenant("demo");
                RequestContext::set_tenant("other");
            })
            .await;
        assert_eq!(outside.tenant(), Some("demo"));
        assert!(RequestContext::current().is_none());
    }

    #[test]
    fn an_error_is_claimed_once() {
        let context = RequestContext::for_job("test");
        assert!(context.claim_error());
        assert!(!context.claim_error());
    }
}
