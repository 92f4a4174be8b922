//! Sealing, opening and the exchange of keys; what is changed, moved or sealed by a lost key stays shut.

use super::*;
use proptest::prelude::*;

const OWNER: SecretOwner<'static> = SecretOwner { tenant: "bakery", purpose: "square.tokens" };

fn key(id: &str, byte: u8) -> (String, SecretString) {
    let bytes: Vec<u8> = (0..32).map(|at| byte.wrapping_add(at)).collect();
    (id.to_owned(), STANDARD.encode(bytes).into())
}

fn ring(keys: &[(String, SecretString)]) -> KeyRing {
    KeyRing::new(keys).unwrap()
}

#[test]
fn what_is_sealed_opens_for_its_owner_alone() {
    let ring = ring(&[key("a", 1)]);
    let sealed = ring.seal(&"token".into(), OWNER).unwrap();
    assert!(sealed.starts_with("v1.a.") && !sealed.contains("token"), "{sealed}");
    assert_eq!(ring.open(&sealed, OWNER).unwrap().expose_secret(), "token");
    for owner in [
        SecretOwner { tenant: "butcher", ..OWNER },
        SecretOwner { purpose: "square.webhook", ..OWNER },
        // The same letters, cut elsewhere.
        SecretOwner { tenant: "bakerys", purpose: "quare.tokens" },
    ] {
        assert_eq!(ring.open(&sealed, owner).unwrap_err(), SecretError::DoesNotOpen, "{owner:?}");
    }
}

#[test]
fn no_change_of_a_character_goes_unnoticed() {
    let ring = ring(&[key("a", 1)]);
    let sealed = ring.seal(&"a token of some length".into(), OWNER).unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(ring.open(&changed, OWNER).is_err(), "character {at}");
    }
    for cut in 0..sealed.len() {
        assert!(ring.open(&sealed[..cut], OWNER).is_err(), "cut at {cut}");
    }
}

#[test]
fn the_same_secret_never_looks_the_same() {
    let ring = ring(&[key("a", 1)]);
    let sealed: std::collections::BTreeSet<String> =
        (0..200).map(|_| ring.seal(&"token".into(), OWNER).unwrap()).collect();
    assert_eq!(sealed.len(), 200);
}

#[test]
fn keys_are_exchanged_while_both_open() {
    let before = ring(&[key("2025", 1)]);
    let sealed = before.seal(&"token".into(), OWNER).unwrap();
    let during = ring(&[key("2026", 100), key("2025", 1)]);
    assert_eq!(during.active_id(), "2026");
    assert_eq!(during.open(&sealed, OWNER).unwrap().expose_secret(), "token");
    let renewed = during.re_encrypt(&sealed, OWNER).unwrap().unwrap();
    assert_eq!((key_id(&sealed), key_id(&renewed)), (Ok("2025"), Ok("2026")));
    assert_eq!(during.re_encrypt(&renewed, OWNER), Ok(None), "a second turn has nothing to do");

    let after = ring(&[key("2026", 100)]);
    assert_eq!(after.open(&renewed, OWNER).unwrap().expose_secret(), "token");
    let missing = SecretError::UnknownKey { id: "2025".to_owned() };
    assert_eq!(after.open(&sealed, OWNER).unwrap_err(), missing);
    assert_eq!(after.re_encrypt(&sealed, OWNER).unwrap_err(), missing);
    assert!(during.re_encrypt(&sealed, SecretOwner { tenant: "butcher", ..OWNER }).is_err());
}

#[test]
fn another_key_under_the_same_id_opens_nothing() {
    let sealed = ring(&[key("a", 1)]).seal(&"token".into(), OWNER).unwrap();
    assert_eq!(ring(&[key("a", 2)]).open(&sealed, OWNER).unwrap_err(), SecretError::DoesNotOpen);
}

#[test]
fn rings_that_could_not_work_are_refused() {
    assert_eq!(KeyRing::new(&[]).unwrap_err(), SecretError::Ring);
    assert_eq!(KeyRing::new(&[key("a", 1), key("a", 2)]).unwrap_err(), SecretError::Ring);
    for (id, text) in [("a", "c2hvcnQ="), ("a", "no base64!"), ("a.b", ""), ("", "")] {
        let bytes = if text.is_empty() { key(id, 1).1 } else { text.into() };
        let refused = KeyRing::new(&[(id.to_owned(), bytes)]).unwrap_err();
        assert_eq!(refused, SecretError::Key { id: id.to_owned() }, "{id} {text}");
    }
    let zeros = STANDARD.encode([0; 32]);
    assert!(KeyRing::new(&[("a".to_owned(), zeros.into())]).is_err(), "a key of zeros is a forgotten one");
}

#[test]
fn a_ring_is_read_from_one_setting_and_shows_no_key() {
    let (first, second) = (key("new", 7), key("old", 9));
    let text = format!(" new:{} , old:{} ,", first.1.expose_secret(), second.1.expose_secret());
    let ring = KeyRing::parse(&text.into()).unwrap();
    assert_eq!(ring.active_id(), "new");
    assert_eq!(format!("{ring:?}"), r#"KeyRing { ids: ["new", "old"], .. }"#);
    assert!(KeyRing::parse(&"no-colon".into()).is_err());
    assert!(KeyRing::parse(&"".into()).is_err());
}

#[test]
fn a_generated_key_works_and_is_nobody_elses() {
    let (one, other) = (generate_key().unwrap(), generate_key().unwrap());
    assert_ne!(one.expose_secret(), other.expose_secret());
    let sealed = ring(&[("a".to_owned(), one)]).seal(&"token".into(), OWNER).unwrap();
    assert!(ring(&[("a".to_owned(), other)]).open(&sealed, OWNER).is_err());
}

proptest! {
    #[test]
    fn every_secret_comes_back(secret in ".{0,300}", tenant in "[a-z0-9-]{1,20}", purpose in "[a-z.]{1,20}") {
        let ring = ring(&[key("new", 50), key("old", 1)]);
        let owner = SecretOwner { tenant: &tenant, purpose: &purpose };
        let sealed = ring.seal(&secret.clone().into(), owner).unwrap();
        let opened = ring.open(&sealed, owner).unwrap();
        prop_assert_eq!(opened.expose_secret(), &secret);
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        let ring = ring(&[key("a", 1)]);
        let marked = format!("v1.a.{text}");
        prop_assert!(ring.open(&text, OWNER).is_err());
        prop_assert!(ring.open(&marked, OWNER).is_err());
    }
}
