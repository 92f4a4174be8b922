//! A client of PostgreSQL's replication protocol, versions 15 to 18: base backups full and
//! incremental, the write-ahead log as it is written, timelines and slots. No program of PostgreSQL
//! is run and nothing is stored here: bytes are handed on as they arrive.
//!
//! Every read has a deadline, and a connection on which anything was left unread is not used again.

mod address;
mod base_backup;
mod connection;
mod error;
mod login;
mod lsn;
mod segment;
mod slot;
mod stream;
mod timeline;
mod tls;
mod transport;
mod wire;

pub use address::{ConnectOptions, Host, TlsMode, WeakPasswords};
pub use base_backup::{
    BackupEvent, BackupPosition, BaseBackup, BaseBackupOptions, CheckpointSpeed, ManifestChecksums,
    Tablespace,
};
pub use connection::{ReplicationConnection, Row, SUPPORTED_VERSIONS, ServerVersion, SystemIdentity};
pub use error::{ReplicationError, ServerMessage};
pub use lsn::{Lsn, SystemIdentifier, TimelineId};
pub use segment::{SegmentName, SegmentSize};
pub use slot::{SlotName, SlotPosition};
pub use stream::{FlushedUpTo, StreamEvent, WalStream};
pub use timeline::{HistoryEntry, HistoryFile, TimelineHistory};
