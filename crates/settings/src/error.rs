//! Why settings are refused. All that is wrong is said at once, so that nobody has to start a
//! process ten times to find ten mistakes. No message shows a secret.

use std::fmt;
use std::path::PathBuf;

use crate::Environment;

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The settings file cannot be read.
    #[error("the settings file {} cannot be read", path.display())]
    FileUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The settings file is not TOML.
    #[error("the settings file {} line {line} is not TOML: {message}", path.display())]
    FileMalformed {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// Some settings are unknown or have a value that is not accepted.
    #[error("{0}")]
    Invalid(Problems),
    /// The settings are understood, but unsafe for their environment.
    #[error("refusing to start in {environment}: {problems}")]
    Unsafe {
        /// The environment.
        environment: Environment,
        /// Everything that is unsafe.
        problems: Problems,
    },
}

impl SettingsError {
    /// Everything that is wrong, one sentence each.
    pub fn problems(&self) -> &[String] {
        match self {
            Self::Invalid(problems) | Self::Unsafe { problems, .. } => &problems.0,
            Self::FileUnreadable { .. } | Self::FileMalformed { .. } => &[],
        }
    }
}

/// What is wrong, one sentence each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => formatter.write_str(only),
            several => {
                write!(formatter, "{} settings are refused", several.len())?;
                several.iter().try_for_each(|problem| write!(formatter, "\n  - {problem}"))
            }
        }
    }
}
