//! Bounded concurrency: no more calls in flight than places, and refusals that come in time.

use super::*;
use larder_resilience::CallError;
use std::cell::Cell;
use std::future::pending;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn no_more_calls_run_at_once_than_there_are_places() {
    let policy = policy(&settings());
    let running = Cell::new(0_u32);
    let most = Cell::new(0_u32);
    let calls = (0..8).map(|_| {
        policy.call(
            None,
            true,
            |_| async {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                sleep(ms(50)).await;
                running.set(running.get() - 1);
                Ok::<_, Fault>(())
            },
            classify,
        )
    });
    let answers = futures::future::join_all(calls).await;
    assert!(answers.iter().all(Result::is_ok), "those who wait get their turn");
    assert_eq!(most.get(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_is_refused_at_its_deadline() {
    let policy = policy(&settings());
    let hogs = (0..4).map(|_| policy.call(None, false, |_| pending::<Result<(), Fault>>(), classify));
    let late = async {
        let started = Instant::now();
        let answer =
            policy.call(Some(started + ms(300)), true, |_| async { Ok::<_, Fault>(()) }, classify).await;
        assert_eq!(answer, Err(CallError::BulkheadFull));
        assert_eq!(started.elapsed(), ms(300));
    };
    tokio::join!(futures::future::join_all(hogs), late);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_is_refused_at_once() {
    let policy = policy(&settings());
    let calls = (0..21).map(|_| policy.call(None, false, |_| pending::<Result<(), Fault>>(), classify));
    let started = Instant::now();
    let mut calls = futures::stream::FuturesUnordered::from_iter(calls);
    let first = futures::StreamExt::next(&mut calls).await;
    assert_eq!(first, Some(Err(CallError::BulkheadFull)));
    assert_eq!(started.elapsed(), Duration::ZERO);
}
