//! The section `[lifecycle]`.

use std::time::Duration;

use super::section;
use crate::kind::Kind;

section! {
    /// How a process stops.
    LifecycleSettings = "lifecycle" {
        /// How long requests in flight may take to finish before they are cut off.
        drain_timeout ("drain_timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(25), Kind::Whole(0..=600_000);
        /// How long a stopping process still accepts requests, so that load balancers notice.
        readiness_delay ("readiness_delay_ms", "crate::durations::milliseconds"):
            Duration = Duration::ZERO, Kind::Whole(0..=600_000);
    }
}
