//! Tokens of another issuer, whose keys a local server publishes and rotates.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::UNIX_EPOCH;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::{Answer, Gateway, gateway_with, now, strict_settings};

type Keys = Arc<Mutex<Vec<Value>>>;

async fn answer(State(keys): State<Keys>) -> String {
    json!({"keys": *keys.lock().unwrap()}).to_string()
}

async fn publish(keys: Keys) -> SocketAddr {
    let router = Router::new().route("/keys", get(answer)).with_state(keys);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn published(id: &str, pair: &Ed25519KeyPair) -> Value {
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "kid": id, "x": x})
}

fn sign(header: &Value, claims: &Value, pair: &Ed25519KeyPair) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn claims() -> Value {
    let at = now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    json!({"iss": "https://id.example", "aud": ["larder", "other"], "sub": "ann", "org": "shop-1",
           "scope": "catalog.read *", "iat": at, "exp": at + 300})
}

async fn get_product(gateway: &Gateway, token: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    gateway.http.send("GET", "/v1/products/a", &[("authorization", &bearer)], "").await
}

#[tokio::test]
async fn tokens_of_another_issuer_are_taken_by_its_published_keys_alone() {
    let (first, second) = (Ed25519KeyPair::generate().unwrap(), Ed25519KeyPair::generate().unwrap());
    let keys = Keys::new(Mutex::new(vec![published("1", &first)]));
    let mut settings = strict_settings().await;
    settings.identity.jwks_url = Some(format!("http://{}/keys", publish(keys).await).parse().unwrap());
    settings.identity.jwt_issuer = Some("https://id.example".into());
    settings.identity.jwt_audience = Some("larder".into());
    settings.identity.jwt_tenant_claim = "org".into();
    let gateway = gateway_with(settings, None).await;
    let header = json!({"alg": "EdDSA", "kid": "1"});
    let good = sign(&header, &claims(), &first);
    let told = get_product(&gateway, &good).await.json();
    let told = &told["product"]["attributes"];
    assert_eq!((&told["tenant"], &told["scopes"]), (&json!("shop-1"), &json!("catalog.read")));
    let with = |field: &str, value: Value| {
        let mut claims = claims();
        claims[field] = value;
        claims
    };
    for (why, token) in [
        ("another audience", sign(&header, &with("aud", json!("other")), &first)),
        ("another issuer", sign(&header, &with("iss", json!("https://evil.example")), &first)),
        ("expired", sign(&header, &with("exp", json!(1_700_000_000)), &first)),
        ("another key", sign(&header, &claims(), &second)),
        ("a key that is not published", sign(&json!({"alg": "EdDSA", "kid": "2"}), &claims(), &second)),
        ("no algorithm", sign(&json!({"alg": "none", "kid": "1"}), &claims(), &first)),
        ("another algorithm", sign(&json!({"alg": "HS256", "kid": "1"}), &claims(), &first)),
        ("a cut signature", good[..good.len() - 4].to_owned()),
    ] {
        assert_eq!(get_product(&gateway, &token).await.problem(401)["reason"], "TOKEN_INVALID", "{why}");
    }
}
