//! One connection in replication mode: commands in, rows out. Base backups and the stream of the log
//! take the connection over and give it back when they are done.

use std::fmt;
use std::ops::RangeInclusive;

use bytes::{Bytes, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::{DataRowBody, Message};
use postgres_protocol::message::frontend::{self, CopyData};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;

use crate::address::ConnectOptions;
use crate::error::{ReplicationError, ServerMessage};
use crate::login::log_in;
use crate::lsn::{Lsn, SystemIdentifier, TimelineId};
use crate::segment::SegmentSize;
use crate::slot::{SlotName, SlotPosition};
use crate::timeline::HistoryFile;
use crate::wire::{Incoming, Wire};

/// The major versions whose protocol this client speaks.
pub const SUPPORTED_VERSIONS: RangeInclusive<u32> = 15..=18;

const UPLOAD_CHUNK_BYTES: usize = 64 << 10;

/// One row of an answer: text, or nothing for NULL.
pub type Row = Vec<Option<Bytes>>;

/// What a server calls itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    /// Such as 15.
    pub major: u32,
    /// Such as `15.18 (Debian 15.18-0+deb12u1)`.
    pub text: String,
}

/// Which cluster this is and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemIdentity {
    /// The cluster.
    pub system: SystemIdentifier,
    /// The timeline it writes.
    pub timeline: TimelineId,
    /// How far its log is written out; on a standby, how far it has received it.
    pub flushed: Lsn,
}

/// A connection that takes replication commands.
#[derive(Debug)]
pub struct ReplicationConnection {
    wire: Wire,
    version: ServerVersion,
    is_encrypted: bool,
}

impl ReplicationConnection {
    /// Connects and logs in within [`ConnectOptions::connect_limit`].
    ///
    /// # Errors
    /// [`ReplicationError`] names what was refused; a version that is not of
    /// [`SUPPORTED_VERSIONS`] is refused too.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ReplicationError> {
        let limit = options.connect_limit;
        let Ok(logged_in) = timeout(limit, log_in(options)).await else {
            let (server, step) = (options.host.to_string(), "log in".to_owned());
            return Err(ReplicationError::TimedOut { server, step, waited: limit });
        };
        let (wire, greeting) = logged_in?;
        let version = ServerVersion::read(greeting.server_version)?;
        Ok(Self { wire, version, is_encrypted: greeting.is_encrypted })
    }

    /// The server's version.
    pub fn version(&self) -> &ServerVersion {
        &self.version
    }

    /// Whether the bytes travel inside TLS.
    pub fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// The server's warnings since they were last taken; 64 are kept at most.
    pub fn take_warnings(&mut self) -> Vec<ServerMessage> {
        self.wire.take_notices()
    }

    /// Asks which cluster this is.
    ///
    /// # Errors
    /// As the server or the network has it.
    pub async fn identify_system(&mut self) -> Result<SystemIdentity, ReplicationError> {
        const STEP: &str = "tell which cluster it is";
        let rows = self.command(STEP, "IDENTIFY_SYSTEM").await?;
        let row = self.only_row(STEP, rows)?;
        Ok(SystemIdentity {
            system: self.field(STEP, &row, 0)?.parse()?,
            timeline: self.field(STEP, &row, 1)?.parse()?,
            flushed: self.field(STEP, &row, 2)?.parse()?,
        })
    }

    /// The value of a setting as `SHOW` writes it.
    ///
    /// # Errors
    /// [`ReplicationError::Unreadable`] for a name no setting can have; else as the server has it.
    pub async fn show(&mut self, setting: &str) -> Result<String, ReplicationError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        if setting.is_empty() || !setting.bytes().all(plain) {
            return Err(ReplicationError::Unreadable { what: "setting", text: setting.to_owned() });
        }
        let step = format!("show {setting}");
        let rows = self.command(&step, &format!("SHOW {setting}")).await?;
        let row = self.only_row(&step, rows)?;
        Ok(self.field(&step, &row, 0)?.to_owned())
    }

    /// The size of the cluster's segments.
    ///
    /// # Errors
    /// As [`ReplicationConnection::show`].
    pub async fn segment_size(&mut self) -> Result<SegmentSize, ReplicationError> {
        let text = self.show("wal_segment_size").await?;
        let unreadable = || ReplicationError::Unreadable { what: "WAL segment size", text: text.clone() };
        let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(0));
        let shift = match unit {
            "MB" => 20,
            "GB" => 30,
            _ => return Err(unreadable()),
        };
        let number: u32 = number.parse().map_err(|_| unreadable())?;
        SegmentSize::new(number.checked_mul(1 << shift).ok_or_else(unreadable)?)
    }

    /// From where a slot keeps the log; `None` when there is no slot of that name.
    ///
    /// # Errors
    /// As the server has it, also for a slot that is not physical.
    pub async fn read_slot(&mut self, slot: &SlotName) -> Result<Option<SlotPosition>, ReplicationError> {
        const STEP: &str = "read a replication slot";
        let rows = self.command(STEP, &format!("READ_REPLICATION_SLOT {slot}")).await?;
        let row = self.only_row(STEP, rows)?;
        if self.optional_field(STEP, &row, 0)?.is_none() {
            return Ok(None);
        }
        let restart_lsn = self.optional_field(STEP, &row, 1)?.map(str::parse).transpose()?;
        let restart_timeline = self.optional_field(STEP, &row, 2)?.map(str::parse).transpose()?;
        Ok(Some(SlotPosition { restart_lsn, restart_timeline }))
    }

    /// Makes a physical slot that keeps the log from now on.
    ///
    /// # Errors
    /// SQLSTATE `42710` when there is one of that name already.
    pub async fn create_slot(&mut self, slot: &SlotName) -> Result<(), ReplicationError> {
        let sql = format!("CREATE_REPLICATION_SLOT {slot} PHYSICAL (RESERVE_WAL true)");
        self.command(&format!("make the replication slot {slot}"), &sql).await?;
        Ok(())
    }

    /// Gives a slot up: the server may throw away the log it kept for it.
    ///
    /// # Errors
    /// SQLSTATE `42704` when there is none, `55006` while somebody streams from it.
    pub async fn drop_slot(&mut self, slot: &SlotName) -> Result<(), ReplicationError> {
        let sql = format!("DROP_REPLICATION_SLOT {slot}");
        self.command(&format!("drop the replication slot {slot}"), &sql).await?;
        Ok(())
    }

    /// The history file of a timeline; the first one has none.
    ///
    /// # Errors
    /// As the server has it: `58P01` when the file is gone.
    pub async fn timeline_history(&mut self, timeline: TimelineId) -> Result<HistoryFile, ReplicationError> {
        const STEP: &str = "show a timeline's history";
        let rows = self.command(STEP, &format!("TIMELINE_HISTORY {timeline}")).await?;
        let row = self.only_row(STEP, rows)?;
        let content = row.get(1).and_then(Option::as_ref).map(|bytes| bytes.to_vec());
        let content = content.ok_or_else(|| self.wire.out_of_turn(STEP, "a row without a history"))?;
        Ok(HistoryFile { timeline, content })
    }

    /// Sends the manifest of an earlier backup, on which [`BaseBackupOptions::incremental`] builds.
    ///
    /// [`BaseBackupOptions::incremental`]: crate::BaseBackupOptions::incremental
    ///
    /// # Errors
    /// [`ReplicationError::NeedsNewer`] before PostgreSQL 17; `22023` or `55000` for a manifest of
    /// another cluster.
    pub async fn upload_manifest(
        &mut self,
        mut manifest: impl AsyncRead + Unpin,
    ) -> Result<(), ReplicationError> {
        const STEP: &str = "take the manifest of an earlier backup";
        self.require("an incremental backup", 17)?;
        self.send(STEP, "UPLOAD_MANIFEST").await?;
        match self.wire.answer(STEP).await? {
            Incoming::Message(Message::CopyInResponse(_)) => {}
            other => return Err(self.wire.unexpected(STEP, &other)),
        }
        let mut chunk = BytesMut::with_capacity(UPLOAD_CHUNK_BYTES);
        loop {
            chunk.clear();
            match manifest.read_buf(&mut chunk).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    return Err(self
                        .wire
                        .out_of_turn(STEP, &format!("the manifest cannot be read: {error}")));
                }
            }
            let part = chunk.split().freeze();
            self.wire.put(|out| CopyData::new(part).map(|message| message.write(out)))?;
            self.wire.flush(STEP).await?;
            chunk.reserve(UPLOAD_CHUNK_BYTES);
        }
        self.wire.put(|out| {
            frontend::copy_done(out);
            Ok(())
        })?;
        self.wire.flush(STEP).await?;
        self.rest_of_answer(STEP).await.map(drop)
    }

    /// Runs SQL, on a connection that was opened with a database. All rows of all its answers.
    ///
    /// # Errors
    /// As the server has it.
    pub async fn query(&mut self, sql: &str) -> Result<Vec<Row>, ReplicationError> {
        self.command("answer a query", sql).await
    }

    /// Tells the server that this is the end, and closes.
    pub async fn close(mut self) {
        let put = self.wire.put(|out| {
            frontend::terminate(out);
            Ok(())
        });
        // Whoever is gone already need not be told.
        if put.is_ok() && self.wire.refuse_if_broken().is_ok() {
            let _ = self.wire.flush("say goodbye").await;
        }
    }

    pub(crate) fn wire(&mut self) -> &mut Wire {
        &mut self.wire
    }

    pub(crate) fn require(&self, what: &'static str, needs: u32) -> Result<(), ReplicationError> {
        if self.version.major >= needs {
            return Ok(());
        }
        Err(ReplicationError::NeedsNewer { what, needs, has: self.version.major })
    }

    pub(crate) async fn send(&mut self, step: &str, sql: &str) -> Result<(), ReplicationError> {
        self.wire.refuse_if_broken()?;
        self.wire.put(|out| frontend::query(sql, out))?;
        self.wire.flush(step).await
    }

    async fn command(&mut self, step: &str, sql: &str) -> Result<Vec<Row>, ReplicationError> {
        self.send(step, sql).await?;
        self.rest_of_answer(step).await
    }

    /// Rows until the server is ready for the next command.
    pub(crate) async fn rest_of_answer(&mut self, step: &str) -> Result<Vec<Row>, ReplicationError> {
        let mut rows = Vec::new();
        loop {
            match self.wire.answer(step).await? {
                Incoming::Message(Message::DataRow(body)) => rows.push(self.row(step, &body)?),
                Incoming::Message(Message::ReadyForQuery(_)) => return Ok(rows),
                Incoming::Message(
                    Message::RowDescription(_) | Message::CommandComplete(_) | Message::EmptyQueryResponse,
                ) => {}
                other => return Err(self.wire.unexpected(step, &other)),
            }
        }
    }

    pub(crate) fn row(&mut self, step: &str, body: &DataRowBody) -> Result<Row, ReplicationError> {
        let buffer = body.buffer_bytes();
        let fields = body.ranges().map(|range| Ok(range.map(|range| buffer.slice(range)))).collect();
        fields.map_err(|error| self.wire.out_of_turn(step, &error.to_string()))
    }

    pub(crate) fn only_row(&mut self, step: &str, rows: Vec<Row>) -> Result<Row, ReplicationError> {
        let count = rows.len();
        let mut rows = rows.into_iter();
        match (rows.next(), count) {
            (Some(row), 1) => Ok(row),
            _ => Err(self.wire.out_of_turn(step, &format!("{count} rows"))),
        }
    }

    pub(crate) fn field<'r>(
        &mut self,
        step: &str,
        row: &'r Row,
        column: usize,
    ) -> Result<&'r str, ReplicationError> {
        match self.optional_field(step, row, column)? {
            Some(text) => Ok(text),
            None => Err(self.wire.out_of_turn(step, &format!("NULL in column {column}"))),
        }
    }

    pub(crate) fn optional_field<'r>(
        &mut self,
        step: &str,
        row: &'r Row,
        column: usize,
    ) -> Result<Option<&'r str>, ReplicationError> {
        let Some(field) = row.get(column) else {
            return Err(self.wire.out_of_turn(step, &format!("a row without column {column}")));
        };
        let text = field.as_deref().map(std::str::from_utf8).transpose();
        text.map_err(|_| self.wire.out_of_turn(step, "a column that is not UTF-8"))
    }
}

impl ServerVersion {
    fn read(text: String) -> Result<Self, ReplicationError> {
        let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
        match digits.parse() {
            Ok(major) if SUPPORTED_VERSIONS.contains(&major) => Ok(Self { major, text }),
            _ => Err(ReplicationError::Version { version: text }),
        }
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_another_protocol_are_refused() {
        assert_eq!(ServerVersion::read("18beta1".to_owned()).unwrap().major, 18);
        for text in ["14.22", "9.6.24", "19.0", ""] {
            assert!(ServerVersion::read(text.to_owned()).is_err(), "{text:?}");
        }
    }
}
