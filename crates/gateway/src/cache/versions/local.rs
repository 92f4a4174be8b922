//! Changes remembered in the process itself.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::{PLACES, Places, Seen};

/// One epoch lasts as long as the process.
const EPOCH: u64 = 1;

pub(in crate::cache) struct Local {
    count: AtomicU64,
    changed: Box<[AtomicU64]>,
    forgotten: Box<[AtomicU64]>,
    /// When each place changed last, in microseconds since the start.
    changed_us: Box<[AtomicU64]>,
    started: Instant,
    settled_after: Duration,
}

impl Local {
    pub(super) fn new(settled_after: Duration) -> Self {
        let places = || (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        Self {
            count: AtomicU64::new(0),
            changed: places(),
            forgotten: places(),
            changed_us: places(),
            started: Instant::now(),
            settled_after,
        }
    }

    pub(super) fn see(&self, places: &Places) -> Seen {
        let last = |of: &[AtomicU64], places: &[u16]| {
            places.iter().map(|place| of[usize::from(*place)].load(Ordering::Acquire)).max().unwrap_or(0)
        };
        let changed_at = last(&self.changed, &places.changed);
        let since = self.now_us().saturating_sub(last(&self.changed_us, &places.changed));
        Seen {
            epoch: EPOCH,
            changed_at,
            forgotten_at: last(&self.forgotten, &places.forgotten),
            is_settled: changed_at == 0 || Duration::from_micros(since) >= self.settled_after,
        }
    }

    pub(super) fn change(&self, places: &Places) {
        let (count, now_us) = (self.count.fetch_add(1, Ordering::AcqRel) + 1, self.now_us());
        for place in places.changed.iter().map(|place| usize::from(*place)) {
            self.changed_us[place].fetch_max(now_us, Ordering::AcqRel);
            self.changed[place].fetch_max(count, Ordering::AcqRel);
        }
        for place in &places.forgotten {
            self.forgotten[usize::from(*place)].fetch_max(count, Ordering::AcqRel);
        }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_is_seen_where_it_was_and_settles() {
        let local = Local::new(Duration::from_millis(300));
        let (one, other) = (Places { changed: vec![3, 9], forgotten: vec![3] }, Places::default());
        let before = local.see(&one);
        assert!(before.is_settled);
        local.change(&Places { changed: vec![9], forgotten: Vec::new() });
        let after = local.see(&one);
        assert!(after.changed_at > before.changed_at && !after.is_settled);
        assert_eq!((after.forgotten_at, local.see(&other).changed_at), (0, 0));
        tokio::time::sleep(Duration::from_millis(350)).await;
        assert!(local.see(&one).is_settled);
        local.change(&one);
        assert_eq!(local.see(&one).forgotten_at, 2);
    }
}
