//! The metrics recorder: Prometheus's text format without a listener, since the ops port serves it. Everything ends
//! in histograms with fixed buckets, which can be added up over replicas.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::init::{ServiceIdentity, TelemetryError};
use crate::{names, process};

/// From a look into memory to a training run.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];
const BYTES: &[f64] = &[
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
const RATIOS: &[f64] = &[0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];
const COUNTS: &[f64] =
    &[0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0];

/// Renders what the process has measured. Cheap to clone.
#[derive(Clone)]
pub struct MetricsHandle {
    handle: PrometheusHandle,
}

impl MetricsHandle {
    /// All metrics in Prometheus's text format, those of the process included.
    pub fn render(&self) -> String {
        let mut text = self.handle.render();
        process::render(&mut text);
        text
    }

    /// A handle on an empty registry that nothing records into, for tests of what serves metrics.
    pub fn detached() -> Self {
        Self {
            handle: recorder().map_or_else(
                |_| PrometheusBuilder::new().build_recorder().handle(),
                |recorder| recorder.handle(),
            ),
        }
    }

    /// Folds recorded samples into buckets, so that memory stays bounded when nobody scrapes.
    pub(crate) fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}

/// Makes `metrics`' macros record into a registry of their own.
pub(crate) fn install(identity: &ServiceIdentity) -> Result<MetricsHandle, TelemetryError> {
    let recorder = recorder()?;
    let handle = MetricsHandle { handle: recorder.handle() };
    ::metrics::set_global_recorder(recorder).map_err(|_| TelemetryError::AlreadyInitialised)?;
    describe();
    ::metrics::gauge!(
        names::BUILD_INFO,
        names::SERVICE => identity.name,
        "version" => identity.version,
        "environment" => identity.environment.clone(),
    )
    .set(1.0);
    Ok(handle)
}

/// A recorder with our buckets, for tests that want to see what was recorded on their thread.
pub fn recorder() -> Result<PrometheusRecorder, TelemetryError> {
    let builder = PrometheusBuilder::new()
        .set_buckets(COUNTS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".into()), BYTES)?
        .set_buckets_for_metric(Matcher::Suffix("_ratio".into()), RATIOS)?;
    Ok(builder.build_recorder())
}

fn describe() {
    use ::metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_histogram!(names::HTTP_SERVER_DURATION, "Duration of HTTP requests in seconds.");
    describe_gauge!(names::HTTP_SERVER_ACTIVE, "HTTP requests in progress.");
    describe_histogram!(names::RPC_SERVER_DURATION, "Duration of gRPC calls in seconds, seen by the server.");
    describe_histogram!(names::RPC_CLIENT_DURATION, "Duration of gRPC calls in seconds, seen by the client.");
    describe_counter!(names::ERRORS, "Errors by kind.");
    describe_counter!(names::PANICS, "Panics.");
    describe_counter!(names::TRACE_SPANS, "Finished spans by outcome.");
    describe_gauge!(names::BUILD_INFO, "Which version runs where; always 1.");
}
