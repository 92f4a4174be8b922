//! Loading from files and variables: which outranks which, and what is said when it is wrong.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::{Authentication, Environment, LogFormat, catalogue};

/// A settings file in a folder of its own, and variables beside it.
struct Given {
    folder: TempDir,
    sources: Sources,
}

impl Given {
    fn new(file: &str, variables: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("larder.toml");
        std::fs::write(&path, file).unwrap();
        let environment_variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { folder, sources: Sources { file: Some(path), environment_variables } }
    }

    fn load(&self) -> Settings {
        load(&self.sources).unwrap()
    }

    /// The problems, without the folder that differs from run to run.
    fn problems(&self) -> Vec<String> {
        let folder = format!("{}/", self.folder.path().display());
        let error = load(&self.sources).unwrap_err();
        error.problems().iter().map(|problem| problem.replace(&folder, "")).collect()
    }
}

#[test]
fn nothing_given_is_development() {
    let settings = Given::new("", &[]).load();
    assert_eq!(settings.environment, Environment::Development);
    assert_eq!(catalogue::as_table(&settings), catalogue::as_table(&Settings::default()));
    assert!(settings.check().is_ok());
}

#[test]
fn every_kind_of_setting_is_read_from_the_file() {
    let settings = Given::new(
        r#"
        environment = "staging"
        data_dir = "/srv/larder"
        [gateway]
        listen_address = "[::]:80"
        request_timeout_ms = 1_500
        [recommendation]
        training_interval_s = 0x3c
        popularity_half_life_days = 7
        [database]
        url = "postgres://larder:hunter2@db/larder"
        bootstrap = false
        [telemetry]
        log_format = "pretty"
        trace_sample_ratio = 0.25
        [identity]
        authentication = "required"
        verifying_keys = ["""-----BEGIN PUBLIC KEY-----
AAAA
-----END PUBLIC KEY-----"""]
        "#,
        &[],
    )
    .load();
    assert_eq!(settings.environment, Environment::Staging);
    assert_eq!(settings.data_dir, PathBuf::from("/srv/larder"));
    assert_eq!(settings.gateway.listen_address, "[::]:80".parse::<SocketAddr>().unwrap());
    assert_eq!(settings.gateway.request_timeout, Duration::from_millis(1_500));
    assert_eq!(settings.recommendation.training_interval, Duration::from_secs(60));
    assert_eq!(settings.recommendation.popularity_half_life_days, 7.0);
    let url = settings.database.url.unwrap();
    assert_eq!(url.expose_secret(), "postgres://larder:hunter2@db/larder");
    assert!(!settings.database.bootstrap);
    assert_eq!(settings.telemetry.log_format, LogFormat::Pretty);
    assert_eq!(settings.telemetry.trace_sample_ratio, 0.25);
    assert_eq!(settings.identity.authentication, Some(Authentication::Required));
    assert_eq!(settings.identity.verifying_keys.len(), 1);
}

#[test]
fn each_setting_remembers_where_it_came_from() {
    let given = Given::new(
        "\n[gateway]\nreplicas = 2\n\nupstream_connections = 8\n",
        &[("LARDER_GATEWAY__REPLICAS", "3"), ("LARDER_DATA_DIR", "/data")],
    );
    let settings = given.load();
    assert_eq!((settings.gateway.replicas, settings.gateway.upstream_connections), (3, 8));
    let origin = |key: &str| settings.origins.of(key);
    assert_eq!(origin("gateway.replicas"), Origin::Variable("LARDER_GATEWAY__REPLICAS".to_owned()));
    let path = given.sources.file.clone().unwrap();
    assert_eq!(origin("gateway.upstream_connections"), Origin::File { path, line: 5 });
    assert_eq!(origin("data_dir"), Origin::Variable("LARDER_DATA_DIR".to_owned()));
    assert_eq!(origin("gateway.listen_address"), Origin::Default);
}

#[test]
fn a_variable_can_name_a_file_for_any_setting() {
    let mut given = Given::new("", &[]);
    let path = given.folder.path().join("secret");
    let path_text = path.display().to_string();
    std::fs::write(&path, "  correct horse battery staple\n").unwrap();
    let name = "LARDER_DATABASE__ROLE_PASSWORD_FILE".to_owned();
    given.sources.environment_variables.insert(name.clone(), path_text);
    let settings = given.load();
    let password = settings.database.role_password.as_ref().unwrap();
    assert_eq!(password.expose_secret(), "correct horse battery staple");
    assert_eq!(settings.origins.of("database.role_password"), Origin::VariableFile { name, path });
}

#[test]
fn a_file_that_a_variable_names_must_say_something() {
    let mut given = Given::new("", &[("LARDER_REDIS__URL_FILE", "/nowhere/at/all")]);
    let empty = given.folder.path().join("empty");
    std::fs::write(&empty, "\n").unwrap();
    given
        .sources
        .environment_variables
        .insert("LARDER_DATABASE__URL_FILE".to_owned(), empty.display().to_string());
    let problems = given.problems();
    assert_eq!(problems[0], "LARDER_DATABASE__URL_FILE: the file empty is empty");
    assert!(problems[1].starts_with("LARDER_REDIS__URL_FILE: the file /nowhere/at/all cannot be read"));
}

#[test]
fn a_variable_and_its_file_together_are_refused() {
    let given =
        Given::new("", &[("LARDER_DATA_DIR", "/data"), ("LARDER_DATA_DIR_FILE", "/run/secrets/data_dir")]);
    assert_eq!(
        given.problems(),
        ["LARDER_DATA_DIR and LARDER_DATA_DIR_FILE are both set; accepted is one of them"]
    );
}

#[test]
fn an_empty_variable_takes_an_optional_setting_away() {
    let file = "[redis]\nurl = \"redis://cache\"\n[telemetry]\nsentry_dsn = \"\"\n";
    let settings =
        Given::new(file, &[("LARDER_REDIS__URL", ""), ("LARDER_IDENTITY__AUTHENTICATION", "")]).load();
    assert!(settings.redis.url.is_none());
    assert!(settings.telemetry.sentry_dsn.is_none());
    assert_eq!(settings.identity.authentication, None);
    assert_eq!(Given::new("", &[("LARDER_GATEWAY__REPLICAS", "")]).problems().len(), 1);
}

#[test]
fn unknown_names_are_refused_with_the_one_that_was_meant() {
    let file = "
        enviroment = \"production\"
        [databse]
        url = \"postgres://db\"
        [gateway]
        request_timeout = 5
        max_connections = 5
        xylophones_and_quokkas_jazz = \"blue\"
        [empty]
    ";
    let given = Given::new(
        file,
        &[
            ("LARDER_DATABASE_URL", "postgres://db"),
            ("LARDER_DATBASE__URL_FILE", "/x"),
            ("LARDER_QUOKKA", "42"),
        ],
    );
    let problems = given.problems();
    insta::assert_snapshot!(problems.join("\n"), @r#"
    larder.toml line 2: unknown setting `enviroment`; did you mean `environment`?
    larder.toml line 4: unknown setting `databse.url`; did you mean `database.url`?
    larder.toml line 6: unknown setting `gateway.request_timeout`; did you mean `gateway.request_timeout_ms`?
    larder.toml line 7: unknown setting `gateway.max_connections`; did you mean `database.max_connections`?
    larder.toml line 8: unknown setting `gateway.xylophones_and_quokkas_jazz`
    larder.toml line 9: unknown setting `empty`
    unknown setting `LARDER_DATABASE_URL` in the environment; did you mean `LARDER_DATABASE__URL`?
    unknown setting `LARDER_DATBASE__URL_FILE` in the environment; did you mean `LARDER_DATABASE__URL_FILE`?
    unknown setting `LARDER_QUOKKA` in the environment
    "#);
}

#[test]
fn refused_values_name_their_place_and_what_is_accepted() {
    let file = "
        environment = \"prod\"
        [gateway]
        listen_address = \"localhost:8080\"
        request_timeout_ms = \"10s\"
        recommendation_url = \"http://admin:hunter2@recommendation\"
        [database]
        url = \"mysql://root:hunter2@db\"
        role_password = 12345
        [resilience]
        max_attempts = 11
        retry_budget_ratio = nan
        [redis]
        timeout_ms = 2026-11-22
    ";
    let given = Given::new(
        file,
        &[
            ("LARDER_RECOMMENDATION__REPLICAS", "many"),
            ("LARDER_DATABASE__BOOTSTRAP", "yes"),
            ("LARDER_IDENTITY__PAGE_TOKEN_KEY", "hunter2"),
        ],
    );
    let problems = given.problems().join("\n");
    assert!(!problems.contains("hunter2") && !problems.contains("12345"), "{problems}");
    insta::assert_snapshot!(problems, @r#"
    larder.toml line 2: `environment` cannot be "prod"; accepted is `development` or `testing` or `staging` or `production`
    larder.toml line 4: `gateway.listen_address` cannot be "localhost:8080"; accepted is an IP address with a port, like 127.0.0.1:8080 or [::]:8080
    larder.toml line 5: `gateway.request_timeout_ms` cannot be "10s"; accepted is a whole number from 1 to 600000
    larder.toml line 6: `gateway.recommendation_url` cannot be this value; accepted is an http or https url without credentials, like http://127.0.0.1:50051
    larder.toml line 8: `database.url` cannot be this value; accepted is a url that starts with `postgres://` or `postgresql://`, its password percent-encoded
    larder.toml line 9: `database.role_password` cannot be this value; accepted is a secret that is not empty
    larder.toml line 11: `resilience.max_attempts` cannot be 11; accepted is a whole number from 1 to 10
    larder.toml line 12: `resilience.retry_budget_ratio` cannot be nan; accepted is a number from 0 to 1
    larder.toml line 14: `redis.timeout_ms` cannot be 2026-11-22; accepted is a whole number from 1 to 10000
    LARDER_RECOMMENDATION__REPLICAS: `recommendation.replicas` cannot be "many"; accepted is a whole number from 1 to 1000
    LARDER_DATABASE__BOOTSTRAP: `database.bootstrap` cannot be "yes"; accepted is true or false
    LARDER_IDENTITY__PAGE_TOKEN_KEY: `identity.page_token_key` cannot be this value; accepted is a secret of at least 32 characters
    "#);
}

#[test]
fn settings_must_not_contradict_each_other() {
    let given = Given::new(
        "[resilience]\nattempt_timeout_ms = 6000\nbackoff_base_ms = 2000\n[gateway]\nops_address = \"127.0.0.1:8080\"",
        &[],
    );
    insta::assert_snapshot!(given.problems().join("\n"), @r#"
    `resilience.attempt_timeout_ms` is longer than `resilience.total_timeout_ms`; accepted is at most as long
    `resilience.backoff_base_ms` is longer than `resilience.backoff_cap_ms`; accepted is at most as long
    `gateway.listen_address` and `gateway.ops_address` are both 127.0.0.1:8080; accepted are different addresses
    "#);
}

#[test]
fn two_listeners_may_both_ask_for_any_port() {
    let any = "listen_address = \"127.0.0.1:0\"\nops_address = \"127.0.0.1:0\"\n";
    Given::new(&format!("[gateway]\n{any}[recommendation]\n{any}"), &[]).load();
}

#[test]
fn the_variables_of_others_are_left_alone() {
    Given::new(
        "",
        &[
            ("PATH", "/bin"),
            ("LARDER_CONFIG", "/etc/larder.toml"),
            ("LARDER_TOKEN", "a.b.c"),
            ("LARDER_BENCH_FOLDER", "/tmp"),
            ("LARDER_TEST_DATABASE_URL", "postgres://localhost"),
            ("LARDER_PORT", "tcp://10.0.0.1:8080"),
            ("LARDER_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("LARDER_SERVICE_HOST", "10.0.0.1"),
            ("LARDER_GATEWAY_SERVICE_PORT_HTTP", "8080"),
        ],
    )
    .load();
}

#[test]
fn a_file_that_is_no_toml_is_refused_without_showing_it() {
    let given = Given::new("[database]\nrole_password = \"hunter2\nurl = 1\n", &[]);
    let error = load(&given.sources).unwrap_err();
    assert!(matches!(error, SettingsError::FileMalformed { line: 2, .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn a_file_that_was_named_must_be_there() {
    let sources = Sources { file: Some(PathBuf::from("/nowhere/larder.toml")), ..Sources::default() };
    assert!(matches!(load(&sources), Err(SettingsError::FileUnreadable { .. })));
}

#[test]
fn sources_do_not_show_the_values_of_variables() {
    let given = Given::new("", &[("LARDER_DATABASE__ROLE_PASSWORD", "hunter2")]);
    assert!(!format!("{:?}", given.sources).contains("hunter2"));
}

proptest! {
    #[test]
    fn a_variable_outranks_the_file(in_file in 1_u32..=1_000, in_variable in 1_u32..=1_000) {
        let file = format!("[gateway]\nreplicas = {in_file}\n");
        let variable = in_variable.to_string();
        let from_both = Given::new(&file, &[("LARDER_GATEWAY__REPLICAS", &variable)]).load();
        prop_assert_eq!(from_both.gateway.replicas, in_variable);
        prop_assert_eq!(Given::new(&file, &[]).load().gateway.replicas, in_file);
    }

    /// Writing every default as a variable changes nothing: both ways in accept the same texts.
    #[test]
    fn a_default_given_as_a_variable_is_the_default(position in 0_usize..1_000) {
        let all: Vec<_> = catalogue::all().filter(|setting| catalogue::default_of(setting.key).is_some()).collect();
        let setting = all[position % all.len()];
        let default = catalogue::default_of(setting.key).unwrap();
        let text = default.as_str().map_or_else(|| default.to_string(), str::to_owned);
        let text = if text == "[]" { String::new() } else { text };
        let given = Given::new("", &[(&catalogue::variable_of(setting.key), &text)]);
        prop_assert_eq!(catalogue::as_table(&given.load()), catalogue::as_table(&Settings::default()));
    }
}
