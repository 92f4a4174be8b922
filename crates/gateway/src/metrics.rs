//! What only a gateway measures. Requests and calls are measured by telemetry's layers.

use metrics::{counter, describe_counter, describe_gauge, gauge};

const API_KEY_LOOKUPS: &str = "larder_gateway_api_key_lookups_total";
const LIMITED: &str = "larder_gateway_limited_total";
const SHED: &str = "larder_gateway_shed_total";
const LIMITS_ALONE: &str = "larder_gateway_limits_alone";
const AUDIT_EVENTS: &str = "larder_gateway_audit_events_total";
const CACHE_ANSWERS: &str = "larder_gateway_cache_answers_total";
const CACHE_BYTES: &str = "larder_gateway_cache_bytes";
const CACHE_ALONE: &str = "larder_gateway_cache_alone";
const MAINTENANCE: &str = "larder_gateway_maintenance";
const REFUSED_ROWS: &str = "larder_gateway_unreadable_rows_total";

const OVER_QUOTA: &str = "larder_gateway_over_quota_total";
const USAGE_UNWRITTEN: &str = "larder_gateway_usage_unwritten";
const ENDED_CONNECTIONS: &str = "larder_gateway_connections_ended_total";
const SWITCHED_OFF: &str = "larder_gateway_switched_off_total";

/// Why the gateway ended a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ended {
    /// No first byte came.
    Silent,
    /// No request came for long.
    Idle,
    /// It was told to come back on another.
    Old,
    /// It had been told, and a call was still running when the grace was over.
    Cut,
}

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

/// Where the answer to a question came from that may be answered out of the cache.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answered {
    /// The cache, as good as new.
    Fresh,
    /// The cache, while a new one is fetched.
    Stale,
    /// The service.
    Service,
    /// The cache, since the service fails or is slow.
    LastGood,
    /// Nowhere: the service refused or failed.
    Failed,
}

/// What became of an event of the audit log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kept {
    /// It was written before the caller had the answer.
    AtOnce,
    /// It was written later.
    Later,
    /// The database never took it; the log of the process has it.
    InTheProcessLog,
}

/// Describes every metric of the gateway.
pub(crate) fn describe() {
    describe_counter!(API_KEY_LOOKUPS, "API keys looked up, by where the answer came from");
    describe_counter!(LIMITED, "Requests refused because a rate was over, by limit");
    describe_counter!(SHED, "Requests turned away because too many were worked on, by priority");
    describe_gauge!(LIMITS_ALONE, "1 while limits are set to be shared and Redis does not answer");
    describe_counter!(AUDIT_EVENTS, "Events of the audit log, by when they were written");
    describe_counter!(CACHE_ANSWERS, "Answers to questions that may be kept, by where they came from");
    describe_gauge!(CACHE_BYTES, "Memory that kept answers take");
    describe_gauge!(CACHE_ALONE, "1 while the cache is set to be shared and Redis does not answer");
    describe_gauge!(MAINTENANCE, "1 while anything is under maintenance");
    describe_counter!(OVER_QUOTA, "Requests refused because a tenant's month is used up, by quota");
    describe_gauge!(USAGE_UNWRITTEN, "1 while what tenants use cannot be written and waits in memory");
    describe_counter!(ENDED_CONNECTIONS, "Connections that the gateway ended, by reason");
    describe_counter!(SWITCHED_OFF, "Calls refused because a flag switches their RPC off");
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

/// Counts an event of the audit log.
pub(crate) fn count_audit_event(kept: Kept) {
    let kept = match kept {
        Kept::AtOnce => "at_once",
        Kept::Later => "later",
        Kept::InTheProcessLog => "in_the_process_log",
    };
    counter!(AUDIT_EVENTS, "written" => kept).increment(1);
}

/// Counts a request that was over the limit of this name.
pub(crate) fn count_limited(limit: &'static str) {
    counter!(LIMITED, "limit" => limit).increment(1);
}

/// Counts a request for which the tenant's month is used up.
pub(crate) fn count_over_quota(quota: &'static str) {
    counter!(OVER_QUOTA, "quota" => quota).increment(1);
}

/// Tells whether usage waits in memory.
pub(crate) fn set_usage_unwritten(unwritten: bool) {
    gauge!(USAGE_UNWRITTEN).set(if unwritten { 1.0 } else { 0.0 });
}

/// Counts a call of an RPC that is switched off.
pub(crate) fn count_switched_off() {
    counter!(SWITCHED_OFF).increment(1);
}

/// Counts a request that found no place.
pub(crate) fn count_shed(priority: &'static str) {
    counter!(SHED, "priority" => priority).increment(1);
}

/// Tells whether limits that should be shared are not.
pub(crate) fn set_limits_alone(alone: bool) {
    gauge!(LIMITS_ALONE).set(if alone { 1.0 } else { 0.0 });
}

/// Counts an answer to a question that may be answered out of the cache.
pub(crate) fn count_cache_answer(answered: Answered) {
    let source = match answered {
        Answered::Fresh => "fresh",
        Answered::Stale => "stale",
        Answered::Service => "service",
        Answered::LastGood => "last_good",
        Answered::Failed => "failed",
    };
    counter!(CACHE_ANSWERS, "source" => source).increment(1);
}

/// Tells how much memory kept answers take.
pub(crate) fn set_cache_bytes(bytes: usize) {
    gauge!(CACHE_BYTES).set(bytes as f64);
}

/// Tells whether a cache that should be shared is not.
pub(crate) fn set_cache_alone(alone: bool) {
    gauge!(CACHE_ALONE).set(if alone { 1.0 } else { 0.0 });
}

/// Tells whether anything is under maintenance.
pub(crate) fn set_maintenance(is_on: bool) {
    gauge!(MAINTENANCE).set(if is_on { 1.0 } else { 0.0 });
}

/// Counts rows that got their verdict here.
pub(crate) fn count_refused_rows(count: usize) {
    if count > 0 {
        counter!(REFUSED_ROWS).increment(count as u64);
    }
}

/// Counts a connection that is ended.
pub(crate) fn count_ended_connection(reason: Ended) {
    let reason = match reason {
        Ended::Silent => "silent",
        Ended::Idle => "idle",
        Ended::Old => "old",
        Ended::Cut => "cut",
    };
    counter!(ENDED_CONNECTIONS, "reason" => reason).increment(1);
}
