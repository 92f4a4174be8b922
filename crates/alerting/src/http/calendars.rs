//! Calendars over HTTP: calendar programs subscribe to an address with a token, and can write to it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State as Shared};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde_json::{Value, json};

use crate::calendars;
use crate::error::Error;
use crate::http::access::Source;
use crate::state::State;

/// `GET /calendars/{schedule}`, with `.ics` behind it or without.
pub(crate) async fn export(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    Path(params): Path<HashMap<String, String>>,
) -> Result<Response, Error> {
    let rules = state.in_force.rules();
    let tenant = &source.0.tenant;
    let mut db = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let text = calendars::export(&mut db, tenant, &rules, schedule(&params), (state.clock)()).await?;
    db.commit().await?;
    Ok(([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text).into_response())
}

/// `PUT /calendars/{schedule}`: the shifts of the coming quarter, in the place of those that were told before.
pub(crate) async fn import(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    Path(params): Path<HashMap<String, String>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Error> {
    source.may_operate()?;
    let body = state.bodies.read(&headers, body).await?;
    let text = std::str::from_utf8(&body.bytes).map_err(|_| Error::invalid("calendar", "must be UTF-8"))?;
    let rules = state.in_force.rules();
    let tenant = &source.0.tenant;
    let mut db = larder_database::begin_tenant(&state.app, tenant).await?;
    let told = (schedule(&params), text, source.0.source.as_str());
    let shifts = calendars::import(&mut db, tenant, &rules, told, (state.clock)()).await?;
    db.commit().await?;
    Ok(Json(json!({ "shifts": shifts })))
}

fn schedule(params: &HashMap<String, String>) -> &str {
    let name = params.get("schedule").map(String::as_str).unwrap_or_default();
    name.strip_suffix(".ics").unwrap_or(name)
}
