//! Workflows of GitHub: actionlint reads them, what they call exists, nothing of others comes in by a name that can be moved.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::programs::{content, run};
use crate::tree;

fn workflows() -> Vec<(String, Value)> {
    let paths = tree::files(".github/workflows", "yml").into_iter();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let workflow = tree::yaml(&format!(".github/workflows/{name}"));
        (name, workflow)
    };
    paths.map(read).collect()
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().unwrap().iter()
}

#[test]
fn actionlint_has_nothing_to_say() {
    let paths: Vec<String> =
        workflows().iter().map(|(name, _)| format!(".github/workflows/{name}")).collect();
    // Scripts in them are read by shellcheck where the machine has it; the tests do not depend on it.
    let mut arguments = vec!["-shellcheck=", "-pyflakes="];
    arguments.extend(paths.iter().map(String::as_str));
    content("LARDER_TEST_ACTIONLINT", &arguments);
}

#[test]
fn actionlint_would_tell_of_a_slip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slip.yml");
    let slip =
        tree::text(".github/workflows/rollout.yml").replace("inputs.larder-backup", "inputs.larder-backups");
    std::fs::write(&path, slip).unwrap();
    let output = run("LARDER_TEST_ACTIONLINT", &["-shellcheck=", path.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success() && said.contains("larder-backups"), "{said}");
}

/// A tag can be moved to other code; a commit cannot.
#[test]
fn what_others_wrote_is_pinned_by_commit() {
    let mut count = 0;
    for (name, workflow) in workflows() {
        let steps = jobs(&workflow).flat_map(|(_, job)| tree::list(&job["steps"]));
        for uses in steps.filter_map(|step| step["uses"].as_str()) {
            let commit = uses.split_once('@').map_or("", |(_, commit)| commit);
            let whole = commit.len() == 40 && commit.chars().all(|digit| digit.is_ascii_hexdigit());
            assert!(whole, "{name}: {uses}");
            count += 1;
        }
    }
    assert!(count >= 4, "{count}");
}

/// Nobody may write to the repository, and packages only where images are pushed; no job takes what it was not given.
#[test]
fn jobs_may_do_what_they_need() {
    for (name, workflow) in workflows() {
        assert!(workflow["permissions"].is_object(), "{name} has whatever the repository's settings give");
        for permissions in
            jobs(&workflow).map(|(_, job)| &job["permissions"]).chain([&workflow["permissions"]])
        {
            for (scope, right) in permissions.as_object().into_iter().flatten() {
                let pushes = scope == "packages" && ["images.yml", "deploy.yml"].contains(&name.as_str());
                assert!(right == "read" || pushes, "{name}: {scope}: {right}");
            }
        }
        for step in jobs(&workflow).flat_map(|(_, job)| tree::list(&job["steps"])) {
            let checks_out = step["uses"].as_str().is_some_and(|uses| uses.starts_with("actions/checkout@"));
            assert!(
                !checks_out || step["with"]["persist-credentials"] == false,
                "{name} leaves its token about"
            );
            let script = step["run"].as_str().unwrap_or_default();
            assert!(!script.contains("${{"), "{name}: a value of others becomes part of a script: {script}");
        }
    }
}

#[test]
fn production_comes_after_staging_and_both_can_be_taken_back() {
    let deploy = tree::yaml(".github/workflows/deploy.yml");
    let needs = |job: &str| -> BTreeSet<String> {
        let needs = &deploy["jobs"][job]["needs"];
        let one = needs.as_str().map(str::to_owned);
        tree::list(needs).iter().map(|need| need.as_str().unwrap().to_owned()).chain(one).collect()
    };
    assert!(needs("production").contains("staging") && needs("staging").contains("images"));
    assert!(needs("images").contains("check"));
    for environment in ["staging", "production"] {
        assert_eq!(deploy["jobs"][environment]["with"]["environment"], environment);
        let overlay = tree::yaml(&format!("deploy/k8s/overlays/{environment}/kustomization.yaml"));
        assert_eq!(overlay["namespace"], format!("larder-{environment}").as_str());
    }
    let rollout = tree::yaml(".github/workflows/rollout.yml");
    let steps = tree::list(&rollout["jobs"]["rollout"]["steps"]);
    let at = |part: &str| {
        let found = steps.iter().position(|step| step["run"].as_str().unwrap_or_default().contains(part));
        found.unwrap_or_else(|| panic!("no step calls {part}"))
    };
    let (remembers, applies, verifies, takes_back) = (
        at("k8s/revisions"),
        at("kubectl apply"),
        at("deploy verify --smoke-only --watch"),
        at("k8s/take-back"),
    );
    assert!(remembers < applies && applies < verifies && verifies < takes_back);
    assert!(steps[takes_back]["if"].as_str().unwrap().contains("failure()"));
    let goes_through = at("deploy verify --outside");
    assert!(takes_back < goes_through, "what the checkpoints say takes no release back");
    assert_eq!(steps[goes_through]["continue-on-error"], true);
    assert_eq!(rollout["on"]["workflow_call"]["inputs"]["watch"]["default"], "2h");
    let minutes = rollout["jobs"]["rollout"]["timeout-minutes"].as_u64().unwrap();
    assert!(minutes >= 180, "two hours of watching have to fit into {minutes} minutes");
    for script in ["deploy/k8s/revisions", "deploy/k8s/settled", "deploy/k8s/take-back"] {
        let mode = std::fs::metadata(tree::root().join(script)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} cannot be run");
    }
}

/// What follows the image is read by the program itself; with `--help` behind it nothing runs.
#[test]
fn what_the_rollout_has_the_program_do_exists() {
    let rollout = tree::yaml(".github/workflows/rollout.yml");
    let steps = tree::list(&rollout["jobs"]["rollout"]["steps"]);
    let scripts = steps.iter().filter_map(|step| step["run"].as_str()).flat_map(str::lines);
    let calls: Vec<&str> = scripts
        .filter_map(|line| line.split_once(" \"$LARDER\" "))
        .map(|(_, call)| call.split(['>', '|']).next().unwrap().trim())
        .collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    for call in calls {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("set -f; \"$PROGRAM\" {call} --help")]).env("WATCH", "2h");
        shell.env("PROGRAM", env!("CARGO_BIN_EXE_larder")).stdin(std::process::Stdio::null());
        let output = shell.output().unwrap();
        assert!(output.status.success(), "{call}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The scripts call `kubectl`; one that answers from a file stands for the cluster.
#[test]
fn only_what_was_changed_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let kubectl = folder.path().join("kubectl");
    let answers = "#!/bin/sh\n\
        case \"$*\" in\n\
        'get deployments '*) printf 'deployment/gateway 8\\ndeployment/recommendation 4\\n' ;;\n\
        'get statefulsets '*) printf 'alerting alerting-5d\\nbackup backup-77\\n' ;;\n\
        'get controllerrevision alerting-5d '*) printf 3 ;;\n\
        'get controllerrevision backup-77 '*) printf 6 ;;\n\
        'rollout undo '*) echo \"$*\" ;;\n\
        *) echo \"unexpected: $*\" >&2; exit 1 ;;\n\
        esac\n";
    std::fs::write(&kubectl, answers).unwrap();
    std::fs::set_permissions(&kubectl, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let call = |script: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(tree::root().join("deploy/k8s").join(script));
        command.args(arguments).env("PATH", &path).stdin(std::process::Stdio::null()).output().unwrap()
    };
    let output = call("revisions", &["larder-staging"]);
    let now =
        "deployment/gateway 8\ndeployment/recommendation 4\nstatefulset/alerting 3\nstatefulset/backup 6\n";
    assert_eq!(String::from_utf8_lossy(&output.stdout), now, "{}", String::from_utf8_lossy(&output.stderr));

    let before = folder.path().join("before");
    std::fs::write(&before, now.replace("gateway 8", "gateway 7").replace("backup 6", "backup 5")).unwrap();
    let output = call("take-back", &["larder-staging", before.to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stdout);
    let undone: Vec<&str> = said.lines().filter(|line| line.starts_with("rollout undo")).collect();
    let wanted = [
        "rollout undo deployment/gateway --namespace larder-staging --to-revision 7",
        "rollout undo statefulset/backup --namespace larder-staging --to-revision 5",
    ];
    assert_eq!(undone, wanted, "{said}");

    std::fs::write(&before, "").unwrap();
    let output = call("take-back", &["larder-staging", before.to_str().unwrap()]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("nothing ran"),
        "a first rollout has no way back"
    );
}
