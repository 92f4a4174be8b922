//! Server streams over HTTP: lines of JSON or events, and an error before or after the first.

use http_body_util::BodyExt;
use serde_json::Value;

use crate::support::{Answer, Gateway, gateway};

async fn train(gateway: &Gateway, tenant: &str, accept: &str) -> Answer {
    let headers = [("x-larder-tenant", tenant), ("accept", accept), ("content-type", "application/json")];
    gateway.http.send("POST", "/v1/models:train", &headers, "{}").await
}

fn lines(answer: &Answer) -> Vec<Value> {
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn each_message_is_a_line() {
    let answer = train(&gateway().await, "demo", "*/*").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "application/x-ndjson"));
    let lines = lines(&answer);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[2]["operation"]["progress"]["doneCount"], "3");
}

#[tokio::test]
async fn or_an_event() {
    let answer = train(&gateway().await, "demo", "text/event-stream").await;
    assert_eq!(answer.header("content-type"), "text/event-stream");
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    let events: Vec<&str> = text.split_terminator("\n\n").collect();
    assert_eq!(events.len(), 3);
    assert!(events[0].starts_with("data: {"));
}

#[tokio::test]
async fn an_error_before_the_first_message_has_its_status() {
    let gateway = gateway().await;
    for tenant in ["refused", "refused-late"] {
        let problem = train(&gateway, tenant, "*/*").await.problem(400);
        assert_eq!(problem["reason"], "PRICE_NEGATIVE", "{tenant}");
    }
}

#[tokio::test]
async fn an_error_in_mid_stream_is_the_last_line() {
    let gateway = gateway().await;
    let answer = train(&gateway, "breaks", "*/*").await;
    let lines = lines(&answer);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1]["error"]["status"], 500);
    assert_eq!(lines[1]["error"]["correlationId"], answer.header("x-correlation-id"));
    assert!(!lines[1].to_string().contains("SELECT"));
    let events = train(&gateway, "breaks", "text/event-stream").await;
    assert!(String::from_utf8(events.body.to_vec()).unwrap().contains("event: error\ndata: {"));
}

#[tokio::test]
async fn messages_come_as_they_are_sent() {
    let gateway = gateway().await;
    let headers = [("x-larder-tenant", "endless"), ("content-type", "application/json")];
    let mut response = gateway.http.open("POST", "/v1/models:train", &headers, "").await;
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(String::from_utf8_lossy(&first).contains(r#""doneCount":"1""#));
}
