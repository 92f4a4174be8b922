//! `/api/v2/silences`: what amtool and Karma make and list.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State as Shared};
use http::StatusCode;
use larder_oncall::matcher::{Matcher, Matchers};
use larder_oncall::silence::{Silence, SilenceState, SilenceTime};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::timestamp;
use crate::error::Error;
use crate::http::access::Source;
use crate::silencing::{self, Wish};
use crate::state::State;
use crate::store::silences::{self, SilenceRow};

const SILENCES_MOST: i64 = 10_000;
/// Silences that are over are shown for so long.
const SHOWN_AFTER_US: i64 = 5 * 24 * 3_600 * 1_000_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostedSilence {
    #[serde(default)]
    id: Option<String>,
    matchers: Vec<Matcher>,
    starts_at: jiff::Timestamp,
    ends_at: jiff::Timestamp,
    created_by: String,
    comment: String,
}

/// `POST /api/v2/silences`
pub(crate) async fn put(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    body: axum::body::Bytes,
) -> Result<Json<Value>, Error> {
    source.may_operate()?;
    let posted: PostedSilence = serde_json::from_slice(&body).map_err(|error| {
        Error::invalid("body", format!("must be a silence of Alertmanager's API: {error}"))
    })?;
    let wish = Wish {
        silence_id: posted.id.unwrap_or_default(),
        matchers: Matchers::new(posted.matchers),
        starts_at_us: posted.starts_at.as_microsecond(),
        ends_at_us: posted.ends_at.as_microsecond(),
        created_by: posted.created_by,
        comment: posted.comment,
        recurrence_rule: String::new(),
        time_zone: String::new(),
        until_resolved: false,
    };
    let tenant = &source.0.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let silence = silencing::make(&mut transaction, tenant, &wish, (state.clock)()).await?;
    transaction.commit().await?;
    state.arrived.notify_one();
    Ok(Json(json!({ "silenceID": silence.id })))
}

/// `GET /api/v2/silences`
pub(crate) async fn list(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, Error> {
    let mut filter = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if name == "filter" {
            let read: Matchers =
                value.parse().map_err(|error| Error::invalid("filter", format!("{error}")))?;
            filter.extend(read.iter().cloned());
        }
    }
    let now_us = (state.clock)();
    let tenant = &source.0.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let rows = silences::list(&mut transaction, tenant, now_us - SHOWN_AFTER_US, "", SILENCES_MOST).await?;
    transaction.commit().await?;
    let filter = Matchers::new(filter);
    let shown = rows.iter().filter_map(|row| Some((row, silencing::read(row)?)));
    let shown = shown.filter(|(_, silence)| filter.is_empty() || is_about(silence, &filter));
    Ok(Json(shown.map(|(row, silence)| as_json(row, &silence, now_us)).collect()))
}

/// Whether the values that a silence names fulfil a filter, as amtool's `silence query` asks.
fn is_about(silence: &Silence, filter: &Matchers) -> bool {
    silence.matchers.iter().any(|matchers| {
        filter.matches(&matchers.iter().map(|matcher| (matcher.name(), matcher.value())).collect())
    })
}

/// `GET /api/v2/silence/{id}`
pub(crate) async fn get(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    Path(params): Path<HashMap<String, String>>,
) -> Result<Json<Value>, Error> {
    let silence_id = params.get("silence_id").map(String::as_str).unwrap_or_default();
    let tenant = &source.0.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let row = silences::get(&mut transaction, tenant, silence_id).await?;
    transaction.commit().await?;
    let row = row.ok_or(Error::NotFound { noun: "silence" })?;
    let silence = silencing::read(&row).ok_or(Error::NotFound { noun: "silence" })?;
    Ok(Json(as_json(&row, &silence, (state.clock)())))
}

/// `DELETE /api/v2/silence/{id}`
pub(crate) async fn expire(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    Path(params): Path<HashMap<String, String>>,
) -> Result<StatusCode, Error> {
    source.may_operate()?;
    let silence_id = params.get("silence_id").map(String::as_str).unwrap_or_default();
    let tenant = &source.0.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    silencing::expire(&mut transaction, tenant, silence_id, (state.clock)()).await?;
    transaction.commit().await?;
    state.arrived.notify_one();
    Ok(StatusCode::OK)
}

fn as_json(row: &SilenceRow, silence: &Silence, now_us: i64) -> Value {
    let (starts_at, ends_at) = match &silence.when {
        SilenceTime::Fixed { starts_at, .. } | SilenceTime::UntilResolved { starts_at, .. } => {
            (*starts_at, timestamp(row.ends_at_us))
        }
        SilenceTime::Recurring { .. } => match silence.state_at(timestamp(now_us)) {
            SilenceState::Pending { starts_at } => (starts_at, timestamp(row.ends_at_us)),
            SilenceState::Active { ends_at } => (timestamp(now_us), ends_at),
            SilenceState::Expired => (timestamp(row.ends_at_us), timestamp(row.ends_at_us)),
        },
    };
    let state = match silence.state_at(timestamp(now_us)) {
        _ if row.ends_at_us <= now_us => "expired",
        SilenceState::Pending { .. } => "pending",
        SilenceState::Active { .. } => "active",
        SilenceState::Expired => "expired",
    };
    let matchers: Vec<&Matcher> = silence.matchers.iter().flat_map(Matchers::iter).collect();
    json!({
        "id": silence.id,
        "matchers": matchers,
        "startsAt": starts_at.to_string(),
        "endsAt": ends_at.to_string(),
        "updatedAt": starts_at.to_string(),
        "createdBy": silence.created_by,
        "comment": silence.comment,
        "status": { "state": state },
    })
}
