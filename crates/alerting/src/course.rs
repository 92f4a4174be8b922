//! The course of an incident as its policy reads it: what happened, in order. From it alone follows who is
//! to be reached next, so it is kept with the incident and read again after every restart.

use jiff::Timestamp;
use larder_oncall::incident::IncidentEvent;

use crate::clock::timestamp;
use crate::store::incidents::IncidentRow;

/// What happened until now.
pub(crate) fn of(row: &IncidentRow) -> Vec<(Timestamp, IncidentEvent)> {
    serde_json::from_value(row.escalation.clone()).unwrap_or_default()
}

/// Adds what happens now.
pub(crate) fn record(row: &mut IncidentRow, now_us: i64, event: IncidentEvent) {
    let mut course = of(row);
    course.push((timestamp(now_us), event));
    row.escalation = serde_json::to_value(course).unwrap_or_default();
}
