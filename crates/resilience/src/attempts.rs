//! The retry loop inside a call: breaker, one attempt under its limit, verdict, backoff, again.
//!
//! No attempt starts after the deadline and no wait begins that would end after it. Every admission by the breaker is
//! handed back exactly once, also when the call is dropped half-way.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::breaker::{Admission, Breaker, BreakerState, Verdict};
use crate::error::CallError;
use crate::meters::Ending;
use crate::policy::{Attempt, Outcome, Shared, lock};

/// What one call may use up.
pub(crate) struct CallLimits {
    /// End of the whole call.
    pub(crate) deadline: Instant,
    /// Attempts at most.
    pub(crate) attempts: u32,
    /// Time of one attempt at most.
    pub(crate) attempt_timeout: Duration,
}

/// A result and what to count it as.
pub(crate) struct Ended<T, E> {
    pub(crate) result: Result<T, CallError<E>>,
    pub(crate) ending: Ending,
    retry: Retry,
}

/// Whether a bad ending is worth another attempt.
#[derive(Clone, Copy)]
enum Retry {
    No,
    AfterBackoff,
    AfterHint(Duration),
}

impl<T, E> Ended<T, E> {
    /// Whether the dependency answered, be it with a refusal.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self.ending, Ending::Success | Ending::Refused)
    }
}

impl Shared {
    /// Attempts the operation until it succeeds, may not be tried again, or has no time left.
    pub(crate) async fn attempt_until_done<T, E, F, Fut>(
        &self,
        limits: &CallLimits,
        mut operation: F,
        classify: fn(&E) -> Outcome,
    ) -> Ended<T, E>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        lock(&self.retries).budget.deposit();
        let mut number = 1;
        let mut last = None;
        loop {
            let Some(timeout) = time_left(limits) else {
                return last.unwrap_or_else(timed_out);
            };
            let guard = match self.admit() {
                Ok(guard) => guard,
                // A refused retry must not hide the error that was the reason for it.
                Err(retry_after) => return last.unwrap_or_else(|| breaker_open(retry_after)),
            };
            if number > 1 {
                self.meters.retries.increment(1);
            }
            let attempt = Attempt { timeout, number };
            let ended = if limits.attempts > 1 {
                self.attempt_hedged(guard, &mut operation, attempt, classify).await
            } else {
                attempt_once(guard, operation(attempt), timeout, classify).await
            };
            if number == limits.attempts || !self.wait_for_retry(ended.retry, number, limits.deadline).await {
                return ended;
            }
            last = Some(ended);
            number += 1;
        }
    }

    /// Waits before retry number `retry`; false means there must be none.
    async fn wait_for_retry(&self, wanted: Retry, retry: u32, deadline: Instant) -> bool {
        let hint = match wanted {
            Retry::No => return false,
            Retry::AfterBackoff => Duration::ZERO,
            // A long wait is for the caller to sit out, not for a place in the bulkhead.
            Retry::AfterHint(hint) if hint > self.backoff.cap => return false,
            Retry::AfterHint(hint) => hint,
        };
        let delay = {
            let mut retries = lock(&self.retries);
            let delay = hint + self.backoff.delay(retry, &mut retries.random);
            if Instant::now() + delay >= deadline {
                return false;
            }
            if !retries.budget.withdraw() {
                self.meters.retry_budget_exhausted.increment(1);
                return false;
            }
            delay
        };
        sleep(delay).await;
        true
    }

    pub(crate) fn admit(&self) -> Result<BreakerGuard<'_>, Duration> {
        let admission = self.change_breaker(|breaker, now| breaker.admit(now))?;
        Ok(BreakerGuard { shared: self, admission, verdict: Verdict::Unknown })
    }

    /// Changes the breaker and reports a new state.
    fn change_breaker<R>(&self, change: impl FnOnce(&mut Breaker, Instant) -> R) -> R {
        let now = Instant::now();
        let mut breaker = lock(&self.breaker);
        let before = breaker.phase_number();
        let result = change(&mut breaker, now);
        if breaker.phase_number() != before {
            let state = breaker.state(now);
            self.meters.breaker_state(state);
            drop(breaker);
            report(self.name, state);
        }
        result
    }
}

pub(crate) async fn attempt_once<T, E>(
    guard: BreakerGuard<'_>,
    attempt: impl Future<Output = Result<T, E>>,
    timeout: Duration,
    classify: fn(&E) -> Outcome,
) -> Ended<T, E> {
    match timeout_at(Instant::now() + timeout, attempt).await {
        Ok(Ok(value)) => {
            guard.finish(Verdict::Working);
            Ended { result: Ok(value), ending: Ending::Success, retry: Retry::No }
        }
        Ok(Err(error)) => {
            let (verdict, ending, retry) = judge(classify(&error));
            guard.finish(verdict);
            Ended { result: Err(CallError::Inner(error)), ending, retry }
        }
        Err(_) => {
            guard.finish_cut(timeout);
            timed_out()
        }
    }
}

fn judge(outcome: Outcome) -> (Verdict, Ending, Retry) {
    match outcome {
        Outcome::Success => (Verdict::Working, Ending::Refused, Retry::No),
        Outcome::RetryableAfter(hint) => (Verdict::Working, Ending::Refused, Retry::AfterHint(hint)),
        Outcome::Retryable => (Verdict::Failing, Ending::Failure, Retry::AfterBackoff),
        Outcome::Failure => (Verdict::Failing, Ending::Failure, Retry::No),
    }
}

/// Time of the next attempt; none when the deadline has passed.
fn time_left(limits: &CallLimits) -> Option<Duration> {
    let left = limits.deadline.saturating_duration_since(Instant::now());
    (!left.is_zero()).then(|| left.min(limits.attempt_timeout))
}

fn timed_out<T, E>() -> Ended<T, E> {
    Ended { result: Err(CallError::Timeout), ending: Ending::Timeout, retry: Retry::AfterBackoff }
}

fn breaker_open<T, E>(retry_after: Duration) -> Ended<T, E> {
    Ended {
        result: Err(CallError::BreakerOpen { retry_after }),
        ending: Ending::BreakerOpen,
        retry: Retry::No,
    }
}

fn report(dependency: &'static str, state: BreakerState) {
    match state {
        BreakerState::Open => tracing::warn!(dependency.name = dependency, "circuit breaker opened"),
        BreakerState::HalfOpen => tracing::info!(dependency.name = dependency, "circuit breaker is probing"),
        BreakerState::Closed => tracing::info!(dependency.name = dependency, "circuit breaker closed"),
    }
}

/// Hands the admission back when dropped; as unknown, unless it was told otherwise.
pub(crate) struct BreakerGuard<'a> {
    shared: &'a Shared,
    admission: Admission,
    verdict: Verdict,
}

impl BreakerGuard<'_> {
    fn finish(mut self, verdict: Verdict) {
        self.verdict = verdict;
    }

    /// The attempt was cut after `timeout`. A caller in a hurry must not open the breaker for everybody, so an
    /// attempt that had less than a tenth of its usual time proves nothing.
    fn finish_cut(self, timeout: Duration) {
        let fair = timeout >= self.shared.attempt_timeout / 10;
        self.finish(if fair { Verdict::Failing } else { Verdict::Unknown });
    }
}

impl Drop for BreakerGuard<'_> {
    fn drop(&mut self) {
        self.shared.change_breaker(|breaker, now| breaker.record(self.admission, self.verdict, now));
    }
}
