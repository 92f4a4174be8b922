//! What `larder check-config` prints.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use secrecy::SecretString;

use crate::{Settings, Sources, catalogue, load};

fn load_variables(variables: &[(&str, &str)]) -> Settings {
    let environment_variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(&Sources { file: Some(PathBuf::from("/dev/null")), environment_variables }).unwrap()
}

#[test]
fn what_is_in_force_is_shown_with_its_origin() {
    let mut settings = load_variables(&[
        ("LARDER_ENVIRONMENT", "staging"),
        ("LARDER_DATABASE__URL", "postgres://larder:hunter2@db.internal/larder?sslmode=verify-full"),
        ("LARDER_REDIS__URL", "redis://:hunter2@cache"),
        ("LARDER_TELEMETRY__SENTRY_DSN", "https://hunter2@errors.example.com/7"),
        ("LARDER_IDENTITY__PAGE_TOKEN_KEY", "hunter2 hunter2 hunter2 hunter2 hunter2"),
        ("LARDER_GATEWAY__REQUEST_TIMEOUT_MS", "2500"),
    ]);
    settings.recommendation.replicas = 4;
    insta::assert_snapshot!(settings.redacted_toml());
}

#[test]
fn every_setting_is_shown() {
    let shown = Settings::default().redacted_toml();
    for setting in catalogue::all() {
        let field = setting.key.rsplit('.').next().unwrap();
        let lines = shown.lines().filter(|line| {
            line.starts_with(&format!("{field} = ")) || line.starts_with(&format!("# {field} is not set"))
        });
        assert!(lines.count() >= 1, "{}", setting.key);
    }
}

#[test]
fn what_is_shown_can_be_read_back() {
    let settings = load_variables(&[("LARDER_RECOMMENDATION__TRAINING_MIN_EVENTS", "7")]);
    let read: toml::Table = settings.redacted_toml().parse().unwrap();
    assert_eq!(read["recommendation"]["training_min_events"].as_integer(), Some(7));
    let mut expected = catalogue::as_table(&settings);
    for (key, value) in [("identity", "authentication"), ("recommendation", "snapshot_dir")] {
        let section = expected[key].as_table_mut().unwrap();
        section.insert(value.to_owned(), read[key][value].clone());
    }
    assert_eq!(read, expected);
}

proptest! {
    #[test]
    fn no_secret_is_ever_shown(secret in "[a-zA-Z0-9+/=_%-]{32,60}") {
        let mut settings = Settings::default();
        let hidden = || Some(SecretString::from(secret.clone()));
        settings.database.role_password = hidden();
        settings.identity.signing_key = hidden();
        settings.identity.page_token_key = hidden();
        settings.database.url = Some(format!("postgres://larder:{secret}@db/larder").into());
        settings.redis.url = Some(format!("rediss://:{secret}@cache").into());
        settings.telemetry.sentry_dsn = Some(format!("https://{secret}@errors/7").into());
        for shown in [
            settings.redacted_toml(),
            format!("{settings:?}"),
            serde_json::to_string(&settings).unwrap(),
        ] {
            prop_assert!(!shown.contains(&secret[..12]), "{shown}");
        }
    }
}
