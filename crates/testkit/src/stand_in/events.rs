//! Services that know of events and are neither Ticketmaster nor PredictHQ, in their wire shapes, and a host that
//! publishes a calendar.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Json, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::StandIn;

/// The key that the stand-in for Ticketmaster knows.
pub const TICKETMASTER_KEY: &str = "ticketmaster-key";
/// The token that the stand-in for PredictHQ knows.
pub const PREDICT_HQ_TOKEN: &str = "predict-hq-token";

/// Rows and how many of them make a page.
type Rows = State<Arc<(Vec<Value>, usize)>>;

/// A stand-in for Ticketmaster's Discovery API with these events, `page_size` a page at most.
pub async fn ticketmaster(events: Vec<Value>, page_size: usize) -> StandIn {
    let routes = Router::new()
        .route("/discovery/v2/events.json", get(discovery))
        .with_state(Arc::new((events, page_size)));
    StandIn::serve(routes).await
}

async fn discovery(State(rows): Rows, Query(query): Query<HashMap<String, String>>) -> Response {
    if query.get("apikey").map(String::as_str) != Some(TICKETMASTER_KEY) {
        let fault = json!({"fault": {
            "faultstring": "Invalid ApiKey",
            "detail": {"errorcode": "oauth.v2.InvalidApiKey"},
        }});
        return (StatusCode::UNAUTHORIZED, Json(fault)).into_response();
    }
    let plain_seconds =
        |name: &str| query.get(name).is_some_and(|time| time.len() == "2026-11-28T08:00:00Z".len());
    if !plain_seconds("startDateTime") || !plain_seconds("endDateTime") || !query.contains_key("latlong") {
        let errors = json!({"errors": [{"code": "DIS1015", "detail": "Query param with date must be of valid format", "status": "400"}]});
        return (StatusCode::BAD_REQUEST, Json(errors)).into_response();
    }
    let (events, page_size) = &*rows;
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("size").unwrap_or(20).min(*page_size);
    let page = number("page").unwrap_or(0);
    let start = (page * size).min(events.len());
    let shown = &events[start..(start + size).min(events.len())];
    let mut answer = json!({
        "_links": {"self": {"href": "/discovery/v2/events.json"}},
        "page": {"size": size, "totalElements": events.len(), "totalPages": events.len().div_ceil(size), "number": page},
    });
    if !shown.is_empty() {
        answer["_embedded"] = json!({"events": shown});
    }
    Json(answer).into_response()
}

/// A stand-in for PredictHQ with these events, `page_size` a page at most.
pub async fn predict_hq(events: Vec<Value>, page_size: usize) -> StandIn {
    let routes = Router::new().route("/v1/events/", get(found)).with_state(Arc::new((events, page_size)));
    StandIn::serve(routes).await
}

async fn found(
    State(rows): Rows,
    headers: HeaderMap,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let authorised = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes() == format!("Bearer {PREDICT_HQ_TOKEN}").as_bytes());
    if !authorised {
        return (StatusCode::UNAUTHORIZED, Json(json!({"error": "Unauthorized"}))).into_response();
    }
    let (events, page_size) = &*rows;
    let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
    // Real pages are of the size asked for; here the offset is taken as a number of pages, so that few rows make many.
    let page = number("offset").unwrap_or(0) / number("limit").unwrap_or(10);
    let start = (page * page_size).min(events.len());
    let end = (start + page_size).min(events.len());
    let next = (end < events.len()).then(|| "https://api.predicthq.com/v1/events/?offset=1".to_owned());
    Json(json!({
        "count": events.len(), "overflow": false, "next": next, "previous": null, "results": events[start..end],
    }))
    .into_response()
}

/// A host that publishes `text` at `/market.ics`.
pub async fn calendar(text: String) -> StandIn {
    let answer = move || async move { ([(header::CONTENT_TYPE, "text/calendar; charset=utf-8")], text) };
    StandIn::serve(Router::new().route("/market.ics", get(answer))).await
}
