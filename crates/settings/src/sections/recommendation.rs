//! The section `[recommendation]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{localhost, section};
use crate::kind::Kind;

section! {
    /// The recommendation service: the catalogue, the events, the models and their answers.
    RecommendationSettings = "recommendation" {
        /// Where the service listens for gRPC.
        listen_address: SocketAddr = localhost(50051), Kind::Address;
        /// Where the service's health and metrics are; never routed to from outside.
        ops_address: SocketAddr = localhost(9051), Kind::Address;
        /// How many copies of the service run side by side.
        replicas: u32 = 1, Kind::Whole(1..=1_000);
        /// The folder of model snapshots. Left out, it is `snapshots` in `data_dir`.
        snapshot_dir: Option<PathBuf> = None, Kind::Path;
        /// How many snapshots of each tenant are kept to roll back to.
        snapshots_kept: usize = 3, Kind::Whole(1..=100);
        /// The JSON file of the model settings: what is trained and the placements, by tenant. It is
        /// read again whenever it changes. Left out, the built-in settings are in force.
        model_settings_file: Option<PathBuf> = None, Kind::Path;
        /// What becomes of an interaction whose product or customer is not in the catalogue: `keep` it,
        /// and link it once they appear, or `refuse` it.
        unknown_references: UnknownReferences = UnknownReferences::Keep, Kind::Choice(&["keep", "refuse"]);
        /// How long after one training the next one starts.
        training_interval ("training_interval_s", "crate::durations::seconds"):
            Duration = Duration::from_secs(3_600), Kind::Whole(1..=2_592_000);
        /// How many new events make a training worthwhile.
        training_min_events: u64 = 1_000, Kind::Whole(0..=1_000_000_000);
        /// Whether models are trained by themselves: the first one, and on schedule. A call always trains.
        training_enabled: bool = true, Kind::Flag;
        /// The most memory a training may take. One that needs more ends with an error, and what serves
        /// goes on serving.
        training_memory_limit_bytes: u64 = 4 * 1024 * 1024 * 1024,
            Kind::Whole(16_777_216..=1_099_511_627_776);
        /// On how many threads a training computes; 0 takes half the cores, at least one.
        training_threads: usize = 0, Kind::Whole(0..=1_024);
        /// After how long a model that serves counts as stale, when events came after it; health says so.
        model_stale_after ("model_stale_after_s", "crate::durations::seconds"):
            Duration = Duration::from_secs(3 * 86_400), Kind::Whole(60..=31_536_000);
        /// How old the profiles kept beside the snapshots may be for a start without the database. When
        /// they are older, or none were kept, requests that name a customer are refused until the
        /// database is back, since nobody knows what the customer must stay away from.
        profiles_max_age ("profiles_max_age_s", "crate::durations::seconds"):
            Duration = Duration::from_secs(86_400), Kind::Whole(60..=31_536_000);
        /// How long a plan of a market day waits for newer sales to be learnt, before the model of before makes it
        /// and says so.
        demand_patience ("demand_patience_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_millis(20), Kind::Whole(0..=60_000);
        /// How often the log of interactions is read for what other replicas recorded.
        tail_interval ("tail_interval_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_millis(500), Kind::Whole(10..=60_000);
        /// The most rows that one batch may carry.
        batch_limit_rows: usize = 10_000, Kind::Whole(1..=100_000);
        /// The largest gRPC message that is read.
        message_limit_bytes: usize = 32 * 1024 * 1024, Kind::Whole(1024..=1_073_741_824);
        /// After how many days an event counts half for what is popular.
        popularity_half_life_days: f64 = 14.0, Kind::Number(0.1..=3_650.0);
        /// After how many days an event counts half for what one customer likes.
        personal_half_life_days: f64 = 120.0, Kind::Number(0.1..=3_650.0);
        /// How many similar products the model keeps for each product.
        neighbours_per_product: usize = 50, Kind::Whole(1..=1_000);
    }
}

/// What becomes of an interaction with something that is not in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownReferences {
    /// It is recorded, and linked when the product or the customer appears.
    Keep,
    /// The row is refused with a verdict that names the field.
    Refuse,
}
