//! Consent, renewal and revocation against the stand-in.

use std::collections::HashMap;
use std::time::Duration;

use jiff::SignedDuration;
use larder_connectors::square::Renewal;
use larder_connectors::{Asking, ConnectorError};
use larder_testkit::stand_in::Fault;
use larder_testkit::stand_in::square::{CLIENT_ID, CODE, MERCHANT};
use secrecy::ExposeSecret;

use crate::outside::{TOKENS_EXPIRE, asking, at, connected, limits, square};

#[tokio::test]
async fn the_browser_is_sent_with_state_and_permissions() {
    let (_stand_in, square, _) = connected().await;
    let url = square.authorize_url("state-of-this-session&x=1");
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    assert_eq!(url.path(), "/oauth2/authorize");
    assert_eq!(query["client_id"], CLIENT_ID);
    assert_eq!(query["state"], "state-of-this-session&x=1");
    assert_eq!(query["session"], "false");
    assert!(query["scope"].split(' ').any(|scope| scope == "ORDERS_READ"), "{}", query["scope"]);
    assert_eq!(query["redirect_uri"], "https://larder.example.com/connect/square");
}

#[tokio::test]
async fn a_code_becomes_tokens() {
    let (_stand_in, _, tokens) = connected().await;
    assert_eq!(tokens.merchant_id, MERCHANT);
    assert_eq!(tokens.expires_at, at(TOKENS_EXPIRE));
    assert_eq!(tokens.renewal(at("2026-11-24T12:00:00Z")), Renewal::NotYet);
}

#[tokio::test]
async fn a_wrong_code_is_refused_and_a_lost_exchange_is_not_repeated() {
    let (stand_in, square, _) = connected().await;
    let refused = square.exchange_code("made-up", &asking("2026-11-23T12:00:00Z")).await.unwrap_err();
    assert_eq!(refused.kind(), "refused");

    let before = stand_in.server.count("/oauth2/token");
    stand_in.server.fail_times(1, Fault::Status(502));
    let failed = square.exchange_code(CODE, &asking("2026-11-23T12:00:00Z")).await.unwrap_err();
    assert_eq!(failed, ConnectorError::Failing { status: 502, retry_after: None });
    assert_eq!(stand_in.server.count("/oauth2/token"), before + 1, "a code works once");
}

#[tokio::test]
async fn a_token_that_has_expired_already_is_not_taken() {
    let (_stand_in, square, _) = connected().await;
    let late = Asking::at(at(TOKENS_EXPIRE) + SignedDuration::from_secs(1), Duration::from_secs(5));
    assert_eq!(square.exchange_code(CODE, &late).await.unwrap_err().kind(), "not_understood");
}

#[tokio::test]
async fn a_due_token_is_renewed_before_it_is_used() {
    let (stand_in, square, mut tokens) = connected().await;
    square.list_locations(&mut tokens, &asking("2026-11-30T11:59:59Z")).await.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "access-1");
    let locations = square.list_locations(&mut tokens, &asking("2026-11-30T12:00:00Z")).await.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "access-2");
    assert_eq!(tokens.obtained_at, at("2026-11-30T12:00:00Z"));
    assert_eq!(locations[0].timezone.as_deref(), Some("America/Los_Angeles"));
    assert_eq!(stand_in.server.count("/oauth2/token"), 2);
}

#[tokio::test]
async fn a_renewal_that_fails_does_no_harm_while_the_old_token_lives() {
    let (stand_in, square, mut tokens) = connected().await;
    stand_in.server.fail_under("/oauth2", None, Fault::Status(503));
    square.list_locations(&mut tokens, &asking("2026-12-01T12:00:00Z")).await.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "access-1");
    assert_eq!(tokens.renewal(at("2026-12-01T12:00:00Z")), Renewal::Overdue);
    let dead = square.list_locations(&mut tokens, &asking(TOKENS_EXPIRE)).await.unwrap_err();
    assert_eq!(dead.kind(), "failing");
}

#[tokio::test]
async fn a_token_that_is_not_accepted_is_renewed_once() {
    let (stand_in, square, mut tokens) = connected().await;
    stand_in.expire_access_tokens();
    square.list_locations(&mut tokens, &asking("2026-11-24T12:00:00Z")).await.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "access-2");

    stand_in.withdraw_consent();
    let before = stand_in.server.seen().len();
    let refused = square.list_locations(&mut tokens, &asking("2026-11-25T12:00:00Z")).await.unwrap_err();
    assert_eq!(refused.kind(), "unauthorised");
    assert_eq!(stand_in.server.seen().len() - before, 2, "one question, one renewal, and no more");
}

#[tokio::test]
async fn a_vendor_can_disconnect() {
    let (_stand_in, square, mut tokens) = connected().await;
    let asking = asking("2026-11-24T12:00:00Z");
    square.revoke(&tokens, &asking).await.unwrap();
    assert_eq!(square.list_locations(&mut tokens, &asking).await.unwrap_err().kind(), "unauthorised");
}

#[tokio::test]
async fn no_error_and_no_status_shows_a_secret() {
    let (stand_in, _, mut tokens) = connected().await;
    let square = square(&stand_in, &limits());
    stand_in.server.fail(Fault::CutConnection);
    let error = square.list_locations(&mut tokens, &asking("2026-11-24T12:00:00Z")).await.unwrap_err();
    let told = format!("{error:?} {error} {:?} {square:?} {tokens:?}", square.status());
    for secret in ["access-1", "refresh-1", "sq0csp-larder-secret"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
}
