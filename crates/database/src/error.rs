//! What can go wrong between Larder and its database, said so that the reader knows what to do
//! next; and the questions a caller may ask of a `sqlx::Error`.

use std::io;
use std::path::PathBuf;

/// Why the database could not be reached, prepared, migrated or started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// `database.url` is not something that can be connected to.
    #[error("database.url is not a PostgreSQL address: {0} (expected postgres://user@host:5432/larder)")]
    Url(String),
    /// The server gave no connection.
    #[error("cannot connect to PostgreSQL at {server} as {user}: {source}")]
    Connect {
        /// Address without credentials.
        server: String,
        /// The role that tried to log in.
        user: String,
        /// What the driver said.
        source: sqlx::Error,
    },
    /// `database.role_password` cannot be used.
    #[error("database.role_password must be 1 to 128 printable ASCII characters")]
    RolePassword,
    /// The role of `database.url` lacks the rights to prepare the database.
    #[error(
        "the role {user} may not {step}: give it CREATEROLE and CREATEDB, or let an administrator \
         prepare the database and set database.bootstrap = false"
    )]
    NotPermitted {
        /// The role that tried.
        user: String,
        /// What it tried.
        step: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// Preparing roles, schemas and grants failed.
    #[error("cannot {step}: {source}")]
    Bootstrap {
        /// What was tried.
        step: String,
        /// What the server said.
        source: sqlx::Error,
    },
    /// A migration that already ran was changed afterwards.
    #[error(
        "migration {version} of schema {schema} was edited after it ran on this database; restore its \
         text and put the change into a new migration"
    )]
    MigrationEdited {
        /// Whose migrations.
        schema: String,
        /// The migration's timestamp.
        version: i64,
    },
    /// A newer program has taken something out of the database that this one needs.
    #[error(
        "the database is newer than this program: migration {version} of schema {schema} took away what this one needs; \
         start the newer version of larder, or restore a backup from before the upgrade"
    )]
    DatabaseNewer {
        /// Whose migrations.
        schema: String,
        /// The migration's timestamp.
        version: i64,
    },
    /// A migration's SQL failed; its transaction was rolled back.
    #[error("migrating schema {schema} failed: {source}")]
    Migration {
        /// Whose migrations.
        schema: String,
        /// What the migrator said.
        source: Box<sqlx::migrate::MigrateError>,
    },
    /// PostgreSQL's own programs are not installed, or not in a version that fits.
    #[error(
        "{reason} (looked in {looked_in}); install it with: {command}; or \
         name the folder of its programs in LARDER_DATABASE__BIN_DIR"
    )]
    ProgramsMissing {
        /// What is missing.
        reason: String,
        /// The folders that were searched.
        looked_in: String,
        /// The exact command for Debian and Ubuntu.
        command: String,
    },
    /// Another process runs the private cluster of this folder.
    #[error(
        "{folder} is in use by another larder (pid {pid}); stop that one first, or choose another \
         folder with LARDER_DATA_DIR"
    )]
    FolderInUse {
        /// The data folder.
        folder: PathBuf,
        /// The process that holds it, or `unknown`.
        pid: String,
    },
    /// The cluster of this folder was made by another user.
    #[error("{folder} {reason}")]
    FolderOwner {
        /// The data folder.
        folder: PathBuf,
        /// Whose it is and what to do.
        reason: String,
    },
    /// A file or folder of the private cluster could not be used.
    #[error("cannot {action} {path}: {source}")]
    Folder {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb could not make a database cluster in {folder}: {output}")]
    Initialise {
        /// Where the cluster should have been.
        folder: PathBuf,
        /// The last lines it wrote.
        output: String,
    },
    /// The private server did not come up.
    #[error("the private PostgreSQL did not start: {reason}; the end of {log}:\n{log_tail}")]
    Start {
        /// What was seen.
        reason: String,
        /// The server's log file.
        log: PathBuf,
        /// The last lines of it.
        log_tail: String,
    },
    /// The private server could not be stopped.
    #[error("the private PostgreSQL (pid {pid}) did not stop within {waited_s} s")]
    Stop {
        /// The process that is still there.
        pid: u32,
        /// How long it was given.
        waited_s: u64,
    },
}

impl DatabaseError {
    /// Whether the database cannot be reached at the moment: the same call may succeed later
    /// without any change.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Connect { source, .. } | Self::Bootstrap { source, .. } => is_unavailable(source),
            Self::Migration { source, .. } => {
                matches!(&**source, sqlx::migrate::MigrateError::Execute(error) if is_unavailable(error))
            }
            _ => false,
        }
    }
}

/// Returns the name of the constraint that refused a write, so that a named constraint can become
/// a named error.
pub fn constraint(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(|refusal| refusal.constraint())
}

/// Says whether `error` means that the database cannot be reached at the moment: the same call
/// may succeed later without any change.
///
/// That is a lost or refused connection, an exhausted pool, a server that starts, stops or has no
/// room left: SQLSTATE classes 08 and 53 and codes 57P01 to 57P05.
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => true,
        // What was on the other side was no server, or one that broke off in mid-sentence.
        sqlx::Error::Protocol(_) => true,
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| is_unavailable_code(&code)),
        _ => false,
    }
}

fn is_unavailable_code(code: &str) -> bool {
    ["08", "53", "57P"].iter().any(|class| code.starts_with(class))
}

/// Returns the SQLSTATE that the server answered with.
pub(crate) fn sql_state(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|refusal| refusal.code()).map(|code| code.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_is_unavailable_and_a_missing_row_is_not() {
        assert!(is_unavailable(&sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionReset))));
        assert!(is_unavailable(&sqlx::Error::PoolTimedOut));
        assert!(!is_unavailable(&sqlx::Error::RowNotFound));
    }

    #[test]
    fn shutdown_and_exhaustion_are_unavailable_and_constraints_are_not() {
        for code in ["08006", "53300", "57P01", "57P03"] {
            assert!(is_unavailable_code(code), "{code}");
        }
        for code in ["23505", "57014", "42501"] {
            assert!(!is_unavailable_code(code), "{code}");
        }
    }
}
