//! A schedule as a calendar to subscribe to: an event a shift, in UTC, which every calendar shows in its own zone and
//! no change of clocks or of the rules for them can move.

use std::collections::BTreeMap;

use calcard::common::PartialDateTime;
use calcard::icalendar::{ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty};
use jiff::Timestamp;

use crate::schedule::Shift;

/// The shifts as an iCalendar. `full_names` tells what contacts are called; a gap is no event. `now` is written as
/// the time the events were made.
pub fn export(
    schedule_name: &str,
    shifts: &[Shift],
    full_names: &BTreeMap<String, String>,
    now: Timestamp,
) -> String {
    let mut calendar = ICalendarComponent::new(ICalendarComponentType::VCalendar);
    calendar.add_property(ICalendarProperty::Version, "2.0");
    calendar.add_property(ICalendarProperty::Prodid, "-//Larder//On-call//EN");
    calendar.add_property(ICalendarProperty::Name, schedule_name);
    let events: Vec<ICalendarComponent> =
        shifts.iter().filter_map(|shift| event(schedule_name, shift, full_names, now)).collect();
    calendar.component_ids = (1..).take(events.len()).collect();
    ICalendar { components: std::iter::once(calendar).chain(events).collect() }.to_string()
}

fn event(
    schedule_name: &str,
    shift: &Shift,
    full_names: &BTreeMap<String, String>,
    now: Timestamp,
) -> Option<ICalendarComponent> {
    let contact = &shift.on_call.as_ref()?.contact;
    let full_name = full_names.get(contact).unwrap_or(contact);
    let time = |at: Timestamp| PartialDateTime::from_utc_timestamp(at.as_second());
    let mut event = ICalendarComponent::new(ICalendarComponentType::VEvent);
    event.add_uid(&format!("{}-{contact}-{schedule_name}@larder", shift.starts_at.as_second()));
    event.add_dtstamp(time(now));
    event.add_property(ICalendarProperty::Dtstart, time(shift.starts_at));
    event.add_property(ICalendarProperty::Dtend, time(shift.ends_at));
    event.add_property(ICalendarProperty::Summary, format!("{full_name} is on call ({schedule_name})"));
    Some(event)
}
