//! Calls about incidents.

use jiff::tz::TimeZone;
use larder_identity::Caller;
use larder_identity::page::{self, PageOf};
use larder_oncall::escalation::Target;
use larder_oncall::history_chain::{ChainBroken, ChainHash};
use larder_oncall::post_mortem::{PostMortem, PostMortemAlert, PostMortemEntry};
use larder_oncall::report::{Figures, Spread, report};
use larder_oncall::severity::Severity;
use larder_proto::google::api::HttpBody;
use larder_proto::larder::alerting::v1::*;

use crate::clock::timestamp;
use crate::convert;
use crate::error::Error;
use crate::operate::{Deed, operate};
use crate::state::State;
use crate::store::incidents::{self, IncidentRow, State as Stands};
use crate::store::reading::{self, AlertRow};
use crate::store::timeline::{self, EntryRow};
use crate::timeline::{kept_hash, verify};

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

/// An incident with all that belongs to it.
struct Whole {
    incident: IncidentRow,
    alerts: Vec<AlertRow>,
    timeline: Vec<EntryRow>,
    verdict: Result<ChainHash, ChainBroken>,
}

/// Reads an incident with everything that belongs to it.
async fn whole(state: &State, caller: &Caller, name: &str) -> Result<Whole, Error> {
    let tenant = &caller.tenant;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let incident = incidents::get(&mut transaction, tenant, name).await?;
    let alerts = reading::of_incident(&mut transaction, tenant, incident.incident_id, ALERTS_SHOWN).await?;
    let timeline = timeline::list(&mut transaction, tenant, incident.incident_id).await?;
    transaction.commit().await?;
    let verdict = verify(incident.incident_id, &timeline);
    Ok(Whole { incident, alerts, timeline, verdict })
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
        timeline_intact: whole.verdict.is_ok(),
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

pub(super) async fn hand_over(
    state: &State,
    caller: &Caller,
    request: HandOverIncidentRequest,
) -> Result<HandOverIncidentResponse, Error> {
    let rules = state.in_force.rules();
    let settings = &rules.settings;
    let named = [
        ("contact", &request.contact, settings.contacts.contains_key(&request.contact)),
        ("team", &request.team, settings.teams.contains_key(&request.team)),
        ("schedule", &request.schedule, settings.schedules.contains_key(&request.schedule)),
    ];
    let given: Vec<_> = named.iter().filter(|(_, name, _)| !name.is_empty()).collect();
    let [(kind, name, is_known)] = given.as_slice() else {
        return Err(Error::invalid(
            "contact",
            "must be given, or else team or schedule, and one of them alone",
        ));
    };
    if !is_known {
        return Err(Error::invalid(*kind, "must be the name of one in the settings file"));
    }
    let name = (*name).clone();
    let to = match *kind {
        "contact" => Target::Contact(name),
        "team" => Target::Team(name),
        _ => Target::Schedule(name),
    };
    let deed = Deed::HandOver { to, note: note("note", request.note, 0)? };
    let row = operate(state, &caller.tenant, &request.incident_id, &caller.subject, deed).await?;
    Ok(HandOverIncidentResponse { incident: Some(convert::incident(&row)) })
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
    let post_mortem = post_mortem(&whole);
    let (content_type, data) = match request.format() {
        ExportFormat::Json => ("application/json", post_mortem.to_json()),
        ExportFormat::Unspecified | ExportFormat::Markdown => {
            ("text/markdown; charset=utf-8", post_mortem.to_markdown(&TimeZone::UTC))
        }
    };
    let document =
        HttpBody { content_type: content_type.to_owned(), data: data.into_bytes(), extensions: Vec::new() };
    Ok(ExportIncidentResponse { document: Some(document) })
}

fn post_mortem(whole: &Whole) -> PostMortem {
    let incident = &whole.incident;
    let alerts = whole.alerts.iter().map(|alert| PostMortemAlert {
        labels: alert.labels.0.clone(),
        annotations: alert.annotations.0.clone(),
        source: alert.source.clone(),
        starts_at: timestamp(alert.starts_at_us),
        resolved_at: alert.resolved_at_us.map(timestamp),
    });
    let timeline = whole.timeline.iter().map(|entry| PostMortemEntry {
        sequence: entry.sequence,
        at: timestamp(entry.at_us),
        kind: entry.kind.clone(),
        actor: entry.actor.clone(),
        text: entry.text.clone(),
        hash: kept_hash(&entry.hash).to_string(),
    });
    PostMortem {
        incident_id: incident.incident_id.to_string(),
        number: incident.incident_number,
        title: incident.title.clone(),
        severity: Severity::from_word(&incident.severity).unwrap_or(Severity::Warning),
        state: incident.state.name().to_owned(),
        opened_at: timestamp(incident.opened_at_us),
        acknowledged_at: incident.acknowledged_at_us.map(timestamp),
        acknowledged_by: incident.acknowledged_by.clone(),
        resolved_at: incident.resolved_at_us.map(timestamp),
        resolved_by: incident.resolved_by.clone(),
        labels: incident.common_labels.0.clone().into(),
        runbook_url: Some(incident.runbook_url.clone()).filter(|url| !url.is_empty()),
        alerts: alerts.collect(),
        timeline: timeline.collect(),
        timeline_intact: whole.verdict.is_ok(),
        history_hash: whole.verdict.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
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
    let courses = incidents::courses(&mut transaction, &caller.tenant, from_us, until_us).await?;
    transaction.commit().await?;
    let report = report(&courses, timestamp(from_us), timestamp(until_us));
    let figures = &report.all;
    let count = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let counted = |spread: Option<Spread>| count(spread.map_or(0, |spread| spread.count));
    Ok(GetIncidentStatsResponse {
        incident_count: count(figures.incidents),
        acknowledged_count: counted(figures.to_acknowledge),
        resolved_count: counted(figures.to_resolve),
        mean_seconds_to_acknowledge: figures.to_acknowledge.map_or(0.0, |spread| spread.mean_seconds),
        median_seconds_to_acknowledge: figures.to_acknowledge.map_or(0.0, |spread| spread.median_seconds),
        mean_seconds_to_resolve: figures.to_resolve.map_or(0.0, |spread| spread.mean_seconds),
        median_seconds_to_resolve: figures.to_resolve.map_or(0.0, |spread| spread.median_seconds),
        p90_seconds_to_acknowledge: figures.to_acknowledge.map_or(0.0, |spread| spread.p90_seconds),
        p90_seconds_to_resolve: figures.to_resolve.map_or(0.0, |spread| spread.p90_seconds),
        services: report.by_group.iter().map(service_stats).collect(),
    })
}

fn service_stats((service, figures): (&String, &Figures)) -> ServiceStats {
    ServiceStats {
        service: service.clone(),
        incident_count: i32::try_from(figures.incidents).unwrap_or(i32::MAX),
        mean_seconds_to_acknowledge: figures.to_acknowledge.map_or(0.0, |spread| spread.mean_seconds),
        mean_seconds_to_resolve: figures.to_resolve.map_or(0.0, |spread| spread.mean_seconds),
    }
}

fn note(field: &str, text: String, least: usize) -> Result<String, Error> {
    if text.contains('\0') || !(least..=NOTE_CHARACTERS).contains(&text.chars().count()) {
        return Err(Error::invalid(field, format!("must be {least} to {NOTE_CHARACTERS} characters long")));
    }
    Ok(text)
}
