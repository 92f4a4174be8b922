//! What connectors tell of themselves: metrics by name and label, and the status that health shows.

use jiff::civil::date;
use jiff::tz::TimeZone;
use larder_connectors::events::EventQuestion;
use larder_connectors::weather::WeatherQuestion;
use larder_connectors::{Connectors, Place};
use larder_settings::ConnectorSettings;
use larder_testkit::stand_in::Fault;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::outside::{asking, connected};
use crate::square_sales::{market_day, saturday};

/// What was recorded so far; taking it empties the recorder.
struct Recorded(Vec<(String, Vec<String>, DebugValue)>);

impl Recorded {
    fn take(snapshotter: &Snapshotter) -> Self {
        let rows = snapshotter.snapshot().into_vec().into_iter().map(|(key, _, _, value)| {
            let labels = key.key().labels().map(|label| format!("{}={}", label.key(), label.value()));
            (key.key().name().to_owned(), labels.collect(), value)
        });
        Self(rows.collect())
    }

    /// A metric's value by its name and some of its labels.
    fn value(&self, name: &str, labels: &[&str]) -> Option<&DebugValue> {
        let has = |known: &[String]| labels.iter().all(|label| known.iter().any(|one| one == label));
        self.0.iter().find(|(known, labels, _)| known == name && has(labels)).map(|(_, _, value)| value)
    }
}

#[tokio::test]
async fn answers_errors_and_requests_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    larder_connectors::describe_metrics();
    let (stand_in, square, mut tokens) = connected().await;
    market_day(&stand_in, 2);
    let asking = asking("2026-11-23T12:00:00Z");
    square.sales(&mut tokens, &saturday(), async { vec![] }, &asking).await;
    stand_in.server.fail(Fault::Html);
    square.sales(&mut tokens, &saturday(), async { vec![] }, &asking).await;

    let recorded = Recorded::take(&snapshotter);
    let one = Some(&DebugValue::Counter(1));
    for (name, labels) in [
        ("larder_connectors_answers_total", ["connector=square", "source=square"]),
        ("larder_connectors_answers_total", ["connector=square", "source=cache"]),
        ("larder_connectors_degraded_answers_total", ["connector=square", "connector=square"]),
        ("larder_connectors_errors_total", ["source=square", "kind=not_understood"]),
        ("larder_dependency_calls_total", ["dependency=square", "outcome=failure"]),
    ] {
        assert_eq!(recorded.value(name, &labels), one, "{name} {labels:?}");
    }
}

#[tokio::test]
async fn every_try_is_timed_with_its_status_and_kind() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (stand_in, square, mut tokens) = connected().await;
    stand_in.server.fail(Fault::Status(503));
    square.sales(&mut tokens, &saturday(), async { vec![] }, &asking("2026-11-23T12:00:00Z")).await;
    let labels = [
        "http_request_method=POST",
        "server_address=127.0.0.1",
        "http_response_status_code=503",
        "error_type=failing",
    ];
    let recorded = Recorded::take(&snapshotter);
    let Some(DebugValue::Histogram(tries)) = recorded.value("http_client_request_duration_seconds", &labels)
    else {
        panic!("no such histogram");
    };
    assert_eq!(tries.len(), 3);
}

#[tokio::test]
async fn the_status_reads_like_a_report() {
    let (stand_in, square, mut tokens) = connected().await;
    stand_in.server.fail(Fault::RateLimited { retry_after: Some("60") });
    square.sales(&mut tokens, &saturday(), async { vec![] }, &asking("2026-11-23T12:00:00Z")).await;
    let told = serde_json::to_value(square.status()).unwrap();
    let expected = serde_json::json!({
        "connector": "square",
        "last_answer": {"rung": "recorded_sales", "age_seconds": 0, "degraded": true, "at": "2026-11-23T12:00:00Z"},
        "sources": [{
            "source": "square",
            "last_success": "2026-11-23T12:00:00Z",
            "last_error": {
                "at": "2026-11-23T12:00:00Z",
                "kind": "rate_limited",
                "message": "the service asks to be asked less often",
            },
            "breaker": "closed",
        }],
    });
    assert_eq!(told, expected);
}

/// Services ask from tasks that move between threads.
#[tokio::test]
async fn questions_can_be_asked_from_any_thread() {
    let (stand_in, square, mut tokens) = connected().await;
    market_day(&stand_in, 1);
    let asked = tokio::spawn(async move {
        let asking = asking("2026-11-23T12:00:00Z");
        let answer = square.sales(&mut tokens, &saturday(), async { vec![] }, &asking).await;
        let catalog = square.catalog(&mut tokens, &asking).await;
        (answer.value.lines.len(), catalog.value.len())
    });
    assert_eq!(asked.await.unwrap(), (1, 0));

    let connectors = Connectors::from_settings(&ConnectorSettings::default()).unwrap();
    let asked = tokio::spawn(async move {
        let zone = TimeZone::UTC;
        let (place, date) = (Place::new(52.5, 13.4).unwrap(), date(2026, 11, 28));
        let weather = WeatherQuestion { place, date, zone: &zone, normals: None };
        let events = EventQuestion { place, radius_km: 5.0, date, zone: &zone, calendars: &[], manual: &[] };
        let asking = asking("2026-11-23T12:00:00Z");
        let weather = connectors.weather.weather(&weather, &asking).await;
        let events = connectors.events.events(&events, &asking).await;
        (weather.source.name(), events.source.name())
    });
    assert_eq!(asked.await.unwrap(), ("none", "empty"));
}
