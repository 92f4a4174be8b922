//! The audit log as comma-separated values (RFC 4180). A field that a spreadsheet would take for a formula is led by an
//! apostrophe, as OWASP advises; the hashes are over the field without it.

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
    fields.map(|field| quoted(&field)).join(",") + "\r\n"
}

fn quoted(field: &str) -> String {
    let led = if field.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{field}")
    } else {
        field.to_owned()
    };
    if led.contains([',', '"', '\r', '\n']) { format!("\"{}\"", led.replace('"', "\"\"")) } else { led }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_field_leaves_its_cell() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,\"b\"\r\nc"), "\"a,\"\"b\"\"\r\nc\"");
        assert_eq!(quoted("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
    }
}
