//! Signatures computed by another implementation (Python's hmac), and every way to get them wrong.

use super::*;

const URL: &str = "https://shop.example.com/webhooks/square";
const BODY: &str = r#"{"merchant_id":"MLQ7EXAMPLE","type":"order.updated","event_id":"6a8f5f28-54a1-4eb0-a98a-3111513fd4fc","created_at":"2026-11-21T18:05:27.085Z","data":{"type":"order","id":"O1","object":{"order_updated":{"state":"COMPLETED","version":3}}}}"#;
const BY_NEW_KEY: &str = "gFYKs5Tv14kYQSQQIy493IjLJcKSOuOF6p0psqjSP60=";
const BY_OLD_KEY: &str = "YZNoqRi1gVHdF2GMzinDMDYjxjOci2xBeWca3+F5BEI=";
/// Of the body `[]`, by the new key.
const OF_A_LIST: &str = "UPpNI4r5zcIiC/A0zkYCqEf/x7snmi5794yiVMg6nFA=";

fn keys() -> WebhookKeys {
    WebhookKeys::new(URL, &["sig-key-new".into(), "sig-key-old".into()])
}

#[test]
fn what_square_signed_is_read() {
    let event = keys().read(Some(BY_NEW_KEY), BODY.as_bytes()).unwrap();
    assert_eq!((event.kind.as_str(), event.data.id.as_str()), ("order.updated", "O1"));
    assert_eq!(event.dedupe_key(), "square:MLQ7EXAMPLE:6a8f5f28-54a1-4eb0-a98a-3111513fd4fc");
    assert_eq!(keys().read(Some(BY_OLD_KEY), BODY.as_bytes()).unwrap(), event, "the old key still counts");
}

#[test]
fn whatever_differs_by_a_byte_is_refused() {
    let keys = keys();
    let refused = Err(WebhookRefusal::Signature);
    for at in 0..BODY.len() {
        let mut body = BODY.as_bytes().to_vec();
        body[at] ^= 1;
        assert_eq!(keys.read(Some(BY_NEW_KEY), &body), refused, "byte {at}");
    }
    let elsewhere = WebhookKeys::new("https://shop.example.com/webhooks/square/", &["sig-key-new".into()]);
    assert_eq!(elsewhere.read(Some(BY_NEW_KEY), BODY.as_bytes()), refused);
    let retired = WebhookKeys::new(URL, &["sig-key-new".into()]);
    assert_eq!(retired.read(Some(BY_OLD_KEY), BODY.as_bytes()), refused);
}

#[test]
fn a_call_without_a_usable_signature_is_refused() {
    let keys = keys();
    for signature in [None, Some(""), Some("!"), Some(&BY_NEW_KEY[..20]), Some("AAAA")] {
        assert_eq!(keys.read(signature, BODY.as_bytes()), Err(WebhookRefusal::Signature), "{signature:?}");
    }
    let nobodys = WebhookKeys::new(URL, &[]);
    assert_eq!(nobodys.read(Some(BY_NEW_KEY), BODY.as_bytes()), Err(WebhookRefusal::Signature));
}

#[test]
fn signed_nonsense_and_endless_bodies_are_refused() {
    assert_eq!(keys().read(Some(OF_A_LIST), b"[]"), Err(WebhookRefusal::Shape));
    let long = vec![b' '; BODY_LIMIT_BYTES + 1];
    assert_eq!(keys().read(Some(BY_NEW_KEY), &long), Err(WebhookRefusal::TooLarge));
}
