//! Log lines on standard output: one JSON object a line, or words for people. Ids of the request stand at the top
//! level of every line, with the event's dotted fields beside them.

mod fields;
mod filter;
mod json;
mod pretty;
mod span_ids;
mod writer;

use std::cell::RefCell;

use jiff::Timestamp;
use larder_settings::LogFormat;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::context::RequestContext;
use crate::init::ServiceIdentity;
use crate::propagation;

pub(crate) use filter::{ExportFilter, Gate, LogFilter};
use span_ids::SpanIds;
pub use writer::LogWriter;

/// Writes events; see [`LogFilter`] for which.
pub(crate) struct LogLayer {
    identity: ServiceIdentity,
    format: LogFormat,
    writer: LogWriter,
}

impl LogLayer {
    pub(crate) fn new(identity: ServiceIdentity, format: LogFormat, writer: LogWriter) -> Self {
        Self { identity, format, writer }
    }
}

/// The ids that a line carries.
#[derive(Default)]
struct LineIds {
    service: Option<&'static str>,
    trace: Option<(opentelemetry::TraceId, opentelemetry::SpanId)>,
    correlation_id: Option<String>,
    tenant_id: Option<String>,
}

thread_local! {
    static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl<S> Layer<S> for LogLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut ids = SpanIds::default();
        attributes.record(&mut ids);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(ids);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(ids) = span.extensions_mut().get_mut::<SpanIds>()
        {
            values.record(ids);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let ids = line_ids(event, &context);
        let now = now();
        // The line in the making is taken out, so that a value that logs while it is formatted finds an empty one.
        let mut line = LINE.try_with(RefCell::take).unwrap_or_default();
        line.clear();
        match self.format {
            LogFormat::Json => json::write(&mut line, event, &ids, (now, &self.identity)),
            LogFormat::Pretty => pretty::write(&mut line, event, &ids, (now, self.writer.is_coloured())),
        }
        self.writer.write_line(&line, *event.metadata().level() <= Level::WARN);
        let _ = LINE.try_with(|kept| kept.replace(line));
    }
}

#[expect(clippy::disallowed_methods, reason = "a line tells when it was written, and this is where it is")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn line_ids<S>(event: &Event<'_>, context: &Context<'_, S>) -> LineIds
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let mut ids = LineIds::default();
    RequestContext::with_current(|request| {
        ids.service = Some(request.service());
        ids.correlation_id = Some(request.correlation_id().to_string());
        ids.tenant_id = request.tenant().map(str::to_owned);
        let span = request.span_context();
        ids.trace = Some((span.trace_id(), span.span_id()));
    });
    if let Some(span) = propagation::current_span_context() {
        ids.trace = Some((span.trace_id(), span.span_id()));
    }
    for span in context.event_scope(event).into_iter().flatten() {
        if let Some(of_span) = span.extensions().get::<SpanIds>() {
            of_span.fill(&mut ids);
        }
    }
    ids
}
