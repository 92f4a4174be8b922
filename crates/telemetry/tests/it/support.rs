//! What the tests share: lines in memory, a collector that keeps what it gets, and a small gRPC service.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use larder_settings::TelemetrySettings;
use larder_telemetry::logs::LogWriter;
use larder_telemetry::{ServiceIdentity, TracePipeline};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};
use url::Url;

pub(crate) fn identity() -> ServiceIdentity {
    ServiceIdentity {
        name: "larder",
        version: "1.2.3",
        environment: "testing".into(),
        instance_id: "replica-1".into(),
    }
}

/// Lines written by the current thread until the guard is dropped.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A subscriber for this thread, its writer and what it wrote.
pub(crate) struct Captured {
    lines: Lines,
    writer: LogWriter,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Captured {
    pub(crate) fn start(settings: &TelemetrySettings, traces: Option<&TracePipeline>) -> Self {
        let lines = Lines::default();
        let writer = LogWriter::new(Box::new(lines.clone()));
        let subscriber = larder_telemetry::subscriber(settings, &identity(), writer.clone(), traces).unwrap();
        Self { lines, writer, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn text(&self) -> String {
        self.writer.flush();
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A gRPC service with one method; `answer` decides what it says.
#[derive(Clone)]
pub(crate) struct Service {
    answer: Arc<dyn Fn(Request<ExportTraceServiceRequest>) -> Result<(), Status> + Send + Sync>,
}

impl Service {
    pub(crate) const METHOD: &str = "opentelemetry.proto.collector.trace.v1.TraceService/Export";

    pub(crate) fn new(
        answer: impl Fn(Request<ExportTraceServiceRequest>) -> Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        Self { answer: Arc::new(answer) }
    }

    pub(crate) fn server(self) -> TraceServiceServer<Self> {
        TraceServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        (self.answer)(request)?;
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// An OTLP collector that keeps every span.
#[derive(Clone)]
pub(crate) struct Collector {
    spans: Arc<Mutex<Vec<Span>>>,
    pub(crate) endpoint: Url,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let (listener, address) = listen().await;
        let spans = Arc::new(Mutex::new(Vec::new()));
        let received = spans.clone();
        let service = Service::new(move |request| {
            let of_resources = request.into_inner().resource_spans.into_iter();
            let of_scopes = of_resources.flat_map(|resource| resource.scope_spans);
            received.lock().unwrap().extend(of_scopes.flat_map(|scope| scope.spans));
            Ok(())
        });
        tokio::spawn(
            tonic::transport::Server::builder()
                .add_service(service.server())
                .serve_with_incoming(TcpListenerStream::new(listener)),
        );
        Self { spans, endpoint: url(address) }
    }

    /// The span of that name and kind, waited for.
    pub(crate) async fn span(&self, name: &str, kind: i32) -> Span {
        for _ in 0..200 {
            let found = self
                .spans
                .lock()
                .unwrap()
                .iter()
                .find(|span| span.name == name && span.kind == kind)
                .cloned();
            if let Some(span) = found {
                return span;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("no span {name} among {:#?}", self.spans.lock().unwrap());
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.lock().unwrap().len()
    }
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) fn url(address: SocketAddr) -> Url {
    format!("http://{address}").parse().unwrap()
}

/// A collector that accepts connections and never says a word.
pub(crate) async fn hanging_collector() -> Url {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            held.push(stream);
        }
    });
    url(address)
}
