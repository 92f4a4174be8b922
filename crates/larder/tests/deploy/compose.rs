//! The compose files: Compose reads them, Larder takes the settings in them, and a production made of published
//! secrets does not start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::programs::{content, program};
use crate::tree;

const OURS: [&str; 4] = ["alerting", "backup", "gateway", "recommendation"];
const FILES: [&str; 3] =
    ["docker-compose.yml", "docker-compose.monitoring.yml", "docker-compose.production.yml"];

fn compose(files: &[&str], variables: &[(&str, &Path)]) -> Output {
    let mut command = Command::new(program("LARDER_TEST_COMPOSE"));
    for name in ["LARDER_SECRETS_DIR", "LARDER_ON_CALL_DIR"] {
        command.env_remove(name);
    }
    // A `.env` of whoever runs the tests is none of theirs.
    command
        .current_dir(tree::root())
        .args(["--env-file", "/dev/null"])
        .args(files.iter().flat_map(|file| ["-f", file]));
    command.args(["--profile", "*", "config", "--format", "json"]).envs(variables.iter().copied());
    command.stdin(Stdio::null()).output().unwrap()
}

/// The files put together, as Compose understands them.
fn composed(files: &[&str], variables: &[(&str, &Path)]) -> Value {
    let output = compose(files, variables);
    assert!(output.status.success(), "{files:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn services(composed: &Value) -> impl Iterator<Item = (&String, &Value)> {
    composed["services"].as_object().unwrap().iter()
}

/// A folder of secrets as an operator makes it.
pub(crate) fn made_secrets() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(tree::root().join("deploy/docker/make-secrets"));
    command.arg(folder.path()).env("LARDER", env!("CARGO_BIN_EXE_larder")).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// What `larder check-config` says to the environment that a container of this service gets.
fn problems(composed: &Value, service: &str, changed: &[(&str, &str)]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LARDER_")) {
        command.env_remove(name);
    }
    for (name, value) in composed["services"][service]["environment"].as_object().unwrap() {
        let value = value.as_str().unwrap_or_default();
        let secret = value.strip_prefix("/run/secrets/").map(|secret| {
            let given = tree::list(&composed["services"][service]["secrets"]);
            assert!(given.iter().any(|given| given["source"] == secret), "{service} is not given {secret}");
            composed["secrets"][secret]["file"].as_str().unwrap()
        });
        command.env(name, secret.unwrap_or(value));
    }
    let process = if service == "gateway" { "gateway" } else { "service" };
    command.args(["check-config", "--json", "--process", process]).envs(changed.iter().copied());
    let empty = tempfile::tempdir().unwrap();
    let output = command.current_dir(empty.path()).stdin(Stdio::null()).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    tree::list(&said["problems"]).iter().map(|problem| problem.as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_services_take_their_settings_as_the_files_are() {
    for files in [&FILES[..1], &FILES[..2]] {
        let composed = composed(files, &[]);
        for service in OURS {
            assert_eq!(problems(&composed, service, &[]), [""; 0], "{service} in {files:?}");
        }
    }
}

#[test]
fn a_production_with_published_secrets_does_not_start() {
    let composed = composed(&FILES[..1], &[]);
    for service in OURS {
        let problems = problems(&composed, service, &[("LARDER_ENVIRONMENT", "production")]).join("\n");
        for setting in ["identity.page_token_key", "database.role_password", "database.url", "redis.url"] {
            let refused =
                problems.lines().any(|line| line.contains(setting) && line.contains("is easily guessed"));
            assert!(refused, "{service}: {setting}: {problems}");
        }
    }
}

#[test]
fn a_production_wants_secrets_of_its_own_and_takes_those_that_are_made_for_it() {
    let files = [FILES[0], FILES[2]];
    let refused = compose(&files, &[]);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("make-secrets"), "it says what to do");

    let made = made_secrets();
    let on_call = tree::root().join("deploy/alerting");
    let variables = [("LARDER_SECRETS_DIR", made.path()), ("LARDER_ON_CALL_DIR", on_call.as_path())];
    let composed = composed(&FILES, &variables);
    for service in OURS {
        assert_eq!(problems(&composed, service, &[]), [""; 0], "{service}");
        assert_eq!(composed["services"][service]["environment"]["LARDER_ENVIRONMENT"], "production");
    }
    for (name, secret) in composed["secrets"].as_object().unwrap() {
        let file = Path::new(secret["file"].as_str().unwrap());
        assert!(file.starts_with(made.path()), "{name} is a published one: {}", file.display());
        assert!(file.is_file(), "{name} is not made");
    }
}

#[test]
fn published_secrets_fit_each_other() {
    let signing = tree::root().join("deploy/docker/secrets/alerting_signing_keys");
    let published = tree::text("deploy/docker/secrets/alertmanager_token");
    let output = Command::new(env!("CARGO_BIN_EXE_larder"))
        .args(["token", "ingest", "--tenant", "demo", "--source", "alertmanager"])
        .env("LARDER_ALERTING__SIGNING_KEYS_FILE", signing)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), published);
    let settings = larder_oncall::settings::Settings::parse(&tree::text("deploy/alerting/on-call.toml"));
    assert!(settings.is_ok(), "{:?}", settings.err());
}

#[test]
fn every_container_is_pinned_limited_and_restarted() {
    for (name, service) in services(&composed(&FILES[..2], &[])) {
        let image = service["image"].as_str().unwrap();
        let tag = image.rsplit(':').next().unwrap();
        assert!(
            tag.split(['.', '-']).count() >= 2 && tag.contains(|letter: char| letter.is_ascii_digit()),
            "{name}: {image}"
        );
        assert!(service["deploy"]["resources"]["limits"]["memory"].is_string(), "{name} has no memory limit");
        assert!(service["deploy"]["resources"]["limits"]["cpus"].is_number(), "{name} has no CPU limit");
        assert!(service["restart"].is_string(), "{name} is not started again");
        assert!(service["logging"]["options"]["max-size"].is_string(), "the log of {name} grows for ever");
        for port in tree::list(&service["ports"]) {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name} is open to the network");
        }
    }
}

#[test]
fn our_containers_may_do_nothing_they_need_not() {
    let composed = composed(&FILES[..2], &[]);
    for name in OURS {
        let service = &composed["services"][name];
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["cap_drop"][0], "ALL", "{name}");
        assert_eq!(service["security_opt"][0], "no-new-privileges:true", "{name}");
        assert_eq!(service["healthcheck"]["test"][2], "healthcheck", "{name}");
    }
    let networks = composed["networks"].as_object().unwrap();
    let open: Vec<&str> = networks
        .iter()
        .filter(|(_, network)| network["internal"] != true)
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(open, ["edge", "outside"]);
    for data in ["postgres", "redis", "s3"] {
        let networks: Vec<&String> =
            composed["services"][data]["networks"].as_object().unwrap().keys().collect();
        assert_eq!(networks, ["data"], "{data}");
    }
}

/// Every scrape target of Prometheus is a container on a network with it.
#[test]
fn prometheus_reaches_what_it_looks_at() {
    let composed = composed(&FILES[..2], &[]);
    let networks = |name: &str| -> BTreeSet<String> {
        let networks = composed["services"][name]["networks"].as_object();
        networks.unwrap_or_else(|| panic!("there is no {name}")).keys().cloned().collect()
    };
    let own = networks("prometheus");
    let settings = tree::yaml("deploy/prometheus/prometheus.yml");
    for job in tree::list(&settings["scrape_configs"]).iter().filter(|job| job["job_name"] != "probe") {
        for target in
            tree::list(&job["static_configs"]).iter().flat_map(|group| tree::list(&group["targets"]))
        {
            let host = target.as_str().unwrap().split(':').next().unwrap();
            assert!(host == "localhost" || !networks(host).is_disjoint(&own), "{host}");
        }
    }
    assert!(!networks("alertmanager").is_disjoint(&networks("alerting")));
}

#[test]
fn the_example_of_the_environment_is_complete() {
    let mut asked = BTreeMap::new();
    for file in FILES {
        let text = tree::text(file);
        for rest in text.split("${").skip(1) {
            let inner = rest.split('}').next().unwrap();
            let name = inner.split([':', '?']).next().unwrap();
            let default = inner.split_once(":-").map(|(_, default)| default.to_owned());
            if default.is_some() || !asked.contains_key(name) {
                asked.insert(name.to_owned(), default);
            }
        }
    }
    let example = tree::text(".env.example");
    let lines =
        example.lines().filter_map(|line| line.strip_prefix('#')).filter(|line| !line.starts_with(' '));
    let given: BTreeMap<String, String> = lines
        .map(|line| line.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    assert_eq!(given.keys().collect::<Vec<_>>(), asked.keys().collect::<Vec<_>>());
    for (name, default) in asked {
        let known_elsewhere = name == "LARDER_SECRETS_DIR";
        assert!(known_elsewhere || given[&name] == default.unwrap_or_default(), "{name}: {}", given[&name]);
    }
}

#[test]
fn the_images_are_made_as_the_linter_wants_them() {
    content("LARDER_TEST_HADOLINT", &["deploy/docker/Dockerfile"]);
    let dockerfile = tree::text("deploy/docker/Dockerfile");
    let composed = composed(&FILES[..1], &[]);
    for (name, service) in services(&composed).filter(|(_, service)| service["build"].is_object()) {
        let target = service["build"]["target"].as_str().unwrap();
        assert!(dockerfile.contains(&format!(" AS {target}\n")), "{name} is built as {target}");
    }
    let version = format!("ARG VERSION={}", env!("CARGO_PKG_VERSION"));
    assert_eq!(dockerfile.matches(&version).count(), 2, "the images are of another version");
}
