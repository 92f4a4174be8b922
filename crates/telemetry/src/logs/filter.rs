//! Which events become lines and which spans are exported. Spans nobody reads are never made, so that
//! instrumented code costs next to nothing without a collector.

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter, Layer};

use super::span_ids::SpanIds;
use crate::context::RequestContext;
use crate::init::TelemetryError;

/// Whose spans would describe the export itself, and so never end.
const NEVER_EXPORTED: [&str; 5] = ["h2", "hyper", "hyper_util", "tonic", "tower"];

/// Events by target and level, as in `info,larder_gateway=debug`; of spans only those whose ids lines carry.
#[derive(Clone)]
pub(crate) struct LogFilter {
    targets: Targets,
}

impl LogFilter {
    pub(crate) fn parse(directives: &str) -> Result<Self, TelemetryError> {
        // The server's notices ("already exists, skipping") are news to nobody unless asked for.
        let quiet = format!("sqlx::postgres::notice=warn,{directives}");
        let targets = quiet.parse().map_err(|_| TelemetryError::LogFilter(directives.to_owned()))?;
        Ok(Self { targets })
    }

    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        if metadata.is_span() {
            return metadata.fields().iter().any(|field| SpanIds::names(field.name()));
        }
        self.targets.would_enable(metadata.target(), metadata.level())
    }
}

impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }
}

/// Spans of our own code, where the current request is sampled.
pub(crate) struct ExportFilter;

impl ExportFilter {
    fn may_want(metadata: &Metadata<'_>) -> bool {
        let root = metadata.target().split("::").next().unwrap_or_default();
        metadata.is_span() && *metadata.level() <= Level::INFO && !NEVER_EXPORTED.contains(&root)
    }

    fn wants(metadata: &Metadata<'_>) -> bool {
        Self::may_want(metadata) && RequestContext::with_current(RequestContext::is_sampled).unwrap_or(true)
    }
}

impl<S: Subscriber> Filter<S> for ExportFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _context: &Context<'_, S>) -> bool {
        Self::wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::may_want(metadata) { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

/// Stands before both: filters of single layers hide a span from a layer but still let it be made, and this does not.
pub(crate) struct Gate {
    lines: LogFilter,
    exports: bool,
}

impl Gate {
    pub(crate) fn new(lines: LogFilter, exports: bool) -> Self {
        Self { lines, exports }
    }
}

impl<S: Subscriber> Layer<S> for Gate {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.lines.wants(metadata) {
            Interest::always()
        } else if self.exports && ExportFilter::may_want(metadata) {
            Interest::sometimes()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        self.lines.wants(metadata) || (self.exports && ExportFilter::wants(metadata))
    }
}
