//! The gRPC layers around a real server and a real channel.

use std::sync::{Arc, Mutex};

use larder_settings::TelemetrySettings;
use larder_telemetry::grpc::GrpcTelemetryLayer;
use larder_telemetry::panics::{self, CatchPanicLayer};
use larder_telemetry::propagation::{InjectLayer, InjectService};
use larder_telemetry::{CorrelationId, RequestContext};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::Layer;

use crate::support::{Captured, Service, listen, url};

type Client = TraceServiceClient<InjectService<Channel>>;

/// Starts a server with our layers and returns a client with ours.
pub(crate) async fn connect(service: Service) -> Client {
    let (listener, address) = listen().await;
    let is_known = |path: &str| path.strip_prefix('/') == Some(Service::METHOD);
    tokio::spawn(
        tonic::transport::Server::builder()
            .layer(GrpcTelemetryLayer::new("recommendation").known_methods(is_known))
            .layer(CatchPanicLayer)
            .add_service(service.server())
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let channel = Endpoint::from_shared(url(address).to_string()).unwrap().connect_lazy();
    TraceServiceClient::new(InjectLayer::new("gateway").layer(channel))
}

pub(crate) fn request() -> ExportTraceServiceRequest {
    ExportTraceServiceRequest::default()
}

#[tokio::test]
async fn the_correlation_id_goes_there_and_comes_back() {
    let seen = Arc::new(Mutex::new(None));
    let keep = seen.clone();
    let mut client = connect(Service::new(move |request| {
        let extension = request.extensions().get::<CorrelationId>().cloned();
        assert_eq!(extension, CorrelationId::current());
        *keep.lock().unwrap() = extension;
        Ok(())
    }))
    .await;
    let context = RequestContext::for_job("gateway");
    let sent = context.correlation_id().clone();
    let response = context.scope(client.export(request())).await.unwrap();
    assert_eq!(seen.lock().unwrap().as_ref(), Some(&sent));
    assert_eq!(response.metadata().get("x-correlation-id").unwrap(), sent.as_str());
}

#[tokio::test]
async fn both_sides_measure_a_refused_call_and_it_is_counted_by_kind() {
    let recorder = larder_telemetry::metrics::recorder().unwrap();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let mut client = connect(Service::new(|_| Err(Status::not_found("no such thing")))).await;
    assert_eq!(client.export(request()).await.unwrap_err().code(), Code::NotFound);
    let text = recorder.handle().render();
    let labels = format!(
        r#"rpc_system_name="grpc",rpc_method="{}",rpc_response_status_code="NOT_FOUND""#,
        Service::METHOD
    );
    for expected in [
        format!(r#"rpc_server_call_duration_seconds_count{{service="recommendation",{labels}}} 1"#),
        format!(r#"rpc_client_call_duration_seconds_count{{service="gateway",{labels}}} 1"#),
        r#"larder_errors_total{service="recommendation",kind="not_found"} 1"#.to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected} is missing in\n{text}");
    }
}

#[tokio::test]
async fn success_is_measured_when_the_trailers_have_passed() {
    let recorder = larder_telemetry::metrics::recorder().unwrap();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let mut client = connect(Service::new(|_| Ok(()))).await;
    client.export(request()).await.unwrap();
    let text = recorder.handle().render();
    assert!(text.contains(r#"rpc_response_status_code="OK"} 1"#), "{text}");
    assert!(!text.contains("CANCELLED"), "{text}");
    assert!(!text.contains("larder_errors_total"), "{text}");
}

#[tokio::test]
async fn a_method_outside_the_contract_has_no_series_of_its_own() {
    let recorder = larder_telemetry::metrics::recorder().unwrap();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let (listener, address) = listen().await;
    tokio::spawn(
        tonic::transport::Server::builder()
            .layer(GrpcTelemetryLayer::new("recommendation").known_methods(|_| false))
            .add_service(Service::new(|_| Ok(())).server())
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    let channel = Endpoint::from_shared(url(address).to_string()).unwrap().connect_lazy();
    TraceServiceClient::new(channel).export(request()).await.unwrap();
    let text = recorder.handle().render();
    assert!(text.contains(r#"rpc_method="_OTHER",rpc_response_status_code="OK"} 1"#), "{text}");
}

#[tokio::test]
async fn a_panic_is_internal_and_says_nothing() {
    panics::install_hook("larder");
    let captured = Captured::start(&TelemetrySettings::default(), None);
    let recorder = larder_telemetry::metrics::recorder().unwrap();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let mut client = connect(Service::new(|_| panic!("the shelf fell down"))).await;
    let context = RequestContext::for_job("gateway");
    let id = context.correlation_id().to_string();
    let status = context.scope(client.export(request())).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Internal, "internal error"));
    let lines = captured.json();
    let line = lines.iter().find(|line| line["message"] == "panicked").unwrap();
    assert_eq!(
        (line["correlation_id"].as_str(), line["service"].as_str()),
        (Some(id.as_str()), Some("recommendation"))
    );
    assert!(recorder.handle().render().contains(r#"larder_panics_total{service="recommendation"} 1"#));
}

#[tokio::test]
async fn calls_are_logged_at_debug_alone() {
    let captured = Captured::start(&TelemetrySettings::default(), None);
    connect(Service::new(|_| Ok(()))).await.export(request()).await.unwrap();
    assert_eq!(captured.text(), "");
}
