//! The section `[limits]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::section;
use crate::kind::Kind;

section! {
    /// How much callers may ask of the gateway. A rate of 0 is no limit.
    LimitsSettings = "limits" {
        /// Requests a second from one address, counted before anybody asks who is calling.
        address_per_s: f64 = 0.0, Kind::Number(0.0..=1_000_000.0);
        /// Requests a second of one caller: a key or a user of a tenant.
        caller_per_s: f64 = 0.0, Kind::Number(0.0..=1_000_000.0);
        /// Requests a second of one tenant.
        tenant_per_s: f64 = 0.0, Kind::Number(0.0..=1_000_000.0);
        /// Requests a second of one tenant to one RPC.
        rpc_per_s: f64 = 0.0, Kind::Number(0.0..=1_000_000.0);
        /// So many seconds' worth of requests may come at once.
        burst ("burst_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(2), Kind::Whole(1..=3_600_000);
        /// Wrong credentials a minute from one address; after them it waits, right or wrong.
        wrong_credentials_per_min: u32 = 30, Kind::Whole(0..=1_000_000);
        /// Wrong passwords an hour for one user; after them sign-in waits, right or wrong.
        wrong_passwords_per_h: u32 = 20, Kind::Whole(0..=1_000_000);
        /// What holds while Redis is away: `local` counts in memory and takes each gateway's share of a
        /// rate, `open` lets everybody in, `closed` nobody.
        on_redis_failure: OnRedisFailure = OnRedisFailure::Local, Kind::Choice(&["local", "open", "closed"]);
        /// Requests that are worked on at once. Near it, lists and batches are turned away first, then
        /// other reads, writes last.
        in_flight: usize = 4_096, Kind::Whole(1..=1_000_000);
    }
}

/// What holds while Redis is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnRedisFailure {
    /// Each gateway counts by itself and takes its share of every rate.
    Local,
    /// There are no limits.
    Open,
    /// Whoever is limited is refused.
    Closed,
}
