//! How many requests are worked on at once. Near the limit those are turned away first whose
//! caller can best do without: lists and batches, then other reads, writes last.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prost_reflect::MethodDescriptor;

use crate::{metrics, transcode};

/// How well a caller can do without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Priority {
    /// Lists, batches and streams: somebody comes back for them.
    Deferrable,
    /// What a page or a person waits for.
    Read,
    /// What would be lost.
    Write,
}

/// Counts requests.
#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    running: Arc<AtomicUsize>,
    most: usize,
}

/// The place of one request, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicUsize>);

impl Priority {
    /// The priority of calls to `rpc`.
    pub(crate) fn of(rpc: &MethodDescriptor) -> Self {
        let deferrable = ["List", "Batch", "Export", "Import"];
        if rpc.is_server_streaming() || deferrable.iter().any(|word| rpc.name().starts_with(word)) {
            Self::Deferrable
        } else if rpc.name().starts_with("Get") || transcode::is_declared_idempotent(rpc) {
            Self::Read
        } else {
            Self::Write
        }
    }

    /// How much of all places may be taken when a request of this priority comes, in eighths.
    fn eighths(self) -> usize {
        match self {
            Self::Deferrable => 6,
            Self::Read => 7,
            Self::Write => 8,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Deferrable => "deferrable",
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl InFlight {
    /// At most `most` requests at once.
    pub(crate) fn new(most: usize) -> Self {
        Self { running: Arc::new(AtomicUsize::new(0)), most }
    }

    /// A place for a request; none when there are too many already.
    pub(crate) fn enter(&self, priority: Priority) -> Option<Place> {
        let place = Place(self.running.clone());
        let before = self.running.fetch_add(1, Ordering::Relaxed);
        if before < (self.most * priority.eighths()).div_ceil(8) {
            return Some(place);
        }
        metrics::count_shed(priority.name());
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_wait_is_turned_away_first_and_places_come_back() {
        let places = InFlight::new(8);
        let mut held: Vec<_> = (0..6).map(|_| places.enter(Priority::Deferrable).unwrap()).collect();
        assert!(places.enter(Priority::Deferrable).is_none());
        held.push(places.enter(Priority::Read).unwrap());
        assert!(places.enter(Priority::Read).is_none());
        held.push(places.enter(Priority::Write).unwrap());
        assert!(places.enter(Priority::Write).is_none());
        held.clear();
        assert!(places.enter(Priority::Deferrable).is_some());
    }

    #[test]
    fn a_limit_of_one_lets_one_of_any_kind_in() {
        let places = InFlight::new(1);
        let held = places.enter(Priority::Deferrable).unwrap();
        assert!(places.enter(Priority::Write).is_none());
        drop(held);
        assert!(places.enter(Priority::Read).is_some());
    }
}
