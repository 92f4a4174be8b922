//! What can go wrong between this client and a server, in words that name the server, the step and
//! the way out. Nothing here ever holds a password.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use fallible_iterator::FallibleIterator;
use postgres_protocol::message::backend::ErrorFields;

/// Why a step of the replication protocol failed.
#[derive(Debug, thiserror::Error)]
pub enum ReplicationError {
    /// The address cannot be used.
    #[error("the address of the server cannot be used: {0}")]
    Address(String),
    /// A value is not what it should be.
    #[error("{text:?} is not a {what}")]
    Unreadable {
        /// What was expected.
        what: &'static str,
        /// What was there.
        text: String,
    },
    /// Nobody answers at the address.
    #[error("cannot connect to PostgreSQL at {server}: {source}")]
    Connect {
        /// Host and port, or the socket.
        server: String,
        /// What the system said.
        source: io::Error,
    },
    /// TLS was asked for and could not be had.
    #[error("no TLS with PostgreSQL at {server}: {reason}")]
    Tls {
        /// Host and port.
        server: String,
        /// What was refused, and by whom.
        reason: String,
    },
    /// A certificate file could not be used.
    #[error("cannot use the certificates of {path}: {reason}")]
    Certificates {
        /// The file, or the system's store.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The way of logging in that the server wants is refused here, or its proof was wrong.
    #[error("logging in at {server} as {user} was broken off: {reason}")]
    Login {
        /// Host and port, or the socket.
        server: String,
        /// The role.
        user: String,
        /// What was refused.
        reason: String,
    },
    /// The server refused, with an SQLSTATE.
    #[error("PostgreSQL refused to {step}: {message}")]
    Server {
        /// What it was asked.
        step: String,
        /// Its answer.
        message: Box<ServerMessage>,
    },
    /// The connection broke.
    #[error("the connection to PostgreSQL at {server} was lost while trying to {step}: {source}")]
    Lost {
        /// Host and port, or the socket.
        server: String,
        /// What was under way.
        step: String,
        /// What the system said.
        source: io::Error,
    },
    /// The server said nothing for too long.
    #[error("PostgreSQL at {server} said nothing for {} s while it was to {step}", waited.as_secs())]
    TimedOut {
        /// Host and port, or the socket.
        server: String,
        /// What was under way.
        step: String,
        /// How long it was given.
        waited: Duration,
    },
    /// The server spoke out of turn, or is no PostgreSQL.
    #[error("PostgreSQL at {server} answered out of turn while it was to {step}: {got}")]
    Protocol {
        /// Host and port, or the socket.
        server: String,
        /// What was under way.
        step: String,
        /// What came.
        got: String,
    },
    /// A version whose protocol is not known here.
    #[error("PostgreSQL {version} is not supported (15 to 18 are)")]
    Version {
        /// What the server calls itself.
        version: String,
    },
    /// The server is too old for what was asked.
    #[error("{what} needs PostgreSQL {needs} or later, and the server is {has}")]
    NeedsNewer {
        /// What was asked.
        what: &'static str,
        /// The first version with it.
        needs: u32,
        /// The server's.
        has: u32,
    },
    /// An earlier failure left this connection in the middle of an answer.
    #[error("this connection to {server} failed before and cannot be used again")]
    Broken {
        /// Host and port, or the socket.
        server: String,
    },
}

impl ReplicationError {
    /// The SQLSTATE that the server answered with.
    pub fn sql_state(&self) -> Option<&str> {
        match self {
            Self::Server { message, .. } => Some(&message.sql_state),
            _ => None,
        }
    }

    /// Whether the same call may succeed later without any change: the server is away, starting,
    /// stopping or full (SQLSTATE classes 08, 53 and 57P), or a slot is in use by somebody else.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Lost { .. } | Self::TimedOut { .. } => true,
            Self::Server { message, .. } => {
                ["08", "53", "57P"].iter().any(|class| message.sql_state.starts_with(class))
                    || message.sql_state == "55006"
            }
            _ => false,
        }
    }
}

/// An error or a warning in the server's own words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServerMessage {
    /// `ERROR`, `FATAL`, `WARNING` and so on.
    pub severity: String,
    /// Five characters, such as `28P01`.
    pub sql_state: String,
    /// The sentence.
    pub text: String,
    /// More of it.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

impl ServerMessage {
    pub(crate) fn read(mut fields: ErrorFields<'_>) -> Self {
        let mut message = Self::default();
        // A field that cannot be read ends the reading; what was read until then still tells.
        while let Ok(Some(field)) = fields.next() {
            let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
            match field.type_() {
                b'V' => message.severity = value,
                b'C' => message.sql_state = value,
                b'M' => message.text = value,
                b'D' => message.detail = Some(value),
                b'H' => message.hint = Some(value),
                _ => {}
            }
        }
        message
    }
}

impl fmt::Display for ServerMessage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.text, self.sql_state)?;
        if let Some(detail) = &self.detail {
            write!(formatter, "; {detail}")?;
        }
        if let Some(hint) = &self.hint {
            write!(formatter, "; {hint}")?;
        }
        Ok(())
    }
}
