//! The bulkhead: at most so many calls to one dependency at a time, and at most four times as many waiting for their turn.
//!
//! A bounded queue keeps a slow dependency from collecting callers whose deadline will have passed before their turn
//! comes. Dropping a waiting or running call gives its place back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// How many may wait for each that runs. A thousand callers who begin at once find a place in 256, where a call takes
/// milliseconds; of a dependency that hangs, each is let go at its own deadline.
const WAITING_FOR_EACH: usize = 4;

/// The places of one dependency.
#[derive(Clone, Debug)]
pub(crate) struct Bulkhead {
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    max_waiting: usize,
}

/// A place that is held for as long as the call runs.
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    in_flight: Gauge,
}

impl Bulkhead {
    /// A bulkhead for `max_calls` concurrent calls (at least one).
    pub(crate) fn new(max_calls: usize) -> Self {
        let max_calls = max_calls.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            places: Arc::new(Semaphore::new(max_calls)),
            waiting: Arc::new(AtomicUsize::new(0)),
            max_waiting: max_calls.saturating_mul(WAITING_FOR_EACH),
        }
    }

    /// Takes a place, waiting for one until `deadline` at most; none means the call must be refused.
    pub(crate) async fn enter(&self, deadline: Instant, in_flight: &Gauge) -> Option<Place> {
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait(deadline).await?,
        };
        in_flight.increment(1.0);
        Some(Place { _permit: permit, in_flight: in_flight.clone() })
    }

    async fn wait(&self, deadline: Instant) -> Option<OwnedSemaphorePermit> {
        let _turn = Turn::take(&self.waiting, self.max_waiting)?;
        timeout_at(deadline, Arc::clone(&self.places).acquire_owned()).await.ok()?.ok()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.in_flight.decrement(1.0);
    }
}

/// One waiting caller; counted down on drop, so that a cancelled wait is forgotten too.
struct Turn<'a>(&'a AtomicUsize);

impl<'a> Turn<'a> {
    fn take(waiting: &'a AtomicUsize, limit: usize) -> Option<Self> {
        let turn = Self(waiting);
        let before = turn.0.fetch_add(1, Ordering::Relaxed);
        (before < limit).then_some(turn)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(100)
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_free_again_when_its_holder_is_dropped() {
        let bulkhead = Bulkhead::new(1);
        let gauge = Gauge::noop();
        let place = bulkhead.enter(soon(), &gauge).await;
        assert!(place.is_some());
        assert!(bulkhead.enter(soon(), &gauge).await.is_none());
        drop(place);
        assert!(bulkhead.enter(soon(), &gauge).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_at_the_deadline() {
        let bulkhead = Bulkhead::new(1);
        let _place = bulkhead.enter(soon(), &Gauge::noop()).await;
        let started = Instant::now();
        assert!(bulkhead.enter(soon(), &Gauge::noop()).await.is_none());
        assert_eq!(started.elapsed(), Duration::from_millis(100));
    }

    #[tokio::test(start_paused = true)]
    async fn the_queue_has_an_end() {
        let bulkhead = Bulkhead::new(1);
        let _place = bulkhead.enter(soon(), &Gauge::noop()).await;
        let waiters: Vec<_> = (0..WAITING_FOR_EACH)
            .map(|_| {
                let bulkhead = bulkhead.clone();
                tokio::spawn(async move { bulkhead.enter(soon(), &Gauge::noop()).await.is_some() })
            })
            .collect();
        tokio::task::yield_now().await;
        let started = Instant::now();
        assert!(bulkhead.enter(soon(), &Gauge::noop()).await.is_none());
        assert_eq!(started.elapsed(), Duration::ZERO, "a full queue is refused at once");
        for waiter in waiters {
            assert!(!waiter.await.unwrap());
        }
        assert_eq!(bulkhead.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_wait_leaves_no_trace() {
        let bulkhead = Bulkhead::new(1);
        let place = bulkhead.enter(soon(), &Gauge::noop()).await;
        let waiter = tokio::spawn({
            let bulkhead = bulkhead.clone();
            async move { bulkhead.enter(soon(), &Gauge::noop()).await.is_some() }
        });
        tokio::task::yield_now().await;
        waiter.abort();
        assert!(waiter.await.unwrap_err().is_cancelled());
        assert_eq!(bulkhead.waiting.load(Ordering::Relaxed), 0);
        drop(place);
        assert!(bulkhead.enter(soon(), &Gauge::noop()).await.is_some());
    }
}
