//! The audit log as JSON, one event a line.

use serde_json::json;

use crate::store::audit::AuditRow;

/// One event.
pub(crate) fn line(row: &AuditRow) -> String {
    let event = json!({
        "sequence": row.sequence,
        "time": time_of_day(row.at_us),
        "eventId": row.event_id.to_string(),
        "atMicros": row.at_us,
        "actor": row.actor,
        "action": row.action,
        "target": row.target,
        "address": row.address,
        "outcome": row.outcome,
        "correlationId": row.correlation_id,
        "hash": hexadecimal(&row.hash),
    });
    format!("{event}\n")
}

/// Microseconds since 1970 as RFC 3339 has it.
pub(super) fn time_of_day(at_us: i64) -> String {
    prost_types::Timestamp {
        seconds: at_us.div_euclid(1_000_000),
        nanos: i32::try_from(at_us.rem_euclid(1_000_000) * 1_000).unwrap_or(0),
    }
    .to_string()
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
