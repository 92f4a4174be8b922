//! Calls about incidents.

use larder_identity::Caller;
use larder_proto::google::api::HttpBody;
use larder_proto::larder::alerting::v1::*;

use crate::convert;
use crate::error::Error;
use crate::export::Whole;
use crate::operate::{Deed, operate};
use crate::page::{self, PageOf};
use crate::state::State;
use crate::store::incidents::{self, State as Stands};
use crate::store::{reading, timeline};
use crate::timeline::verify;

const ALERTS_SHOWN: i64 = 1_000;
const NOTE_CHARACTERS: usize = 10_000;
const DAY_US: i64 = 86_400_000_000;

pub(super) async fn list(
    state: &State,
    caller: &Caller,
    request: ListIncidentsRequest,
) -> Result<ListIncidentsResponse, Error> {
    let size = page::size(request.page_size)?;
    let wanted = match request.state() {
        IncidentState::Unspecified => None,
        IncidentState::Open => Some(Stands::Open),
        IncidentState::Acknowledged => Some(Stands::Acknowledged),
        IncidentState::Resolved => Some(Stands::Resolved),
    };
    let of = PageOf { tenant: &caller.tenant, list: "incidents", filters: format!("{wanted:?}") };
    let before = state.pages.read(&of, &request.page_token)?.and_then(|place| place.parse().ok());
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let mut rows = incidents::list(&mut transaction, &caller.tenant, wanted, before, size + 1).await?;
    transaction.commit().await?;
    let next = page::cut(&mut rows, size, |row| row.incident_number.to_string());
    Ok(ListIncidentsResponse {
        incidents: rows.iter().map(convert::incident).collect(),
        next_page_token: next.map(|place| state.pages.issue(&of, &place)).unwrap_or_default(),
    })
}

/// Reads an incident with everything that belongs to it.
async fn whole(state: &State, caller: &Caller, name: &str) -> Result<Whole, Error> {
    let tenant = &caller.tenant;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let incident = incidents::get(&mut transaction, tenant, name).await?;
    let alerts = reading::of_incident(&mut transaction, tenant, incident.incident_id, ALERTS_SHOWN).await?;
    let timeline = timeline::list(&mut transaction, tenant, incident.incident_id).await?;
    transaction.commit().await?;
    let is_intact = verify(incident.incident_id, &timeline).is_ok();
    Ok(Whole { incident, alerts, timeline, is_intact })
}

pub(super) async fn get(
    state: &State,
    caller: &Caller,
    request: GetIncidentRequest,
) -> Result<GetIncidentResponse, Error> {
    let whole = whole(state, caller, &request.incident_id).await?;
    Ok(GetIncidentResponse {
        incident: Some(convert::incident(&whole.incident)),
        alerts: whole.alerts.iter().map(convert::alert).collect(),
        timeline: whole.timeline.iter().map(convert::entry).collect(),
        timeline_intact: whole.is_intact,
    })
}

pub(super) async fn acknowledge(
    state: &State,
    caller: &Caller,
    request: AcknowledgeIncidentRequest,
) -> Result<AcknowledgeIncidentResponse, Error> {
    let deed = Deed::Acknowledge { note: note("note", request.note, 0)? };
    let row = operate(state, &caller.tenant, &request.incident_id, &caller.subject, deed).await?;
    Ok(AcknowledgeIncidentResponse { incident: Some(convert::incident(&row)) })
}

pub(super) async fn resolve(
    state: &State,
    caller: &Caller,
    request: ResolveIncidentRequest,
) -> Result<ResolveIncidentResponse, Error> {
    let deed = Deed::Resolve { note: note("note", request.note, 0)? };
    let row = operate(state, &caller.tenant, &request.incident_id, &caller.subject, deed).await?;
    Ok(ResolveIncidentResponse { incident: Some(convert::incident(&row)) })
}

pub(super) async fn snooze(
    state: &State,
    caller: &Caller,
    request: SnoozeIncidentRequest,
) -> Result<SnoozeIncidentResponse, Error> {
    if !(60..=604_800).contains(&request.duration_seconds) {
        return Err(Error::invalid("duration_seconds", "must be from 60 to 604800"));
    }
    let deed = Deed::Snooze { until_us: (state.clock)() + i64::from(request.duration_seconds) * 1_000_000 };
    let row = operate(state, &caller.tenant, &request.incident_id, &caller.subject, deed).await?;
    Ok(SnoozeIncidentResponse { incident: Some(convert::incident(&row)) })
}

pub(super) async fn add_note(
    state: &State,
    caller: &Caller,
    request: AddIncidentNoteRequest,
) -> Result<AddIncidentNoteResponse, Error> {
    let deed = Deed::Note { text: note("text", request.text, 1)? };
    operate(state, &caller.tenant, &request.incident_id, &caller.subject, deed).await?;
    let whole = whole(state, caller, &request.incident_id).await?;
    Ok(AddIncidentNoteResponse { entry: whole.timeline.last().map(convert::entry) })
}

pub(super) async fn export(
    state: &State,
    caller: &Caller,
    request: ExportIncidentRequest,
) -> Result<ExportIncidentResponse, Error> {
    let whole = whole(state, caller, &request.incident_id).await?;
    let (content_type, data) = match request.format() {
        ExportFormat::Json => ("application/json", whole.json().to_string()),
        ExportFormat::Unspecified | ExportFormat::Markdown => {
            ("text/markdown; charset=utf-8", whole.markdown())
        }
    };
    let document =
        HttpBody { content_type: content_type.to_owned(), data: data.into_bytes(), extensions: Vec::new() };
    Ok(ExportIncidentResponse { document: Some(document) })
}

pub(super) async fn stats(
    state: &State,
    caller: &Caller,
    request: GetIncidentStatsRequest,
) -> Result<GetIncidentStatsResponse, Error> {
    let now_us = (state.clock)();
    let instant = |field: &str, at: Option<prost_types::Timestamp>, otherwise: i64| {
        at.map_or(Ok(otherwise), |at| convert::micros(field, &at))
    };
    let from_us = instant("opened_from", request.opened_from, now_us - 30 * DAY_US)?;
    let until_us = instant("opened_until", request.opened_until, now_us + 1)?;
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let stats = incidents::stats(&mut transaction, &caller.tenant, from_us, until_us).await?;
    transaction.commit().await?;
    let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
    Ok(GetIncidentStatsResponse {
        incident_count: count(stats.incident_count),
        acknowledged_count: count(stats.acknowledged_count),
        resolved_count: count(stats.resolved_count),
        mean_seconds_to_acknowledge: stats.mean_to_acknowledge_s,
        median_seconds_to_acknowledge: stats.median_to_acknowledge_s,
        mean_seconds_to_resolve: stats.mean_to_resolve_s,
        median_seconds_to_resolve: stats.median_to_resolve_s,
    })
}

fn note(field: &str, text: String, least: usize) -> Result<String, Error> {
    if text.contains('\0') || !(least..=NOTE_CHARACTERS).contains(&text.chars().count()) {
        return Err(Error::invalid(field, format!("must be {least} to {NOTE_CHARACTERS} characters long")));
    }
    Ok(text)
}
