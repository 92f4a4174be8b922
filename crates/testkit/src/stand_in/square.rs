//! A shop at Square that is not Square: OAuth, locations, orders, catalogue and inventory, in its wire shape, with
//! pages, cursors that insist on the same question, and tokens that expire.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Json, Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{StandIn, lock};

/// The application's id that the stand-in knows.
pub const CLIENT_ID: &str = "sq0idp-larder";
/// Its secret.
pub const CLIENT_SECRET: &str = "sq0csp-larder-secret";
/// The code that a vendor's consent gave.
pub const CODE: &str = "sq0cgp-consent";
/// The vendor's id.
pub const MERCHANT: &str = "MLQ7EXAMPLE";

/// A stand-in for Square with one vendor.
pub struct SquareStandIn {
    /// The server, to be failed and watched.
    pub server: StandIn,
    shop: Arc<Mutex<Shop>>,
}

#[derive(Default)]
struct Shop {
    orders: Vec<Value>,
    objects: Vec<Value>,
    counts: Vec<Value>,
    page_size: usize,
    access_tokens: Vec<String>,
    refresh_tokens: Vec<String>,
    tokens_given: usize,
    expires_at: String,
    questions: HashMap<String, Value>,
}

type ShopState = State<Arc<Mutex<Shop>>>;

impl SquareStandIn {
    /// Opens the shop; tokens it gives expire at `expires_at` (RFC 3339).
    pub async fn open(expires_at: &str) -> Self {
        let shop = Shop { page_size: 500, expires_at: expires_at.to_owned(), ..Shop::default() };
        let shop = Arc::new(Mutex::new(shop));
        let routes = Router::new()
            .route("/oauth2/token", post(token))
            .route("/oauth2/revoke", post(revoke))
            .route("/v2/locations", get(locations))
            .route("/v2/orders/search", post(search_orders))
            .route("/v2/orders/{id}", get(one_order))
            .route("/v2/catalog/list", get(list_catalog))
            .route("/v2/inventory/counts/batch-retrieve", post(counts))
            .with_state(shop.clone());
        Self { server: StandIn::serve(routes).await, shop }
    }

    /// Adds an order, or replaces the one with its id.
    pub fn put_order(&self, order: Value) {
        let mut shop = lock(&self.shop);
        shop.orders.retain(|known| known["id"] != order["id"]);
        shop.orders.push(order);
    }

    /// Adds an object of the catalogue.
    pub fn put_object(&self, object: Value) {
        lock(&self.shop).objects.push(object);
    }

    /// Adds a count of the inventory.
    pub fn put_count(&self, count: Value) {
        lock(&self.shop).counts.push(count);
    }

    /// Gives no more than `rows` a page.
    pub fn set_page_size(&self, rows: usize) {
        lock(&self.shop).page_size = rows;
    }

    /// Access tokens given so far are no longer accepted; refresh tokens are.
    pub fn expire_access_tokens(&self) {
        lock(&self.shop).access_tokens.clear();
    }

    /// The vendor took the consent back: nothing is accepted any more.
    pub fn withdraw_consent(&self) {
        let mut shop = lock(&self.shop);
        shop.access_tokens.clear();
        shop.refresh_tokens.clear();
    }
}

fn error(status: StatusCode, category: &str, code: &str, detail: &str) -> Response {
    let body = json!({"errors": [{"category": category, "code": code, "detail": detail}]});
    (status, Json(body)).into_response()
}

fn bad_request(detail: &str) -> Response {
    error(StatusCode::BAD_REQUEST, "INVALID_REQUEST_ERROR", "BAD_REQUEST", detail)
}

/// None when the request may pass.
fn refuse_stranger(shop: &Shop, headers: &HeaderMap) -> Option<Response> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if header("square-version").len() != "2026-01-01".len() {
        return Some(bad_request("the header Square-Version is missing"));
    }
    let token = header("authorization").strip_prefix("Bearer ").unwrap_or_default();
    let known = shop.access_tokens.iter().any(|given| given == token);
    (!known).then(|| {
        let detail = "This request could not be authorized.";
        error(StatusCode::UNAUTHORIZED, "AUTHENTICATION_ERROR", "UNAUTHORIZED", detail)
    })
}

async fn token(State(shop): ShopState, Json(body): Json<Value>) -> Response {
    let mut shop = lock(&shop);
    if body["client_id"] != CLIENT_ID || body["client_secret"] != CLIENT_SECRET {
        return (
            StatusCode::UNAUTHORIZED,
            Json(json!({"message": "Not Authorized", "type": "service.not_authorized"})),
        )
            .into_response();
    }
    let refresh_token = match body["grant_type"].as_str() {
        Some("authorization_code") if body["code"] == CODE => {
            let given = "refresh-1".to_owned();
            shop.refresh_tokens = vec![given.clone()];
            given
        }
        Some("refresh_token") => {
            let given = body["refresh_token"].as_str().unwrap_or_default().to_owned();
            if !shop.refresh_tokens.contains(&given) {
                return error(StatusCode::UNAUTHORIZED, "AUTHENTICATION_ERROR", "UNAUTHORIZED", "revoked");
            }
            given
        }
        _ => return bad_request("the code is used up or the grant is unknown"),
    };
    shop.tokens_given += 1;
    let access_token = format!("access-{}", shop.tokens_given);
    shop.access_tokens.push(access_token.clone());
    Json(json!({
        "access_token": access_token,
        "token_type": "bearer",
        "expires_at": shop.expires_at,
        "merchant_id": MERCHANT,
        "refresh_token": refresh_token,
        "short_lived": false,
    }))
    .into_response()
}

async fn revoke(State(shop): ShopState, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut shop = lock(&shop);
    let authorised = headers
        .get("authorization")
        .is_some_and(|value| value.as_bytes() == format!("Client {CLIENT_SECRET}").as_bytes());
    if !authorised || body["client_id"] != CLIENT_ID {
        return error(
            StatusCode::UNAUTHORIZED,
            "AUTHENTICATION_ERROR",
            "UNAUTHORIZED",
            "not this application",
        );
    }
    shop.access_tokens.clear();
    shop.refresh_tokens.clear();
    Json(json!({"success": true})).into_response()
}

async fn locations(State(shop): ShopState, headers: HeaderMap) -> Response {
    if let Some(refusal) = refuse_stranger(&lock(&shop), &headers) {
        return refusal;
    }
    Json(json!({"locations": [
        {"id": "L1", "name": "Harbour market", "timezone": "America/Los_Angeles", "currency": "USD", "status": "ACTIVE"},
        {"id": "L2", "name": "Old stall", "timezone": "America/Los_Angeles", "currency": "USD", "status": "INACTIVE"},
    ]}))
    .into_response()
}

async fn search_orders(State(shop): ShopState, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut shop = lock(&shop);
    if let Some(refusal) = refuse_stranger(&shop, &headers) {
        return refusal;
    }
    let places = body["location_ids"].as_array().cloned().unwrap_or_default();
    if places.is_empty() || places.len() > 10 {
        return bad_request("location_ids must name 1 to 10 locations");
    }
    let filter = &body["query"]["filter"];
    let Some((field, period)) =
        filter["date_time_filter"].as_object().and_then(|filter| filter.iter().next())
    else {
        return bad_request("a date_time_filter is wanted");
    };
    if body["query"]["sort"]["sort_field"] != field.to_uppercase() {
        return bad_request("sort_field must match the date_time_filter");
    }
    let matches = |order: &Value| {
        let time = order[field.as_str()].as_str().unwrap_or_default();
        places.contains(&order["location_id"])
            && filter["state_filter"]["states"]
                .as_array()
                .is_none_or(|states| states.contains(&order["state"]))
            && period["start_at"].as_str().is_none_or(|start| time >= start)
            && period["end_at"].as_str().is_none_or(|end| time < end)
    };
    let mut found: Vec<Value> = shop.orders.iter().filter(|order| matches(order)).cloned().collect();
    found.sort_by_key(|order| order[field.as_str()].as_str().unwrap_or_default().to_owned());
    let question = json!([body["location_ids"], body["query"]]);
    page(&mut shop, "orders", &found, body["cursor"].as_str(), question)
}

async fn one_order(State(shop): ShopState, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let shop = lock(&shop);
    if let Some(refusal) = refuse_stranger(&shop, &headers) {
        return refusal;
    }
    match shop.orders.iter().find(|order| order["id"] == id.as_str()) {
        Some(order) => Json(json!({"order": order})).into_response(),
        None => error(StatusCode::NOT_FOUND, "INVALID_REQUEST_ERROR", "NOT_FOUND", "Order not found."),
    }
}

async fn list_catalog(
    State(shop): ShopState,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let mut shop = lock(&shop);
    if let Some(refusal) = refuse_stranger(&shop, &headers) {
        return refusal;
    }
    let kinds = query.get("types").cloned().unwrap_or_default();
    let wanted = |object: &&Value| kinds.split(',').any(|kind| object["type"] == kind);
    let found: Vec<Value> = shop.objects.iter().filter(wanted).cloned().collect();
    page(&mut shop, "objects", &found, query.get("cursor").map(String::as_str), json!(kinds))
}

async fn counts(State(shop): ShopState, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let mut shop = lock(&shop);
    if let Some(refusal) = refuse_stranger(&shop, &headers) {
        return refusal;
    }
    let wanted = |count: &&Value| {
        let among =
            |field: &str, value: &Value| body[field].as_array().is_none_or(|list| list.contains(value));
        among("catalog_object_ids", &count["catalog_object_id"])
            && among("location_ids", &count["location_id"])
            && among("states", &count["state"])
    };
    let found: Vec<Value> = shop.counts.iter().filter(wanted).cloned().collect();
    let mut question = body.clone();
    question["cursor"] = Value::Null;
    page(&mut shop, "counts", &found, body["cursor"].as_str(), question)
}

/// One page of `rows`, and a cursor to the next that is bound to the question. An empty list is left out, as Square
/// leaves it out.
fn page(shop: &mut Shop, name: &str, rows: &[Value], cursor: Option<&str>, question: Value) -> Response {
    let start = match cursor {
        None => 0,
        Some(cursor) if shop.questions.get(cursor) == Some(&question) => {
            cursor.rsplit('-').next().and_then(|text| text.parse().ok()).unwrap_or(0)
        }
        Some(_) => return bad_request("the cursor belongs to another question"),
    };
    let end = (start + shop.page_size).min(rows.len());
    let mut answer = serde_json::Map::new();
    if end > start {
        answer.insert(name.to_owned(), json!(rows[start..end]));
    }
    if end < rows.len() {
        let cursor = format!("{name}-{end}");
        shop.questions.insert(cursor.clone(), question);
        answer.insert("cursor".to_owned(), json!(cursor));
    }
    Json(Value::Object(answer)).into_response()
}
