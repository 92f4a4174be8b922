//! Every way a command can end badly, each with the exit code that scripts can rely on.
//! The messages are for people: what was refused, where, and what would be accepted.

use std::path::PathBuf;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// An argument that clap cannot judge by itself.
    #[error("{0}")]
    Usage(String),
    /// The settings are refused.
    #[error(transparent)]
    Settings(#[from] larder_settings::SettingsError),
    /// The database could not be started, reached or prepared.
    #[error(transparent)]
    Database(#[from] larder_database::DatabaseError),
    /// Something that was asked for cannot be done as things stand.
    #[error("{0}")]
    Refused(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Nobody answers at an address.
    #[error("nothing answers at {address}: {cause}\nIs it running? `larder up` starts everything.")]
    Unreachable {
        /// Where it was tried.
        address: String,
        /// What went wrong on the way.
        cause: String,
    },
    /// A service refused a call.
    #[error("{call} was refused: {message}")]
    Call {
        /// The RPC.
        call: &'static str,
        /// The answer, with the fields it names.
        message: String,
    },
    /// An import in which some rows were refused and all the others went in.
    #[error("{rejected} of {total} rows were refused; the others went in")]
    RowsRejected {
        /// Rows refused.
        rejected: u64,
        /// Rows read.
        total: u64,
    },
    /// A dry run in which some rows were refused.
    #[error("{rejected} of {total} rows would be refused; nothing was written")]
    RowsWouldBeRejected {
        /// Rows refused.
        rejected: u64,
        /// Rows read.
        total: u64,
    },
    /// A service that answers, but not that it is ready.
    #[error("not ready: {0}")]
    NotReady(String),
}

impl CommandError {
    /// What the process exits with. The list is printed by `larder --help`.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_)
            | Self::Database(_)
            | Self::Refused(_)
            | Self::File { .. }
            | Self::Call { .. } => 1,
            Self::Usage(_) => 2,
            Self::RowsRejected { .. } | Self::RowsWouldBeRejected { .. } => 3,
            Self::Unreachable { .. } | Self::NotReady(_) => 4,
        }
    }

    /// An error of a file, for `map_err`.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
