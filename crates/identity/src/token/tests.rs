//! Tokens of every dishonest kind, each refused for its own reason.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use larder_settings::IdentitySettings;
use proptest::prelude::*;
use serde_json::json;

use crate::{Caller, IdentityError, Scopes, TenantId, TokenRefusal, TokenSigner, TokenVerifier};

const TTL: Duration = Duration::from_secs(300);

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn caller() -> Caller {
    Caller {
        tenant: TenantId::parse("corner-shop").unwrap(),
        subject: "key:Ab3dEf9h".to_owned(),
        scopes: Scopes::parse("catalog.read recommendations.read").unwrap(),
    }
}

fn verifier_of(signers: &[&TokenSigner]) -> TokenVerifier {
    let keys: Vec<String> = signers.iter().map(|signer| signer.verifying_key_pem().to_owned()).collect();
    TokenVerifier::new(&keys, "recommendation").unwrap()
}

fn token_of(signer: &TokenSigner) -> String {
    signer.sign(&caller(), "recommendation", TTL, now()).unwrap()
}

fn refused(result: Result<Caller, IdentityError>) -> TokenRefusal {
    match result {
        Err(IdentityError::InvalidCredentials(refusal)) => refusal,
        other => panic!("expected invalid credentials, got {other:?}"),
    }
}

/// The token with its claims changed and its signature kept.
fn with_claim(token: &str, claim: &str, value: serde_json::Value) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims[claim] = value;
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

fn with_header(token: &str, header: serde_json::Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[test]
fn a_token_proves_its_caller() {
    let signer = TokenSigner::generate().unwrap();
    assert_eq!(verifier_of(&[&signer]).verify(&token_of(&signer), now()), Ok(caller()));
}

#[test]
fn changed_claims_are_a_forgery() {
    let signer = TokenSigner::generate().unwrap();
    let verifier = verifier_of(&[&signer]);
    let token = token_of(&signer);
    for forged in [
        with_claim(&token, "tenant", json!("other-shop")),
        with_claim(&token, "scope", json!("*")),
        with_claim(&token, "exp", json!(4_000_000_000_u64)),
    ] {
        assert_eq!(refused(verifier.verify(&forged, now())), TokenRefusal::ForgedSignature);
    }
}

#[test]
fn a_signature_by_another_key_under_our_key_id_is_a_forgery() {
    let (ours, theirs) = (TokenSigner::generate().unwrap(), TokenSigner::generate().unwrap());
    let header = json!({ "typ": "JWT", "alg": "EdDSA", "kid": ours.key_id() });
    let forged = with_header(&token_of(&theirs), header);
    assert_eq!(refused(verifier_of(&[&ours]).verify(&forged, now())), TokenRefusal::ForgedSignature);
}

#[test]
fn no_other_algorithm_is_understood() {
    let signer = TokenSigner::generate().unwrap();
    let verifier = verifier_of(&[&signer]);
    for algorithm in ["none", "None", "HS256", "RS256", "ES256"] {
        let header = json!({ "typ": "JWT", "alg": algorithm, "kid": signer.key_id() });
        let forged = with_header(&token_of(&signer), header);
        let unsigned = format!("{}.", forged.rsplit_once('.').unwrap().0);
        assert_eq!(refused(verifier.verify(&forged, now())), TokenRefusal::Malformed, "{algorithm}");
        assert_eq!(refused(verifier.verify(&unsigned, now())), TokenRefusal::Malformed, "{algorithm}");
    }
}

/// The public key is public: it must not work as the secret of an HMAC.
#[test]
fn the_public_key_is_no_hmac_secret() {
    let signer = TokenSigner::generate().unwrap();
    let mut header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    header.kid = Some(signer.key_id().to_owned());
    let claims = json!({
        "tenant": "demo", "sub": "x", "scope": "*", "aud": "recommendation",
        "iat": 1_800_000_000_u64, "exp": 1_800_000_300_u64,
    });
    let secret = jsonwebtoken::EncodingKey::from_secret(signer.verifying_key_pem().as_bytes());
    let forged = jsonwebtoken::encode(&header, &claims, &secret).unwrap();
    assert_eq!(refused(verifier_of(&[&signer]).verify(&forged, now())), TokenRefusal::Malformed);
}

#[test]
fn a_token_for_another_service_is_refused() {
    let signer = TokenSigner::generate().unwrap();
    let token = signer.sign(&caller(), "backup", TTL, now()).unwrap();
    assert_eq!(refused(verifier_of(&[&signer]).verify(&token, now())), TokenRefusal::WrongAudience);
}

#[test]
fn a_token_expires_after_its_time_and_the_leeway() {
    let signer = TokenSigner::generate().unwrap();
    let token = token_of(&signer);
    let after = |seconds| now() + TTL + Duration::from_secs(seconds);
    // A fresh verifier each, and one that has seen the token valid before.
    let seen = verifier_of(&[&signer]);
    seen.verify(&token, now()).unwrap();
    for verifier in [verifier_of(&[&signer]), seen] {
        assert!(verifier.verify(&token, after(30)).is_ok());
        assert_eq!(refused(verifier.verify(&token, after(31))), TokenRefusal::Expired);
    }
}

#[test]
fn a_token_from_the_future_is_refused() {
    let signer = TokenSigner::generate().unwrap();
    let token = token_of(&signer);
    let before = |seconds| now() - Duration::from_secs(seconds);
    assert!(verifier_of(&[&signer]).verify(&token, before(30)).is_ok());
    assert_eq!(refused(verifier_of(&[&signer]).verify(&token, before(31))), TokenRefusal::NotYetValid);
}

#[test]
fn keys_can_be_rotated() {
    let (old, new) = (TokenSigner::generate().unwrap(), TokenSigner::generate().unwrap());
    let (before, during, after) = (verifier_of(&[&old]), verifier_of(&[&old, &new]), verifier_of(&[&new]));
    assert!(before.verify(&token_of(&old), now()).is_ok());
    assert_eq!(refused(before.verify(&token_of(&new), now())), TokenRefusal::UnknownKey);
    assert!(during.verify(&token_of(&old), now()).is_ok());
    assert!(during.verify(&token_of(&new), now()).is_ok());
    assert_eq!(refused(after.verify(&token_of(&old), now())), TokenRefusal::UnknownKey);
    assert!(after.verify(&token_of(&new), now()).is_ok());
}

#[test]
fn the_signing_keys_own_tokens_are_accepted_by_its_settings() {
    let pem = TokenSigner::generate_pem().unwrap();
    let signer = TokenSigner::from_pem(&pem).unwrap();
    let settings = IdentitySettings { signing_key: Some(pem), ..IdentitySettings::default() };
    let verifier = TokenVerifier::from_settings(&settings, "recommendation").unwrap();
    assert_eq!(verifier.verify(&token_of(&signer), now()), Ok(caller()));
}

#[test]
fn without_keys_every_token_is_refused() {
    let signer = TokenSigner::generate().unwrap();
    assert_eq!(refused(verifier_of(&[]).verify(&token_of(&signer), now())), TokenRefusal::UnknownKey);
}

/// The key pair of RFC 8037, appendix A.1, in the form that `openssl genpkey` and `openssl pkey -pubout` write.
#[test]
fn keys_that_openssl_wrote_are_understood() {
    let private_key = "-----BEGIN PRIVATE KEY-----\n\
        MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
        -----END PRIVATE KEY-----\n";
    let public_key = "-----BEGIN PUBLIC KEY-----\n\
        MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n\
        -----END PUBLIC KEY-----\n";
    let signer = TokenSigner::from_pem(&private_key.to_owned().into()).unwrap();
    assert_eq!(signer.verifying_key_pem(), public_key);
    let verifier = TokenVerifier::new(&[public_key.to_owned()], "recommendation").unwrap();
    assert_eq!(verifier.verify(&token_of(&signer), now()), Ok(caller()));
}

#[test]
fn keys_that_are_none_are_refused_by_position() {
    let signer = TokenSigner::generate().unwrap();
    let keys = [signer.verifying_key_pem().to_owned(), "nonsense".to_owned()];
    let error = TokenVerifier::new(&keys, "recommendation").unwrap_err();
    assert_eq!(error, IdentityError::InvalidVerifyingKey { position: 2 });
    let error = TokenSigner::from_pem(&signer.verifying_key_pem().to_owned().into()).unwrap_err();
    assert_eq!(error, IdentityError::InvalidSigningKey);
}

proptest! {
    #[test]
    fn one_changed_character_makes_a_token_worthless(position in 0_usize..10_000, letter in "[A-Za-z0-9_-]") {
        let signer = TokenSigner::generate().unwrap();
        let token = token_of(&signer);
        let position = position % token.len();
        let changed = format!("{}{letter}{}", &token[..position], &token[position + 1..]);
        prop_assume!(changed != token);
        prop_assert!(verifier_of(&[&signer]).verify(&changed, now()).is_err());
    }

    #[test]
    fn verifying_anything_never_panics(text in "\\PC{0,200}") {
        let signer = TokenSigner::generate().unwrap();
        prop_assert!(verifier_of(&[&signer]).verify(&text, now()).is_err());
    }
}
