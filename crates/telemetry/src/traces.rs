//! Traces to an OTLP collector over gRPC. A span that ends is put into a bounded queue or dropped and counted; a thread
//! of its own drains the queue and a runtime of its own talks to the collector, so that neither a collector that hangs
//! nor a busy service can hold the other up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter as OtlpExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter,
    SpanProcessor,
};
use tokio::runtime::Runtime;
use url::Url;

use crate::init::{ServiceIdentity, TelemetryError};
use crate::{names, sampling};

const QUEUE_SPANS: usize = 4096;
const BATCH_SPANS: usize = 512;
const BATCH_DELAY: Duration = Duration::from_secs(1);
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// The way of a span out of the process.
pub struct TracePipeline {
    provider: SdkTracerProvider,
    runtime: Option<Runtime>,
}

impl TracePipeline {
    /// Starts the exporter's threads. The collector need not be there yet.
    pub fn start(endpoint: &Url, ratio: f64, identity: &ServiceIdentity) -> Result<Self, TelemetryError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("larder-otlp")
            .enable_all()
            .build()
            .map_err(TelemetryError::Thread)?;
        let exporter = {
            let _entered = runtime.enter();
            exporter(endpoint)?
        };
        let waiting = Arc::new(AtomicUsize::new(0));
        let batch = BatchConfigBuilder::default()
            .with_max_queue_size(QUEUE_SPANS)
            .with_max_export_batch_size(BATCH_SPANS)
            .with_scheduled_delay(BATCH_DELAY)
            .build();
        let exporter = CountingExporter { inner: exporter, waiting: waiting.clone() };
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batch).build();
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampling::sampler(ratio))
            .with_resource(resource(identity))
            .with_span_processor(BoundedProcessor { inner: processor, waiting })
            .build();
        sampling::enable(ratio);
        Ok(Self { provider, runtime: Some(runtime) })
    }

    pub(crate) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("larder")
    }

    /// Sends what is queued, for at most `limit`. Blocks.
    pub fn shut_down(mut self, limit: Duration) {
        // What could not be sent within the limit was counted as failed or is lost with the process.
        let _ = self.provider.shutdown_with_timeout(limit);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for TracePipeline {
    fn drop(&mut self) {
        // A runtime dropped inside another one panics; this way it does not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn exporter(endpoint: &Url) -> Result<OtlpExporter, TelemetryError> {
    // Retries would only multiply the time that a dead collector costs at shutdown; the next batch is the retry.
    let builder = OtlpExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint.as_str())
        .with_timeout(EXPORT_TIMEOUT)
        .with_retry_policy(opentelemetry_otlp::RetryPolicy::disabled());
    let builder = match endpoint.scheme() {
        "https" => builder.with_tls_config(tonic::transport::ClientTlsConfig::new().with_enabled_roots()),
        _ => builder,
    };
    builder.build().map_err(|error| TelemetryError::Exporter(error.to_string()))
}

fn resource(identity: &ServiceIdentity) -> Resource {
    Resource::builder_empty()
        .with_service_name(identity.name)
        .with_attribute(KeyValue::new("service.namespace", "larder"))
        .with_attribute(KeyValue::new("service.version", identity.version))
        .with_attribute(KeyValue::new("service.instance.id", identity.instance_id.clone()))
        .with_attribute(KeyValue::new("deployment.environment.name", identity.environment.clone()))
        .build()
}

/// Refuses spans before the queue does, because only here can they be counted.
#[derive(Debug)]
struct BoundedProcessor {
    inner: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
}

impl SpanProcessor for BoundedProcessor {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE_SPANS {
            self.inner.on_end(span);
        } else {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            count("dropped", 1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[derive(Debug)]
struct CountingExporter {
    inner: OtlpExporter,
    waiting: Arc<AtomicUsize>,
}

impl SpanExporter for CountingExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let size = batch.len();
        let result = self.inner.export(batch).await;
        self.waiting.fetch_sub(size, Ordering::Relaxed);
        count(if result.is_ok() { "exported" } else { "failed" }, size as u64);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

fn count(outcome: &'static str, spans: u64) {
    ::metrics::counter!(names::TRACE_SPANS, "outcome" => outcome).increment(spans);
}
