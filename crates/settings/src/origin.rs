//! Where a setting came from, so that whoever wonders about a value knows which line or
//! variable to change.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where one setting came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// A line of the settings file.
    File {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A file that an environment variable names.
    VariableFile {
        /// The variable, as in `LARDER_DATABASE__URL_FILE`.
        name: String,
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => formatter.write_str("default"),
            Self::File { path, line } => write!(formatter, "{} line {line}", path.display()),
            Self::Variable(name) => formatter.write_str(name),
            Self::VariableFile { name, path } => write!(formatter, "{name} ({})", path.display()),
        }
    }
}

/// Where each setting that is not a default came from.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<&'static str, Origin>);

impl Origins {
    /// Where the setting `key` (as in `gateway.listen_address`) came from.
    pub fn of(&self, key: &str) -> Origin {
        self.0.get(key).cloned().unwrap_or(Origin::Default)
    }

    pub(crate) fn remember(&mut self, key: &'static str, origin: Origin) {
        self.0.insert(key, origin);
    }
}
