//! A run: every call leaves when it is due, whatever became of those before it, and its time counts from then. A
//! thread keeps the pace, because the runtime's timer is only exact to a millisecond.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::caller::{Caller, Outcome};
use super::mix::Mix;
use super::progress::Progress;
use super::record::Record;
use super::shape::{Due, Shape};
use crate::clock;

/// More unanswered calls than this mean that nobody is there to answer.
const UNANSWERED_LIMIT: u64 = 20_000;

/// What calls share.
struct Run {
    caller: Arc<Caller>,
    mix: Arc<Mix>,
    record: Arc<Mutex<Record>>,
    unanswered: AtomicU64,
}

/// Makes the calls of a shape and returns when the last one has ended.
pub(crate) async fn run(
    shape: &Shape,
    seed: u64,
    (caller, mix): (&Arc<Caller>, &Arc<Mix>),
    started: Instant,
    mut progress: Progress,
) -> Record {
    let record = Arc::new(Mutex::new(Record::default()));
    let run = Arc::new(Run {
        caller: caller.clone(),
        mix: mix.clone(),
        record: record.clone(),
        unanswered: AtomicU64::new(0),
    });
    tokio::select! {
        () = send(&run, shape, seed, started) => {}
        never = progress.show(&record, started) => match never {},
    }
    progress.finish();
    drop(run);
    std::mem::take(&mut *record.lock().unwrap_or_else(PoisonError::into_inner))
}

async fn send(run: &Arc<Run>, shape: &Shape, seed: u64, started: Instant) {
    let (sender, mut due) = mpsc::unbounded_channel();
    let calls = shape.calls(seed);
    // It ends with the last call, or when nobody wants the next one any more.
    tokio::task::spawn_blocking(move || keep_pace(calls, started, &sender));
    while let Some(call) = due.recv().await {
        let unanswered_before = run.unanswered.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(one_call(run.clone(), call, started + call.at, unanswered_before));
    }
    // Calls end by themselves: each has a time limit.
    tokio::time::sleep((started + shape.length()).saturating_duration_since(clock::instant())).await;
    while run.unanswered.load(Ordering::Acquire) > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn keep_pace(calls: impl Iterator<Item = Due>, started: Instant, sender: &mpsc::UnboundedSender<Due>) {
    for call in calls {
        clock::hold_until(started + call.at);
        if sender.send(call).is_err() {
            return;
        }
    }
}

async fn one_call(run: Arc<Run>, call: Due, intended: Instant, unanswered_before: u64) {
    let kind = run.mix.pick(call.draw);
    let outcome = if unanswered_before < UNANSWERED_LIMIT {
        run.caller.outcome(&run.mix.ask(kind, call.number, call.draw)).await
    } else {
        Outcome::Failed("not sent: too many calls are unanswered".to_owned())
    };
    let took = intended.elapsed();
    run.record.lock().unwrap_or_else(PoisonError::into_inner).add(call.at, took, kind, outcome);
    run.unanswered.fetch_sub(1, Ordering::Release);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::load::suites::shape::Step;

    #[tokio::test]
    async fn calls_leave_when_they_are_due_and_not_before() {
        let steps = vec![Step { name: "all", users: 100, length: Duration::from_millis(100) }];
        let shape = Shape { steps, calls_per_user_s: 20.0 };
        let (sender, mut due) = mpsc::unbounded_channel();
        let (calls, started) = (shape.calls(1), clock::instant());
        let pacing = tokio::task::spawn_blocking(move || keep_pace(calls, started, &sender));
        let mut count = 0;
        while let Some(call) = due.recv().await {
            assert!(started.elapsed() >= call.at, "{call:?}");
            count += 1;
        }
        pacing.await.unwrap();
        assert_eq!(count, shape.calls(1).count());
    }
}
