//! What each kind accepts, from variables and from files.

use proptest::prelude::*;
use toml::Value;

use super::*;

const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----";

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

#[test]
fn numbers_stay_in_their_range() {
    let attempts = Kind::Whole(1..=10);
    for accepted in ["1", "10", " 3 "] {
        assert!(attempts.read_text(accepted).is_some(), "{accepted}");
    }
    for refused in ["0", "11", "-1", "3.0", "three", "", "99999999999999999999"] {
        assert!(attempts.read_text(refused).is_none(), "{refused}");
    }
    let ratio = Kind::Number(0.0..=1.0);
    assert_eq!(ratio.read_text("0.25"), Some(Value::Float(0.25)));
    assert_eq!(ratio.read_value(Value::Integer(1)), Some(Value::Float(1.0)));
    for refused in ["-0.01", "1.01", "NaN", "inf", "half"] {
        assert!(ratio.read_text(refused).is_none(), "{refused}");
    }
    assert!(ratio.read_value(Value::Float(f64::NAN)).is_none());
}

#[test]
fn addresses_are_an_ip_address_and_a_port() {
    for accepted in ["127.0.0.1:8080", "0.0.0.0:1", "[::]:65535", "127.0.0.1:0"] {
        assert!(Kind::Address.read_text(accepted).is_some(), "{accepted}");
    }
    for refused in ["8080", ":8080", "127.0.0.1", "127.0.0.1:65536", "localhost:8080", "::1:80:"] {
        assert!(Kind::Address.read_text(refused).is_none(), "{refused}");
    }
}

#[test]
fn plain_urls_carry_no_credentials() {
    for accepted in ["http://127.0.0.1:50051", "https://traces.example.com:4317/v1"] {
        assert!(Kind::Url.read_text(accepted).is_some(), "{accepted}");
    }
    for refused in ["127.0.0.1:50051", "grpc://host", "http://", "http://u:p@host", "http://token@host"] {
        assert!(Kind::Url.read_text(refused).is_none(), "{refused}");
    }
    assert!(!Kind::Url.may_show("http://u:p@host"));
}

#[test]
fn connection_urls_have_their_scheme_and_an_escaped_password() {
    let database = Kind::SecretUrl(&["postgres", "postgresql"]);
    for accepted in
        ["postgres://larder:p%40ss@db/larder", "postgresql:///larder?host=/run/pg", "postgres://localhost"]
    {
        assert!(database.read_text(accepted).is_some(), "{accepted}");
    }
    for refused in ["mysql://db", "postgres:larder", "db", "postgres://u:1/x@db/l", "postgres://u:1#x@db/l"] {
        assert!(database.read_text(refused).is_none(), "{refused}");
    }
}

#[test]
fn keys_are_one_pem_block_each() {
    let private_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(Kind::PrivateKey.read_text(private_key).is_some());
    assert!(Kind::PrivateKey.read_text(PUBLIC_KEY).is_none());
    assert!(Kind::PrivateKey.read_text(&private_key.repeat(2)).is_none());

    let two = format!("{PUBLIC_KEY}\n\n{PUBLIC_KEY}\n");
    let both = Value::Array(vec![text(PUBLIC_KEY), text(PUBLIC_KEY)]);
    assert_eq!(Kind::PublicKeys.read_text(&two), Some(both.clone()));
    assert_eq!(Kind::PublicKeys.read_value(both.clone()), Some(both));
    assert_eq!(Kind::PublicKeys.read_text(""), Some(Value::Array(Vec::new())));
    assert!(Kind::PublicKeys.read_text(&format!("{PUBLIC_KEY}\nand more")).is_none());
    assert!(Kind::PublicKeys.read_value(Value::Array(vec![text("no key")])).is_none());
    assert!(Kind::PublicKeys.read_value(text(PUBLIC_KEY)).is_none());
    let networks = Value::Array(vec![text("10.0.0.0/8"), text("fd00::/8")]);
    assert_eq!(Kind::Networks.read_text("10.0.0.0/8, fd00::/8,"), Some(networks));
    assert_eq!(Kind::Networks.read_text(""), Some(Value::Array(Vec::new())));
    let origins = Value::Array(vec![text("https://shop.example.org"), text("http://localhost:3000")]);
    assert_eq!(Kind::Origins.read_text("https://shop.example.org,http://localhost:3000"), Some(origins));
    for refused in ["*", "shop.example.org", "https://shop.example.org/", "https://shop.example.org:443"] {
        assert!(Kind::Origins.read_text(refused).is_none(), "{refused}");
    }
    for refused in ["10.0.0.1", "10.0.0.0/33", "proxy.example.org"] {
        assert!(Kind::Networks.read_text(refused).is_none(), "{refused}");
    }
}

#[test]
fn secrets_have_their_length_in_characters() {
    assert!(Kind::Secret(4).read_text("äöüß").is_some());
    assert!(Kind::Secret(4).read_text("abc").is_none());
    assert!(Kind::Secret(0).read_text("").is_none());
}

#[test]
fn the_type_must_fit() {
    for kind in [Kind::Text, Kind::Path, Kind::Address, Kind::Choice(&["1"]), Kind::Secret(1)] {
        assert!(kind.read_value(Value::Integer(1)).is_none(), "{kind:?}");
    }
    assert!(Kind::Whole(0..=9).read_value(text("1")).is_none());
    assert!(Kind::Flag.read_value(text("true")).is_none());
    assert_eq!(Kind::Flag.read_text("true"), Some(Value::Boolean(true)));
    assert!(Kind::Flag.read_text("yes").is_none());
}

proptest! {
    #[test]
    fn reading_any_text_never_panics(given in "\\PC{0,60}") {
        for kind in [Kind::Url, Kind::SecretUrl(&["redis"]), Kind::PublicKeys, Kind::Address, Kind::Whole(0..=1)] {
            let _ = kind.read_text(&given);
        }
    }
}
