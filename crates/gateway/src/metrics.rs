//! What only a gateway measures. Requests and calls are measured by telemetry's layers.

use metrics::{counter, describe_counter};

const API_KEY_LOOKUPS: &str = "larder_gateway_api_key_lookups_total";
const REFUSED_ROWS: &str = "larder_gateway_unreadable_rows_total";

/// Where the answer about an API key came from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeySource {
    /// From memory, seen a moment ago.
    Memory,
    /// From the database.
    Database,
    /// From memory, since the database is away.
    Stale,
    /// From nowhere: the database is away and the key was not seen before.
    Unknown,
}

/// Describes every metric of the gateway.
pub(crate) fn describe() {
    describe_counter!(API_KEY_LOOKUPS, "API keys looked up, by where the answer came from");
    describe_counter!(REFUSED_ROWS, "Rows of batches that could not be read as the contract has them");
}

/// Counts one lookup of an API key.
pub(crate) fn count_key_lookup(source: KeySource) {
    let source = match source {
        KeySource::Memory => "memory",
        KeySource::Database => "database",
        KeySource::Stale => "stale",
        KeySource::Unknown => "unknown",
    };
    counter!(API_KEY_LOOKUPS, "source" => source).increment(1);
}

/// Counts rows that got their verdict here.
pub(crate) fn count_refused_rows(count: usize) {
    if count > 0 {
        counter!(REFUSED_ROWS).increment(count as u64);
    }
}
