//! Carrying the correlation id and the trace to the next service.

use http::HeaderMap;
use opentelemetry::trace::TraceContextExt;

use crate::context::RequestContext;
use crate::{names, trace_parent};

pub use crate::rpc_client::{InjectLayer, InjectService};

/// Puts `traceparent`, `tracestate` and `x-correlation-id` of the current request into the headers of an outgoing
/// call. Outside a request nothing is put.
pub fn inject(headers: &mut HeaderMap) {
    let span_context = current_span_context();
    RequestContext::with_current(|context| {
        headers.insert(names::CORRELATION_ID_HEADER, context.correlation_id().header_value());
        if span_context.is_none() {
            trace_parent::inject(context.span_context(), headers);
        }
    });
    if let Some(span_context) = span_context {
        trace_parent::inject(&span_context, headers);
    }
}

/// The span of the current task, when it is in one that is exported.
pub(crate) fn current_span_context() -> Option<opentelemetry::trace::SpanContext> {
    opentelemetry::Context::map_current(|context| {
        context.has_active_span().then(|| context.span().span_context().clone())
    })
}
