//! Calls about who is on call.

use larder_identity::Caller;
use larder_oncall::schedule::OnCallBy;
use larder_proto::larder::alerting::v1::*;
use uuid::Uuid;

use crate::clock;
use crate::convert;
use crate::error::Error;
use crate::escalate::load_overrides;
use crate::state::State;
use crate::store::overrides::{self, OverrideRow};
use crate::store::tenants;

/// How far is looked for the end of a shift.
const LOOK_AHEAD_US: i64 = 35 * 86_400_000_000;
/// Longer overrides are a change of the schedule.
const LONGEST_US: i64 = 366 * 86_400_000_000;

pub(super) async fn get(
    state: &State,
    caller: &Caller,
    request: GetOnCallRequest,
) -> Result<GetOnCallResponse, Error> {
    let at_us = request.at.map_or(Ok((state.clock)()), |at| convert::micros("at", &at))?;
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let overrides = load_overrides(&mut transaction, &caller.tenant, at_us).await?;
    transaction.commit().await?;
    let rules = state.in_force.rules();
    let wanted = rules.settings.schedules.values();
    let wanted = wanted.filter(|schedule| request.schedule.is_empty() || schedule.name == request.schedule);
    let (from, until) = (clock::timestamp(at_us), clock::timestamp(at_us + LOOK_AHEAD_US));
    let on_call: Vec<OnCall> = wanted
        .map(|schedule| {
            let overrides = overrides.get(&schedule.name).map_or(&[][..], Vec::as_slice);
            let shift = schedule.shifts(from, until, overrides).into_iter().next();
            let ends_at = shift.as_ref().map(|shift| convert::timestamp(shift.ends_at.as_microsecond()));
            let who = shift.and_then(|shift| shift.on_call);
            OnCall {
                schedule: schedule.name.clone(),
                overridden: who.as_ref().is_some_and(|who| matches!(who.by, OnCallBy::Override(_))),
                contact: who.map(|who| who.contact).unwrap_or_default(),
                until: ends_at,
            }
        })
        .collect();
    if on_call.is_empty() && !request.schedule.is_empty() {
        return Err(Error::NotFound { noun: "schedule" });
    }
    Ok(GetOnCallResponse { on_call })
}

pub(super) async fn create_override(
    state: &State,
    caller: &Caller,
    request: CreateOverrideRequest,
) -> Result<CreateOverrideResponse, Error> {
    let wanted = request.r#override.ok_or_else(|| Error::invalid("override", "must be given"))?;
    let rules = state.in_force.rules();
    if !rules.settings.schedules.contains_key(&wanted.schedule) {
        return Err(Error::NotFound { noun: "schedule" });
    }
    if !rules.settings.contacts.contains_key(&wanted.contact) {
        let known: Vec<&str> = rules.settings.contacts.keys().map(String::as_str).collect();
        return Err(Error::invalid("override.contact", format!("must be one of {}", known.join(", "))));
    }
    let now_us = (state.clock)();
    let starts_at_us =
        wanted.starts_at.map_or(Ok(now_us), |at| convert::micros("override.starts_at", &at))?;
    let ends_at = wanted.ends_at.ok_or_else(|| Error::invalid("override.ends_at", "must be given"))?;
    let ends_at_us = convert::micros("override.ends_at", &ends_at)?;
    if ends_at_us <= starts_at_us.max(now_us) || ends_at_us - starts_at_us > LONGEST_US {
        let accepted = "must be in the future, behind starts_at, and within a year of it";
        return Err(Error::invalid("override.ends_at", accepted));
    }
    let row = OverrideRow {
        override_id: Uuid::now_v7(),
        schedule: wanted.schedule,
        contact: wanted.contact,
        starts_at_us,
        ends_at_us,
        created_by: caller.subject.clone(),
        calendar: String::new(),
    };
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    tenants::remember(&mut transaction, &caller.tenant).await?;
    overrides::add(&mut transaction, &caller.tenant, &row).await?;
    transaction.commit().await?;
    Ok(CreateOverrideResponse { r#override: Some(to_wire(&row)) })
}

pub(super) async fn list_overrides(
    state: &State,
    caller: &Caller,
    request: ListOverridesRequest,
) -> Result<ListOverridesResponse, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let schedule = Some(request.schedule.as_str());
    let rows = overrides::list(&mut transaction, &caller.tenant, schedule, (state.clock)()).await?;
    transaction.commit().await?;
    Ok(ListOverridesResponse { overrides: rows.iter().map(to_wire).collect() })
}

pub(super) async fn delete_override(
    state: &State,
    caller: &Caller,
    request: DeleteOverrideRequest,
) -> Result<DeleteOverrideResponse, Error> {
    let override_id =
        Uuid::parse_str(&request.override_id).map_err(|_| Error::NotFound { noun: "override" })?;
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    overrides::remove(&mut transaction, &caller.tenant, override_id).await?;
    transaction.commit().await?;
    Ok(DeleteOverrideResponse {})
}

fn to_wire(row: &OverrideRow) -> Override {
    Override {
        override_id: row.override_id.to_string(),
        schedule: row.schedule.clone(),
        contact: row.contact.clone(),
        starts_at: Some(convert::timestamp(row.starts_at_us)),
        ends_at: Some(convert::timestamp(row.ends_at_us)),
        created_by: row.created_by.clone(),
        calendar: row.calendar.clone(),
    }
}
