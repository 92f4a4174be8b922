//! Production that is safe, and every way in which it is not.

use secrecy::SecretString;

use super::*;
use crate::RedisSettings;

const SECRET: &str = "yT4kQz8WvN2pLr6XsJ9dHf3GbM7cVa5E";

fn secret(text: &str) -> Option<SecretString> {
    Some(SecretString::from(text))
}

fn safe_production() -> Settings {
    let mut settings = Settings { environment: Environment::Production, ..Settings::default() };
    settings.database.url =
        secret(&format!("postgres://larder:{SECRET}@db.example.com/larder?sslmode=verify-full"));
    settings.database.role_password = secret(SECRET);
    settings.identity.signing_key = secret("a key in PEM, which larder-identity reads");
    settings.identity.page_token_key = secret(SECRET);
    settings.gateway.proxy_ends_tls = true;
    settings
}

fn refusals_of(settings: &Settings) -> Vec<String> {
    settings.check().map_or_else(|error| error.problems().to_vec(), |()| Vec::new())
}

/// Spoils safe settings and expects exactly one refusal, which names `setting`.
fn expect_refusal(setting: &str, spoil: impl Fn(&mut Settings)) {
    let mut settings = safe_production();
    spoil(&mut settings);
    let refusals = refusals_of(&settings);
    assert_eq!(refusals.len(), 1, "{setting}: {refusals:?}");
    assert!(refusals[0].contains(&format!("`{setting}`")), "{refusals:?}");
    assert!(refusals[0].contains("accepted") || refusals[0].contains("need"), "{refusals:?}");
    settings.environment = Environment::Development;
    assert!(settings.check().is_ok(), "{setting} is fine in development");
}

#[test]
fn safe_production_starts() {
    assert_eq!(refusals_of(&safe_production()), [""; 0]);
}

#[test]
fn everything_that_is_missing_is_said_at_once() {
    let bare = Settings { environment: Environment::Production, ..Settings::default() };
    let error = bare.check().unwrap_err();
    insta::assert_snapshot!(error.to_string(), @r#"
    refusing to start in production: 5 settings are refused
      - `identity.signing_key` is not set; accepted is an Ed25519 private key in PEM
      - `identity.page_token_key` is not set; accepted is a random secret of at least 32 characters
      - `database.role_password` is not set; accepted is a random secret of at least 16 characters
      - `database.url` is not set; the private cluster is for development, accepted is a PostgreSQL url
      - `gateway.tls_certificate_file` is not set, so callers would send their credentials in the clear; accepted is a certificate with its key, `gateway.acme_domains`, or `gateway.proxy_ends_tls = true` where a proxy in front speaks TLS with them
    "#);
}

#[test]
fn weak_secrets_are_refused() {
    for weak in ["short", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "please-changeme-before-production-0123"] {
        expect_refusal("identity.page_token_key", |it| it.identity.page_token_key = secret(weak));
        expect_refusal("database.role_password", |it| it.database.role_password = secret(weak));
        let url = format!("postgres://larder:{weak}@localhost/larder");
        expect_refusal("database.url", |it| it.database.url = secret(&url));
        let url = format!("postgres://larder@localhost/larder?password={weak}");
        expect_refusal("database.url", |it| it.database.url = secret(&url));
        let url = format!("redis://:{weak}@cache");
        expect_refusal("redis.url", |it| it.redis.url = secret(&url));
    }
}

#[test]
fn no_refusal_shows_a_secret() {
    let mut settings = safe_production();
    settings.database.role_password = secret("hunter2");
    settings.database.url = secret("postgres://larder:hunter2@db.example.com/larder");
    settings.identity.page_token_key = secret("hunter2");
    let error = settings.check().unwrap_err();
    assert_eq!(error.problems().len(), 4, "{error}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

#[test]
fn the_database_needs_tls_anywhere_but_on_this_machine() {
    for remote in [
        "db.example.com/l",
        "10.0.0.7/l",
        "db/l?sslmode=prefer",
        "db/l?sslmode=disable",
        "localhost/l?host=db",
    ] {
        let url = format!("postgres://larder@{remote}");
        expect_refusal("database.url", |it| it.database.url = secret(&url));
        expect_refusal("backup.source_url", |it| it.backup.source_url = secret(&url));
    }
    for fine in
        ["db/l?sslmode=require", "db/l?sslmode=verify-ca", "localhost/l", "127.0.0.1/l", "/l?host=/run/pg"]
    {
        let mut settings = safe_production();
        settings.database.url = secret(&format!("postgres://{fine}"));
        assert_eq!(refusals_of(&settings), [""; 0], "{fine}");
    }
}

#[test]
fn plaintext_may_not_leave_our_own_network() {
    let elsewhere: url::Url = "http://recommendation.example.com:50051".parse().unwrap();
    expect_refusal("gateway.recommendation_url", |it| it.gateway.recommendation_url = elsewhere.clone());
    expect_refusal("gateway.recommendation_ops_url", |it| {
        it.gateway.recommendation_ops_url = elsewhere.clone()
    });
    expect_refusal("telemetry.otlp_endpoint", |it| it.telemetry.otlp_endpoint = Some(elsewhere.clone()));
    expect_refusal("telemetry.sentry_dsn", |it| {
        it.telemetry.sentry_dsn = secret("http://k@errors.example.com/7")
    });
    expect_refusal("redis.url", |it| it.redis.url = secret("redis://cache.example.com"));
    let mut settings = safe_production();
    settings.gateway.recommendation_url = "http://recommendation.larder.svc:50051".parse().unwrap();
    settings.telemetry.otlp_endpoint = Some("https://traces.example.com:4317".parse().unwrap());
    settings.redis.url = secret("rediss://cache.example.com");
    assert_eq!(refusals_of(&settings), [""; 0]);
}

#[test]
fn callers_need_tls_at_the_gateway_or_in_front_of_it() {
    expect_refusal("gateway.tls_certificate_file", |it| it.gateway.proxy_ends_tls = false);
    let mut settings = safe_production();
    settings.gateway.proxy_ends_tls = false;
    settings.identity.verifying_keys = vec!["a key in PEM".to_owned()];
    assert!(settings.check_for(Process::Service).is_ok(), "services have no callers from outside");
    settings.gateway.tls_certificate_file = Some("/run/secrets/gateway.pem".into());
    settings.gateway.tls_key_file = Some("/run/secrets/gateway.key".into());
    assert_eq!(refusals_of(&settings), [""; 0]);
    settings.gateway.tls_key_file = None;
    assert!(refusals_of(&settings)[0].contains("`gateway.tls_key_file`"));
}

#[test]
fn certificates_between_services_need_all_three_files() {
    let mut settings = Settings::default();
    settings.tls.authority_file = Some("authority.pem".into());
    let refusals = refusals_of(&settings);
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    assert!(refusals[0].contains("`tls.certificate_file`") && refusals[1].contains("`tls.key_file`"));
    settings.tls.certificate_file = Some("gateway.pem".into());
    settings.tls.key_file = Some("gateway.key".into());
    assert_eq!(refusals_of(&settings), [""; 0]);
}

#[test]
fn replicas_need_redis() {
    expect_refusal("gateway.replicas", |it| it.gateway.replicas = 2);
    expect_refusal("recommendation.replicas", |it| it.recommendation.replicas = 2);
    let mut settings = safe_production();
    settings.gateway.replicas = 2;
    settings.redis = RedisSettings { url: secret("redis://cache"), ..RedisSettings::default() };
    assert_eq!(refusals_of(&settings), [""; 0]);
}

#[test]
fn anonymous_callers_are_refused_everywhere_but_in_development() {
    expect_refusal("identity.authentication", |it| {
        it.identity.authentication = Some(Authentication::Anonymous);
    });
    for environment in [Environment::Testing, Environment::Staging] {
        let mut settings = Settings { environment, ..Settings::default() };
        assert!(settings.check().is_ok());
        settings.identity.authentication = Some(Authentication::Anonymous);
        assert_eq!(refusals_of(&settings).len(), 1);
    }
}

#[test]
fn a_service_needs_no_key_to_sign_with() {
    let mut settings = safe_production();
    settings.identity.signing_key = None;
    assert!(settings.check_for(Process::Gateway).is_err());
    let error = settings.check_for(Process::Service).unwrap_err();
    assert!(error.to_string().contains("`identity.verifying_keys`"), "{error}");
    settings.identity.verifying_keys = vec!["a key in PEM".to_owned()];
    assert!(settings.check_for(Process::Service).is_ok());
}

#[test]
fn contradictions_are_refused_in_every_environment() {
    let mut settings = Settings::default();
    settings.resilience.attempt_timeout = settings.resilience.total_timeout * 2;
    assert_eq!(refusals_of(&settings).len(), 1);
}

#[test]
fn a_shop_needs_its_secret_and_keys_to_seal_tokens_with() {
    let mut settings = Settings::default();
    settings.connectors.square_client_id = Some("sq0idp".to_owned());
    settings.connectors.square_webhook_url = Some("https://larder.example.com/webhooks/square".to_owned());
    let refusals = refusals_of(&settings);
    for name in ["square_client_secret", "square_redirect_url", "secret_keys", "square_webhook_keys"] {
        assert!(refusals.iter().any(|refusal| refusal.contains(name)), "{name}: {refusals:?}");
    }
    settings.connectors.square_client_secret = secret("s");
    settings.connectors.square_redirect_url = Some("https://larder.example.com/connect".parse().unwrap());
    settings.connectors.secret_keys = secret("a:b");
    settings.connectors.square_webhook_keys = secret("k");
    assert_eq!(refusals_of(&settings), [""; 0]);
    settings.connectors.attempt_timeout = settings.connectors.total_timeout * 2;
    assert_eq!(refusals_of(&settings).len(), 1);
}
