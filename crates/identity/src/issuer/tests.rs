//! Tokens that another issuer signed, by keys made here, and tokens that somebody else did. The time is an argument.

use std::time::UNIX_EPOCH;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::{EncodingKey, Header};
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;
use crate::TokenSigner;
use crate::token::keys::pem;

const NOW: u64 = 1_800_000_000;

/// One key of an issuer, its private half too.
struct Key {
    id: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
}

impl Key {
    fn ed25519(id: &'static str) -> Self {
        let pem = TokenSigner::generate_pem().unwrap();
        let private = EncodingKey::from_ed_pem(pem.expose_secret().as_bytes()).unwrap();
        Self { id, algorithm: Algorithm::EdDSA, private }
    }

    fn p256(id: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let pem = pem("PRIVATE KEY", pair.to_pkcs8v1().unwrap().as_ref());
        Self { id, algorithm: Algorithm::ES256, private: EncodingKey::from_ec_pem(pem.as_bytes()).unwrap() }
    }

    fn rsa(id: &'static str, size: KeySize) -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(size).unwrap();
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let pem = pem("PRIVATE KEY", der.as_ref());
        Self { id, algorithm: Algorithm::RS256, private: EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap() }
    }

    fn published(&self) -> Value {
        let mut jwk = Jwk::from_encoding_key(&self.private, self.algorithm).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_value(jwk).unwrap()
    }

    fn sign(&self, claims: &Value) -> String {
        let header = Header { kid: Some(self.id.to_owned()), ..Header::new(self.algorithm) };
        jsonwebtoken::encode(&header, claims, &self.private).unwrap()
    }
}

fn rules() -> IssuerRules {
    IssuerRules {
        issuer: "https://id.example".into(),
        audience: "larder".into(),
        tenant_claim: "tenant".into(),
        scope_claim: "scope".into(),
        skew: Duration::from_secs(30),
    }
}

fn claims() -> Value {
    json!({"iss": "https://id.example", "aud": "larder", "sub": "ann", "tenant": "shop-1",
           "scope": "catalog.read made.up", "iat": NOW, "exp": NOW + 300})
}

fn with(field: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[field] = value;
    claims
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn verify(token: &str, keys: &KeySet, at: u64) -> Result<Caller, TokenRefusal> {
    let known = BTreeSet::from(["catalog.read".to_owned(), "catalog.write".to_owned()]);
    rules().verify(token, keys, &known, UNIX_EPOCH + Duration::from_secs(at))
}

#[test]
fn each_algorithm_proves_a_caller_with_scopes_that_exist() {
    let keys = [Key::ed25519("e"), Key::p256("p"), Key::rsa("r", KeySize::Rsa2048)];
    let published = set(&keys.iter().map(Key::published).collect::<Vec<_>>());
    for key in &keys {
        let caller = verify(&key.sign(&claims()), &published, NOW).unwrap();
        assert_eq!((caller.tenant.as_str(), caller.subject.as_str()), ("shop-1", "issued:ann"));
        assert_eq!(caller.scopes.to_string(), "catalog.read");
        let listed = key.sign(&with("scope", json!(["catalog.write", 7, "*"])));
        assert_eq!(verify(&listed, &published, NOW).unwrap().scopes.to_string(), "catalog.write");
    }
}

#[test]
fn what_is_not_the_issuers_word_for_us_now_is_refused() {
    let key = Key::ed25519("e");
    let keys = set(&[key.published()]);
    let refused = |claims: &Value, at| verify(&key.sign(claims), &keys, at).unwrap_err();
    assert_eq!(refused(&with("aud", json!("billing")), NOW), TokenRefusal::WrongAudience);
    assert_eq!(refused(&with("iss", json!("https://id.example.evil")), NOW), TokenRefusal::Malformed);
    assert_eq!(refused(&claims(), NOW + 331), TokenRefusal::Expired);
    assert!(verify(&key.sign(&claims()), &keys, NOW + 330).is_ok(), "clocks may be apart");
    assert_eq!(refused(&claims(), NOW - 31), TokenRefusal::NotYetValid);
    assert_eq!(refused(&with("nbf", json!(NOW + 60)), NOW), TokenRefusal::NotYetValid);
    for (field, value) in [("tenant", json!("Not A Slug")), ("sub", json!("")), ("scope", json!(7))] {
        assert_eq!(refused(&with(field, value), NOW), TokenRefusal::Malformed, "{field}");
    }
    for missing in ["iss", "aud", "exp", "sub", "tenant", "scope"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(missing);
        assert_eq!(refused(&claims, NOW), TokenRefusal::Malformed, "{missing}");
    }
}

#[test]
fn forged_tokens_are_refused_whatever_they_say_of_their_algorithm() {
    let (key, other) = (Key::rsa("r", KeySize::Rsa2048), Key::rsa("r", KeySize::Rsa2048));
    let keys = set(&[key.published()]);
    assert_eq!(verify(&other.sign(&claims()), &keys, NOW), Err(TokenRefusal::ForgedSignature));
    let elsewhere = Key { id: "x", ..key.copy() };
    assert_eq!(verify(&elsewhere.sign(&claims()), &keys, NOW), Err(TokenRefusal::UnknownKey));
    let good = key.sign(&claims());
    let [_, body, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    for algorithm in ["none", "None", "NONE", "HS256", "RS384", "PS256", "ES256"] {
        let head = encoded(&json!({"alg": algorithm, "kid": "r", "typ": "JWT"}));
        for signature in ["", signature] {
            let forged = format!("{head}.{body}.{signature}");
            assert!(verify(&forged, &keys, NOW).is_err(), "{algorithm} with {signature:?}");
        }
    }
    // The public key is public: it must not work as the secret of an HMAC, in any form it is published in.
    let published = key.published();
    for secret in [published.to_string(), published["n"].as_str().unwrap().to_owned()] {
        let header = Header { kid: Some("r".into()), ..Header::new(Algorithm::HS256) };
        let forged =
            jsonwebtoken::encode(&header, &claims(), &EncodingKey::from_secret(secret.as_bytes())).unwrap();
        assert_eq!(verify(&forged, &keys, NOW), Err(TokenRefusal::Malformed));
    }
}

#[test]
fn only_keys_for_signatures_of_known_strength_are_taken() {
    let key = Key::ed25519("e");
    let changed = |field: &str, value: &str| {
        let mut published = key.published();
        published[field] = json!(value);
        published
    };
    let secret = json!({"kty": "oct", "kid": "s", "alg": "HS256", "k": "c2VjcmV0"});
    let unknown = json!({"kty": "QUANTUM", "kid": "q"});
    for useless in [secret.clone(), unknown.clone(), changed("use", "enc"), changed("alg", "RS256")] {
        assert!(KeySet::parse(json!({"keys": [useless]}).to_string().as_bytes()).is_err(), "{useless}");
        assert!(set(&[useless, key.published()]).has(Some("e")), "it does not spoil the others");
    }
    let mut short = Key::rsa("r", KeySize::Rsa2048).published();
    short["n"] = json!(&short["n"].as_str().unwrap()[..171]);
    assert!(KeySet::parse(json!({"keys": [short]}).to_string().as_bytes()).is_err());
    for rubbish in ["", "{}", "[]", "{\"keys\": 7}", "<html>"] {
        assert!(KeySet::parse(rubbish.as_bytes()).is_err(), "{rubbish}");
    }
    assert!(KeySet::parse(json!({"keys": vec![key.published(); 65]}).to_string().as_bytes()).is_err());
}

fn encoded(value: &Value) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
}

impl Key {
    fn copy(&self) -> Self {
        Self { id: self.id, algorithm: self.algorithm, private: self.private.clone() }
    }
}
