//! Every call is counted once, under how it ended.

use super::*;
use ::metrics::with_local_recorder;
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use std::future::pending;
use tokio::time::timeout;

/// A policy whose metrics go to a recorder of its own.
fn measured(settings: &ResilienceSettings) -> (Policy, Snapshotter) {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    (with_local_recorder(&recorder, || policy(settings)), snapshotter)
}

/// Value by name and outcome, `larder_dependency_` left out; a histogram shows its number of records.
fn read(snapshotter: &Snapshotter) -> Vec<(String, f64)> {
    let mut values = Vec::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let (_, key) = key.into_parts();
        assert!(key.labels().any(|label| (label.key(), label.value()) == ("dependency", "pretended")));
        let outcome = key.labels().find(|label| label.key() == "outcome").map(|label| label.value());
        let name = key.name().trim_start_matches("larder_dependency_");
        let number = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(level) => level.into_inner(),
            DebugValue::Histogram(records) => records.len() as f64,
        };
        values.push((outcome.map_or(name.to_owned(), |outcome| format!("{name} {outcome}")), number));
    }
    values
}

fn value(values: &[(String, f64)], name: &str) -> f64 {
    values.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no metric {name}")).1
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_how_they_end() {
    let (policy, snapshotter) = measured(&without_breaker());
    let _ = policy.call(None, true, |_| async { Ok::<(), Fault>(()) }, classify).await;
    let _ = policy.call(None, true, |_| async { Err::<(), _>(Fault::BadRequest) }, classify).await;
    let _ = policy.call(None, true, |_| async { Err::<(), _>(Fault::Broken) }, classify).await;
    let _ = policy.call(None, false, |_| pending::<Result<(), Fault>>(), classify).await;
    let gone = policy.call(None, false, |_| pending::<Result<(), Fault>>(), classify);
    assert!(timeout(ms(5), gone).await.is_err());

    let values = read(&snapshotter);
    for outcome in ["success", "refused", "failure", "timeout", "cancelled"] {
        assert_eq!(value(&values, &format!("calls_total {outcome}")), 1.0, "{outcome}");
    }
    assert_eq!(value(&values, "call_duration_seconds"), 5.0);
    assert_eq!(value(&values, "bulkhead_in_flight"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn retries_and_the_spent_budget_are_counted() {
    let (policy, snapshotter) = measured(&without_breaker());
    for _ in 0..2 {
        let _ = policy.call(None, true, |_| async { Err::<(), _>(Fault::Away) }, classify).await;
    }
    let values = read(&snapshotter);
    assert_eq!(value(&values, "retries_total"), 3.0);
    assert_eq!(value(&values, "retry_budget_exhausted_total"), 1.0);
}

#[tokio::test(start_paused = true)]
async fn the_breakers_state_is_published() {
    let (policy, snapshotter) = measured(&settings());
    for _ in 0..11 {
        let _ = policy.call(None, false, |_| async { Err::<(), _>(Fault::Away) }, classify).await;
    }
    let values = read(&snapshotter);
    assert_eq!(value(&values, "breaker_state"), 2.0);
    assert_eq!(value(&values, "calls_total breaker_open"), 1.0);
    tokio::time::advance(ms(5_000)).await;
    for _ in 0..3 {
        let _ = policy.call(None, false, |_| async { Ok::<(), Fault>(()) }, classify).await;
    }
    assert_eq!(value(&read(&snapshotter), "breaker_state"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn refusals_of_the_bulkhead_are_counted() {
    let (policy, snapshotter) = measured(&settings());
    let calls = (0..21).map(|_| policy.call(None, false, |_| pending::<Result<(), Fault>>(), classify));
    futures::future::join_all(calls).await;
    let values = read(&snapshotter);
    assert_eq!(value(&values, "calls_total bulkhead_full"), value(&values, "bulkhead_rejected_total"));
    assert!(value(&values, "bulkhead_rejected_total") >= 1.0);
}
