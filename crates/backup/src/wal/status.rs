//! What the receiver tells about itself. Whoever watches sees at any moment how much of the log would
//! be lost with the server, and why.

use std::sync::Arc;
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

    /// Whether the server keeps half or more of what it may keep: beyond the whole it throws the
    /// log away, and there is a gap.
    pub fn slot_is_half_full(&self) -> bool {
        self.slot_cap_bytes.is_some_and(|cap| self.slot_retained_bytes >= cap / 2)
    }
}

/// The pen that all tasks of the receiver share.
#[derive(Clone)]
pub(crate) struct StatusPen {
    sender: Arc<watch::Sender<WalStatus>>,
    clock: fn() -> Timestamp,
}

impl StatusPen {
    pub(crate) fn new(clock: fn() -> Timestamp, targets: impl Iterator<Item = String>) -> Self {
        let unknown = |target| TargetStatus { target, archived: Lsn(0), caught_up_at: None, error: None };
        let status = WalStatus { targets: targets.map(unknown).collect(), ..WalStatus::default() };
        Self { sender: Arc::new(watch::Sender::new(status)), clock }
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
        });
        self.compare();
    }

    /// Notes for the spool and each target whether it has everything that the server had when it was
    /// last heard of.
    pub(crate) fn compare(&self) {
        self.write(|status| {
            let Some(heard_at) = status.server_heard_at else { return };
            status.slot_retained_bytes = status.server_end.bytes_since(status.flushed);
            let end = status.server_end;
            if end > Lsn(0) && status.flushed >= end {
                status.caught_up_at = Some(heard_at);
            }
            for target in &mut status.targets {
                if end > Lsn(0) && target.archived >= end {
                    target.caught_up_at = Some(heard_at);
                }
            }
        });
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
