//! Calls at a fixed rate. A thread of its own keeps the pace, because the runtime's timer
//! is only exact to a millisecond; answers are awaited on the runtime.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::figures::Figures;
use super::target::Target;
use crate::clock;

/// More unanswered calls than this mean that nobody is there to answer.
const UNANSWERED_LIMIT: u64 = 20_000;

/// The recorders; calls take turns so that they do not wait for one lock.
const RECORDERS: usize = 16;

struct Run {
    target: Target,
    recorders: Vec<Mutex<Figures>>,
    unanswered: AtomicU64,
}

/// Calls `rate` times a second; what happens during `warmup` is not counted.
pub(super) async fn measure(target: &Target, rate: u32, warmup: Duration, duration: Duration) -> Figures {
    let recorders = (0..RECORDERS).map(|_| Mutex::new(Figures::new())).collect();
    let run = Arc::new(Run { target: target.clone(), recorders, unanswered: AtomicU64::new(0) });
    let handle = tokio::runtime::Handle::current();
    let pacing = {
        let run = run.clone();
        tokio::task::spawn_blocking(move || pace(&run, &handle, rate, warmup, duration))
    };
    let measured_for = pacing.await.unwrap_or(duration);
    wait_for_answers(&run).await;
    let mut figures = Figures::new();
    for recorder in &run.recorders {
        figures.add(&recorder.lock().unwrap_or_else(PoisonError::into_inner));
    }
    figures.set_measured_for(measured_for);
    figures
}

/// Sends each call at its moment and returns how long the measured part took.
fn pace(
    run: &Arc<Run>,
    handle: &tokio::runtime::Handle,
    rate: u32,
    warmup: Duration,
    duration: Duration,
) -> Duration {
    let started = clock::instant();
    let mut number = 0u64;
    loop {
        let since_start = Duration::from_nanos(number.saturating_mul(1_000_000_000) / u64::from(rate));
        if since_start >= warmup + duration {
            return started.elapsed().saturating_sub(warmup);
        }
        let intended = started + since_start;
        clock::hold_until(intended);
        let counted = since_start >= warmup;
        // Counted here, not in the call: one that has not begun is waited for as well.
        let unanswered_before = run.unanswered.fetch_add(1, Ordering::Relaxed);
        handle.spawn(one_call(run.clone(), number, intended, counted, unanswered_before));
        number += 1;
    }
}

async fn one_call(run: Arc<Run>, number: u64, intended: Instant, counted: bool, unanswered_before: u64) {
    let outcome = if unanswered_before < UNANSWERED_LIMIT {
        run.target.call(number).await
    } else {
        Err("not sent: too many calls are unanswered".to_owned())
    };
    let took = intended.elapsed();
    if counted {
        let recorder = &run.recorders[number as usize % RECORDERS];
        recorder.lock().unwrap_or_else(PoisonError::into_inner).record(took, outcome);
    }
    run.unanswered.fetch_sub(1, Ordering::Release);
}

/// Calls end by themselves: each has a time limit.
async fn wait_for_answers(run: &Run) {
    while run.unanswered.load(Ordering::Acquire) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
