//! Links and other ways in that act: asked by GET, done by POST, once.

use serde_json::json;

use crate::firing::to_webhook;
use crate::house::{House, eventually, firing};
use crate::receivers::{pagerduty, webhook_receiver};

#[tokio::test]
async fn opening_a_link_asks_and_pressing_its_button_acts_once() {
    let receiver = pagerduty().await;
    let on_call = to_webhook("http://unused").replace(
        "kind = \"webhook\"\n        url = \"http://unused/hook\"\n        secret = SECRET",
        &format!("kind = \"pagerduty\"\nrouting_key = SECRET\nurl = \"{}/v2/enqueue\"", receiver.url()),
    );
    let house = House::open(&format!("external_url = \"https://larder.test\"\n{on_call}")).await;
    house.webhook(json!([firing("OvenCold", &[])])).await;
    eventually("the trigger", || async { receiver.count("/v2/enqueue") == 1 }).await;
    let event = crate::receivers::json_of(&receiver.seen()[0]);
    let link =
        event["links"][0]["href"].as_str().unwrap().strip_prefix("https://larder.test").unwrap().to_owned();
    let url = house.url(&link);
    for _ in 0..3 {
        let page = reqwest::get(&url).await.unwrap();
        assert_eq!(page.headers()["cache-control"], "no-store");
        assert!(page.text().await.unwrap().contains("acknowledge this incident"));
    }
    assert_eq!(house.incidents().await[0].acknowledged_by, "", "a mail scanner has acknowledged nothing");
    let client = reqwest::Client::new();
    let done = client.post(&url).send().await.unwrap().text().await.unwrap();
    assert!(done.contains("It is acknowledged"), "{done}");
    assert_eq!(house.incidents().await[0].acknowledged_by, "a link in a message");
    let again = client.post(&url).send().await.unwrap().text().await.unwrap();
    assert!(again.contains("used before"), "{again}");
    let forged = client.post(format!("{url}x")).send().await.unwrap();
    assert_eq!(forged.status(), 403);
}

#[tokio::test]
async fn clients_of_pagerduty_and_opsgenie_are_served() {
    let receiver = webhook_receiver().await;
    let house = House::open(&to_webhook(receiver.url())).await;
    let client = reqwest::Client::new();
    let token = house.source_url("bakery", "cron", "").rsplit('/').next().unwrap().to_owned();
    let event = |action: &str| {
        json!({
            "routing_key": token, "event_action": action, "dedup_key": "oven-7",
            "payload": { "summary": "the oven is cold", "source": "oven-7", "severity": "critical" },
        })
    };
    let send = |body: serde_json::Value| client.post(house.url("/v2/enqueue")).json(&body).send();
    assert_eq!(send(event("trigger")).await.unwrap().status(), 202);
    eventually("the incident", || async { house.incidents().await.len() == 1 }).await;
    assert_eq!(house.incidents().await[0].severity, "critical");
    assert_eq!(send(event("acknowledge")).await.unwrap().status(), 202);
    assert_eq!(house.incidents().await[0].acknowledged_by, "cron");
    assert_eq!(send(event("resolve")).await.unwrap().status(), 202);
    eventually("its end", || async { house.incidents().await.is_empty() }).await;
    let mut forged = event("trigger");
    forged["routing_key"] = "nobody".into();
    assert_eq!(send(forged).await.unwrap().status(), 401);

    let key = format!("GenieKey {token}");
    let create = json!({ "message": "the door is open", "alias": "door", "priority": "P1" });
    let created =
        client.post(house.url("/v2/alerts")).header("authorization", &key).json(&create).send().await;
    assert_eq!(created.unwrap().status(), 202);
    eventually("the second incident", || async { house.incidents().await.len() == 1 }).await;
    let close = house.url("/v2/alerts/door/close?identifierType=alias");
    assert_eq!(client.post(close).header("authorization", &key).send().await.unwrap().status(), 202);
    eventually("its end", || async { house.incidents().await.is_empty() }).await;
}

#[tokio::test]
async fn a_pressed_button_is_believed_with_slacks_signature_alone() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    let answer = reqwest::Client::new()
        .post(house.url("/slack/actions"))
        .header("x-slack-request-timestamp", "1531420618")
        .header("x-slack-signature", "v0=00")
        .body("payload=%7B%7D")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn the_status_page_tells_levels_and_nothing_else() {
    let house = House::open(&to_webhook("http://127.0.0.1:9")).await;
    house.webhook(json!([firing("OvenCold", &[("service", "<b>shop</b>")])])).await;
    eventually("the level", || async {
        let status: serde_json::Value =
            reqwest::get(house.url("/status.json")).await.unwrap().json().await.unwrap();
        status["services"] == json!([{ "service": "<b>shop</b>", "state": "outage" }])
    })
    .await;
    let page = reqwest::get(house.url("/status")).await.unwrap().text().await.unwrap();
    assert!(page.contains("&lt;b&gt;shop") && !page.contains("OvenCold"), "{page}");
}
