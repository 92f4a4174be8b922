//! Why a backup, a verification or a restore ended. Every refusal names the object or the folder
//! and the way out. Nothing secret is ever part of a message.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use larder_replication::ReplicationError;
use larder_telemetry::ErrorKind;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::target::TargetError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A target refused or failed.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The server refused or failed.
    #[error("PostgreSQL: {0}")]
    Replication(#[from] ReplicationError),
    /// What is stored is not what was written.
    #[error("{target}: {object} is damaged: {cause}; take it from another target, or use another backup")]
    Damaged {
        /// The target's name.
        target: String,
        /// The object's name.
        object: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A file of this machine.
    #[error("cannot {action} {path}: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A backup that does not exist at any target that was asked.
    #[error("there is no backup {0} at any target; `larder backup list` shows those there are")]
    NoSuchBackup(String),
    /// A dump that does not exist at any target that was asked.
    #[error("there is no dump {0} at any target; `larder backup dumps` shows those there are")]
    NoSuchDump(String),
    /// Neither a backup nor a dump at any target.
    #[error(
        "there is no backup and no dump {0} at any target; `larder backup list` and `larder backup dumps` show those \
         there are"
    )]
    NoSuchBackupOrDump(String),
    /// A field of a call, and what would be accepted.
    #[error("{field}: {description}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What would be accepted.
        description: String,
    },
    /// What was asked for cannot be done, and what can instead.
    #[error("{0}")]
    Refused(String),
    /// A backup was restored and was not what it should be.
    #[error(
        "{backup_id} did not stand the drill and is not proven: {failures}; take a new backup and drill that"
    )]
    NotProven {
        /// Which one.
        backup_id: String,
        /// Each check that failed, in words.
        failures: String,
    },
    /// The server cannot tell what has changed since a backup.
    #[error(
        "PostgreSQL cannot tell what has changed since {parent}, as when it has thrown away its summaries of the \
         log: {cause}; take a full backup"
    )]
    CannotBuildOn {
        /// The backup that was to be built on.
        parent: String,
        /// What the server says.
        cause: String,
    },
    /// No target is left to write to.
    #[error("no target took the backup: {0}")]
    NoTargetLeft(String),
    /// A program of PostgreSQL failed.
    #[error("{program} failed ({status}): {output}")]
    Program {
        /// Which one.
        program: &'static str,
        /// How it ended.
        status: String,
        /// The end of what it said.
        output: String,
    },
    /// The index of backups.
    #[error("database: {0}")]
    Database(#[from] sqlx::Error),
    /// A mistake of ours.
    #[error("{0}")]
    Internal(String),
}

impl BackupError {
    /// Says what was tried on which path.
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { action, path, source }
    }

    /// The stage that failed, as metrics count it.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        match self {
            Self::Target(_) | Self::NoTargetLeft(_) => "store",
            Self::Replication(_) => "receive",
            Self::Damaged { .. } | Self::NotProven { .. } => "check",
            Self::File { .. } => "write",
            Self::NoSuchBackup(_)
            | Self::NoSuchDump(_)
            | Self::NoSuchBackupOrDump(_)
            | Self::CannotBuildOn { .. }
            | Self::Refused(_)
            | Self::Invalid { .. } => "prepare",
            Self::Program { .. } => "program",
            Self::Database(_) => "index",
            Self::Internal(_) => "internal",
        }
    }
}

impl BackupError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid { .. } => ErrorKind::InvalidArgument,
            Self::NoSuchBackup(_) | Self::NoSuchDump(_) | Self::NoSuchBackupOrDump(_) => ErrorKind::NotFound,
            Self::Refused(_) | Self::CannotBuildOn { .. } | Self::Damaged { .. } | Self::NotProven { .. } => {
                ErrorKind::Conflict
            }
            Self::Target(_) | Self::NoTargetLeft(_) | Self::Replication(_) => ErrorKind::Unavailable,
            Self::File { .. } | Self::Program { .. } | Self::Database(_) | Self::Internal(_) => {
                ErrorKind::Internal
            }
        }
    }

    fn code_and_reason(&self) -> (Code, &'static str) {
        match self {
            Self::Invalid { .. } => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::NoSuchBackup(_) | Self::NoSuchBackupOrDump(_) => (Code::NotFound, "BACKUP_NOT_FOUND"),
            Self::NoSuchDump(_) => (Code::NotFound, "DUMP_NOT_FOUND"),
            Self::Refused(_) | Self::CannotBuildOn { .. } => (Code::FailedPrecondition, "REFUSED"),
            Self::Damaged { .. } => (Code::DataLoss, "BACKUP_DAMAGED"),
            Self::NotProven { .. } => (Code::DataLoss, "BACKUP_NOT_PROVEN"),
            Self::Target(_) | Self::NoTargetLeft(_) => (Code::Unavailable, "TARGET_FAILED"),
            Self::Replication(_) => (Code::Unavailable, "POSTGRESQL_FAILED"),
            Self::File { .. } => (Code::Internal, "FILE_FAILED"),
            Self::Program { .. } => (Code::Internal, "PROGRAM_FAILED"),
            Self::Database(_) | Self::Internal(_) => (Code::Internal, "INTERNAL"),
        }
    }

    fn status(&self) -> Status {
        let (code, reason) = self.code_and_reason();
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, "larder", HashMap::new());
        if let Self::Invalid { field, description } = self {
            details.add_bad_request_violation(*field, description);
        }
        let message = match self {
            Self::Database(_) | Self::Internal(_) => {
                "something went wrong inside; quote the correlation id".to_owned()
            }
            // Who operates backups is told everything: there is no tenant's data in it.
            _ => self.to_string(),
        };
        Status::with_error_details(code, message, details)
    }

    /// The `google.rpc.Status` of an operation that failed.
    pub(crate) fn row_status(&self) -> tonic_types::Status {
        let status = self.status();
        let details: Option<tonic_types::Status> = prost::Message::decode(status.details()).ok();
        tonic_types::Status {
            code: status.code() as i32,
            message: status.message().to_owned(),
            details: details.map(|full| full.details).unwrap_or_default(),
        }
    }
}

impl From<BackupError> for Status {
    fn from(error: BackupError) -> Self {
        larder_telemetry::errors::count("backup", error.kind());
        if matches!(error, BackupError::Database(_) | BackupError::Internal(_)) {
            tracing::error!(error.cause = %error, "call failed");
        }
        error.status()
    }
}
