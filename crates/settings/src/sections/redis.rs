//! The section `[redis]`.

use std::time::Duration;

use secrecy::SecretString;

use super::section;
use crate::kind::Kind;

section! {
    /// Redis, for caches and limits that several replicas share. With no `url` they work in memory.
    RedisSettings = "redis" {
        /// Where Redis is.
        url ("url", "crate::secret::connection"): Option<SecretString> = None,
            Kind::SecretUrl(&["redis", "rediss", "redis+unix", "unix"]);
        /// How long a command may take before memory is used instead.
        timeout ("timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_millis(100), Kind::Whole(1..=10_000);
        /// The most connections that are opened.
        max_connections: usize = 16, Kind::Whole(1..=1_000);
    }
}
