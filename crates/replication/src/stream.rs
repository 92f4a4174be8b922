//! `START_REPLICATION PHYSICAL`: the log as it is written, until the timeline ends, the server stops
//! or the reader has enough. Acknowledgements are the reader's business: only it knows what is on disk.

use std::time::{Duration, SystemTime};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use postgres_protocol::message::backend::Message;
use postgres_protocol::message::frontend::{self, CopyData};

use crate::base_backup::BackupPosition;
use crate::connection::ReplicationConnection;
use crate::error::ReplicationError;
use crate::lsn::{Lsn, TimelineId};
use crate::slot::SlotName;
use crate::wire::Incoming;

const STEP: &str = "send the write-ahead log";
const UNIX_SECONDS_OF_YEAR_2000: u64 = 946_684_800;
const WAL_HEAD_BYTES: usize = 24;
const KEEPALIVE_BYTES: usize = 17;

/// What the reader has of the log. The server throws away what is flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlushedUpTo {
    /// Received and handed to the system.
    pub written: Lsn,
    /// Known to be on disk.
    pub flushed: Lsn,
}

/// What comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEvent {
    /// Bytes of the log.
    Wal {
        /// The place of the first one.
        start: Lsn,
        /// How far the server's log goes.
        server_end: Lsn,
        /// At most 128 KiB; never across a segment's end.
        data: Bytes,
    },
    /// The server is there.
    Keepalive {
        /// How far the server's log goes.
        server_end: Lsn,
        /// It wants to hear what is flushed, now: it may be waiting for that to shut down.
        wants_reply: bool,
    },
    /// The timeline was left by its child; nothing more comes. Stream on from there.
    TimelineEnded(BackupPosition),
    /// The server ended the stream, as it does when it shuts down; nothing more comes.
    Stopped,
}

/// The log under way.
#[derive(Debug)]
pub struct WalStream {
    connection: ReplicationConnection,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Streaming,
    /// Both sides said that the copying is done; the server is yet to tell what comes next.
    Ending(Option<BackupPosition>),
    Ended,
}

impl ReplicationConnection {
    /// Begins to stream from `start`, which should be the beginning of a segment.
    ///
    /// # Errors
    /// `58P01` when the server has thrown that part of the log away, `55006` while somebody else
    /// streams from `slot`, `55000` when the slot has lost it.
    pub async fn start_wal_stream(
        mut self,
        slot: Option<&SlotName>,
        start: Lsn,
        timeline: TimelineId,
    ) -> Result<WalStream, ReplicationError> {
        let slot = slot.map(|slot| format!("SLOT {slot} ")).unwrap_or_default();
        let sql = format!("START_REPLICATION {slot}PHYSICAL {start} TIMELINE {timeline}");
        let step = format!("stream the write-ahead log from {start}");
        self.send(&step, &sql).await?;
        match self.wire().answer(&step).await? {
            Incoming::CopyBoth => Ok(WalStream { connection: self, state: State::Streaming }),
            // The timeline ends at this very place: there is nothing to copy.
            Incoming::Message(Message::RowDescription(_)) => {
                Ok(WalStream { connection: self, state: State::Ending(None) })
            }
            other => Err(self.wire().unexpected(&step, &other)),
        }
    }
}

impl WalStream {
    /// What comes next; `None` behind the end. Cancelling loses nothing.
    ///
    /// # Errors
    /// As the server or the network has it, and when nothing at all came for
    /// [`ConnectOptions::silence_limit`]: ask for an answer by [`WalStream::acknowledge`] before.
    ///
    /// [`ConnectOptions::silence_limit`]: crate::ConnectOptions::silence_limit
    pub async fn next(&mut self) -> Result<Option<StreamEvent>, ReplicationError> {
        loop {
            match self.state {
                State::Streaming => {
                    if let Some(event) = self.streamed().await? {
                        return Ok(Some(event));
                    }
                }
                State::Ending(next) => {
                    if let Some(event) = self.ended(next).await? {
                        return Ok(Some(event));
                    }
                }
                State::Ended => return Ok(None),
            }
        }
    }

    /// Tells the server what is on disk; `wants_reply` asks it for a keepalive. Not to be cancelled.
    ///
    /// # Errors
    /// When it cannot be sent within the silence limit.
    pub async fn acknowledge(
        &mut self,
        flushed: FlushedUpTo,
        wants_reply: bool,
        now: SystemTime,
    ) -> Result<(), ReplicationError> {
        if self.state != State::Streaming {
            return Ok(());
        }
        let mut status = BytesMut::with_capacity(34);
        status.put_u8(b'r');
        status.put_u64(flushed.written.0);
        status.put_u64(flushed.flushed.0);
        // Nothing is ever applied here.
        status.put_u64(0);
        status.put_i64(micros_of_year_2000(now));
        status.put_u8(u8::from(wants_reply));
        let wire = self.connection.wire();
        wire.put(|out| CopyData::new(status.freeze()).map(|message| message.write(out)))?;
        wire.flush("take an acknowledgement").await
    }

    /// Ends the stream and gives the connection back; what was under way is thrown away.
    ///
    /// # Errors
    /// As the server or the network has it.
    pub async fn finish(mut self, limit: Duration) -> Result<ReplicationConnection, ReplicationError> {
        if self.state == State::Streaming {
            self.say_done().await?;
            let draining = async {
                loop {
                    match self.connection.wire().answer(STEP).await? {
                        Incoming::Message(Message::CopyDone) => return Ok(()),
                        Incoming::Message(Message::CopyData(_)) => {}
                        other => return Err(self.connection.wire().unexpected(STEP, &other)),
                    }
                }
            };
            match tokio::time::timeout(limit, draining).await {
                Ok(drained) => drained?,
                Err(_) => return Err(self.connection.wire().out_of_turn(STEP, "no end of it")),
            }
            self.connection.rest_of_answer(STEP).await?;
        } else {
            while self.next().await?.is_some() {}
        }
        self.connection.wire().refuse_if_broken()?;
        Ok(self.connection)
    }

    async fn streamed(&mut self) -> Result<Option<StreamEvent>, ReplicationError> {
        match self.connection.wire().answer(STEP).await? {
            Incoming::Message(Message::CopyData(body)) => {
                let event = event(body.into_bytes());
                let event = event.ok_or_else(|| self.connection.wire().out_of_turn(STEP, "a broken message"));
                event.map(Some)
            }
            Incoming::Message(Message::CopyDone) => {
                self.say_done().await?;
                self.state = State::Ending(None);
                Ok(None)
            }
            Incoming::Message(Message::CommandComplete(_)) => {
                self.state = State::Ended;
                Ok(Some(StreamEvent::Stopped))
            }
            other => Err(self.connection.wire().unexpected(STEP, &other)),
        }
    }

    async fn ended(&mut self, next: Option<BackupPosition>) -> Result<Option<StreamEvent>, ReplicationError> {
        match self.connection.wire().answer(STEP).await? {
            Incoming::Message(Message::DataRow(body)) => {
                let row = self.connection.row(STEP, &body)?;
                let timeline = self.connection.field(STEP, &row, 0)?.parse()?;
                let lsn = self.connection.field(STEP, &row, 1)?.parse()?;
                self.state = State::Ending(Some(BackupPosition { lsn, timeline }));
                Ok(None)
            }
            Incoming::Message(Message::RowDescription(_) | Message::CommandComplete(_)) => Ok(None),
            Incoming::Message(Message::ReadyForQuery(_)) => {
                self.state = State::Ended;
                Ok(Some(next.map_or(StreamEvent::Stopped, StreamEvent::TimelineEnded)))
            }
            other => Err(self.connection.wire().unexpected(STEP, &other)),
        }
    }

    async fn say_done(&mut self) -> Result<(), ReplicationError> {
        let wire = self.connection.wire();
        wire.put(|out| {
            frontend::copy_done(out);
            Ok(())
        })?;
        wire.flush(STEP).await
    }
}

fn event(mut message: Bytes) -> Option<StreamEvent> {
    let kind = *message.first()?;
    message.advance(1);
    match kind {
        b'w' if message.len() >= WAL_HEAD_BYTES => {
            let (start, server_end) = (Lsn(message.get_u64()), Lsn(message.get_u64()));
            // When the server sent it; its clock is not ours.
            message.advance(8);
            Some(StreamEvent::Wal { start, server_end, data: message })
        }
        b'k' if message.len() == KEEPALIVE_BYTES => {
            let server_end = Lsn(message.get_u64());
            message.advance(8);
            Some(StreamEvent::Keepalive { server_end, wants_reply: message.get_u8() != 0 })
        }
        _ => None,
    }
}

/// PostgreSQL counts microseconds from the year 2000.
fn micros_of_year_2000(now: SystemTime) -> i64 {
    let epoch = SystemTime::UNIX_EPOCH + Duration::from_secs(UNIX_SECONDS_OF_YEAR_2000);
    match now.duration_since(epoch) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_are_on_the_wire() {
        let mut wal = vec![b'w'];
        wal.extend(7_u64.to_be_bytes());
        wal.extend(9_u64.to_be_bytes());
        wal.extend([0; 8]);
        wal.extend(b"log");
        let data = Bytes::from_static(b"log");
        assert_eq!(
            event(Bytes::from(wal.clone())),
            Some(StreamEvent::Wal { start: Lsn(7), server_end: Lsn(9), data })
        );
        wal.truncate(20);
        assert_eq!(event(Bytes::from(wal)), None, "a head cut short");
        assert_eq!(event(Bytes::from_static(b"k1234567")), None);
        assert_eq!(event(Bytes::new()), None);
    }

    #[test]
    fn the_year_2000_is_zero() {
        let epoch = SystemTime::UNIX_EPOCH + Duration::from_secs(UNIX_SECONDS_OF_YEAR_2000);
        assert_eq!(micros_of_year_2000(epoch), 0);
        assert_eq!(micros_of_year_2000(epoch + Duration::from_millis(1)), 1000);
        assert_eq!(micros_of_year_2000(epoch - Duration::from_millis(1)), -1000);
    }
}
