//! A second attempt beside one that is slow, for calls that may be repeated: the first answer of
//! the two counts, and the other is dropped. It is paid for like a retry, so that a dependency that
//! is slow because it has too much to do gets little more to do.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use crate::attempts::{BreakerGuard, Ended, attempt_once};
use crate::policy::{Attempt, Outcome, Shared, lock};

impl Shared {
    /// Makes an attempt, and another one when there is no answer after the time for hedging.
    pub(crate) async fn attempt_hedged<T, E, F, Fut>(
        &self,
        guard: BreakerGuard<'_>,
        operation: &mut F,
        attempt: Attempt,
        classify: fn(&E) -> Outcome,
    ) -> Ended<T, E>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let mut first = pin!(attempt_once(guard, operation(attempt), attempt.timeout, classify));
        let Some(left) = self.time_after_hedging(attempt.timeout) else { return first.await };
        tokio::select! {
            ended = &mut first => return ended,
            () = sleep(self.hedge_after) => {}
        }
        if !lock(&self.retries).budget.withdraw() {
            return first.await;
        }
        let Ok(guard) = self.admit() else { return first.await };
        self.meters.hedges.increment(1);
        let beside = Attempt { timeout: left, number: attempt.number + 1 };
        let mut second = pin!(attempt_once(guard, operation(beside), left, classify));
        tokio::select! {
            ended = &mut first => if ended.is_answer() { ended } else { second.await },
            ended = &mut second => if ended.is_answer() { ended } else { first.await },
        }
    }

    fn time_after_hedging(&self, timeout: Duration) -> Option<Duration> {
        let left = timeout.checked_sub(self.hedge_after)?;
        (!self.hedge_after.is_zero() && !left.is_zero()).then_some(left)
    }
}
