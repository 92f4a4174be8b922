//! Running side by side, sharing runs, and keeping the endpoint fast whatever the checks do.

use super::*;
use crate::check::CheckOutcome;
use proptest::prelude::*;
use std::future::pending;
use std::sync::atomic::AtomicU32;
use tokio::time::sleep;

const LIMIT: Duration = Duration::from_secs(2);

fn registry() -> HealthRegistry {
    let registry = HealthRegistry::new(HealthIdentity {
        service: "pantry",
        version: "1.2.3",
        environment: "testing".to_owned(),
    });
    registry.startup_complete();
    registry
}

/// A check that takes `millis` and counts its runs.
fn counting(name: &'static str, millis: u64, outcome: CheckOutcome) -> (Check, Arc<AtomicU32>) {
    let runs = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&runs);
    let check = Check::required(name, LIMIT, move || {
        counter.fetch_add(1, Ordering::Relaxed);
        let outcome = outcome.clone();
        async move {
            sleep(Duration::from_millis(millis)).await;
            outcome
        }
    });
    (check, runs)
}

#[tokio::test(start_paused = true)]
async fn checks_run_side_by_side() {
    let registry = registry();
    for name in ["one", "two", "three", "four"] {
        registry.register(counting(name, 100, CheckOutcome::healthy()).0);
    }
    let report = registry.report().await;
    assert_eq!(report.checks.len(), 4);
    assert!(report.response_time_ms < 150.0, "{} ms", report.response_time_ms);
}

#[tokio::test(start_paused = true)]
async fn the_report_names_service_version_and_age() {
    let registry = registry();
    registry.register(counting("models", 5, CheckOutcome::degraded("yesterday's")).0);
    sleep(Duration::from_secs(90)).await;
    let report = registry.report().await;
    assert_eq!((report.service.as_str(), report.version.as_str()), ("pantry", "1.2.3"));
    assert_eq!((report.environment.as_str(), report.uptime_s), ("testing", 90));
    assert_eq!((report.level, report.phase), (Level::Degraded, Phase::Serving));
    assert_eq!(report.checks[0].cause.as_deref(), Some("yesterday's"));
}

#[tokio::test(start_paused = true)]
async fn concurrent_requests_share_one_run() {
    let registry = registry();
    let (check, runs) = counting("postgresql", 50, CheckOutcome::healthy());
    registry.register(check);
    join_all((0..100).map(|_| registry.report())).await;
    registry.report().await;
    assert_eq!(runs.load(Ordering::Relaxed), 1);
    sleep(FRESH_FOR).await;
    registry.report().await;
    assert_eq!(runs.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_requester_who_leaves_does_not_spoil_the_run() {
    let registry = registry();
    let (check, runs) = counting("postgresql", 50, CheckOutcome::healthy());
    registry.register(check);
    assert!(timeout(Duration::from_millis(10), registry.report()).await.is_err());
    assert_eq!(registry.report().await.level, Level::Healthy);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_check_slows_only_the_first_answer() {
    let registry = registry();
    registry.register(Check::required("postgresql", LIMIT, pending));
    let first = registry.report().await;
    assert_eq!((first.level, first.checks[0].latency_ms), (Level::Unhealthy, 2_000.0));
    for _ in 0..100 {
        sleep(Duration::from_millis(100)).await;
        let report = registry.report().await;
        assert_eq!(report.level, Level::Unhealthy);
        assert!(report.response_time_ms < 125.0, "{} ms", report.response_time_ms);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_run_shows_its_result_when_it_has_one() {
    let registry = registry();
    let (check, _) = counting("redis", 400, CheckOutcome::degraded("slow"));
    registry.register(counting("redis", 0, CheckOutcome::healthy()).0);
    assert_eq!(registry.report().await.level, Level::Healthy);
    registry.register(check);
    assert_eq!(
        registry.report().await.level,
        Level::Degraded,
        "a new check is not answered from old results"
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_of_the_same_name_replaces_the_earlier() {
    let registry = registry();
    registry.register(counting("redis", 0, CheckOutcome::unhealthy("old")).0);
    registry.register(counting("redis", 0, CheckOutcome::healthy()).0);
    let report = registry.report().await;
    assert_eq!((report.checks.len(), report.level), (1, Level::Healthy));
}

#[tokio::test(start_paused = true)]
async fn readiness_follows_the_phase_and_required_checks() {
    let registry = HealthRegistry::new(HealthIdentity {
        service: "pantry",
        version: "1",
        environment: "testing".to_owned(),
    });
    assert!(!registry.readiness().await.ready, "not before start-up is complete");
    registry.startup_complete();
    let (mut optional, _) = counting("redis", 0, CheckOutcome::unhealthy("away"));
    optional.required_for_readiness = false;
    registry.register(optional);
    assert!(registry.readiness().await.ready, "an optional check is no obstacle");
    registry.register(counting("models", 0, CheckOutcome::degraded("old")).0);
    assert!(registry.readiness().await.ready, "degraded still serves");
    registry.register(counting("postgresql", 0, CheckOutcome::unhealthy("away")).0);
    let readiness = registry.readiness().await;
    assert!(!readiness.ready);
    assert_eq!(readiness.failing.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), ["postgresql"]);
    registry.set_draining();
    let readiness = registry.readiness().await;
    assert_eq!((readiness.ready, readiness.phase), (false, Phase::Draining));
}

#[tokio::test(start_paused = true)]
async fn levels_are_published_for_each_service_and_check() {
    let recorder = metrics_util::debugging::DebuggingRecorder::new();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let registry = registry();
    registry.register(counting("models", 0, CheckOutcome::degraded("old")).0);
    registry.register(counting("redis", 0, CheckOutcome::unhealthy("away")).0);
    registry.register(counting("cache", 0, CheckOutcome::healthy()).0);
    registry.report().await;
    let mut levels: Vec<String> = Vec::new();
    for (key, _, _, value) in recorder.snapshotter().snapshot().into_vec() {
        let labels: Vec<&str> = key.key().labels().map(|label| label.value()).collect();
        levels.push(format!("{} {} {value:?}", key.key().name(), labels.join(" ")));
    }
    levels.sort_unstable();
    assert_eq!(
        levels,
        [
            "larder_health_level pantry cache Gauge(0.0)",
            "larder_health_level pantry models Gauge(1.0)",
            "larder_health_level pantry redis Gauge(2.0)",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_check_registered_during_a_run_is_in_the_next_answer() {
    let registry = registry();
    registry.register(counting("slow", 50, CheckOutcome::healthy()).0);
    let (first, ()) = tokio::join!(registry.report(), async {
        sleep(Duration::from_millis(10)).await;
        registry.register(counting("late", 0, CheckOutcome::unhealthy("away")).0);
    });
    assert_eq!(first.checks.len(), 1);
    assert_eq!(registry.report().await.level, Level::Unhealthy);
}

fn any_outcome() -> impl Strategy<Value = Option<CheckOutcome>> {
    prop_oneof![
        Just(Some(CheckOutcome::healthy())),
        Just(Some(CheckOutcome::degraded("so so"))),
        Just(Some(CheckOutcome::unhealthy("gone"))),
        Just(None),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In whatever order checks end, also by panic, the report shows the worst of them.
    #[test]
    fn the_worst_level_wins(outcomes in prop::collection::vec((any_outcome(), 0_u64..50), 1..8)) {
        const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let report = runtime.block_on(async {
            let registry = registry();
            for (name, (outcome, millis)) in NAMES.iter().zip(outcomes.clone()) {
                registry.register(Check::required(name, LIMIT, move || {
                    let outcome = outcome.clone();
                    async move {
                        sleep(Duration::from_millis(millis)).await;
                        outcome.expect("a check that panics")
                    }
                }));
            }
            registry.report().await
        });
        let expected = Level::worst_of(outcomes.iter().map(|(outcome, _)| {
            outcome.as_ref().map_or(Level::Unhealthy, |outcome| outcome.level)
        }));
        prop_assert_eq!(report.level, expected);
        prop_assert_eq!(report.checks.len(), outcomes.len());
    }
}
