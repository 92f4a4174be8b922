//! Once a process: install logs, traces, metrics, the panic hook and the error tracker, and take them down again
//! within two seconds, whatever hangs.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use larder_settings::TelemetrySettings;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

use crate::faults::{self, Reporter};
use crate::logs::{ExportFilter, Gate, LogFilter, LogLayer, LogWriter};
use crate::metrics::{self, MetricsHandle};
use crate::panics;
use crate::traces::TracePipeline;

const SHUTDOWN_LIMIT: Duration = Duration::from_secs(2);
/// A little less, so that what is cut off still gets to say so.
const FLUSH_LIMIT: Duration = Duration::from_millis(1800);
const LOG_FLUSH_INTERVAL: Duration = Duration::from_millis(100);
const UPKEEP_EVERY_FLUSHES: u32 = 50;

/// Who is speaking.
#[derive(Clone, Debug)]
pub struct ServiceIdentity {
    /// `gateway`, `recommendation`, …, or `larder` when one process is all of them.
    pub name: &'static str,
    /// The build's version.
    pub version: &'static str,
    /// `development`, `testing`, `staging` or `production`.
    pub environment: String,
    /// Which replica; unique a process.
    pub instance_id: String,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// A second call in one process.
    #[error("telemetry is already set up in this process")]
    AlreadyInitialised,
    /// `telemetry.log_filter` does not parse.
    #[error("telemetry.log_filter: {0:?} is not a list like \"info,larder_gateway=debug\"")]
    LogFilter(String),
    /// `telemetry.sentry_dsn` does not parse. The value is a secret and not repeated.
    #[error("telemetry.sentry_dsn: expected a DSN like https://KEY@HOST/PROJECT")]
    SentryDsn,
    /// `telemetry.otlp_endpoint` cannot be used.
    #[error("telemetry.otlp_endpoint: {0}")]
    Exporter(String),
    /// The operating system gave no thread.
    #[error("no thread for telemetry")]
    Thread(#[source] std::io::Error),
    /// The metrics recorder refused our buckets.
    #[error("metrics recorder")]
    Metrics(#[from] metrics_exporter_prometheus::BuildError),
}

/// Everything [`init`] started.
pub struct Telemetry {
    metrics: MetricsHandle,
    writer: LogWriter,
    traces: Option<TracePipeline>,
    reporter: Option<Arc<Reporter>>,
    /// Dropped to end the maintenance thread.
    _maintenance: Sender<()>,
}

/// Sets up telemetry for the process. Call it once, first thing after the settings are read.
///
/// # Errors
/// When it was called before, or a setting cannot be used.
pub fn init(settings: &TelemetrySettings, identity: ServiceIdentity) -> Result<Telemetry, TelemetryError> {
    let writer = LogWriter::stdout();
    let traces = start_traces(settings, &identity)?;
    let subscriber = subscriber(settings, &identity, writer.clone(), traces.as_ref())?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::AlreadyInitialised)?;
    let metrics = metrics::install(&identity)?;
    let reporter = settings.sentry_dsn.as_ref().map(|dsn| faults::install(dsn, &identity)).transpose()?;
    panics::install_hook(identity.name);
    let maintenance = start_maintenance(writer.clone(), metrics.clone())?;
    Ok(Telemetry { metrics, writer, traces, reporter, _maintenance: maintenance })
}

/// Starts exporting when there is an endpoint.
pub(crate) fn start_traces(
    settings: &TelemetrySettings,
    identity: &ServiceIdentity,
) -> Result<Option<TracePipeline>, TelemetryError> {
    let ratio = settings.trace_sample_ratio;
    let start = |endpoint| TracePipeline::start(endpoint, ratio, identity);
    settings.otlp_endpoint.as_ref().map(start).transpose()
}

/// The subscriber alone, writing to `writer`: what [`init`] installs, and what a test sets for its thread.
///
/// # Errors
/// When the log filter does not parse.
pub fn subscriber(
    settings: &TelemetrySettings,
    identity: &ServiceIdentity,
    writer: LogWriter,
    traces: Option<&TracePipeline>,
) -> Result<impl Subscriber + Send + Sync + use<>, TelemetryError> {
    let filter = LogFilter::parse(&settings.log_filter)?;
    let gate = Gate::new(filter.clone(), traces.is_some());
    let logs = LogLayer::new(identity.clone(), settings.log_format, writer).with_filter(filter);
    let spans = traces.map(|traces| {
        tracing_opentelemetry::layer()
            .with_tracer(traces.tracer())
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(ExportFilter)
    });
    Ok(tracing_subscriber::registry().with(spans).with(logs).with(gate))
}

impl Telemetry {
    /// What the ops port serves as `/metrics`.
    pub fn metrics(&self) -> MetricsHandle {
        self.metrics.clone()
    }

    /// Sends and writes what is left. Returns after two seconds at the latest, whether or not anybody took it.
    pub async fn shutdown(mut self) {
        let (traces, reporter) = (self.traces.take(), self.reporter.take());
        let (done, all_done) = tokio::sync::oneshot::channel::<()>();
        let done = Arc::new(done);
        // Both exporters block while they flush, so each gets a thread; `done` closes when the last one lets go.
        if let Some(traces) = traces {
            let done = done.clone();
            thread::spawn(move || {
                traces.shut_down(FLUSH_LIMIT);
                drop(done);
            });
        }
        if let Some(reporter) = reporter {
            let done = done.clone();
            thread::spawn(move || {
                reporter.close(FLUSH_LIMIT);
                drop(done);
            });
        }
        drop(done);
        if tokio::time::timeout(SHUTDOWN_LIMIT, all_done).await.is_err() {
            tracing::warn!("telemetry could not be delivered before the process ends");
        }
        self.writer.flush();
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        self.writer.finish();
    }
}

/// One thread that keeps lines moving and metrics small.
fn start_maintenance(writer: LogWriter, metrics: MetricsHandle) -> Result<Sender<()>, TelemetryError> {
    let (sender, receiver) = mpsc::channel::<()>();
    let work = move || {
        let mut flushes = 0_u32;
        while receiver.recv_timeout(LOG_FLUSH_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            writer.flush();
            flushes = flushes.wrapping_add(1);
            if flushes.is_multiple_of(UPKEEP_EVERY_FLUSHES) {
                metrics.run_upkeep();
            }
        }
    };
    thread::Builder::new().name("larder-telemetry".into()).spawn(work).map_err(TelemetryError::Thread)?;
    Ok(sender)
}
