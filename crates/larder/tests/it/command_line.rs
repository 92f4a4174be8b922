//! Everything that needs no server: help, exit codes, settings, tokens.

use std::fs;

use super::larder::{finish, larder, run};

#[tokio::test]
async fn help_names_every_command_and_the_exit_codes() {
    let help = run(&["--help"]).await.expect_code(0).stdout;
    for command in [
        "up",
        "demo",
        "import",
        "check-config",
        "healthcheck",
        "token",
        "secrets",
        "serve",
        "load",
        "models",
        "evaluate",
        "privacy",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is missing:\n{help}");
    }
    assert!(help.contains("Exit codes"), "{help}");
    assert!(run(&["import", "--help"]).await.expect_code(0).stdout.contains("event_id*"));
}

#[tokio::test]
async fn wrong_arguments_exit_with_2() {
    run(&[]).await.expect_code(2);
    run(&["bake"]).await.expect_code(2);
    run(&["import", "--kind", "recipes", "x.csv"]).await.expect_code(2);
    let refused =
        run(&["token", "issue", "--tenant", "Demo!", "--scope", "catalog.read"]).await.expect_code(2);
    assert!(refused.stderr.contains("Demo!"), "{refused:?}");
    let refused = run(&["demo", "--address", "localhost:8080"]).await.expect_code(2);
    assert!(refused.stderr.contains("such as http://"), "{refused:?}");
}

#[tokio::test]
async fn suites_refuse_what_cannot_be_before_anything_starts() {
    for (arguments, told) in [
        (["load", "chaos", "--duration-s", "20"], "at least"),
        (["load", "chaos", "--faults", "meteorite"], "kill-recommendation"),
        (["load", "burst", "--users", "0"], "1..=10000"),
        (["load", "soak", "--max-growth-percent", "much"], "from 0 to 100"),
        (["load", "--rate", "5", "burst"], "burst"),
        (["load", "spike", "--address", "https://larder.example.com"], "without TLS"),
    ] {
        let refused = run(&arguments).await.expect_code(2);
        assert!(refused.stderr.contains(told), "{arguments:?}: {refused:?}");
    }
    let nobody = run(&["load", "sustained", "--address", "http://127.0.0.1:9"]).await.expect_code(4);
    assert!(nobody.stderr.contains("http://127.0.0.1:9"), "{nobody:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    fs::write(&file, "").unwrap();
    let refused =
        run(&["load", "all", "--quick", "--report-dir", file.to_str().unwrap()]).await.expect_code(1);
    assert!(refused.stderr.contains("taken"), "before anything is started: {refused:?}");
}

#[tokio::test]
async fn nothing_there_exits_with_4_and_says_what_to_do() {
    let nobody = "http://127.0.0.1:9";
    let refused = run(&["demo", "--address", nobody]).await.expect_code(4);
    assert!(refused.stderr.contains(nobody) && refused.stderr.contains("larder up"), "{refused:?}");
    let answer = run(&["healthcheck", "--url", nobody, "--json"]).await.expect_code(4);
    assert_eq!(answer.json()["ready"], false);
}

#[tokio::test]
async fn check_config_shows_what_is_in_force_and_hides_secrets() {
    let mut command = larder(&["check-config"]);
    command.env("LARDER_DATABASE__URL", "postgres://larder:hunter2@127.0.0.1/larder");
    let shown = finish(&mut command).await.expect_code(0);
    assert!(!shown.stdout.contains("hunter2"), "{}", shown.stdout);
    assert!(shown.stdout.contains("LARDER_DATABASE__URL"), "the origin is told: {}", shown.stdout);
    assert!(shown.stdout.parse::<toml::Table>().is_ok(), "it is TOML: {}", shown.stdout);

    let json = finish(command.args(["--json"])).await.expect_code(0);
    assert!(!json.stdout.contains("hunter2"), "{}", json.stdout);
    assert_eq!(json.json()["ok"], true);
}

#[tokio::test]
async fn check_config_tells_every_problem_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("larder.toml");
    fs::write(&file, "[gateway]\nlisten_adress = \"127.0.0.1:1\"\nreplicas = 0\n").unwrap();
    let mut command = larder(&["check-config", "--config", file.to_str().unwrap()]);
    let refused = finish(&mut command).await.expect_code(1);
    for part in ["listen_adress", "listen_address", "replicas"] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let refused = finish(command.arg("--json")).await.expect_code(1);
    assert_eq!(refused.json()["problems"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_unsafe_production_is_refused_before_anything_starts() {
    for arguments in
        [["up"].as_slice(), &["serve", "gateway"], &["serve", "recommendation"], &["check-config"]]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut command = larder(arguments);
        command.env("LARDER_ENVIRONMENT", "production").current_dir(folder.path());
        let refused = finish(&mut command).await.expect_code(1);
        assert!(refused.stderr.contains("refusing to start in production"), "{arguments:?}: {refused:?}");
        assert!(!folder.path().join(".larder").exists(), "{arguments:?} made a data folder");
    }
}

#[tokio::test]
async fn a_service_alone_asks_for_its_database() {
    let refused = run(&["serve", "recommendation"]).await.expect_code(1);
    assert!(refused.stderr.contains("LARDER_DATABASE__URL"), "{refused:?}");
}

#[tokio::test]
async fn a_signing_key_that_was_generated_can_be_used() {
    let generated = run(&["token", "generate-signing-key", "--json"]).await.expect_code(0).json();
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("signing-key.pem");
    fs::write(&key, generated["signingKey"].as_str().unwrap()).unwrap();
    let issue =
        ["token", "issue", "--tenant", "bakery", "--scope", "catalog.read", "--ttl-s", "60", "--json"];
    let mut command = larder(&issue);
    command.env("LARDER_IDENTITY__SIGNING_KEY_FILE", &key).current_dir(folder.path());
    let issued = finish(&mut command).await.expect_code(0).json();
    assert_eq!(issued["token"].as_str().unwrap().split('.').count(), 3, "{issued}");
    assert!(!folder.path().join(".larder").exists(), "a key of the settings leaves no other behind");
}

#[tokio::test]
async fn variables_of_the_command_are_no_settings() {
    let mut command = larder(&["check-config"]);
    command
        .env("LARDER_TOKEN", "secret")
        .env("LARDER_API_KEY", "secret")
        .env("LARDER_ADDRESS", "http://nowhere");
    finish(&mut command).await.expect_code(0);
}
