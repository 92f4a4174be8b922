//! Every service behind the gateway, stopped, slowed, silent and talking nonsense: callers get
//! the last good answer where there is one and a clear refusal where there is none, never later
//! than they asked for, the other services are as well as ever, and it heals by itself.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use larder_settings::Settings;
use serde_json::json;
use tokio::time::Instant;

use crate::support::relay::{FAULTS, Fault, Relay};
use crate::support::service::{self, Mood};
use crate::support::{Answer, Gateway, gateway_with, settings};

/// What a caller of these tests is willing to wait.
const DEADLINE: Duration = Duration::from_millis(600);
/// What a loaded machine may add to what is measured.
const SLACK: Duration = Duration::from_millis(400);

/// The ways to the services behind a gateway.
struct Behind {
    gateway: Arc<Gateway>,
    recommendation: Relay,
    others: Vec<(&'static str, Relay)>,
}

async fn behind_relays() -> Behind {
    let recommendation = Relay::before(service::start().await).await;
    let backup = Relay::before(service::start().await).await;
    let alerting = Relay::before(service::start().await).await;
    let url = |relay: &Relay| format!("http://{}", relay.address()).parse().unwrap();
    let mut settings = settings(recommendation.address());
    settings.gateway.backup_url = Some(url(&backup));
    settings.gateway.alerting_url = Some(url(&alerting));
    quick(&mut settings);
    let gateway = Arc::new(gateway_with(settings, None).await);
    Behind { gateway, recommendation, others: vec![("/v1/backups", backup), ("/v1/incidents", alerting)] }
}

fn quick(settings: &mut Settings) {
    settings.cache.enabled = true;
    settings.cache.settled_after = Duration::ZERO;
    settings.resilience.attempt_timeout = Duration::from_millis(300);
    settings.resilience.breaker_min_calls = 10;
    settings.resilience.breaker_open = Duration::from_millis(1_000);
    settings.resilience.breaker_half_open_calls = 2;
}

/// Asks and tells how long it took.
async fn ask(gateway: &Gateway, path: &str) -> (Answer, Duration) {
    let started = Instant::now();
    let timeout = format!("{}m", DEADLINE.as_millis());
    let answer = gateway.http.send("GET", path, &[("grpc-timeout", &timeout)], "").await;
    (answer, started.elapsed())
}

fn path_of(customer: usize) -> String {
    format!("/v1/customers/{customer}/recommendations")
}

/// Makes what is kept of a customer old without asking the service: an upsert that it refuses.
async fn make_old(gateway: &Gateway, customers: usize) {
    let rows: Vec<_> = (0..customers).map(|id| json!({"customerId": id.to_string()})).collect();
    gateway.http.post("/v1/customers:batchUpsert", &json!({"customers": rows}).to_string()).await;
}

async fn a_broken_service_degrades(fault: Fault) {
    const CUSTOMERS: usize = 10;
    let Behind { gateway, recommendation, others } = behind_relays().await;
    for customer in 0..CUSTOMERS {
        assert_eq!(ask(&gateway, &path_of(customer)).await.0.status, 200);
    }
    let mut usual = Vec::new();
    for (path, _) in &others {
        usual.push(ask(&gateway, path).await.0.status);
    }
    make_old(&gateway, CUSTOMERS).await;
    recommendation.set(fault);

    // Whoever has an answer to fall back on gets it, in time; whoever has none is refused, in time.
    let asking = (0..6).flat_map(|round| {
        let gateway = gateway.clone();
        (0..CUSTOMERS).map(move |customer| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(100 * round)).await;
                ask(&gateway, &path_of(customer)).await
            })
        })
    });
    for asked in join_all(asking).await {
        let (answer, took) = asked.unwrap();
        assert_eq!(answer.status, 200, "{fault:?}: {answer:?}");
        assert!(!answer.header("x-larder-degraded").is_empty(), "{fault:?}: {answer:?}");
        assert_eq!(answer.json()["degraded"], true, "{fault:?}");
        assert!(took < DEADLINE + SLACK, "{fault:?}: {took:?}");
    }
    let (refused, took) = ask(&gateway, &path_of(4_711)).await;
    assert!([503, 504].contains(&refused.status.as_u16()), "{fault:?}: {refused:?}");
    assert!(took < DEADLINE + SLACK, "{fault:?}: {took:?}");

    // The breaker is open by now, or opens with these: nobody waits any more.
    let mut times = Vec::new();
    for round in 0..40 {
        let (answer, took) = ask(&gateway, &path_of(round % CUSTOMERS)).await;
        assert_eq!(answer.status, 200, "{fault:?}: {answer:?}");
        times.push(took);
    }
    times.sort_unstable();
    assert!(times[times.len() / 2] < Duration::from_millis(100), "{fault:?}: {times:?}");

    // Nobody else notices.
    for ((path, _), usual) in others.iter().zip(&usual) {
        let (answer, took) = ask(&gateway, path).await;
        assert_eq!(answer.status, *usual, "{fault:?}: {path}");
        assert!(took < SLACK, "{fault:?}: {path} took {took:?}");
    }

    recommendation.set(Fault::None);
    let healed = Instant::now();
    loop {
        let (answer, _) = ask(&gateway, &path_of(0)).await;
        assert_eq!(answer.status, 200, "{fault:?}: {answer:?}");
        if answer.header("x-larder-degraded").is_empty() {
            break;
        }
        assert!(healed.elapsed() < Duration::from_secs(5), "{fault:?}: it does not heal");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_service_degrades_in_time_and_heals() {
    a_broken_service_degrades(Fault::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_service_degrades_in_time_and_heals() {
    a_broken_service_degrades(Fault::Slow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_service_degrades_in_time_and_heals() {
    a_broken_service_degrades(Fault::Silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_talks_nonsense_degrades_in_time_and_heals() {
    a_broken_service_degrades(Fault::Garbage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_the_other_services_breaks_alone() {
    let Behind { gateway, others, recommendation: _well } = behind_relays().await;
    let mut usual = Vec::new();
    for (path, _) in &others {
        usual.push(ask(&gateway, path).await.0.status);
    }
    for fault in FAULTS {
        for (broken, (path, relay)) in others.iter().enumerate() {
            relay.set(fault);
            for _ in 0..15 {
                let (answer, took) = ask(&gateway, path).await;
                assert!([503, 504].contains(&answer.status.as_u16()), "{fault:?}: {path}: {answer:?}");
                assert_eq!(answer.header("content-type"), "application/problem+json");
                assert!(took < DEADLINE + SLACK, "{fault:?}: {path}: {took:?}");
            }
            let (answer, _) = ask(&gateway, &path_of(broken)).await;
            assert_eq!(answer.status, 200, "{fault:?} of {path}: {answer:?}");
            let other = 1 - broken;
            assert_eq!(ask(&gateway, others[other].0).await.0.status, usual[other], "{fault:?} of {path}");
            relay.set(Fault::None);
            let healed = Instant::now();
            while ask(&gateway, path).await.0.status != usual[broken] {
                assert!(healed.elapsed() < Duration::from_secs(5), "{fault:?}: {path} does not heal");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

#[tokio::test]
async fn a_failing_service_is_not_asked_much_more_often_than_callers_ask() {
    let mood = Arc::<Mood>::default();
    let mut settings = settings(service::start_with(mood.clone()).await);
    quick(&mut settings);
    // The breaker would hide what retries do.
    settings.resilience.breaker_min_calls = 100_000;
    settings.resilience.backoff_base = Duration::from_millis(1);
    let gateway = gateway_with(settings, None).await;
    mood.fail(true);
    let calls = 200;
    for customer in 0..calls {
        gateway.http.get(&path_of(customer)).await.problem(503);
    }
    let amplification = mood.asked() as f64 / calls as f64;
    assert!((1.0..=1.2).contains(&amplification), "{amplification}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_dies_under_load_holds_up_nobody() {
    let url = larder_testkit::redis_url();
    let address = url.trim_start_matches("redis://").trim_end_matches('/').parse().unwrap();
    let redis = Relay::before(address).await;
    let mood = Arc::<Mood>::default();
    let mut settings = settings(service::start_with(mood).await);
    quick(&mut settings);
    settings.redis.url = Some(format!("redis://{}", redis.address()).into());
    settings.redis.timeout = Duration::from_secs(2);
    let gateway = Arc::new(gateway_with(settings, None).await);
    for fault in [Fault::Stopped, Fault::Silent] {
        let ending = Instant::now() + Duration::from_secs(3);
        let loads = (0..4).map(|load| {
            let gateway = gateway.clone();
            tokio::spawn(async move {
                let mut times = Vec::new();
                while Instant::now() < ending {
                    let (answer, took) = ask(&gateway, &path_of(load)).await;
                    assert_eq!(answer.status, 200);
                    times.push(took);
                }
                times
            })
        });
        let loads: Vec<_> = loads.collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
        redis.set(fault);
        let mut times: Vec<Duration> = Vec::new();
        for load in loads {
            times.extend(load.await.unwrap());
        }
        times.sort_unstable();
        let p99 = times[times.len() * 99 / 100];
        assert!(p99 < Duration::from_millis(100), "{fault:?}: p99 {p99:?} of {}", times.len());
        redis.set(Fault::None);
        tokio::time::sleep(Duration::from_millis(600)).await;
    }
}

#[tokio::test]
async fn a_reading_that_stalls_is_asked_again_beside() {
    let mood = Arc::<Mood>::default();
    let mut settings = settings(service::start_with(mood.clone()).await);
    settings.resilience.attempt_timeout = Duration::from_secs(5);
    settings.resilience.hedge_after = Duration::from_millis(100);
    let gateway = gateway_with(settings, None).await;
    mood.stall_once_ms.store(4_000, std::sync::atomic::Ordering::Relaxed);
    let started = Instant::now();
    assert_eq!(gateway.http.get(&path_of(7)).await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(mood.asked(), 2);
}
