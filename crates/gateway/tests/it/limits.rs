//! How much callers may ask: by themselves, by their address, by their guesses; with other
//! gateways through a real Redis, and without one that answers.

use std::time::Duration;

use larder_proto::larder::catalog::v1::GetProductRequest;
use larder_proto::larder::catalog::v1::catalog_service_client::CatalogServiceClient;
use larder_settings::{OnRedisFailure, Settings};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::{Answer, Gateway, gateway_with, service, settings, strict_gateway, token};

/// A gateway whose bursts last a second.
async fn limited(change: impl FnOnce(&mut Settings)) -> Gateway {
    let mut settings = settings(service::start().await);
    settings.limits.burst = Duration::from_secs(1);
    change(&mut settings);
    gateway_with(settings, None).await
}

async fn get(gateway: &Gateway, headers: &[(&str, &str)]) -> Answer {
    gateway.http.send("GET", "/v1/products/a", headers, "").await
}

/// How many of `count` requests of this tenant are let in.
async fn let_in(gateway: &Gateway, tenant: &str, count: usize) -> usize {
    let mut let_in = 0;
    for _ in 0..count {
        let_in += usize::from(get(gateway, &[("x-larder-tenant", tenant)]).await.status == 200);
    }
    let_in
}

fn new_tenant() -> String {
    format!("shop-{}", uuid::Uuid::now_v7().simple())
}

#[tokio::test]
async fn whoever_asks_too_much_is_told_so_and_when_to_come_back() {
    let gateway = limited(|settings| settings.limits.caller_per_s = 2.0).await;
    let first = get(&gateway, &[]).await;
    assert_eq!(first.header("ratelimit-policy"), "\"caller\";q=2;w=1");
    assert_eq!(first.header("ratelimit"), "\"caller\";r=1;t=1");
    assert_eq!(let_in(&gateway, "demo", 1).await, 1);
    let refused = get(&gateway, &[]).await;
    assert_eq!(refused.header("retry-after"), "1");
    let problem = refused.problem(429);
    assert_eq!(
        (&problem["reason"], &problem["metadata"]["limit"]),
        (&"RATE_LIMITED".into(), &"caller".into())
    );
    assert_eq!(let_in(&gateway, "another", 2).await, 2, "another tenant has its own limit");
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(get(&gateway, &[]).await.status, 200);
}

#[tokio::test]
async fn grpc_callers_are_limited_too() {
    let gateway = limited(|settings| settings.limits.rpc_per_s = 1.0).await;
    let address = format!("http://{}", gateway.app.address());
    let mut client = CatalogServiceClient::connect(address).await.unwrap();
    let product = || GetProductRequest { product_id: "a".into() };
    let answer = client.get_product(product()).await.unwrap();
    assert_eq!(answer.metadata().get("ratelimit").unwrap(), "\"rpc\";r=0;t=1");
    let refused = client.get_product(product()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "RATE_LIMITED");
    assert!(refused.get_details_retry_info().unwrap().retry_delay.unwrap() > Duration::ZERO);
}

#[tokio::test]
async fn gateways_that_share_a_redis_share_the_limits() {
    let shared = |settings: &mut Settings| {
        settings.redis.url = Some(larder_testkit::redis_url().into());
        settings.gateway.replicas = 2;
        // A burst of forty, and one more in half a second.
        settings.limits.tenant_per_s = 2.0;
        settings.limits.burst = Duration::from_secs(20);
    };
    let (one, other) = (limited(shared).await, limited(shared).await);
    // Both know of Redis before they count.
    for gateway in [&one, &other] {
        let tenant = new_tenant();
        let known = Instant::now();
        while get(gateway, &[("x-larder-tenant", &tenant)]).await.header("ratelimit").contains("r=19") {
            assert!(known.elapsed() < Duration::from_secs(10), "Redis was never heard of");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let tenant = new_tenant();
    assert_eq!(let_in(&other, &tenant, 1).await, 1);
    assert!(let_in(&one, &tenant, 40).await >= 38);
    tokio::time::sleep(Duration::from_millis(300)).await;
    // A gateway learns of an account when it next tells of it.
    let_in(&other, &tenant, 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let more = let_in(&other, &tenant, 40).await;
    assert!(more <= 10, "the other gateway let {more} in beyond the first one's burst");
}

#[tokio::test]
async fn no_request_waits_for_a_redis_that_hangs() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", hanging.local_addr().unwrap());
    let away = async |on_failure| {
        limited(|settings| {
            settings.redis.url = Some(url.clone().into());
            settings.redis.timeout = Duration::from_secs(5);
            settings.gateway.replicas = 4;
            settings.limits.tenant_per_s = 40.0;
            settings.limits.burst = Duration::from_secs(10);
            settings.limits.on_redis_failure = on_failure;
        })
        .await
    };
    let local = away(OnRedisFailure::Local).await;
    let started = Instant::now();
    let let_in_locally = let_in(&local, "demo", 150).await;
    assert!(started.elapsed() < Duration::from_secs(4), "{:?} for 150 requests", started.elapsed());
    let refilled = 10 * started.elapsed().as_secs() as usize + 10;
    assert!(
        (100..=100 + refilled).contains(&let_in_locally),
        "its quarter of the burst, not {let_in_locally}"
    );
    assert_eq!(let_in(&away(OnRedisFailure::Open).await, "demo", 450).await, 450);
    let closed = get(&away(OnRedisFailure::Closed).await, &[]).await.problem(503);
    assert_eq!(closed["reason"], "LIMITS_UNAVAILABLE");
}

#[tokio::test]
async fn after_many_wrong_credentials_an_address_waits_even_with_the_right_ones() {
    let gateway = limited(|settings| settings.limits.wrong_credentials_per_min = 5).await;
    let good = format!("Bearer {}", token(&gateway.signer, "shop-1", "*"));
    for _ in 0..5 {
        assert_eq!(get(&gateway, &[("authorization", &good)]).await.status, 200);
        get(&gateway, &[("authorization", "Bearer guess")]).await.problem(401);
    }
    let slowed = get(&gateway, &[("authorization", "Bearer guess")]).await.problem(429);
    assert_eq!(slowed["metadata"]["limit"], "wrong-credentials");
    get(&gateway, &[("authorization", &good)]).await.problem(429);
    let strict = strict_gateway(None).await;
    for _ in 0..40 {
        get(&strict, &[]).await.problem(401);
    }
}

#[tokio::test]
async fn addresses_are_those_of_clients_only_where_a_proxy_of_ours_says_so() {
    let of_addresses = |trusted: &'static [&'static str]| {
        move |settings: &mut Settings| {
            settings.limits.address_per_s = 1.0;
            settings.gateway.trusted_proxies = trusted.iter().map(|network| (*network).to_owned()).collect();
        }
    };
    let behind_proxy = limited(of_addresses(&["127.0.0.0/8"])).await;
    let from = async |gateway: &Gateway, client: &str| {
        get(gateway, &[("x-forwarded-for", client)]).await.status.as_u16()
    };
    assert_eq!(from(&behind_proxy, "198.51.100.1").await, 200);
    assert_eq!(from(&behind_proxy, "198.51.100.1").await, 429);
    assert_eq!(from(&behind_proxy, "198.51.100.2").await, 200);
    let in_the_open = limited(of_addresses(&[])).await;
    assert_eq!(from(&in_the_open, "198.51.100.1").await, 200);
    assert_eq!(from(&in_the_open, "198.51.100.2").await, 429, "a forged header names nobody");
}

#[tokio::test]
async fn beyond_what_can_be_worked_on_requests_are_turned_away_and_health_is_not() {
    let gateway = std::sync::Arc::new(limited(|settings| settings.limits.in_flight = 1).await);
    let slow = tokio::spawn({
        let gateway = gateway.clone();
        async move { gateway.http.get("/v1/products/slow").await.status }
    });
    let started = Instant::now();
    let refused = loop {
        let answer = get(&gateway, &[]).await;
        if answer.status != 200 {
            break answer;
        }
        assert!(started.elapsed() < Duration::from_secs(4), "nobody was turned away");
    };
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.problem(503)["reason"], "OVERLOADED");
    assert!(gateway.http.get("/health").await.json()["level"].is_string());
    slow.abort();
    assert!(slow.await.unwrap_err().is_cancelled());
    let left = Instant::now();
    while get(&gateway, &[]).await.status != 200 {
        assert!(left.elapsed() < Duration::from_secs(3), "a client that left keeps its place");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
