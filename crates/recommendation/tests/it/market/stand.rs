//! A shop at a stand-in for Square, as tests want it: connected, with orders, and with messages that are signed.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use larder_proto::larder::market::v1::*;
use larder_proto::larder::operation::v1::{Operation, OperationState};
use larder_recommendation::{SCHEMA, migrator};
use larder_settings::Settings;
use larder_testkit::TestDatabase;
use larder_testkit::stand_in::square::{CLIENT_ID, CLIENT_SECRET, CODE, MERCHANT, SquareStandIn};
use serde_json::{Value, json};
use std::time::Duration;
use tonic::{Code, Status};

use crate::house::{Guest, House};

const WEBHOOK_URL: &str = "https://larder.example.com/v1/connectors/square/webhook";
const WEBHOOK_KEY: &str = "signature-key";
/// Past every clock of the tests.
const TOKENS_EXPIRE: &str = "2026-12-01T00:00:00Z";

/// A key of a ring: 32 bytes that are not all the same.
pub(crate) fn key(id: &str, first: u8) -> String {
    let bytes: Vec<u8> = (0..32).map(|at| first.wrapping_add(at)).collect();
    format!("{id}:{}", STANDARD.encode(bytes))
}

pub(crate) fn with_square(settings: &mut Settings, stand_in: &SquareStandIn, keys: &str) {
    let connectors = &mut settings.connectors;
    connectors.square_url = stand_in.server.url().parse().unwrap();
    connectors.square_client_id = Some(CLIENT_ID.to_owned());
    connectors.square_client_secret = Some(CLIENT_SECRET.into());
    connectors.square_redirect_url = Some("https://shop.example.com/connected".parse().unwrap());
    connectors.square_webhook_url = Some(WEBHOOK_URL.to_owned());
    connectors.square_webhook_keys = Some(WEBHOOK_KEY.into());
    connectors.secret_keys = Some(keys.into());
    connectors.attempt_timeout = Duration::from_millis(300);
    connectors.total_timeout = Duration::from_secs(1);
}

/// A service whose vendors may connect shops at a stand-in.
pub(crate) async fn open() -> (SquareStandIn, House) {
    let stand_in = SquareStandIn::open(TOKENS_EXPIRE).await;
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let house = House::open_with(database, |settings| with_square(settings, &stand_in, &key("one", 1))).await;
    (stand_in, house)
}

/// Connects the shop of a guest.
pub(crate) async fn connect(guest: &mut Guest) -> FinishSquareConnectionResponse {
    let begun = guest.market.connect_square(ConnectSquareRequest {}).await.unwrap().into_inner();
    let request = FinishSquareConnectionRequest { code: CODE.to_owned(), state: begun.state };
    guest.market.finish_square_connection(request).await.unwrap().into_inner()
}

/// Fetches sales, once nobody else does, and returns the last state of the operation.
pub(crate) async fn sync(guest: &mut Guest, request: SyncSalesRequest) -> Operation {
    for _ in 0..250 {
        let mut stream = guest.market.sync_sales(request).await.unwrap().into_inner();
        let mut last = Operation::default();
        while let Some(message) = stream.message().await.unwrap() {
            last = message.operation.unwrap();
        }
        let is_busy = last.error.as_ref().is_some_and(|error| error.code == Code::Aborted as i32);
        if !is_busy {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("somebody else fetches for ever");
}

/// The same, once it went well.
pub(crate) async fn synced(guest: &mut Guest) -> Operation {
    let operation = sync(guest, SyncSalesRequest::default()).await;
    assert_eq!(operation.state(), OperationState::Succeeded, "{operation:?}");
    operation
}

/// The shop as ListConnectors tells of it.
pub(crate) async fn shop_of(guest: &mut Guest) -> Option<ShopConnection> {
    let answer = guest.market.list_connectors(ListConnectorsRequest {}).await.unwrap().into_inner();
    answer.shops.into_iter().next()
}

/// Units sold of each product by the analytics, over the year before.
pub(crate) async fn units_sold(guest: &mut Guest) -> Vec<(String, f64)> {
    let request = GetSalesAnalyticsRequest {
        group_by: SalesGroup::Product.into(),
        from_on: Some(larder_proto::google::r#type::Date { year: 2025, month: 3, day: 1 }),
        ..GetSalesAnalyticsRequest::default()
    };
    let answer = guest.market.get_sales_analytics(request).await.unwrap().into_inner();
    let mut sums: Vec<_> = answer.sums.into_iter().map(|sum| (sum.group, sum.quantity)).collect();
    sums.sort_by(|one, other| one.0.cmp(&other.0));
    sums
}

/// A message that Square signed.
pub(crate) fn message(event_id: &str, kind: &str) -> ReceiveSquareWebhookRequest {
    let body = json!({
        "merchant_id": MERCHANT, "type": kind, "event_id": event_id, "created_at": "2026-03-01T11:59:58Z",
        "data": {"type": "order", "id": "O1", "object": {}},
    });
    signed(body.to_string().into_bytes())
}

pub(crate) fn signed(body: Vec<u8>) -> ReceiveSquareWebhookRequest {
    let key = hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_KEY.as_bytes());
    let whole = [WEBHOOK_URL.as_bytes(), &body].concat();
    let signature = STANDARD.encode(hmac::sign(&key, &whole));
    ReceiveSquareWebhookRequest { body, signature }
}

pub(crate) async fn receive(guest: &mut Guest, message: ReceiveSquareWebhookRequest) -> Result<bool, Status> {
    guest.market.receive_square_webhook(message).await.map(|answer| answer.into_inner().ignored)
}

/// One line of an order.
pub(crate) fn line(uid: &str, catalog_id: &str, name: &str, quantity: &str) -> Value {
    json!({
        "uid": uid, "name": name, "quantity": quantity, "catalog_object_id": catalog_id, "item_type": "ITEM",
        "base_price_money": {"amount": 400, "currency": "EUR"},
        "total_money": {"amount": 400, "currency": "EUR"},
    })
}

/// An order that was made and sent at the same time.
pub(crate) fn order(id: &str, at: jiff::Timestamp, lines: Vec<Value>) -> Value {
    let at = format!("{at:.3}");
    json!({
        "id": id, "location_id": "L1", "state": "COMPLETED", "version": 1,
        "created_at": at, "updated_at": at, "closed_at": at, "line_items": lines,
    })
}

/// An order that gives back a line of another one.
pub(crate) fn giving_back(id: &str, at: jiff::Timestamp, of_order: &str, mut line: Value) -> Value {
    line["source_line_item_uid"] = line["uid"].clone();
    let mut order = order(id, at, Vec::new());
    order["returns"] = json!([{"uid": "r", "source_order_id": of_order, "return_line_items": [line]}]);
    order
}

/// An item of the shop's catalogue with the vendor's own number.
pub(crate) fn item(catalog_id: &str, name: &str, sku: &str) -> Value {
    json!({
        "type": "ITEM", "id": format!("I-{catalog_id}"), "item_data": {"name": name, "variations": [{
            "type": "ITEM_VARIATION", "id": catalog_id, "item_variation_data": {
                "item_id": format!("I-{catalog_id}"), "name": "Regular", "sku": sku,
                "price_money": {"amount": 400, "currency": "EUR"},
            },
        }]},
    })
}
