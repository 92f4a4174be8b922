//! Calls at a fixed rate. A thread of its own keeps the pace, because the runtime's timer
//! is only exact to a millisecond; calls are made and awaited on the runtime.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

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

/// The pace is kept in steps no shorter than this; calls that are due together leave together. How
/// long a call waited for its step is part of its time.
const STEP: Duration = Duration::from_micros(200);

/// Calls `rate` times a second; what happens during `warmup` is not counted.
pub(super) async fn measure(target: &Target, rate: u32, warmup: Duration, duration: Duration) -> Figures {
    let recorders = (0..RECORDERS).map(|_| Mutex::new(Figures::new())).collect();
    let run = Arc::new(Run { target: target.clone(), recorders, unanswered: AtomicU64::new(0) });
    let pace = Pace { started: clock::instant(), rate, length: warmup + duration };
    let (sender, mut due) = watch::channel(0);
    let pacing = tokio::task::spawn_blocking(move || pace.keep(&sender));
    let mut number = 0;
    while due.changed().await.is_ok() {
        let due_count = *due.borrow_and_update();
        while number < due_count {
            let at = pace.due_after(number);
            // Counted here, not in the call: one that has not begun is waited for as well.
            let unanswered_before = run.unanswered.fetch_add(1, Ordering::Relaxed);
            let call = one_call(run.clone(), number, pace.started + at, at >= warmup, unanswered_before);
            tokio::spawn(call);
            number += 1;
        }
    }
    let measured_for = pacing.await.map_or(duration, |length| length.saturating_sub(warmup));
    wait_for_answers(&run).await;
    let mut figures = Figures::new();
    for recorder in &run.recorders {
        figures.add(&recorder.lock().unwrap_or_else(PoisonError::into_inner));
    }
    figures.set_measured_for(measured_for);
    figures
}

/// When each call is to leave.
#[derive(Clone, Copy)]
struct Pace {
    started: Instant,
    /// Calls a second.
    rate: u32,
    length: Duration,
}

impl Pace {
    /// How long after the start a call is due.
    fn due_after(&self, number: u64) -> Duration {
        Duration::from_nanos(number.saturating_mul(1_000_000_000) / u64::from(self.rate))
    }

    /// How many calls are due so long after the start.
    fn due_count(&self, elapsed: Duration) -> u64 {
        let whole = (elapsed.as_nanos() * u128::from(self.rate)).div_ceil(1_000_000_000);
        u64::try_from(whole).unwrap_or(u64::MAX)
    }

    /// Tells step by step how many calls are due, and at the end how long that took.
    fn keep(&self, due: &watch::Sender<u64>) -> Duration {
        let last = self.due_count(self.length);
        let (mut told, mut step) = (0, Duration::ZERO);
        while told < last {
            step = self.due_after(told).max(step + STEP);
            clock::hold_until(self.started + step);
            told = self.due_count(self.started.elapsed()).min(last);
            due.send_replace(told);
        }
        self.started.elapsed().max(self.length)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_due_from_its_moment_on_and_not_before() {
        let pace = Pace { started: clock::instant(), rate: 3, length: Duration::from_secs(1) };
        for number in 0..100 {
            let moment = pace.due_after(number);
            assert_eq!(pace.due_count(moment + Duration::from_nanos(1)), number + 1);
            assert!(pace.due_count(moment) <= number + 1);
        }
        assert_eq!(pace.due_count(pace.length), 3);
    }

    #[tokio::test]
    async fn every_call_is_told_of_once_its_time_has_come() {
        let pace = Pace { started: clock::instant(), rate: 10_000, length: Duration::from_millis(20) };
        let (sender, due) = watch::channel(0);
        let took = tokio::task::spawn_blocking(move || pace.keep(&sender)).await.unwrap();
        assert_eq!(*due.borrow(), 200);
        assert!(took >= Duration::from_millis(19), "{took:?}");
    }
}
