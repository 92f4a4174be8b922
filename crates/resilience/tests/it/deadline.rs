//! The whole call ends by its deadline, whatever the dependency does.

use super::*;
use larder_resilience::CallError;
use proptest::prelude::*;
use std::future::pending;
use tokio::time::{Instant, sleep};

/// Tokio's timers tick in milliseconds.
const TICK: Duration = Duration::from_millis(1);

#[tokio::test(start_paused = true)]
async fn a_hung_call_is_cut() {
    let started = Instant::now();
    let answer: Result<(), _> =
        policy(&settings()).call(None, true, |_| pending::<Result<(), Fault>>(), classify).await;
    assert_eq!(answer, Err(CallError::Timeout));
    assert!(started.elapsed() >= ms(600), "three attempts of 200 ms each");
    assert!(started.elapsed() <= ms(1_000) + TICK);
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_wins_when_it_is_earlier() {
    let started = Instant::now();
    let answer: Result<(), _> = policy(&settings())
        .call(Some(started + ms(120)), true, |_| pending::<Result<(), Fault>>(), classify)
        .await;
    assert_eq!(answer, Err(CallError::Timeout));
    assert!(started.elapsed() <= ms(120) + TICK);
}

#[tokio::test(start_paused = true)]
async fn attempts_shrink_to_the_time_that_is_left() {
    let mut timeouts = Vec::new();
    let deadline = Instant::now() + ms(350);
    let _: Result<(), _> = policy(&ResilienceSettings { backoff_base: Duration::ZERO, ..settings() })
        .call(
            Some(deadline),
            true,
            |attempt| {
                timeouts.push(attempt.timeout);
                pending::<Result<(), Fault>>()
            },
            classify,
        )
        .await;
    assert_eq!(timeouts[0], ms(200));
    assert!(timeouts[1] <= ms(150), "{timeouts:?}");
    assert_eq!(timeouts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_after_the_deadline() {
    let attempts = Attempts::default();
    let answer: Result<(), _> = policy(&settings())
        .call(
            Some(Instant::now()),
            true,
            |_| {
                attempts.count();
                async { Ok::<_, Fault>(()) }
            },
            classify,
        )
        .await;
    assert_eq!(answer, Err(CallError::Timeout));
    assert_eq!(attempts.total(), 0);
}

/// How one attempt of the pretended dependency goes.
#[derive(Clone, Copy, Debug)]
struct Script {
    takes_ms: u64,
    fault: Option<Fault>,
}

fn any_script() -> impl Strategy<Value = Script> {
    let fault = prop_oneof![
        Just(None),
        Just(Some(Fault::Away)),
        Just(Some(Fault::Broken)),
        (0_u64..600).prop_map(|delay_ms| Some(Fault::Busy(delay_ms))),
    ];
    (0_u64..500, fault).prop_map(|(takes_ms, fault)| Script { takes_ms, fault })
}

/// Runs a future on a clock of its own that jumps from timer to timer.
fn on_paused_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime needs nothing here").block_on(future)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_call_outlives_its_deadline(
        seed: u64,
        scripts in prop::collection::vec(any_script(), 3..4),
        deadline_ms in prop::option::of(0_u64..1_500),
        idempotent: bool,
        callers in 1_usize..12,
    ) {
        on_paused_time(async {
            let policy = Policy::seeded("pretended", &settings(), seed);
            let started = Instant::now();
            let deadline = deadline_ms.map(|limit| started + ms(limit));
            let latest = deadline.unwrap_or(started + ms(1_000)).min(started + ms(1_000));
            let calls = (0..callers).map(|_| async {
                let operation = |attempt: larder_resilience::Attempt| {
                    assert!(Instant::now() < latest, "an attempt started after the deadline");
                    assert!(Instant::now() + attempt.timeout <= latest);
                    let script = scripts[attempt.number as usize - 1];
                    async move {
                        sleep(ms(script.takes_ms)).await;
                        script.fault.map_or(Ok(()), Err)
                    }
                };
                let _ = policy.call(deadline, idempotent, operation, classify).await;
                Instant::now()
            });
            let ends = futures::future::join_all(calls).await;
            for end in ends {
                assert!(end <= latest + TICK, "ended {:?} too late", end - latest);
            }
        });
    }
}
