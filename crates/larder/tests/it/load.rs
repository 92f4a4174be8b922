//! Suites of load: all of them on a Larder that the command brings up itself, and single ones on a Larder that is there.

use std::path::Path;

use serde_json::Value;

use super::larder::{DataDir, Up, finish, larder};

const SUITES: [&str; 5] = ["sustained", "burst", "spike", "soak", "chaos"];

/// A debug build beside other tests answers slowly, and fresh processes grow: the limits are told.
const ALL: [&str; 14] = [
    "load",
    "all",
    "--quick",
    "--each-s",
    "5",
    "--chaos-s",
    "32",
    "--faults",
    "kill-alerting,partition-database",
    "--max-p99-ms",
    "9000",
    "--max-growth-percent",
    "100",
    "--json",
];

fn report_in(folder: &Path) -> (Value, String) {
    let json = std::fs::read_to_string(folder.join("report.json")).unwrap();
    let page = std::fs::read_to_string(folder.join("report.html")).unwrap();
    (serde_json::from_str(&json).unwrap(), page)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_suite_passes_on_a_larder_of_its_own_while_parts_of_it_are_broken() {
    let folder = tempfile::tempdir().unwrap();
    let report_dir = folder.path().join("report");
    let mut command = larder(&ALL);
    command.args(["--report-dir", report_dir.to_str().unwrap()]).current_dir(folder.path());
    // What is set for another Larder does not reach this one.
    command.env("LARDER_GATEWAY__LISTEN_ADDRESS", "127.0.0.1:1");
    let done = finish(&mut command).await;
    eprintln!("{}", done.stderr);
    let done = done.expect_code(0);
    let (report, page) = report_in(&report_dir);
    assert_eq!(done.json(), report, "what is printed is what is written");
    assert_eq!((&report["format"], &report["passed"]), (&"larder-load-1".into(), &true.into()));

    let suites = report["suites"].as_array().unwrap();
    let names: Vec<&str> = suites.iter().map(|suite| suite["suite"].as_str().unwrap()).collect();
    assert_eq!(names, SUITES);
    suites.iter().for_each(a_suite_is_complete);
    let users: Vec<u64> =
        suites[2]["steps"].as_array().unwrap().iter().map(|step| step["users"].as_u64().unwrap()).collect();
    assert_eq!(users, [5, 100, 5]);
    chaos_broke_what_it_says(&suites[4]);

    for part in SUITES.into_iter().chain(["<svg", "Resident memory", "kill-alerting", "passed"]) {
        assert!(page.contains(part), "{part} is not on the page");
    }
    assert!(
        !page.contains("<script") && !page.contains("href=") && !page.contains("src="),
        "it stands alone"
    );
    assert!(done.stderr.contains("sustained: 10 users"), "{}", done.stderr);
}

#[track_caller]
fn a_suite_is_complete(suite: &Value) {
    let name = suite["suite"].as_str().unwrap();
    let criteria = suite["criteria"].as_array().unwrap();
    assert!(!criteria.is_empty() && criteria.iter().all(|one| one["passed"] == true), "{name}: {criteria:?}");
    assert!(criteria.iter().all(|one| one["found"].is_number()), "{name}: {criteria:?}");
    let asked = suite["counts"]["asked"].as_u64().unwrap();
    let of = |list: &str, count: &dyn Fn(&Value) -> u64| -> u64 {
        suite[list].as_array().unwrap().iter().map(count).sum()
    };
    assert_eq!(of("timeline", &|window| window["asked"].as_u64().unwrap()), asked, "{name}");
    assert_eq!(of("calls", &|call| call["counts"]["asked"].as_u64().unwrap()), asked, "{name}");
    let answered = suite["figures"]["answered_count"].as_u64().unwrap();
    let failed = suite["figures"]["failed_count"].as_u64().unwrap();
    assert_eq!(answered + failed, asked, "{name}");
    assert_eq!(suite["left_out"].as_array().unwrap().len(), 0, "{name}: {}", suite["left_out"]);
    let memory = suite["memory"].as_array().unwrap();
    assert_eq!(memory.len(), 4, "{name}: every service is looked at");
    for series in memory {
        assert!(series["samples"][0][1].as_u64().unwrap() > 1_000_000, "{name}: {series}");
    }
}

#[track_caller]
fn chaos_broke_what_it_says(chaos: &Value) {
    let faults = chaos["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 2, "{chaos}");
    let (killed, cut) = (&faults[0], &faults[1]);
    assert_eq!((&killed["fault"], &killed["broke"]), (&"kill-alerting".into(), &"alerting".into()));
    // A killed service answers nobody; everybody else is answered.
    assert!(killed["related"]["failed"].as_u64().unwrap() > 0, "{killed}");
    assert_eq!(killed["unrelated"]["failed"], 0, "{killed}");
    assert!(killed["unrelated"]["asked"].as_u64().unwrap() > 20, "{killed}");
    assert_eq!((&cut["fault"], &cut["unrelated"]["failed"]), (&"partition-database".into(), &0.into()));
    for fault in faults {
        assert!(fault["recovered_after_s"].is_number(), "{fault}");
    }
}

/// On a Larder that is there: what is good passes, what is not fails, and both leave a report.
pub(crate) async fn suites_are_judged(up: &Up, data: &DataDir) {
    let report_dir = data.beside("load");
    let of = |arguments: &[&str]| {
        let mut command = up.command(&["load"]);
        command.args(arguments).args(["--duration-s", "2", "--report-dir", report_dir.to_str().unwrap()]);
        command
    };
    let good = ["sustained", "--users", "20", "--max-p99-ms", "9000"];
    let passed = finish(&mut of(&good)).await.expect_code(0);
    assert!(
        passed.stdout.contains("sustained: passed") && passed.stdout.contains("report.html"),
        "{passed:?}"
    );
    assert!(
        passed.stdout.contains("record_purchase: nothing is written without --with-writes"),
        "{passed:?}"
    );
    let (report, _) = report_in(&report_dir);
    assert_eq!(report["suites"][0]["memory"].as_array().unwrap().len(), 1, "the gateway's own ops port");

    let impatient = ["burst", "--users", "20", "--max-p99-ms", "1"];
    let failed = finish(&mut of(&impatient)).await.expect_code(1);
    assert!(failed.stdout.contains("FAILED  p99 of the answers"), "{failed:?}");
    assert!(failed.stderr.contains("not passed: burst"), "{failed:?}");
    let (report, page) = report_in(&report_dir);
    assert_eq!((&report["passed"], &report["suites"][0]["suite"]), (&false.into(), &"burst".into()));
    assert!(page.contains("class=\"failed\""), "the page says so too");

    let nowhere = ["soak", "--ops", "http://127.0.0.1:9"];
    let failed = finish(&mut of(&nowhere)).await.expect_code(1);
    assert!(failed.stdout.contains("not measured"), "memory that is not told has not passed: {failed:?}");
}
