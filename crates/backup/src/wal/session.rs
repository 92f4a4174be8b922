//! One connection's worth of receiving: where to begin, what to do with what comes, and when to give
//! up. A server that was set back, or is another one, is refused; a log that is gone becomes a gap.

use std::time::{Duration, SystemTime};

use larder_replication::{
    BackupPosition, FlushedUpTo, HistoryFile, ReplicationConnection, ReplicationError, StreamEvent,
    SystemIdentity, TimelineId, WalStream,
};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::archive::WalArchive;
use super::envelope::Origin;
use super::names::WalItem;
use super::receiver::WalSettings;
use super::spool::Spool;
use super::status::{Gap, StatusPen, WalState};
use super::writer::{OnDisk, Piece, WriterThread};
use crate::error::BackupError;

/// How old the last word of a server may be of which is said that all of its log is here.
const STATUS_INTERVAL: Duration = Duration::from_secs(1);
const FINISH_LIMIT: Duration = Duration::from_secs(10);
/// `requested WAL segment … has already been removed`, and a slot that has lost its log.
const LOG_IS_GONE: [&str; 2] = ["58P01", "55000"];

/// Why a session ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Somebody asked for it, or the next session should begin at once.
    Told,
    ServerStopped,
    SpoolFull,
}

pub(crate) struct Session<'a> {
    pub(crate) settings: &'a WalSettings,
    pub(crate) spool: &'a Spool,
    pub(crate) status: &'a StatusPen,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) origin: Origin,
    pub(crate) identity: SystemIdentity,
}

impl Session<'_> {
    /// Without a cap the slot of a receiver that is away fills the server's disk, and stops it.
    pub(crate) async fn check_slot_cap(
        &self,
        connection: &mut ReplicationConnection,
    ) -> Result<(), BackupError> {
        let shown = connection.show("max_slot_wal_keep_size").await?;
        let cap = size_in_bytes(&shown);
        self.status.write(|status| status.slot_cap_bytes = cap);
        if cap.is_some() || self.settings.allow_uncapped_slot {
            return Ok(());
        }
        Err(BackupError::Refused(format!(
            "max_slot_wal_keep_size of the server is {shown}: while nobody receives, the slot {} would keep \
             log until the server's disk is full; set it, as by ALTER SYSTEM SET max_slot_wal_keep_size = \
             '16GB'; SELECT pg_reload_conf();",
            self.settings.slot
        )))
    }

    /// Where to begin: where the spool ended, else where the archive ends, else where the slot does.
    pub(crate) async fn plan(
        &self,
        connection: &mut ReplicationConnection,
        archive: &WalArchive,
    ) -> Result<BackupPosition, BackupError> {
        let kept = self.kept_by_slot(connection).await?;
        let known = match self.spool.position()? {
            Some(position) => Some(position),
            None => self.end_of_archive(archive).await?,
        };
        self.keep_histories(connection, self.identity.timeline).await?;
        let Some(known) = known else {
            self.spool.set_position(kept)?;
            return Ok(kept);
        };
        let from = self.on_current_history(connection, known).await?;
        let is_behind_slot = (from.timeline, from.lsn) < (kept.timeline, kept.lsn);
        if is_behind_slot && !self.has_log(connection, from).await? {
            self.record_gap(from, kept)?;
            return Ok(kept);
        }
        self.spool.set_position(from)?;
        Ok(from)
    }

    /// The beginning of the segment from which on the slot keeps the log; makes the slot when there
    /// is none, and anew when it has lost its log.
    async fn kept_by_slot(
        &self,
        connection: &mut ReplicationConnection,
    ) -> Result<BackupPosition, BackupError> {
        let slot = &self.settings.slot;
        for _ in 0..2 {
            if let Some(position) = connection.read_slot(slot).await? {
                if let Some(lsn) = position.restart_lsn {
                    let timeline = position.restart_timeline.unwrap_or(self.identity.timeline);
                    return Ok(BackupPosition { lsn: self.origin.size.start_of(lsn), timeline });
                }
                tracing::error!(slot = %slot, "the slot has lost its log and is made anew");
                connection.drop_slot(slot).await?;
            }
            connection.create_slot(slot).await?;
        }
        Err(BackupError::Internal(format!("the slot {slot} keeps nothing although it was just made")))
    }

    async fn end_of_archive(&self, archive: &WalArchive) -> Result<Option<BackupPosition>, BackupError> {
        let mut timelines = Vec::new();
        for target in &archive.targets {
            timelines.extend(archive.timelines(target).await?);
        }
        let Some(newest) = timelines.into_iter().max() else { return Ok(None) };
        let mut catalog = super::Catalog::default();
        for target in &archive.targets {
            archive.list_into(&mut catalog, target, &[newest]).await?;
        }
        let end = catalog.end_of(newest, self.origin.size);
        Ok(end.map(|lsn| BackupPosition { lsn: self.origin.size.start_of(lsn), timeline: newest }))
    }

    /// Keeps the history of a timeline and of its ancestors, as far as the server still has them.
    async fn keep_histories(
        &self,
        connection: &mut ReplicationConnection,
        timeline: TimelineId,
    ) -> Result<Option<HistoryFile>, BackupError> {
        if timeline == TimelineId::FIRST {
            return Ok(None);
        }
        let newest = connection.timeline_history(timeline).await?;
        self.spool.add(&WalItem::History(timeline), &newest.content)?;
        for ancestor in newest.history()?.entries.iter().map(|entry| entry.timeline) {
            if ancestor == TimelineId::FIRST {
                continue;
            }
            match connection.timeline_history(ancestor).await {
                Ok(history) => self.spool.add(&WalItem::History(ancestor), &history.content)?,
                Err(ReplicationError::Server { message, .. }) => {
                    tracing::warn!(timeline = %ancestor, error.cause = %message, "the server has no history of a timeline any more");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(newest))
    }

    /// The known position, if the server's history leads through it.
    async fn on_current_history(
        &self,
        connection: &mut ReplicationConnection,
        known: BackupPosition,
    ) -> Result<BackupPosition, BackupError> {
        let current = self.identity;
        let set_back = known.timeline > current.timeline
            || (known.timeline == current.timeline
                && known.lsn > self.origin.size.start_of(current.flushed).plus(self.origin.size.bytes()));
        if set_back {
            return Err(BackupError::Refused(format!(
                "the server is at {} of timeline {}, behind {} of timeline {} which was received from it \
                 before: it was set back to an older copy, or a standby took over that lacked some log; \
                 promote it onto a new timeline, or move {} away and begin a new archive",
                current.flushed,
                current.timeline,
                known.lsn,
                known.timeline,
                self.settings.spool.display()
            )));
        }
        if known.timeline == current.timeline {
            return Ok(known);
        }
        let history = connection.timeline_history(current.timeline).await?.history()?;
        match history.end_of(known.timeline) {
            Some(end) if end >= known.lsn => Ok(known),
            // The old primary went on for a while after the new one had left it: that log is of no
            // branch that lives. The new one is whole from where it began.
            Some(end) => {
                let child = history.entries.iter().find(|entry| entry.timeline > known.timeline);
                let timeline = child.map_or(current.timeline, |entry| entry.timeline);
                Ok(BackupPosition { lsn: self.origin.size.start_of(end), timeline })
            }
            None => Err(BackupError::Refused(format!(
                "timeline {} of the server does not come from timeline {}, which was received before",
                current.timeline, known.timeline
            ))),
        }
    }

    /// Whether the server still has the log from a place on. The slot promises only what lies behind
    /// its own mark; what lies before may be there or not.
    async fn has_log(
        &self,
        connection: &mut ReplicationConnection,
        from: BackupPosition,
    ) -> Result<bool, BackupError> {
        let mut probe = ReplicationConnection::connect(&self.settings.connect).await?;
        std::mem::swap(connection, &mut probe);
        let mut stream = match probe.start_wal_stream(None, from.lsn, from.timeline).await {
            Ok(stream) => stream,
            Err(error) if is_gone(&error) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        loop {
            match stream.next().await {
                Ok(Some(StreamEvent::Keepalive { .. })) => {}
                Ok(_) => return Ok(true),
                Err(error) if is_gone(&error) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn record_gap(&self, from: BackupPosition, to: BackupPosition) -> Result<(), BackupError> {
        let gap = Gap { timeline: from.timeline, from: from.lsn, to: to.lsn, noticed_at: self.status.now() };
        tracing::error!(
            timeline = %gap.timeline, from = %gap.from, to = %gap.to,
            "the log between these places is lost: nothing between them can be restored, and a new full \
             backup is needed"
        );
        let item = WalItem::Gap { timeline: gap.timeline, from: gap.from, to: gap.to };
        self.spool.add(&item, gap.noticed_at.to_string().as_bytes())?;
        self.spool.set_position(to)?;
        self.spool.set_since(gap.noticed_at)?;
        self.status.write(|status| {
            status.gaps.push(gap);
            status.since = Some(gap.noticed_at);
        });
        Ok(())
    }

    /// Receives until something ends it.
    pub(crate) async fn receive(
        &mut self,
        mut connection: ReplicationConnection,
        from: BackupPosition,
        on_disk: watch::Sender<OnDisk>,
    ) -> Result<Ended, BackupError> {
        let writer = WriterThread::start(self.spool.writer(self.origin.size, from), from, on_disk.clone())?;
        let mut position = from;
        let received = loop {
            let slot = Some(&self.settings.slot);
            let mut stream = match connection.start_wal_stream(slot, position.lsn, position.timeline).await {
                Ok(stream) => stream,
                Err(error) => break Err(told(error)),
            };
            self.status.write(|status| {
                status.state = WalState::Streaming;
                status.timeline = Some(position.timeline);
            });
            match self.stream(&mut stream, &writer, &on_disk).await {
                Ok(Some(next)) => {
                    connection = stream.finish(FINISH_LIMIT).await?;
                    self.keep_histories(&mut connection, next.timeline).await?;
                    if !writer.give(Piece::TimelineEnds(next)).await {
                        break Ok(Ended::Told);
                    }
                    position = BackupPosition { lsn: self.origin.size.start_of(next.lsn), ..next };
                }
                Ok(None) => break Ok(self.ended(stream).await),
                Err(error) => break Err(error),
            }
        };
        // A disk that failed is the better reason.
        writer.finish().await?;
        received
    }

    async fn ended(&self, stream: WalStream) -> Ended {
        if self.stop.is_cancelled() {
            // Its answer changes nothing any more.
            let _ = stream.finish(FINISH_LIMIT).await;
            return Ended::Told;
        }
        if self.spool_is_full().unwrap_or(false) { Ended::SpoolFull } else { Ended::ServerStopped }
    }

    /// Returns the next timeline, or nothing when the stream is over.
    async fn stream(
        &self,
        stream: &mut WalStream,
        writer: &WriterThread,
        on_disk: &watch::Sender<OnDisk>,
    ) -> Result<Option<BackupPosition>, BackupError> {
        let mut flushed = on_disk.subscribe();
        let mut seen = on_disk.borrow().completed;
        let mut tick = interval(STATUS_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Ok(None),
                changed = flushed.changed() => {
                    if changed.is_err() {
                        return Ok(None);
                    }
                    self.acknowledge(stream, &mut flushed, false).await?;
                    let completed = on_disk.borrow().completed;
                    if completed != seen && self.spool_is_full()? {
                        return Ok(None);
                    }
                    seen = completed;
                }
                _ = tick.tick() => {
                    if self.spool_is_full()? {
                        return Ok(None);
                    }
                    self.acknowledge(stream, &mut flushed, true).await?;
                }
                event = stream.next() => match event? {
                    Some(StreamEvent::Wal { start, server_end, data }) => {
                        self.status.server_end(server_end.max(start.plus(data.len() as u64)));
                        if !writer.give(Piece::Log { start, bytes: data }).await {
                            return Ok(None);
                        }
                    }
                    Some(StreamEvent::Keepalive { server_end, wants_reply }) => {
                        self.status.server_end(server_end);
                        if wants_reply {
                            self.acknowledge(stream, &mut flushed, false).await?;
                        }
                    }
                    Some(StreamEvent::TimelineEnded(next)) => return Ok(Some(next)),
                    Some(StreamEvent::Stopped) | None => return Ok(None),
                },
            }
        }
    }

    async fn acknowledge(
        &self,
        stream: &mut WalStream,
        flushed: &mut watch::Receiver<OnDisk>,
        wants_reply: bool,
    ) -> Result<(), BackupError> {
        let lsn = flushed.borrow_and_update().position.lsn;
        self.status.write(|status| status.flushed = lsn);
        self.status.compare();
        let position = FlushedUpTo { written: lsn, flushed: lsn };
        let now = SystemTime::from(self.status.now());
        Ok(stream.acknowledge(position, wants_reply, now).await?)
    }

    pub(crate) fn spool_is_full(&self) -> Result<bool, BackupError> {
        let bytes: u64 = self.spool.waiting()?.iter().map(|waiting| waiting.bytes).sum();
        self.status.write(|status| status.spool_bytes = bytes);
        Ok(bytes >= self.settings.spool_limit_bytes)
    }
}

/// Log that is gone is looked into at the next start, which asks the slot and records the gap.
fn told(error: ReplicationError) -> BackupError {
    if is_gone(&error) {
        tracing::error!(error.cause = %error, "the server has thrown log away that was not received");
    }
    error.into()
}

fn is_gone(error: &ReplicationError) -> bool {
    error.sql_state().is_some_and(|state| LOG_IS_GONE.contains(&state))
}

/// The bytes of `16GB` or `64MB`; nothing for `-1`, which is no limit.
fn size_in_bytes(shown: &str) -> Option<u64> {
    let split = shown.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(shown.len());
    let (number, unit) = shown.split_at(split);
    let shift = match unit {
        "" | "B" => 0,
        "kB" => 10,
        "MB" => 20,
        "GB" => 30,
        "TB" => 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_show_writes_them() {
        assert_eq!(size_in_bytes("-1"), None);
        assert_eq!(size_in_bytes("64MB"), Some(64 << 20));
        assert_eq!(size_in_bytes("16GB"), Some(16 << 30));
        assert_eq!(size_in_bytes("0"), Some(0));
    }
}
