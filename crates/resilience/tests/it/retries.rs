//! Who is tried again, how often, and what that costs a dependency that is down.

use super::*;
use larder_resilience::CallError;
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn a_second_attempt_can_save_the_call() {
    let attempts = Attempts::default();
    let answer = policy(&settings())
        .call(
            None,
            true,
            |_| async { if attempts.count() == 1 { Err(Fault::Away) } else { Ok("milk") } },
            classify,
        )
        .await;
    assert_eq!(answer, Ok("milk"));
    assert_eq!(attempts.total(), 2);
}

#[tokio::test(start_paused = true)]
async fn attempts_are_limited_and_numbered() {
    let mut numbers = Vec::new();
    let answer: Result<(), _> = policy(&settings())
        .call(
            None,
            true,
            |attempt| {
                numbers.push(attempt.number);
                async { Err(Fault::Away) }
            },
            classify,
        )
        .await;
    assert_eq!(answer, Err(CallError::Inner(Fault::Away)));
    assert_eq!(numbers, [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_may_not_be_repeated_is_made_once_with_all_the_time() {
    let attempts = Attempts::default();
    let answer: Result<(), _> = policy(&settings())
        .call(
            None,
            false,
            |attempt| {
                attempts.count();
                async move { if attempt.timeout == ms(1_000) { Err(Fault::Away) } else { Ok(()) } }
            },
            classify,
        )
        .await;
    assert_eq!(answer, Err(CallError::Inner(Fault::Away)));
    assert_eq!(attempts.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn answers_and_hopeless_failures_are_not_tried_again() {
    for fault in [Fault::BadRequest, Fault::Broken] {
        let attempts = Attempts::default();
        let answer: Result<(), _> = policy(&settings())
            .call(
                None,
                true,
                |_| {
                    attempts.count();
                    async { Err(fault) }
                },
                classify,
            )
            .await;
        assert_eq!(answer, Err(CallError::Inner(fault)));
        assert_eq!(attempts.total(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_hint_is_waited_for_and_a_long_one_is_passed_on() {
    let attempts = Attempts::default();
    let started = Instant::now();
    let answer = policy(&settings())
        .call(
            None,
            true,
            |_| async { if attempts.count() == 1 { Err(Fault::Busy(300)) } else { Ok(()) } },
            classify,
        )
        .await;
    assert_eq!(answer, Ok(()));
    assert!(started.elapsed() >= ms(300), "came back after {:?}", started.elapsed());

    let started = Instant::now();
    let answer: Result<(), _> =
        policy(&settings()).call(None, true, |_| async { Err(Fault::Busy(401)) }, classify).await;
    assert_eq!(answer, Err(CallError::Inner(Fault::Busy(401))));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_is_down_sees_at_most_a_fifth_more_calls() {
    let policy = policy(&without_breaker());
    let attempts = Attempts::default();
    const CALLS: u32 = 500;
    for _ in 0..CALLS {
        let answer: Result<(), _> = policy
            .call(
                None,
                true,
                |_| {
                    attempts.count();
                    async { Err(Fault::Away) }
                },
                classify,
            )
            .await;
        assert_eq!(answer, Err(CallError::Inner(Fault::Away)));
    }
    let amplification = f64::from(attempts.total()) / f64::from(CALLS);
    assert!(amplification <= 1.2, "amplification {amplification}");
    assert!(amplification > 1.15, "the budget is meant to be used, amplification {amplification}");
}

#[tokio::test(start_paused = true)]
async fn many_callers_at_once_share_the_budget() {
    let policy = policy(&ResilienceSettings { bulkhead_max_calls: 1_000, ..without_breaker() });
    let attempts = Attempts::default();
    let calls = (0..1_000).map(|_| {
        policy.call(
            None,
            true,
            |_| {
                attempts.count();
                async { Err::<(), _>(Fault::Away) }
            },
            classify,
        )
    });
    futures::future::join_all(calls).await;
    assert!(attempts.total() <= 1_200, "{} attempts", attempts.total());
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_waits_the_same() {
    async fn waited(seed: u64) -> Duration {
        let started = Instant::now();
        let policy = Policy::seeded("pretended", &settings(), seed);
        let _: Result<(), _> = policy.call(None, true, |_| async { Err(Fault::Away) }, classify).await;
        started.elapsed()
    }
    assert_eq!(waited(1).await, waited(1).await);
    assert_ne!(waited(1).await, waited(2).await);
}
