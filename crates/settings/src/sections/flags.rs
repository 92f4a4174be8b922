//! The section `[flags]`.

use std::path::PathBuf;

use super::section;
use crate::kind::Kind;

section! {
    /// Feature flags: what is switched on for whom without a new version.
    FlagSettings = "flags" {
        /// The flags in flagd's format (JSON), read again when the file changes. Left out, there are none, and
        /// everything is as it is built in.
        file: Option<PathBuf> = None, Kind::Path;
    }
}
