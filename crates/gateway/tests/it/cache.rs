//! Answers that are given again: for how long, to whom, what makes them old, and what callers
//! get when the service fails. With several gateways through a real Redis.

use std::sync::Arc;
use std::time::Duration;

use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use larder_proto::larder::catalog::v1::{
    BatchRecordInteractionsRequest, Interaction, StreamInteractionsRequest,
};
use larder_settings::Settings;
use larder_testkit::NetworkCut;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::service::{self, Mood};
use crate::support::{Answer, Gateway, gateway_with, settings, token};

const RECOMMENDATIONS: &str = "/v1/customers/7/recommendations";

/// A gateway that keeps answers, in front of a service that does as the mood says.
async fn keeping(change: impl FnOnce(&mut Settings)) -> (Gateway, Arc<Mood>) {
    let mood = Arc::<Mood>::default();
    let gateway = keeping_in_front_of(&mood, change).await;
    (gateway, mood)
}

async fn keeping_in_front_of(mood: &Arc<Mood>, change: impl FnOnce(&mut Settings)) -> Gateway {
    let mut settings = settings(service::start_with(mood.clone()).await);
    settings.cache.enabled = true;
    settings.cache.settled_after = Duration::ZERO;
    settings.cache.redis_wait = Duration::from_millis(500);
    change(&mut settings);
    gateway_with(settings, None).await
}

async fn get(gateway: &Gateway, headers: &[(&str, &str)]) -> Answer {
    gateway.http.send("GET", RECOMMENDATIONS, headers, "").await
}

/// Where an answer came from, as `cache-status` tells.
fn source(answer: &Answer) -> &str {
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.header("cache-status").trim_start_matches("larder; ")
}

async fn buy(gateway: &Gateway, tenant: &str, customer_id: &str) {
    let body = json!({"interactions": [{"eventId": "e", "customerId": customer_id, "productId": "p"}]});
    let headers = [("x-larder-tenant", tenant), ("content-type", "application/json")];
    let answer = gateway.http.send("POST", "/v1/interactions:batchRecord", &headers, body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
}

fn new_tenant() -> String {
    format!("shop-{}", uuid::Uuid::now_v7().simple())
}

#[tokio::test]
async fn an_answer_is_given_again_and_a_client_that_has_it_is_told_so() {
    let (gateway, mood) = keeping(|_| {}).await;
    let first = get(&gateway, &[]).await;
    assert_eq!((source(&first), mood.asked()), ("fwd=miss", 1));
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert!(first.header("vary").contains("authorization"), "{first:?}");
    let again = get(&gateway, &[]).await;
    assert_eq!((source(&again), again.header("age"), mood.asked()), ("hit", "0", 1));
    assert_eq!(again.body, first.body);
    let etag = first.header("etag");
    assert!(etag.starts_with("W/\""), "{etag}");
    for tags in [etag, "*", &format!("\"other\", {etag}")] {
        let not_modified = get(&gateway, &[("if-none-match", tags)]).await;
        assert_eq!((not_modified.status.as_u16(), not_modified.header("etag")), (304, etag));
        assert!(not_modified.body.is_empty());
    }
    assert_eq!(get(&gateway, &[("if-none-match", "W/\"other\"")]).await.status, 200);
    let anew = get(&gateway, &[("cache-control", "no-cache")]).await;
    assert_eq!((source(&anew), mood.asked()), ("fwd=miss", 2));
    let limited = gateway.http.get("/v1/customers/7/recommendations?limit=3").await;
    assert_eq!((source(&limited), mood.asked()), ("fwd=miss", 3), "another question");
    // The same question by another route has its own form, and is not asked again.
    let posted = gateway.http.post("/v1/recommendations:query", "{\"customerId\": \"7\"}").await;
    assert_eq!((source(&posted), mood.asked()), ("hit", 3));
}

#[tokio::test]
async fn nobody_gets_the_answer_of_another_tenant_or_of_other_scopes() {
    let (gateway, mood) = keeping(|_| {}).await;
    let mut asked = 0;
    for (tenant, scopes) in [
        ("shop-1", "recommendations.read"),
        ("shop-2", "recommendations.read"),
        ("shop-1", "catalog.read recommendations.read"),
    ] {
        let bearer = format!("Bearer {}", token(&gateway.signer, tenant, scopes));
        asked += 1;
        assert_eq!(source(&get(&gateway, &[("authorization", &bearer)]).await), "fwd=miss");
        assert_eq!(source(&get(&gateway, &[("authorization", &bearer)]).await), "hit");
        assert_eq!(mood.asked(), asked);
    }
    let bearer = format!("Bearer {}", token(&gateway.signer, "shop-1", "catalog.read"));
    get(&gateway, &[("authorization", &bearer)]).await.problem(403);
}

#[tokio::test]
async fn a_purchase_is_in_the_very_next_answer_to_that_customer_and_to_no_other() {
    let (gateway, mood) = keeping(|_| {}).await;
    let other = "/v1/customers/8/recommendations";
    for bought in 0..20 {
        let answer = get(&gateway, &[]).await;
        assert_eq!(answer.json()["modelVersion"], format!("bought {bought}"));
        gateway.http.get(other).await;
        buy(&gateway, "demo", "7").await;
    }
    assert_eq!(source(&gateway.http.get(other).await), "hit");
    let asked = mood.asked();
    buy(&gateway, "another-tenant", "8").await;
    assert_eq!(source(&gateway.http.get(other).await), "hit");
    assert_eq!(mood.asked(), asked);
}

#[tokio::test]
async fn a_purchase_over_grpc_and_in_a_stream_makes_answers_old_too() {
    let (gateway, _mood) = keeping(|_| {}).await;
    let address = format!("http://{}", gateway.app.address());
    let mut client = CatalogServiceClient::connect(address).await.unwrap();
    let other = "/v1/customers/8/recommendations";
    get(&gateway, &[]).await;
    gateway.http.get(other).await;
    let interaction = Interaction { customer_id: "7".into(), ..Default::default() };
    let interactions = vec![interaction.clone()];
    client.batch_record_interactions(BatchRecordInteractionsRequest { interactions }).await.unwrap();
    let after = get(&gateway, &[]).await;
    assert_eq!((source(&after), &after.json()["modelVersion"]), ("fwd=miss", &"bought 1".into()));
    assert_eq!(source(&gateway.http.get(other).await), "hit", "the request was heard");
    let message = StreamInteractionsRequest { interaction: Some(interaction) };
    client.stream_interactions(futures::stream::iter([message])).await.unwrap();
    assert_eq!(source(&get(&gateway, &[]).await), "fwd=miss");
    assert_eq!(source(&gateway.http.get(other).await), "fwd=miss", "of a stream nobody knows");
}

#[tokio::test]
async fn many_who_ask_the_same_ask_the_service_once() {
    let (gateway, mood) = keeping(|_| {}).await;
    mood.slow(300);
    let gateway = Arc::new(gateway);
    let asking = (0..30).map(|_| {
        let gateway = gateway.clone();
        tokio::spawn(async move { get(&gateway, &[]).await.status })
    });
    for status in futures::future::join_all(asking).await {
        assert_eq!(status.unwrap(), 200);
    }
    assert_eq!(mood.asked(), 1);
}

#[tokio::test]
async fn a_degraded_answer_is_not_kept_nor_one_that_has_to_reach_the_service() {
    let (gateway, mood) = keeping(|_| {}).await;
    mood.is_degraded.store(true, std::sync::atomic::Ordering::Relaxed);
    for _ in 0..2 {
        assert_eq!(source(&get(&gateway, &[]).await), "fwd=miss");
    }
    mood.is_degraded.store(false, std::sync::atomic::Ordering::Relaxed);
    for (told, last_good) in [("no-cache", true), ("no-store", false)] {
        let tenant = new_tenant();
        let headers = [("x-larder-tenant", tenant.as_str())];
        *mood.cache_control.lock().unwrap() = Some(told);
        for _ in 0..2 {
            assert_eq!(source(&get(&gateway, &headers).await), "fwd=miss", "{told}");
        }
        mood.fail(true);
        let failed = get(&gateway, &headers).await;
        assert_eq!(failed.status == 200, last_good, "{told}: {failed:?}");
        mood.fail(false);
    }
}

#[tokio::test]
async fn while_the_service_fails_callers_get_the_last_good_answer_and_are_told() {
    let (gateway, mood) = keeping(|_| {}).await;
    let good = get(&gateway, &[]).await.json();
    // A purchase makes it old; the failure comes afterwards.
    buy(&gateway, "demo", "7").await;
    mood.fail(true);
    let started = Instant::now();
    let answer = get(&gateway, &[]).await;
    assert!(started.elapsed() < Duration::from_millis(250), "{:?}", started.elapsed());
    assert_eq!(source(&answer), "hit; detail=last-good");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        answer.header("x-larder-degraded"),
        "the service does not answer; this is the last good answer"
    );
    assert!(answer.header("etag").is_empty());
    let told = answer.json();
    assert_eq!((&told["degraded"], &good["degraded"]), (&true.into(), &false.into()));
    assert_eq!(told["degradedReason"], answer.header("x-larder-degraded"));
    assert_eq!(told["recommendations"], good["recommendations"]);
    let never_asked = gateway.http.get("/v1/customers/never/recommendations").await;
    assert_eq!(never_asked.status, 503, "there is no last answer for this one");
    mood.fail(false);
    let healed = Instant::now();
    while !get(&gateway, &[]).await.header("x-larder-degraded").is_empty() {
        assert!(healed.elapsed() < Duration::from_secs(7), "it does not heal");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn mere_slowness_never_brings_back_an_answer_that_a_write_made_old() {
    let (gateway, mood) = keeping(|_| {}).await;
    get(&gateway, &[]).await;
    buy(&gateway, "demo", "7").await;
    mood.slow(400);
    let answer = get(&gateway, &[]).await;
    assert_eq!((source(&answer), &answer.json()["modelVersion"]), ("fwd=miss", &"bought 1".into()));
    // Without time for more the caller gets something, and is told what it is.
    buy(&gateway, "demo", "7").await;
    let hurried = get(&gateway, &[("grpc-timeout", "200m")]).await;
    assert_eq!(source(&hurried), "hit; detail=last-good");
    assert_eq!(hurried.json()["degraded"], true);
}

#[tokio::test]
async fn erased_customers_are_not_even_in_last_good_answers() {
    let (gateway, mood) = keeping(|_| {}).await;
    get(&gateway, &[]).await;
    // The small service refuses it, and nobody can tell how much of it was done.
    gateway.http.post("/v1/customers/7:erase", "{}").await;
    mood.fail(true);
    assert_eq!(get(&gateway, &[]).await.status, 503);
}

/// Two gateways of one Larder, and what both stand in front of.
async fn two_gateways(url: &str) -> (Gateway, Gateway, Arc<Mood>) {
    let mood = Arc::<Mood>::default();
    let shared = |settings: &mut Settings| {
        settings.redis.url = Some(url.to_owned().into());
        settings.gateway.replicas = 2;
    };
    let one = keeping_in_front_of(&mood, shared).await;
    let other = keeping_in_front_of(&mood, shared).await;
    for gateway in [&one, &other] {
        wait_for_redis(gateway).await;
    }
    (one, other, mood)
}

/// Waits until a gateway knows of Redis and answers out of its cache.
async fn wait_for_redis(gateway: &Gateway) {
    let (tenant, started) = (new_tenant(), Instant::now());
    while source(&get(gateway, &[("x-larder-tenant", &tenant)]).await) != "hit" {
        assert!(started.elapsed() < Duration::from_secs(10), "Redis is never heard of");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_purchase_through_one_gateway_is_in_the_next_answer_of_the_other() {
    let (one, other, mood) = two_gateways(&larder_testkit::redis_url()).await;
    let tenant = new_tenant();
    let headers = [("x-larder-tenant", tenant.as_str())];
    for bought in 0..20 {
        for gateway in [&one, &other] {
            assert_eq!(get(gateway, &headers).await.json()["modelVersion"], format!("bought {bought}"));
        }
        buy(if bought % 2 == 0 { &one } else { &other }, &tenant, "7").await;
    }
    // What one fetched the other need not fetch.
    let asked = mood.asked();
    assert_eq!(source(&get(&one, &headers).await), "fwd=miss");
    let started = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        if source(&get(&other, &headers).await) == "hit" {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(5), "answers are not shared");
        buy(&one, &tenant, "7").await;
        get(&one, &headers).await;
    }
    assert!(mood.asked() <= asked + 4, "{} questions", mood.asked() - asked);
}

#[tokio::test]
async fn without_redis_nothing_kept_is_given_and_nobody_waits() {
    let url = larder_testkit::redis_url();
    let address: std::net::SocketAddr =
        url.trim_start_matches("redis://").trim_end_matches('/').parse().unwrap();
    let way = NetworkCut::before(address).await;
    let (one, other, mood) = two_gateways(&format!("redis://{}", way.address())).await;
    let tenant = new_tenant();
    let headers = [("x-larder-tenant", tenant.as_str())];
    get(&one, &headers).await;
    assert_eq!(source(&get(&one, &headers).await), "hit");
    way.cut();
    let asked = mood.asked();
    for round in 1..=10 {
        assert_eq!(source(&get(&one, &headers).await), "fwd=miss");
        assert_eq!(mood.asked(), asked + round);
    }
    buy(&other, &tenant, "7").await;
    mood.fail(true);
    assert_eq!(source(&get(&one, &headers).await), "hit; detail=last-good");
    mood.fail(false);
    way.mend();
    // What could not be told is told before anybody answers from the cache again.
    wait_for_redis(&one).await;
    wait_for_redis(&other).await;
    assert_eq!(get(&one, &headers).await.json()["modelVersion"], "bought 1");
}

#[tokio::test]
async fn no_request_waits_long_for_a_redis_that_hangs() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", hanging.local_addr().unwrap());
    let (gateway, mood) = keeping(|settings| {
        settings.redis.url = Some(url.into());
        settings.redis.timeout = Duration::from_secs(5);
        settings.cache.redis_wait = Duration::from_millis(1);
    })
    .await;
    let started = Instant::now();
    for _ in 0..100 {
        assert_eq!(source(&get(&gateway, &[]).await), "fwd=miss");
    }
    assert!(started.elapsed() < Duration::from_secs(3), "{:?} for 100 requests", started.elapsed());
    assert_eq!(mood.asked(), 100);
}

#[tokio::test]
async fn several_gateways_without_redis_keep_nothing_but_for_when_the_service_fails() {
    let (gateway, mood) = keeping(|settings| settings.gateway.replicas = 2).await;
    for _ in 0..3 {
        assert_eq!(source(&get(&gateway, &[]).await), "fwd=miss");
    }
    assert_eq!(mood.asked(), 3);
    mood.fail(true);
    assert_eq!(source(&get(&gateway, &[]).await), "hit; detail=last-good");
}

#[tokio::test]
async fn a_flag_spares_a_service_whose_answer_is_kept_and_asks_it_where_none_is() {
    const FLAG: &str = "kept.larder.recommendation.v1.RecommendationService/Recommend";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flags.json");
    let write = |variant: &str| {
        let flag =
            json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": variant});
        std::fs::write(&file, json!({"flags": {FLAG: flag}}).to_string()).unwrap();
    };
    write("off");
    let (gateway, mood) = keeping(|settings| settings.flags.file = Some(file.clone())).await;
    let anew = [("cache-control", "no-cache")];
    assert_eq!(source(&get(&gateway, &anew).await), "fwd=miss");
    write("on");
    let spared = async {
        loop {
            let answer = get(&gateway, &anew).await;
            if source(&answer) == "hit; detail=last-good" {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), spared).await.expect("the file is followed");
    assert!(answer.header("x-larder-degraded").starts_with("the service is spared"), "{answer:?}");
    assert_eq!(answer.json()["degraded"], true);
    let asked = mood.asked();
    assert_eq!(source(&get(&gateway, &anew).await), "hit; detail=last-good");
    assert_eq!(mood.asked(), asked);
    let other = gateway.http.get("/v1/customers/7/recommendations?limit=4").await;
    assert_eq!((source(&other), mood.asked()), ("fwd=miss", asked + 1), "nothing is kept for it");
}
