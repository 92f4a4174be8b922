//! Against a local server that publishes keys, exchanges them and goes away. The time is an argument, so nothing waits.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder_identity::{Scopes, TenantId, TokenSigner};
use serde_json::json;

use super::*;

/// What the server answers next, and how often it was asked.
#[derive(Default)]
struct Published {
    answer: Mutex<Option<String>>,
    asked: AtomicUsize,
}

impl Published {
    fn publish(&self, keys: &[&TokenSigner]) {
        let keys: Vec<_> = keys.iter().map(|signer| jwk(signer)).collect();
        *self.answer.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn jwk(signer: &TokenSigner) -> serde_json::Value {
    let pem = signer.verifying_key_pem();
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    let x = URL_SAFE_NO_PAD.encode(&der[der.len() - 32..]);
    json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": signer.key_id(), "x": x})
}

async fn answer(State(published): State<Arc<Published>>) -> Result<String, StatusCode> {
    published.asked.fetch_add(1, Ordering::Relaxed);
    let answer = published.answer.lock().unwrap().clone();
    answer.ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

async fn serve(published: Arc<Published>) -> SocketAddr {
    let router = Router::new().route("/keys", get(answer)).with_state(published);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn issuer(address: SocketAddr) -> Issuer {
    let settings = IdentitySettings {
        jwks_url: Some(format!("http://{address}/keys").parse().unwrap()),
        jwt_issuer: Some("https://id.example".into()),
        jwt_audience: Some("larder".into()),
        ..IdentitySettings::default()
    };
    Issuer::from_settings(&settings).unwrap().unwrap()
}

fn has(keys: &Result<Arc<KeySet>, CallerError>, signer: &TokenSigner) -> bool {
    keys.as_ref().is_ok_and(|keys| keys.has(Some(signer.key_id())))
}

#[tokio::test]
async fn keys_are_fetched_once_and_exchanged_when_they_rotate() {
    let published = Arc::new(Published::default());
    let (old, new) = (TokenSigner::generate().unwrap(), TokenSigner::generate().unwrap());
    published.publish(&[&old]);
    let issuer = issuer(serve(published.clone()).await);
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    for second in 0..5 {
        assert!(has(&issuer.keys_for(Some(old.key_id()), at(second)).await, &old));
    }
    assert_eq!(published.asked(), 1);
    published.publish(&[&old, &new]);
    assert!(has(&issuer.keys_for(Some(new.key_id()), at(20)).await, &new), "a new key is looked for at once");
    assert_eq!(published.asked(), 2);
    published.publish(&[&new]);
    let within = issuer.keys_for(Some(old.key_id()), at(319)).await;
    assert!(has(&within, &old), "what was fetched holds for five minutes");
    let beyond = issuer.keys_for(Some(old.key_id()), at(320)).await;
    assert!(beyond.is_ok() && !has(&beyond, &old), "a withdrawn key does not outlive them");
}

#[tokio::test]
async fn made_up_keys_do_not_make_the_gateway_ask_again_and_again() {
    let published = Arc::new(Published::default());
    let signer = TokenSigner::generate().unwrap();
    published.publish(&[&signer]);
    let issuer = issuer(serve(published.clone()).await);
    let start = Instant::now();
    for millisecond in 0..200 {
        let keys = issuer.keys_for(Some("made-up"), start + Duration::from_millis(millisecond)).await;
        assert!(!keys.unwrap().has(Some("made-up")));
    }
    assert_eq!(published.asked(), 1);
    issuer.keys_for(Some("made-up"), start + Duration::from_secs(10)).await.unwrap();
    assert_eq!(published.asked(), 2);
}

#[tokio::test]
async fn keys_outlive_an_issuer_that_is_away_for_an_hour() {
    let published = Arc::new(Published::default());
    let signer = TokenSigner::generate().unwrap();
    let issuer = issuer(serve(published.clone()).await);
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let before = issuer.keys_for(Some(signer.key_id()), at(0)).await;
    assert_eq!(before.err(), Some(CallerError::Unavailable), "without keys nobody is refused for good");
    published.publish(&[&signer]);
    assert!(has(&issuer.keys_for(Some(signer.key_id()), at(10)).await, &signer));
    let answers = [None, Some("<html>".to_owned()), Some("x".repeat(DOCUMENT_BYTES + 1))];
    for (answer, second) in answers.into_iter().zip([1_000, 2_000, 3_609]) {
        *published.answer.lock().unwrap() = answer;
        assert!(has(&issuer.keys_for(Some(signer.key_id()), at(second)).await, &signer));
    }
    assert_eq!(published.asked(), 5, "it is asked each time");
    assert_eq!(issuer.keys_for(Some(signer.key_id()), at(3_619)).await.err(), Some(CallerError::Unavailable));
}

#[tokio::test]
async fn a_token_of_our_own_kind_is_no_token_of_the_issuer() {
    let published = Arc::new(Published::default());
    let signer = TokenSigner::generate().unwrap();
    published.publish(&[&signer]);
    let issuer = issuer(serve(published).await);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let caller = Caller { tenant: TenantId::demo(), subject: "x".into(), scopes: Scopes::all() };
    // Signed by a published key, for our audience, and yet without the issuer's name.
    let token = signer.sign(&caller, "larder", Duration::from_secs(60), now).unwrap();
    assert!(matches!(issuer.caller_of(&token, now).await, Err(CallerError::Token(_))));
}
