//! What the receiver tells about itself. Whoever watches sees at any moment how much of the log would
//! be lost with the server, and why.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use larder_replication::{Lsn, SystemIdentifier, TimelineId};
use tokio::sync::watch;

/// What the receiver is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WalState {
    /// On its way to the server.
    #[default]
    Connecting,
    /// The log comes as it is written.
    Streaming,
    /// It failed and tries again; the text says at what.
    Failing(String),
    /// It will not work until somebody changes something; the text says what.
    Refused(String),
    /// It was told to stop.
    Stopped,
}

/// How far the log is at one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetStatus {
    /// The target's name.
    pub target: String,
    /// Everything before is there.
    pub archived: Lsn,
    /// When it last had everything that the server had.
    pub caught_up_at: Option<Timestamp>,
    /// Why it is behind.
    pub error: Option<String>,
}

/// The log between two places is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// On this timeline.
    pub timeline: TimelineId,
    /// The first byte that is missing.
    pub from: Lsn,
    /// The first byte that is there again.
    pub to: Lsn,
    /// When it was noticed.
    pub noticed_at: Timestamp,
}

/// The state of one cluster's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WalStatus {
    /// What is going on.
    pub state: WalState,
    /// Since when the log is received without a gap.
    pub since: Option<Timestamp>,
    /// The cluster.
    pub system: Option<SystemIdentifier>,
    /// The timeline that is received.
    pub timeline: Option<TimelineId>,
    /// How far the server's log goes.
    pub server_end: Lsn,
    /// When that was heard.
    pub server_heard_at: Option<Timestamp>,
    /// Everything before is on the disk of this machine.
    pub flushed: Lsn,
    /// When this machine last had everything that the server had.
    pub caught_up_at: Option<Timestamp>,
    /// The targets.
    pub targets: Vec<TargetStatus>,
    /// Bytes that wait in the spool.
    pub spool_bytes: u64,
    /// How much log the server may keep for us.
    pub slot_cap_bytes: Option<u64>,
    /// How much it keeps.
    pub slot_retained_bytes: u64,
    /// Gaps since the start of this process. Each wants a new full backup.
    pub gaps: Vec<Gap>,
}

impl WalStatus {
    /// How much work would be lost with the server now, as time: since when the slowest of all
    /// targets has not had everything. `None` when one never had.
    pub fn exposure(&self, now: Timestamp) -> Option<Duration> {
        let since = self.targets.iter().map(|target| target.caught_up_at).min().flatten();
        since.map(|since| now.duration_since(since).unsigned_abs())
    }

    /// The same, counting what is on the disk of this machine as kept.
    pub fn spool_exposure(&self, now: Timestamp) -> Option<Duration> {
        self.caught_up_at.map(|since| now.duration_since(since).unsigned_abs())
    }

    /// The stretch of time that every target covers without a gap.
    pub fn covered(&self) -> Option<(Timestamp, Timestamp)> {
        let until = self.targets.iter().map(|target| target.caught_up_at).min().flatten()?;
        self.since.filter(|since| *since <= until).map(|since| (since, until))
    }

    /// Why the log is not received, or does not reach a target, if it does not.
    pub fn obstacle(&self) -> Option<String> {
        match &self.state {
            WalState::Failing(reason) | WalState::Refused(reason) => Some(reason.clone()),
            _ => self.targets.iter().find_map(|target| target.error.clone()),
        }
    }

    /// Whether the server keeps half or more of what it may keep: beyond the whole it throws the
    /// log away, and there is a gap.
    pub fn slot_is_half_full(&self) -> bool {
        self.slot_cap_bytes.is_some_and(|cap| self.slot_retained_bytes >= cap / 2)
    }
}

/// How far the server's log went at which moment. A server that is never idle is always a little ahead of what was
/// archived, so whoever holds the log up to one of these places had everything at its moment.
#[derive(Debug, Default)]
struct Heard {
    marks: VecDeque<(Lsn, Timestamp)>,
}

impl Heard {
    /// Marks closer together than this are one.
    const APART: Duration = Duration::from_millis(20);
    /// So many are kept; where nothing is archived for long, every other one goes.
    const MOST: usize = 2_048;

    fn note(&mut self, end: Lsn, now: Timestamp) {
        let newest_but_one = self.marks.len().checked_sub(2).and_then(|place| self.marks.get(place)).copied();
        let is_close = |(_, at): (Lsn, Timestamp)| now.duration_since(at).unsigned_abs() < Self::APART;
        match self.marks.back_mut() {
            Some(newest) if newest.0 == end || newest_but_one.is_some_and(is_close) => *newest = (end, now),
            _ => self.marks.push_back((end, now)),
        }
        if self.marks.len() > Self::MOST {
            let mut place = 0_usize;
            self.marks.retain(|_| {
                place += 1;
                place.is_multiple_of(2)
            });
        }
    }

    /// When the newest place at or before this one was heard of.
    fn at(&self, place: Lsn) -> Option<Timestamp> {
        let before = self.marks.partition_point(|(end, _)| *end <= place);
        before.checked_sub(1).and_then(|newest| self.marks.get(newest)).map(|(_, at)| *at)
    }

    /// Nobody is behind this place any more.
    fn forget_before(&mut self, place: Lsn) {
        let before = self.marks.partition_point(|(end, _)| *end <= place);
        self.marks.drain(..before.saturating_sub(1));
    }
}

/// The pen that all tasks of the receiver share.
#[derive(Clone)]
pub(crate) struct StatusPen {
    sender: Arc<watch::Sender<WalStatus>>,
    heard: Arc<Mutex<Heard>>,
    clock: fn() -> Timestamp,
}

impl StatusPen {
    pub(crate) fn new(clock: fn() -> Timestamp, targets: impl Iterator<Item = String>) -> Self {
        let unknown = |target| TargetStatus { target, archived: Lsn(0), caught_up_at: None, error: None };
        let status = WalStatus { targets: targets.map(unknown).collect(), ..WalStatus::default() };
        Self { sender: Arc::new(watch::Sender::new(status)), heard: Arc::default(), clock }
    }

    pub(crate) fn reader(&self) -> watch::Receiver<WalStatus> {
        self.sender.subscribe()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn write(&self, change: impl FnOnce(&mut WalStatus)) {
        self.sender.send_modify(change);
    }

    /// The server's end as it is known now.
    pub(crate) fn server_end(&self, end: Lsn) {
        let now = (self.clock)();
        self.write(|status| {
            status.server_end = status.server_end.max(end);
            status.server_heard_at = Some(now);
            if status.server_end > Lsn(0) {
                self.heard().note(status.server_end, now);
            }
        });
        self.compare();
    }

    /// Notes for the spool and each target when it had everything that the server had then.
    pub(crate) fn compare(&self) {
        self.write(|status| {
            let mut heard = self.heard();
            status.slot_retained_bytes = status.server_end.bytes_since(status.flushed);
            status.caught_up_at = status.caught_up_at.max(heard.at(status.flushed));
            for target in &mut status.targets {
                target.caught_up_at = target.caught_up_at.max(heard.at(target.archived));
            }
            let slowest = status.targets.iter().map(|target| target.archived).min();
            heard.forget_before(slowest.unwrap_or(status.flushed).min(status.flushed));
        });
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_slowest_target_decides() {
        let pen =
            StatusPen::new(|| Timestamp::UNIX_EPOCH, ["disk".to_owned(), "cloud".to_owned()].into_iter());
        let status = || pen.reader().borrow().clone();
        assert_eq!(status().exposure(at(5)), None, "nothing was ever stored");
        pen.server_end(Lsn(100));
        pen.write(|status| status.targets[0].archived = Lsn(100));
        pen.compare();
        assert_eq!(status().exposure(at(5)), None, "one target never had everything");
        pen.write(|status| status.targets[1].archived = Lsn(100));
        pen.compare();
        assert_eq!(status().exposure(at(5)), Some(Duration::from_secs(5)));
        assert_eq!(status().spool_exposure(at(5)), None);
    }

    #[test]
    fn a_server_that_is_never_idle_is_followed_too() {
        static SECOND: std::sync::atomic::AtomicI64 = std::sync::atomic::AtomicI64::new(0);
        let second = || SECOND.load(std::sync::atomic::Ordering::Relaxed);
        let pen = StatusPen::new(
            || at(SECOND.load(std::sync::atomic::Ordering::Relaxed)),
            ["disk".to_owned()].into_iter(),
        );
        let exposure = || pen.reader().borrow().exposure(at(second()));
        for moment in 1_i64..=10_000 {
            SECOND.store(moment, std::sync::atomic::Ordering::Relaxed);
            pen.server_end(Lsn(u64::try_from(moment).unwrap() * 100));
            // What was there two seconds ago has been stored, and a little more.
            let archived = Lsn(u64::try_from(moment - 2).unwrap_or(0) * 100 + 50);
            pen.write(|status| {
                status.flushed = Lsn(u64::try_from(moment).unwrap() * 100);
                status.targets[0].archived = archived;
            });
            pen.compare();
            if moment > 2 {
                assert_eq!(exposure(), Some(Duration::from_secs(2)), "at {moment}");
            }
        }
        assert!(pen.heard().marks.len() < 10, "what everybody has is forgotten");
        for moment in 10_001_i64..=30_000 {
            SECOND.store(moment, std::sync::atomic::Ordering::Relaxed);
            pen.server_end(Lsn(u64::try_from(moment).unwrap() * 100));
        }
        assert_eq!(exposure(), Some(Duration::from_secs(20_002)), "nothing was stored for long");
        assert!(pen.heard().marks.len() <= Heard::MOST, "and the memory of it is bounded");
        pen.write(|status| status.targets[0].archived = Lsn(2_000_000));
        pen.compare();
        let behind = exposure().unwrap().as_secs();
        assert!(
            (10_000..11_000).contains(&behind),
            "never told as less than it is, nor as much more: {behind}"
        );
    }

    #[test]
    fn half_a_slot_is_alarming() {
        let mut status = WalStatus { slot_retained_bytes: 50, ..WalStatus::default() };
        assert!(!status.slot_is_half_full(), "a slot without a cap is refused elsewhere");
        status.slot_cap_bytes = Some(100);
        assert!(status.slot_is_half_full());
        status.slot_cap_bytes = Some(101);
        assert!(status.slot_is_half_full());
        status.slot_cap_bytes = Some(102);
        assert!(!status.slot_is_half_full());
    }
}
