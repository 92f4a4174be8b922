//! `/api/v2/alerts`: what Prometheus sends to, and what amtool and Karma read.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State as Shared};
use http::{HeaderMap, StatusCode};
use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::labels::{Fingerprint, Labels};
use larder_oncall::matcher::Matchers;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::{micros, timestamp};
use crate::convert::strange_texts;
use crate::error::Error;
use crate::http::access::Source;
use crate::ingest::Delivery;
use crate::state::State;
use crate::store::reading::{self, AlertRow, Wanted};

const PAGE: i64 = 5_000;
const LABEL_BYTES: usize = 16_384;
const ANNOTATION_BYTES: usize = 262_144;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedAlert {
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
    starts_at: Option<jiff::Timestamp>,
    ends_at: Option<jiff::Timestamp>,
    #[serde(rename = "generatorURL", default)]
    generator_url: String,
}

/// `POST /api/v2/alerts`
pub(crate) async fn receive(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Error> {
    let body = state.bodies.read(&headers, body).await?;
    let posted: Vec<PostedAlert> = serde_json::from_slice(&body.bytes)
        .map_err(|error| Error::invalid("body", format!("must be a list of alerts in JSON: {error}")))?;
    let now_us = (state.clock)();
    let resolve_timeout_us = micros(state.in_force.rules().settings.resolve_timeout);
    let alerts = posted
        .into_iter()
        .enumerate()
        .map(|(index, alert)| told(alert, index, now_us, resolve_timeout_us))
        .collect::<Result<Vec<_>, _>>()?;
    drop(body);
    let delivery = Delivery { tenant: source.0.tenant, source: source.0.source, alerts };
    state.ingest.deliver(delivery).await?;
    Ok(StatusCode::OK)
}

fn told(alert: PostedAlert, index: usize, now_us: i64, resolve_timeout_us: i64) -> Result<ToldAlert, Error> {
    let strange = strange_texts("labels", &alert.labels, LABEL_BYTES)
        .chain(strange_texts("annotations", &alert.annotations, ANNOTATION_BYTES))
        .next();
    if let Some(violation) = strange {
        return Err(Error::invalid(format!("[{index}].{}", violation.field), violation.description));
    }
    let labels = Labels::from(alert.labels);
    if labels.is_empty() {
        return Err(Error::invalid(format!("[{index}].labels"), "must have at least one that is not empty"));
    }
    let positive =
        |at: Option<jiff::Timestamp>| at.map(jiff::Timestamp::as_microsecond).filter(|at_us| *at_us > 0);
    let told = match positive(alert.ends_at) {
        Some(ends_at_us) if ends_at_us <= now_us => Told::Resolved { ends_at_us },
        Some(ends_at_us) => Told::Firing { expires_at_us: Some(ends_at_us) },
        None => Told::Firing { expires_at_us: Some(now_us + resolve_timeout_us) },
    };
    Ok(ToldAlert {
        labels,
        annotations: alert.annotations,
        generator_url: alert.generator_url,
        starts_at_us: positive(alert.starts_at),
        told,
    })
}

/// What a reader of alerts asks for.
struct Question {
    matchers: Matchers,
    active: bool,
    silenced: bool,
    inhibited: bool,
    receiver: Option<String>,
}

impl Question {
    fn read(query: Option<&str>) -> Result<Self, Error> {
        let mut question = Self {
            matchers: Matchers::new(Vec::new()),
            active: true,
            silenced: true,
            inhibited: true,
            receiver: None,
        };
        let mut matchers = Vec::new();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "filter" => {
                    let read: Matchers =
                        value.parse().map_err(|error| Error::invalid("filter", format!("{error}")))?;
                    matchers.extend(read.iter().cloned());
                }
                "active" => question.active = value != "false",
                "silenced" => question.silenced = value != "false",
                "inhibited" => question.inhibited = value != "false",
                "receiver" => question.receiver = Some(value.into_owned()),
                _ => {}
            }
        }
        question.matchers = Matchers::new(matchers);
        Ok(question)
    }

    fn wants(&self, row: &AlertRow, receivers: &[String]) -> bool {
        let (silenced, inhibited) = (!row.silence_ids.is_empty(), row.is_inhibited);
        let state = (self.silenced || !silenced)
            && (self.inhibited || !inhibited)
            && (self.active || silenced || inhibited);
        let receiver =
            self.receiver.as_ref().is_none_or(|wanted| receivers.iter().any(|name| name == wanted));
        state && receiver && self.matchers.matches(&row.labels)
    }
}

/// `GET /api/v2/alerts`
pub(crate) async fn list(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Error> {
    let question = Question::read(query.as_deref())?;
    let found = find(&state, &source, &question).await?;
    Ok(Json(found.into_iter().map(|(row, receivers)| shown(&row, &receivers)).collect()))
}

/// `GET /api/v2/alerts/groups`
pub(crate) async fn groups(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Error> {
    let question = Question::read(query.as_deref())?;
    let rules = state.in_force.rules();
    let mut groups: BTreeMap<(String, String), (Labels, Vec<Value>)> = BTreeMap::new();
    for (row, receivers) in find(&state, &source, &question).await? {
        for route in rules.settings.route.matching(&row.labels) {
            let key = (route.group_key(&row.labels), route.receiver.clone());
            let group = groups.entry(key).or_insert_with(|| (route.group_labels(&row.labels), Vec::new()));
            group.1.push(shown(&row, &receivers));
        }
    }
    let groups = groups.into_iter().map(|((_, receiver), (labels, alerts))| {
        json!({ "labels": labels, "receiver": { "name": receiver }, "alerts": alerts })
    });
    Ok(Json(groups.collect()))
}

async fn find(
    state: &State,
    source: &Source,
    question: &Question,
) -> Result<Vec<(AlertRow, Vec<String>)>, Error> {
    let rules = state.in_force.rules();
    let tenant = &source.0.tenant;
    let mut found = Vec::new();
    let mut after = None;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    loop {
        let rows = reading::list(&mut transaction, tenant, Wanted::Unresolved, after, PAGE).await?;
        let is_last = (rows.len() as i64) < PAGE;
        after = rows.last().map(|row| row.fingerprint);
        for row in rows {
            let routes = rules.settings.route.matching(&row.labels);
            let receivers: Vec<String> = routes.into_iter().map(|route| route.receiver.clone()).collect();
            if question.wants(&row, &receivers) {
                found.push((row, receivers));
            }
        }
        if is_last {
            transaction.commit().await?;
            return Ok(found);
        }
    }
}

/// An alert as Alertmanager shows it. One whose source is lost has no end: nobody has told one.
fn shown(row: &AlertRow, receivers: &[String]) -> Value {
    let is_hidden = row.is_inhibited || !row.silence_ids.is_empty();
    let ends_at_us = row.expires_at_us.unwrap_or(row.updated_at_us);
    let receivers: Vec<Value> = receivers.iter().map(|name| json!({ "name": name })).collect();
    json!({
        "labels": row.labels.0,
        "annotations": row.annotations.0,
        "fingerprint": Fingerprint(row.fingerprint.cast_unsigned()).to_string(),
        "startsAt": timestamp(row.starts_at_us).to_string(),
        "updatedAt": timestamp(row.updated_at_us).to_string(),
        "endsAt": timestamp(ends_at_us).to_string(),
        "generatorURL": row.generator_url,
        "receivers": receivers,
        "status": {
            "state": if is_hidden { "suppressed" } else { "active" },
            "silencedBy": row.silence_ids,
            "inhibitedBy": if row.is_inhibited { vec!["unknown"] } else { Vec::new() },
            "mutedBy": Vec::<String>::new(),
        },
    })
}
