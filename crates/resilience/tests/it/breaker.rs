//! The breaker in the path of calls: it opens, probes with exactly as many calls as told, and closes.

use super::*;
use larder_resilience::{BreakerState, CallError};
use std::future::pending;
use tokio::time::{Instant, advance, sleep};

async fn fail(policy: &Policy) -> Result<(), CallError<Fault>> {
    policy.call(None, false, |_| async { Err(Fault::Away) }, classify).await
}

async fn succeed(policy: &Policy) -> Result<(), CallError<Fault>> {
    policy.call(None, false, |_| async { Ok(()) }, classify).await
}

async fn opened() -> Policy {
    let policy = policy(&settings());
    for _ in 0..10 {
        assert_eq!(fail(&policy).await, Err(CallError::Inner(Fault::Away)));
    }
    assert_eq!(policy.breaker_state(), BreakerState::Open);
    policy
}

#[tokio::test(start_paused = true)]
async fn open_it_refuses_at_once_and_says_when_to_come_back() {
    let policy = opened().await;
    advance(ms(1_500)).await;
    let started = Instant::now();
    let refused = succeed(&policy).await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(ms(3_500)));
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn half_open_it_lets_exactly_three_probes_through() {
    let policy = opened().await;
    advance(ms(5_000)).await;
    let attempts = Attempts::default();
    let slow_policy = policy.clone();
    let probes = (0..4).map(|_| {
        slow_policy.call(
            None,
            false,
            |_| {
                attempts.count();
                async {
                    sleep(ms(100)).await;
                    Ok::<_, Fault>(())
                }
            },
            classify,
        )
    });
    let answers = futures::future::join_all(probes).await;
    assert_eq!(attempts.total(), 3);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert!(matches!(answers[3], Err(CallError::BreakerOpen { .. })));
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_bad_probe_opens_it_again() {
    let policy = opened().await;
    advance(ms(5_000)).await;
    assert_eq!(policy.breaker_state(), BreakerState::HalfOpen);
    assert_eq!(fail(&policy).await, Err(CallError::Inner(Fault::Away)));
    assert_eq!(policy.breaker_state(), BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_caller_left_does_not_block_the_next_ones() {
    let policy = opened().await;
    advance(ms(5_000)).await;
    for _ in 0..5 {
        let call = policy.call(None, false, |_| pending::<Result<(), Fault>>(), classify);
        let left = tokio::time::timeout(ms(10), call).await;
        assert!(left.is_err());
    }
    for _ in 0..3 {
        assert_eq!(succeed(&policy).await, Ok(()));
    }
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn hung_calls_open_it() {
    let policy = policy(&ResilienceSettings { total_timeout: ms(200), ..settings() });
    for _ in 0..10 {
        let answer = policy.call(None, false, |_| pending::<Result<(), Fault>>(), classify).await;
        assert_eq!(answer, Err(CallError::Timeout));
    }
    assert_eq!(policy.breaker_state(), BreakerState::Open);
}

#[tokio::test(start_paused = true)]
async fn callers_in_a_hurry_do_not_open_it_for_everybody() {
    let policy = policy(&settings());
    for _ in 0..50 {
        let hurry = Some(Instant::now() + ms(15));
        let answer = policy.call(hurry, true, |_| pending::<Result<(), Fault>>(), classify).await;
        assert_eq!(answer, Err(CallError::Timeout));
    }
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn refused_arguments_and_busy_answers_keep_it_closed() {
    let policy = policy(&settings());
    for fault in [Fault::BadRequest, Fault::Busy(5_000)] {
        for _ in 0..50 {
            let answer: Result<(), _> = policy.call(None, true, |_| async { Err(fault) }, classify).await;
            assert_eq!(answer, Err(CallError::Inner(fault)));
        }
    }
    assert_eq!(policy.breaker_state(), BreakerState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_retry_refused_by_the_breaker_shows_the_error_behind_it() {
    let policy = policy(&settings());
    for _ in 0..9 {
        let _ = fail(&policy).await;
    }
    let attempts = Attempts::default();
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
    assert_eq!(attempts.total(), 1);
    assert_eq!(answer, Err(CallError::Inner(Fault::Away)));
}
