//! One question at a time: whoever asks what is being asked already, of the same state of
//! things, waits for that answer. A question ends when nobody waits for it any more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::watch;
use tonic::Status;

use super::Key;
use super::kept::Kept;
use super::versions::Seen;

/// The answer of a question, for everybody who waits for it.
pub(super) type Landing = Shared<BoxFuture<'static, Result<Arc<Kept>, Status>>>;

/// A question on its way.
#[derive(Clone)]
pub(super) struct Flight {
    pub(super) landing: Landing,
    /// Whether a try of it has failed.
    pub(super) failing: watch::Receiver<bool>,
}

/// The questions on their way.
#[derive(Clone, Default)]
pub(super) struct Flights(Arc<Mutex<Board>>);

#[derive(Default)]
struct Board {
    number: u64,
    flights: HashMap<(Key, Seen), Listed>,
}

struct Listed {
    number: u64,
    landing: WeakShared<BoxFuture<'static, Result<Arc<Kept>, Status>>>,
    failing: watch::Receiver<bool>,
}

impl Flights {
    /// Joins the question `key` about the state `seen`, or begins it with `ask`.
    pub(super) fn join(
        &self,
        key: Key,
        seen: Seen,
        failing: watch::Receiver<bool>,
        ask: BoxFuture<'static, Result<Arc<Kept>, Status>>,
    ) -> Flight {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = board.flights.get(&(key, seen));
        let joined = listed.and_then(|listed| Some((listed.landing.upgrade()?, listed.failing.clone())));
        if let Some((landing, failing)) = joined {
            return Flight { landing, failing };
        }
        board.number += 1;
        let number = board.number;
        let strike = Strike { flights: self.clone(), place: (key, seen), number };
        let landing = async move {
            let _strike = strike;
            ask.await
        };
        let flight = Flight { landing: landing.boxed().shared(), failing };
        if let Some(landing) = flight.landing.downgrade() {
            let listed = Listed { number, landing, failing: flight.failing.clone() };
            board.flights.insert((key, seen), listed);
        }
        flight
    }
}

/// Takes a question off the board when it has ended, one way or the other.
struct Strike {
    flights: Flights,
    place: (Key, Seen),
    number: u64,
}

impl Drop for Strike {
    fn drop(&mut self) {
        let mut board = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        if board.flights.get(&self.place).is_some_and(|listed| listed.number == self.number) {
            board.flights.remove(&self.place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;
    use tokio::time::Instant;

    const SEEN: Seen = Seen { epoch: 1, changed_at: 1, forgotten_at: 0, is_settled: true };

    fn ask(count: &Arc<AtomicU32>) -> BoxFuture<'static, Result<Arc<Kept>, Status>> {
        let count = count.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(200)).await;
            count.fetch_add(1, Ordering::Relaxed);
            Ok(Arc::new(Kept::new("answer".into(), None, Instant::now())))
        }
        .boxed()
    }

    #[tokio::test]
    async fn many_who_ask_the_same_ask_once() {
        let (flights, count) = (Flights::default(), Arc::new(AtomicU32::new(0)));
        let failing = watch::channel(false).1;
        let joined: Vec<_> =
            (0..20).map(|_| flights.join(Key([1; 32]), SEEN, failing.clone(), ask(&count)).landing).collect();
        let other = Seen { changed_at: 2, ..SEEN };
        let after_a_change = flights.join(Key([1; 32]), other, failing.clone(), ask(&count)).landing;
        for answer in futures::future::join_all(joined).await {
            assert_eq!(answer.unwrap().message, "answer");
        }
        after_a_change.await.unwrap();
        assert_eq!(count.load(Ordering::Relaxed), 2, "once for each state of things");
        assert!(flights.0.lock().unwrap().flights.is_empty());
    }

    #[tokio::test]
    async fn a_question_lasts_as_long_as_anybody_waits() {
        let (flights, count) = (Flights::default(), Arc::new(AtomicU32::new(0)));
        let failing = watch::channel(false).1;
        let first = flights.join(Key([1; 32]), SEEN, failing.clone(), ask(&count)).landing;
        let second = flights.join(Key([1; 32]), SEEN, failing.clone(), ask(&count)).landing;
        let cut = tokio::time::timeout(Duration::from_millis(50), first).await;
        assert!(cut.is_err());
        second.await.unwrap();
        let third = flights.join(Key([1; 32]), SEEN, failing, ask(&count)).landing;
        drop(tokio::time::timeout(Duration::from_millis(50), third).await);
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(count.load(Ordering::Relaxed), 1, "nobody waited for the third");
        assert!(flights.0.lock().unwrap().flights.is_empty());
    }
}
