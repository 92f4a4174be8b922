//! The audit log as comma-separated values. A field that a spreadsheet would take for a formula is led by an
//! apostrophe; the hashes are over the field without it.

use larder_exchange::injection;

use super::ndjson::{hexadecimal, time_of_day};
use crate::store::audit::AuditRow;

/// The first line.
pub(crate) const TITLES: &str =
    "sequence,time,event_id,at_micros,actor,action,target,address,outcome,correlation_id,hash\r\n";

/// One event.
pub(crate) fn line(row: &AuditRow) -> String {
    let fields = [
        row.sequence.to_string(),
        time_of_day(row.at_us),
        row.event_id.to_string(),
        row.at_us.to_string(),
        row.actor.clone(),
        row.action.clone(),
        row.target.clone(),
        row.address.clone(),
        row.outcome.clone(),
        row.correlation_id.clone(),
        hexadecimal(&row.hash),
    ];
    injection::line(fields.iter().map(String::as_str))
}
