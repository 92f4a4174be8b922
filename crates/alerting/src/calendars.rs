//! Schedules as calendars, whichever way they are asked for: as one to subscribe to, and shifts from one as overrides.
//! A calendar is taken whole or not at all; what it told before is replaced.

use std::collections::BTreeMap;

use jiff::Timestamp;
use larder_identity::TenantId;
use larder_oncall::calendar::{self, CalendarShift};
use larder_oncall::schedule::Schedule;
use larder_oncall::settings::Settings;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock::timestamp;
use crate::error::Error;
use crate::escalate::load_overrides;
use crate::in_force::Rules;
use crate::store::overrides::{self, OverrideRow};
use crate::store::tenants;

const DAY_US: i64 = 86_400_000_000;
/// A calendar to subscribe to shows so much of what was, and of what will be.
const SHOWN_BEFORE_US: i64 = 7 * DAY_US;
const SHOWN_AFTER_US: i64 = 92 * DAY_US;
/// Shifts of a calendar are taken so far ahead.
const TAKEN_AFTER_US: i64 = 92 * DAY_US;
/// More shifts are no schedule.
const SHIFTS_MOST: usize = 900;

/// A schedule as an iCalendar, with the overrides that are not over.
pub(crate) async fn export(
    db: &mut PgConnection,
    tenant: &TenantId,
    rules: &Rules,
    name: &str,
    now_us: i64,
) -> Result<String, Error> {
    let schedule = find(rules, name)?;
    let overrides = load_overrides(db, tenant, now_us - SHOWN_BEFORE_US).await?;
    let overrides = overrides.get(name).map_or(&[][..], Vec::as_slice);
    let (from, until) = (timestamp(now_us - SHOWN_BEFORE_US), timestamp(now_us + SHOWN_AFTER_US));
    let shifts = schedule.shifts(from, until, overrides);
    let contacts = rules.settings.contacts.iter();
    let full_names: BTreeMap<String, String> =
        contacts.map(|(name, contact)| (name.clone(), contact.full_name.clone())).collect();
    Ok(calendar::export(name, &shifts, &full_names, timestamp(now_us)))
}

/// Takes the shifts of a calendar as overrides of a schedule, in the place of those that a calendar told before; how
/// many they are.
pub(crate) async fn import(
    db: &mut PgConnection,
    tenant: &TenantId,
    rules: &Rules,
    (name, text, who): (&str, &str, &str),
    now_us: i64,
) -> Result<usize, Error> {
    let schedule = find(rules, name)?;
    let (from, until) = (timestamp(now_us), timestamp(now_us + TAKEN_AFTER_US));
    let shifts = calendar::import(text, &schedule.zone, from, until)
        .map_err(|problem| Error::invalid("calendar", problem.to_string()))?;
    if shifts.len() > SHIFTS_MOST {
        return Err(Error::invalid(
            "calendar",
            format!("must have at most {SHIFTS_MOST} shifts in a quarter"),
        ));
    }
    let mut rows = Vec::with_capacity(shifts.len());
    for shift in &shifts {
        rows.push(OverrideRow {
            override_id: Uuid::now_v7(),
            schedule: name.to_owned(),
            contact: contact_of(&rules.settings, shift)?,
            starts_at_us: shift.starts_at.as_microsecond(),
            ends_at_us: shift.ends_at.as_microsecond(),
            created_by: who.to_owned(),
            calendar: shift.uid.chars().take(200).collect(),
        });
    }
    tenants::remember(db, tenant).await?;
    overrides::forget_calendar(db, tenant, name, now_us).await?;
    for row in &rows {
        overrides::add(db, tenant, row).await?;
    }
    Ok(rows.len())
}

fn find<'a>(rules: &'a Rules, name: &str) -> Result<&'a Schedule, Error> {
    rules.settings.schedules.get(name).ok_or(Error::NotFound { noun: "schedule" })
}

/// Whose shift it is: whom it invites, or whose name it bears.
fn contact_of(settings: &Settings, shift: &CalendarShift) -> Result<String, Error> {
    let by_address = settings.contacts.values().find(|contact| {
        contact.reach.iter().any(|way| shift.attendees.contains(&way.address.to_lowercase()))
    });
    let by_name = || {
        let summary = shift.summary.to_lowercase();
        settings.contacts.values().find(|contact| {
            [&contact.name, &contact.full_name].iter().any(|name| name.to_lowercase() == summary)
        })
    };
    let contact = by_address.or_else(by_name);
    contact.map(|contact| contact.name.clone()).ok_or_else(|| {
        let at: Timestamp = shift.starts_at;
        let text = format!(
            "has a shift {:?} at {at} that is nobody's: its title must be the name of a contact, or an attendee's address one at which a contact is reached",
            shift.summary
        );
        Error::invalid("calendar", text)
    })
}
