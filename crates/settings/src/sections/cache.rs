//! The section `[cache]`.

use std::time::Duration;

use super::section;
use crate::kind::Kind;

section! {
    /// Answers that the gateway keeps and gives again. Which, and how long, stands in the contract.
    CacheSettings = "cache" {
        /// Whether answers are kept at all.
        enabled: bool = true, Kind::Flag;
        /// How much memory kept answers may take.
        memory_bytes: usize = 64 * 1024 * 1024, Kind::Whole(65_536..=17_179_869_184);
        /// How long a request waits for Redis to tell whether a kept answer still holds; after that
        /// the service is asked.
        redis_wait ("redis_wait_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_millis(1), Kind::Whole(1..=1_000);
        /// How long after a change all replicas of a service know of it. Answers from before that
        /// are not given again.
        settled_after ("settled_after_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_millis(500), Kind::Whole(0..=60_000);
    }
}
