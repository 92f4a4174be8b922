//! One target's share of the work: whole segments as they are completed, and every few seconds what
//! the open segment has grown by. A target that is away holds nobody else up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use larder_replication::SegmentName;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::archive::WalArchive;
use super::envelope::Origin;
use super::names::WalItem;
use super::page::{self, Expected};
use super::spool::Spool;
use super::status::StatusPen;
use super::writer::OnDisk;
use crate::error::BackupError;
use crate::pipeline::SealSettings;
use crate::target::SharedTarget;

const FIRST_RETRY_DELAY: Duration = Duration::from_millis(500);
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(15);

/// Which lane has taken which piece; the last one to take it throws it away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    taken: Arc<Mutex<BTreeMap<WalItem, BTreeSet<usize>>>>,
}

impl Ledger {
    fn has_taken(&self, item: &WalItem, lane: usize) -> bool {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.get(item).is_some_and(|lanes| lanes.contains(&lane))
    }

    /// Returns whether all of `lanes` have it now.
    fn take(&self, item: WalItem, lane: usize, lanes: usize) -> bool {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let by = taken.entry(item).or_default();
        by.insert(lane);
        let all = by.len() == lanes;
        if all {
            taken.remove(&item);
        }
        all
    }
}

/// What a lane works with.
pub(crate) struct Lane {
    pub(crate) number: usize,
    pub(crate) lanes: usize,
    pub(crate) target: SharedTarget,
    pub(crate) archive: WalArchive,
    pub(crate) origin: Origin,
    pub(crate) spool: Spool,
    pub(crate) seal: SealSettings,
    pub(crate) ledger: Ledger,
    pub(crate) status: StatusPen,
    pub(crate) on_disk: watch::Receiver<OnDisk>,
    pub(crate) flush_every: Duration,
}

/// How much of the open segment this lane has stored, and in which parts.
#[derive(Debug, Default)]
struct OpenSegment {
    segment: Option<SegmentName>,
    stored: u64,
    parts: Vec<WalItem>,
}

impl Lane {
    /// Runs until it is told to stop; what is on disk then is stored before it ends, once.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut open = OpenSegment::default();
        let mut tick = interval(self.flush_every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut delay = FIRST_RETRY_DELAY;
        loop {
            let seen = self.on_disk.borrow_and_update().completed;
            let is_last = stop.is_cancelled();
            match self.ship(&mut open).await {
                Ok(()) => {
                    delay = FIRST_RETRY_DELAY;
                    self.tell(None);
                }
                Err(error) => {
                    tracing::error!(target.name = self.target.name(), error.cause = %error, "the log does not reach a target");
                    self.tell(Some(error.to_string()));
                    if !is_last {
                        tokio::select! { () = sleep(delay) => {}, () = stop.cancelled() => {} }
                    }
                    delay = (delay * 2).min(LONGEST_RETRY_DELAY);
                }
            }
            if is_last {
                return;
            }
            tokio::select! {
                _ = tick.tick() => {}
                () = completed_more(&mut self.on_disk, seen) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn ship(&mut self, open: &mut OpenSegment) -> Result<(), BackupError> {
        // Read before the folder is listed: what is completed in between is seen at the next round.
        let on_disk = *self.on_disk.borrow();
        for waiting in self.spool.waiting()? {
            if !self.ledger.has_taken(&waiting.item, self.number) {
                self.store_waiting(waiting.item, open).await?;
            }
        }
        if !self.store_open(on_disk, open).await? {
            return Ok(());
        }
        let flushed = on_disk.position.lsn;
        let number = self.number;
        self.status.write(|status| {
            let archived = &mut status.targets[number].archived;
            *archived = (*archived).max(flushed);
        });
        self.status.compare();
        Ok(())
    }

    async fn store_waiting(&self, item: WalItem, open: &mut OpenSegment) -> Result<(), BackupError> {
        let Some(content) = self.spool.read(&item)? else { return Ok(()) };
        match item {
            WalItem::Segment(segment) => self.check(segment, 0, &content)?,
            WalItem::Part { segment, from, .. } => self.check(segment, u64::from(from), &content)?,
            WalItem::History(_) | WalItem::Gap { .. } => {}
        }
        self.archive.put(&self.target, &item, &self.origin, content, &self.seal).await?;
        if let WalItem::Segment(segment) = item
            && open.segment == Some(segment)
        {
            self.remove_parts(std::mem::take(open)).await;
        }
        if self.ledger.take(item, self.number, self.lanes) {
            self.spool.remove(&item)?;
        }
        Ok(())
    }

    /// What the whole segment now holds too. A target that keeps everything keeps them.
    async fn remove_parts(&self, open: OpenSegment) {
        for part in open.parts {
            let Ok(key) = self.archive.key(&part) else { continue };
            if let Err(error) = self.target.remove(&key).await {
                tracing::debug!(target.name = self.target.name(), error.cause = %error, "a part of a whole segment stays");
            }
        }
    }

    /// Returns whether everything that is on disk is stored now.
    async fn store_open(&self, on_disk: OnDisk, open: &mut OpenSegment) -> Result<bool, BackupError> {
        let (size, position) = (self.origin.size, on_disk.position);
        let reached = size.offset_of(position.lsn);
        if reached == 0 {
            return Ok(true);
        }
        let segment = SegmentName::containing(position.timeline, position.lsn, size);
        if open.segment != Some(segment) {
            *open = OpenSegment { segment: Some(segment), ..OpenSegment::default() };
        }
        if reached <= open.stored {
            return Ok(true);
        }
        let Some(content) = self.spool.read_open(segment, open.stored, reached)? else {
            // It was completed meanwhile and waits for the next round.
            return Ok(false);
        };
        self.check(segment, open.stored, &content)?;
        let offset = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
        let item = WalItem::Part { segment, from: offset(open.stored), to: offset(reached) };
        self.archive.put(&self.target, &item, &self.origin, content, &self.seal).await?;
        open.parts.push(item);
        open.stored = reached;
        Ok(true)
    }

    fn check(&self, segment: SegmentName, offset: u64, bytes: &[u8]) -> Result<(), BackupError> {
        let Origin { system, size, major_version } = self.origin;
        let checked = page::check(&Expected { system, segment, size, major_version }, offset, bytes);
        checked.map_err(|cause| BackupError::Damaged {
            target: "the spool".to_owned(),
            object: segment.to_string(),
            cause,
        })
    }

    fn tell(&self, error: Option<String>) {
        let (number, bytes) = (self.number, self.spool.waiting().ok());
        self.status.write(|status| {
            status.targets[number].error = error;
            if let Some(waiting) = bytes {
                status.spool_bytes = waiting.iter().map(|waiting| waiting.bytes).sum();
            }
        });
    }
}

/// Waits for the completion of a segment that was not seen yet.
async fn completed_more(on_disk: &mut watch::Receiver<OnDisk>, seen: u64) {
    if on_disk.wait_for(|on_disk| on_disk.completed != seen).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_goes_when_the_last_lane_has_it() {
        let ledger = Ledger::default();
        let item: WalItem = "00000002.history".parse().unwrap();
        assert!(!ledger.take(item, 0, 2));
        assert!(!ledger.take(item, 0, 2), "the same lane twice is one lane");
        assert!(ledger.has_taken(&item, 0) && !ledger.has_taken(&item, 1));
        assert!(ledger.take(item, 1, 2));
        assert!(!ledger.has_taken(&item, 0), "it is forgotten");
    }
}
