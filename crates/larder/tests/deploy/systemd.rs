//! Units for machines without containers: systemd reads them and finds little to reach, Larder takes the settings in them, and
//! logrotate reads its file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::compose::made_secrets;
use crate::programs::{content, program};
use crate::tree;

const OURS: [&str; 4] = ["alerting", "backup", "gateway", "recommendation"];
/// systemd's measure of what a unit could reach, ten times its number: 10.0 is everything, and 2.0 counts as well shut.
const MOST_EXPOSURE: &str = "--threshold=20";

/// The units as they are installed, with the program where it is built.
fn installed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&tree::root().join("deploy/systemd"), folder.path());
    let template = folder.path().join("larder@.service");
    let text = std::fs::read_to_string(&template).unwrap();
    assert!(text.contains("ExecStart=/usr/bin/larder "));
    let ours = text.replace("/usr/bin/larder ", concat!(env!("CARGO_BIN_EXE_larder"), " "));
    std::fs::write(template, ours).unwrap();
    folder
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What `systemd-analyze` says to a unit in that folder, and whether it is content.
fn analyzed(folder: &Path, arguments: &[&str], unit: &str) -> (bool, String) {
    let mut command = Command::new(program("LARDER_TEST_SYSTEMD_ANALYZE"));
    // The colon behind it: and where systemd looks otherwise, for the targets it knows.
    command.env("SYSTEMD_UNIT_PATH", format!("{}:", folder.display()));
    let output = command.args(arguments).arg(folder.join(unit)).stdin(Stdio::null()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The lines of the template and of what is added for one service, as `key=value`.
fn lines(service: &str) -> Vec<String> {
    let added = format!("deploy/systemd/larder@{service}.service.d/{service}.conf");
    let text = tree::text("deploy/systemd/larder@.service") + &tree::text(&added);
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.replace("%i", service)).collect()
}

#[test]
fn systemd_takes_the_units_and_finds_them_well_shut() {
    let folder = installed();
    let (content, said) = analyzed(folder.path(), &["verify", "--man=no"], "larder.target");
    assert!(content && said.is_empty(), "{said}");
    for service in OURS {
        let unit = format!("larder@{service}.service");
        let (content, said) = analyzed(folder.path(), &["verify", "--man=no"], &unit);
        assert!(content && said.is_empty(), "{unit}: {said}");
        let offline = ["security", "--offline=true", MOST_EXPOSURE];
        let (content, said) = analyzed(folder.path(), &offline, &unit);
        assert!(content, "{unit}: {said}");
    }
}

#[test]
fn systemd_would_tell_of_a_slip_and_of_a_unit_that_is_open() {
    let folder = installed();
    let slip = "[Service]\nProtectSytem=strict\nProtectSystem=no\nNoNewPrivileges=no\nDynamicUser=no\nCapabilityBoundingSet=~\n";
    std::fs::write(folder.path().join("larder@gateway.service.d/slip.conf"), slip).unwrap();
    let (_, said) = analyzed(folder.path(), &["verify", "--man=no"], "larder@gateway.service");
    assert!(said.contains("ProtectSytem"), "{said}");
    let offline = ["security", "--offline=true", MOST_EXPOSURE];
    let (content, said) = analyzed(folder.path(), &offline, "larder@gateway.service");
    assert!(!content, "{said}");
}

/// `larder check-config` reads what each unit sets, in production, with secrets as they are made for one.
#[test]
fn the_services_take_what_the_units_set() {
    let made = made_secrets();
    for service in OURS {
        let lines = lines(service);
        let given: BTreeMap<&str, &str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("LoadCredential="))
            .map(|credential| credential.split_once(':').unwrap())
            .collect();
        let mut command = Command::new(env!("CARGO_BIN_EXE_larder"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("LARDER_"))
        {
            command.env_remove(name);
        }
        let mut read = BTreeSet::new();
        for setting in lines.iter().filter_map(|line| line.strip_prefix("Environment=")) {
            let (name, value) = setting.split_once('=').unwrap();
            let value = match value.strip_prefix("%d/") {
                Some(secret) => {
                    let source = given.get(secret);
                    let source = source.unwrap_or_else(|| panic!("{service} is not given {secret}"));
                    read.insert(secret);
                    let file = made.path().join(source.strip_prefix("/etc/larder/secrets/").unwrap());
                    file.to_str().unwrap().to_owned()
                }
                None => value.to_owned(),
            };
            command.env(name, value);
        }
        assert_eq!(read, given.keys().copied().collect(), "{service} is given a secret that nobody reads");
        let process = if service == "gateway" { "gateway" } else { "service" };
        let empty = tempfile::tempdir().unwrap();
        command.args(["check-config", "--json", "--process", process]).current_dir(empty.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{service}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn only_the_gateway_can_sign_tokens() {
    for service in OURS {
        let signs = lines(service).iter().any(|line| line.starts_with("LoadCredential=signing_key:"));
        assert_eq!(signs, service == "gateway", "{service}");
    }
}

#[test]
fn logs_that_are_files_are_turned_over() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("gateway.log");
    std::fs::write(&log, "a line\n".repeat(10)).unwrap();
    let text = tree::text("deploy/systemd/files/logrotate.conf");
    assert!(text.contains("/var/log/larder/*.log {"));
    // Files of tests belong to whoever runs them.
    let text = text.replace("/var/log/larder", folder.path().to_str().unwrap());
    let own: String =
        text.lines().filter(|line| !line.trim().starts_with("su ")).map(|line| format!("{line}\n")).collect();
    let settings = folder.path().join("logrotate.conf");
    std::fs::write(&settings, own).unwrap();
    let state = folder.path().join("state");
    let paths = [state.to_str().unwrap(), settings.to_str().unwrap()];
    content("LARDER_TEST_LOGROTATE", &["--force", "--state", paths[0], paths[1]]);
    assert_eq!(
        std::fs::read_to_string(&log).unwrap(),
        "",
        "the file that is written to is emptied, not moved"
    );
    let kept = std::fs::read_to_string(folder.path().join("gateway.log.1")).unwrap();
    assert_eq!(kept.lines().count(), 10);
}
