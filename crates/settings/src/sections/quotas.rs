//! The section `[quotas]`.

use std::path::PathBuf;
use std::time::Duration;

use super::section;
use crate::kind::Kind;

section! {
    /// How much tenants use in a month, and how much they may.
    QuotaSettings = "quotas" {
        /// Whether requests and bytes of each tenant are counted in the database.
        metered: bool = true, Kind::Flag;
        /// The plans and what each has a month (TOML). Left out, nobody has a limit.
        plans_file: Option<PathBuf> = None, Kind::Path;
        /// How often what was counted is written. A gateway that is killed loses as much, and so long may a
        /// quota be overshot.
        write_interval ("write_interval_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(2), Kind::Whole(50..=60_000);
    }
}
