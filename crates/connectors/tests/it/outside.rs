//! What the tests share: a client, limits short enough for tests, and a clock.

use std::time::Duration;

use jiff::Timestamp;
use larder_connectors::square::{Square, SquareSettings, SquareTokens};
use larder_connectors::{Asking, BaseUrl, HttpClient, PlainHttp, outside_limits};
use larder_settings::ResilienceSettings;
use larder_testkit::stand_in::Fault;
use larder_testkit::stand_in::square::{CLIENT_ID, CLIENT_SECRET, CODE, SquareStandIn};

pub(crate) const TOKENS_EXPIRE: &str = "2026-12-23T12:00:00Z";

/// The usual limits with less patience; a breaker that stays out of the way unless a test wants it.
pub(crate) fn limits() -> ResilienceSettings {
    ResilienceSettings {
        attempt_timeout: Duration::from_millis(400),
        total_timeout: Duration::from_secs(3),
        backoff_base: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(5),
        breaker_min_calls: 1_000,
        retry_budget_ratio: 1.0,
        ..outside_limits()
    }
}

pub(crate) fn client() -> HttpClient {
    HttpClient::new("Larder/0.1 (operations@example.com)").expect("a client")
}

pub(crate) fn base(url: &str) -> BaseUrl {
    BaseUrl::parse(url, PlainHttp::OnlyLoopback).expect("a base URL")
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a timestamp")
}

pub(crate) fn asking(now: &str) -> Asking {
    Asking::at(at(now), Duration::from_secs(5))
}

pub(crate) fn square(stand_in: &SquareStandIn, limits: &ResilienceSettings) -> Square {
    let settings = SquareSettings {
        base_url: base(stand_in.server.url()),
        api_version: "2025-01-23".to_owned(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.into(),
        redirect_url: "https://larder.example.com/connect/square".parse().expect("a URL"),
    };
    Square::new(settings, &client(), limits)
}

/// A shop that a vendor has connected, on 23 November 2026.
pub(crate) async fn connected() -> (SquareStandIn, Square, SquareTokens) {
    let stand_in = SquareStandIn::open(TOKENS_EXPIRE).await;
    let square = square(&stand_in, &limits());
    let tokens = square.exchange_code(CODE, &asking("2026-11-23T12:00:00Z")).await.expect("tokens");
    (stand_in, square, tokens)
}

/// Every way in which a service can be useless, and the kind of error that tells of it.
pub(crate) fn every_fault() -> Vec<(Fault, &'static str)> {
    vec![
        (Fault::Status(500), "failing"),
        (Fault::Status(503), "failing"),
        (Fault::RateLimited { retry_after: None }, "rate_limited"),
        (Fault::RateLimited { retry_after: Some("3600") }, "rate_limited"),
        (Fault::Html, "not_understood"),
        (Fault::HalfPage, "not_understood"),
        (Fault::CutConnection, "unreachable"),
        (Fault::NeverAnswers, "timeout"),
        (Fault::Endless, "too_large"),
        (Fault::Redirect("https://example.com/elsewhere".to_owned()), "not_understood"),
        (Fault::Body("[]".to_owned()), "not_understood"),
    ]
}
