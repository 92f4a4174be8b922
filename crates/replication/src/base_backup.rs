//! `BASE_BACKUP` as PostgreSQL 15 and later speak it: one copy stream that holds the archives of all
//! tablespaces one after the other and then the manifest. Their bytes are handed on as slices of
//! what was read.

use std::time::Duration;

use bytes::{Buf, Bytes};
use postgres_protocol::escape::escape_literal;
use postgres_protocol::message::backend::Message;
use serde::{Deserialize, Serialize};

use crate::connection::{ReplicationConnection, Row};
use crate::error::{ReplicationError, ServerMessage};
use crate::lsn::{Lsn, TimelineId};
use crate::wire::Incoming;

const STEP: &str = "send a base backup";
/// A spread checkpoint takes `checkpoint_timeout`, an hour at the most sensible.
const START_LIMIT: Duration = Duration::from_secs(3600);

/// How eagerly the server makes the checkpoint that a backup begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CheckpointSpeed {
    /// At once, with a burst of writing.
    #[default]
    Fast,
    /// Over `checkpoint_timeout`.
    Spread,
}

/// With what the server hashes each file for its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ManifestChecksums {
    /// Fast, and enough against bad luck.
    Crc32c,
    /// Enough against malice too, and what the server spends most of a backup's time on.
    #[default]
    Sha256,
}

/// What to ask for.
#[derive(Debug, Clone)]
pub struct BaseBackupOptions {
    /// Written into the `backup_label`.
    pub label: String,
    /// The first checkpoint.
    pub checkpoint: CheckpointSpeed,
    /// The most that the server sends, in KiB a second (32 to 1,048,576).
    pub max_rate_kib_per_second: Option<u32>,
    /// How files are hashed in the manifest.
    pub manifest_checksums: ManifestChecksums,
    /// Only what changed since the backup whose manifest was uploaded on this connection.
    pub incremental: bool,
    /// Put the log that the backup needs into it, for a backup that stands without an archive.
    pub include_wal: bool,
    /// Count sizes first, so that progress knows how much there is.
    pub estimate_size: bool,
    /// How long until the first checkpoint is done.
    pub start_limit: Duration,
}

impl BaseBackupOptions {
    /// A fast checkpoint, SHA-256, everything, sizes counted.
    pub fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            checkpoint: CheckpointSpeed::default(),
            max_rate_kib_per_second: None,
            manifest_checksums: ManifestChecksums::default(),
            incremental: false,
            include_wal: false,
            estimate_size: true,
            start_limit: START_LIMIT,
        }
    }

    /// The archive is ours, so the server is not to wait for its own archiver.
    fn command(&self) -> String {
        let mut words = vec![
            format!("LABEL {}", escape_literal(&self.label).trim_start()),
            format!("PROGRESS {}", self.estimate_size),
            format!("WAL {}", self.include_wal),
            "WAIT false".to_owned(),
            "TABLESPACE_MAP true".to_owned(),
            "MANIFEST 'yes'".to_owned(),
        ];
        words.push(match self.checkpoint {
            CheckpointSpeed::Fast => "CHECKPOINT 'fast'".to_owned(),
            CheckpointSpeed::Spread => "CHECKPOINT 'spread'".to_owned(),
        });
        words.push(match self.manifest_checksums {
            ManifestChecksums::Crc32c => "MANIFEST_CHECKSUMS 'CRC32C'".to_owned(),
            ManifestChecksums::Sha256 => "MANIFEST_CHECKSUMS 'SHA256'".to_owned(),
        });
        words.extend(self.max_rate_kib_per_second.map(|rate| format!("MAX_RATE {rate}")));
        words.extend(self.incremental.then(|| "INCREMENTAL".to_owned()));
        format!("BASE_BACKUP ({})", words.join(", "))
    }
}

/// A place in the log, on the timeline that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupPosition {
    /// The place.
    pub lsn: Lsn,
    /// The timeline.
    pub timeline: TimelineId,
}

/// A tablespace of the cluster. The cluster's own folder has neither number nor path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tablespace {
    /// Its number; its archive is named after it.
    pub oid: Option<u32>,
    /// Where the server keeps it.
    pub path: Option<String>,
    /// What is in it, in KiB, when sizes were counted.
    pub size_kib: Option<u64>,
}

/// What comes, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupEvent {
    /// The data that follows is a tar archive.
    ArchiveStarted {
        /// `base.tar`, or `<oid>.tar` of a tablespace.
        name: String,
        /// Where the server keeps that tablespace.
        tablespace_path: Option<String>,
    },
    /// The data that follows is the backup's manifest, JSON with a checksum at its end.
    ManifestStarted,
    /// Bytes of what was started last; about 32 KiB.
    Data(Bytes),
    /// How many bytes the server has sent so far.
    Progress {
        /// Over all archives.
        bytes_done: u64,
    },
    /// Everything was sent. The log up to here is needed before the backup can be used.
    Finished(BackupPosition),
}

/// A base backup under way. Dropped before its end, the connection is closed and the server
/// forgets the backup.
#[derive(Debug)]
pub struct BaseBackup {
    connection: ReplicationConnection,
    start: BackupPosition,
    tablespaces: Vec<Tablespace>,
    is_finished: bool,
}

impl ReplicationConnection {
    /// Begins a base backup and waits for its checkpoint.
    ///
    /// # Errors
    /// As the server has it; `55000` when WAL summaries that an incremental backup needs are gone.
    pub async fn start_base_backup(
        mut self,
        options: &BaseBackupOptions,
    ) -> Result<BaseBackup, ReplicationError> {
        if options.incremental {
            self.require("an incremental backup", 17)?;
        }
        self.send("begin a base backup", &options.command()).await?;
        let rows = self.result_set(options.start_limit).await?;
        let start = self.position(rows)?;
        let mut tablespaces = Vec::new();
        for row in self.result_set(options.start_limit).await? {
            tablespaces.push(self.tablespace(&row)?);
        }
        match self.wire().answer(STEP).await? {
            Incoming::Message(Message::CopyOutResponse(_)) => {}
            other => return Err(self.wire().unexpected(STEP, &other)),
        }
        Ok(BaseBackup { connection: self, start, tablespaces, is_finished: false })
    }

    async fn result_set(&mut self, limit: Duration) -> Result<Vec<Row>, ReplicationError> {
        let mut rows = Vec::new();
        loop {
            match self.wire().answer_within(STEP, limit).await? {
                Incoming::Message(Message::RowDescription(_)) => {}
                Incoming::Message(Message::DataRow(body)) => rows.push(self.row(STEP, &body)?),
                Incoming::Message(Message::CommandComplete(_)) => return Ok(rows),
                other => return Err(self.wire().unexpected(STEP, &other)),
            }
        }
    }

    fn position(&mut self, rows: Vec<Row>) -> Result<BackupPosition, ReplicationError> {
        let row = self.only_row(STEP, rows)?;
        let lsn = self.field(STEP, &row, 0)?.parse()?;
        Ok(BackupPosition { lsn, timeline: self.field(STEP, &row, 1)?.parse()? })
    }

    fn tablespace(&mut self, row: &Row) -> Result<Tablespace, ReplicationError> {
        let oid = self.optional_field(STEP, row, 0)?.map(str::parse).transpose();
        let size_kib = self.optional_field(STEP, row, 2)?.map(str::parse).transpose();
        let path = self.optional_field(STEP, row, 1)?.map(str::to_owned);
        match (oid, size_kib) {
            (Ok(oid), Ok(size_kib)) => Ok(Tablespace { oid, path, size_kib }),
            _ => Err(self.wire().out_of_turn(STEP, "a tablespace without numbers")),
        }
    }
}

impl BaseBackup {
    /// From where the log is needed.
    pub fn start(&self) -> BackupPosition {
        self.start
    }

    /// All tablespaces, the cluster's own folder last.
    pub fn tablespaces(&self) -> &[Tablespace] {
        &self.tablespaces
    }

    /// About how much will come, in bytes, when sizes were counted.
    pub fn estimated_bytes(&self) -> Option<u64> {
        let sizes = self.tablespaces.iter().map(|tablespace| tablespace.size_kib);
        sizes.sum::<Option<u64>>().map(|kib| kib * 1024)
    }

    /// What comes next; `None` behind [`BackupEvent::Finished`]. Cancelling loses nothing.
    ///
    /// # Errors
    /// As the server or the network has it. `XX001` means that pages were damaged:
    /// [`BaseBackup::take_warnings`] names them, and what was received is no backup.
    pub async fn next(&mut self) -> Result<Option<BackupEvent>, ReplicationError> {
        if self.is_finished {
            return Ok(None);
        }
        match self.connection.wire().answer(STEP).await? {
            Incoming::Message(Message::CopyData(body)) => self.event(body.into_bytes()).map(Some),
            Incoming::Message(Message::CopyDone) => {
                let rows = self.connection.rest_of_answer(STEP).await?;
                self.is_finished = true;
                Ok(Some(BackupEvent::Finished(self.connection.position(rows)?)))
            }
            other => Err(self.connection.wire().unexpected(STEP, &other)),
        }
    }

    /// The server's warnings so far: damaged pages above all.
    pub fn take_warnings(&mut self) -> Vec<ServerMessage> {
        self.connection.take_warnings()
    }

    /// The connection, for the next command.
    ///
    /// # Errors
    /// [`ReplicationError::Broken`] before the end of the backup.
    pub fn into_connection(self) -> Result<ReplicationConnection, ReplicationError> {
        let mut connection = self.connection;
        if !self.is_finished {
            connection.wire().out_of_turn(STEP, "an end asked for in the middle");
        }
        connection.wire().refuse_if_broken()?;
        Ok(connection)
    }

    fn event(&mut self, mut message: Bytes) -> Result<BackupEvent, ReplicationError> {
        let kind = message.first().copied();
        if kind.is_some() {
            message.advance(1);
        }
        let read = match kind {
            Some(b'd') => Some(BackupEvent::Data(message)),
            Some(b'n') => archive(&message),
            Some(b'm') => Some(BackupEvent::ManifestStarted),
            Some(b'p') => progress(&message),
            _ => None,
        };
        read.ok_or_else(|| {
            let kind = kind.map(char::from);
            self.connection
                .wire()
                .out_of_turn(STEP, &format!("a message of kind {kind:?} in the copy stream"))
        })
    }
}

/// Two texts, each ended by a zero byte.
fn archive(message: &[u8]) -> Option<BackupEvent> {
    let mut texts = message.split(|byte| *byte == 0);
    let name = std::str::from_utf8(texts.next()?).ok().filter(|name| !name.is_empty())?.to_owned();
    let path = String::from_utf8_lossy(texts.next()?).into_owned();
    let tablespace_path = Some(path).filter(|path| !path.is_empty());
    Some(BackupEvent::ArchiveStarted { name, tablespace_path })
}

fn progress(message: &[u8]) -> Option<BackupEvent> {
    let bytes_done = u64::from_be_bytes(message.try_into().ok()?);
    Some(BackupEvent::Progress { bytes_done })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_carry_a_command() {
        let command = BaseBackupOptions::new("it's'); DROP").command();
        assert!(command.starts_with("BASE_BACKUP (LABEL 'it''s''); DROP', "), "{command}");
    }

    #[test]
    fn options_are_written_as_the_server_reads_them() {
        let options = BaseBackupOptions {
            incremental: true,
            max_rate_kib_per_second: Some(4096),
            manifest_checksums: ManifestChecksums::Crc32c,
            ..BaseBackupOptions::new("x")
        };
        assert_eq!(
            options.command(),
            "BASE_BACKUP (LABEL 'x', PROGRESS true, WAL false, WAIT false, TABLESPACE_MAP true, \
             MANIFEST 'yes', CHECKPOINT 'fast', MANIFEST_CHECKSUMS 'CRC32C', MAX_RATE 4096, INCREMENTAL)"
        );
    }

    #[test]
    fn heads_of_archives_are_read_and_broken_ones_refused() {
        let named = |name: &str, path: Option<&str>| {
            Some(BackupEvent::ArchiveStarted {
                name: name.to_owned(),
                tablespace_path: path.map(str::to_owned),
            })
        };
        assert_eq!(archive(b"base.tar\0\0"), named("base.tar", None));
        assert_eq!(archive(b"16385.tar\0/space\0"), named("16385.tar", Some("/space")));
        assert_eq!(archive(b"\0\0"), None);
        assert_eq!(archive(b"base.tar"), None);
        assert_eq!(progress(&[0; 7]), None);
    }
}
