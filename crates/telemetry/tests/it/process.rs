//! The whole of it, set up once for a process: the error tracker, a second set-up refused, the bounded end.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use larder_settings::TelemetrySettings;
use larder_telemetry::{ErrorKind, RequestContext, TelemetryError, errors};
use tokio::time::Instant;

use crate::support::{hanging_collector, identity, listen};

type Envelopes = Arc<Mutex<Vec<String>>>;

/// A tracker that keeps what it is sent.
async fn tracker() -> (String, Envelopes) {
    let (listener, address) = listen().await;
    let envelopes = Envelopes::default();
    let keep = envelopes.clone();
    let receive =
        move |body: Bytes| async move { keep.lock().unwrap().push(String::from_utf8_lossy(&body).into()) };
    let router = Router::new().route("/api/1/envelope/", post(receive));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (format!("http://key@{address}/1"), envelopes)
}

async fn envelope_with(envelopes: &Envelopes, text: &str) -> String {
    for _ in 0..100 {
        if let Some(found) = envelopes.lock().unwrap().iter().find(|envelope| envelope.contains(text)) {
            return found.clone();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no envelope with {text} among {:#?}", envelopes.lock().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_reports_its_faults_and_ends_in_time_whatever_hangs() {
    let (dsn, envelopes) = tracker().await;
    let settings = TelemetrySettings {
        otlp_endpoint: Some(hanging_collector().await),
        sentry_dsn: Some(dsn.into()),
        log_filter: "error".into(),
        ..Default::default()
    };
    let telemetry = larder_telemetry::init(&settings, identity()).unwrap();
    assert!(matches!(larder_telemetry::init(&settings, identity()), Err(TelemetryError::AlreadyInitialised)));

    let context = RequestContext::for_job("gateway");
    let id = context.correlation_id().to_string();
    let work = async {
        errors::report("gateway", ErrorKind::Internal, "ranking failed", &"anna@example.org is unknown");
        errors::count("gateway", ErrorKind::NotFound);
    };
    context.clone().scope(work).await;
    let reported = envelope_with(&envelopes, "ranking failed").await;
    assert!(reported.contains(&id) && reported.contains("replica-1"), "{reported}");
    assert!(!reported.contains("anna"), "{reported}");

    let panicking = context.scope(async { panic!("bertha@example.org broke it") });
    assert!(tokio::spawn(panicking).await.is_err());
    let reported = envelope_with(&envelopes, "gateway: panic at").await;
    assert!(reported.contains(&id) && !reported.contains("bertha"), "{reported}");
    assert_eq!(envelopes.lock().unwrap().iter().filter(|envelope| envelope.contains("not_found")).count(), 0);

    let text = telemetry.metrics().render();
    for expected in [
        r#"larder_build_info{service="larder",version="1.2.3",environment="testing"} 1"#,
        r#"larder_errors_total{service="gateway",kind="internal"}"#,
        r#"larder_panics_total{service="gateway"}"#,
        "\nprocess_resident_memory_bytes ",
    ] {
        assert!(text.contains(expected), "{expected} is missing in\n{text}");
    }

    tracing::info_span!("job.train").in_scope(|| ());
    let started = Instant::now();
    telemetry.shutdown().await;
    assert!(started.elapsed() < Duration::from_millis(2_500), "{:?}", started.elapsed());
}
