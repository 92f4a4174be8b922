//! `larder deploy verify` against real stacks: one with TLS and keys that is well, what breaks and is named, and a bad
//! release that is taken back while the database stays as the newer one left it.

mod rollback;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};

use super::larder::{DataDir, Finished, Up, finish, larder, run};
use super::roles::free_addresses;

const LIMIT: Duration = Duration::from_secs(120);
/// What the key of a verification may do.
const SCOPES: &str = "catalog.read catalog.write recommendations.read models.read backups.read alerting.read \
                      platform.read audit.read keys.read";
const SIGNING_KEY: &str = "a-key-of-the-tests-that-signs-links-and-tokens";
/// What a stack of one machine lacks, and what depends on how busy that is.
const WAIVED: [&str; 4] = [
    "15=nobody asks for its slow statements",
    "23=this machine may be busy",
    "38=no drill was run yet",
    "46=this machine may be full",
];

/// A stack as production has it, but for its size: TLS, credentials, limits, somebody on call.
fn settings(data: &DataDir) -> String {
    let certificates = data.beside("certificates");
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").canonicalize().unwrap();
    format!(
        "[identity]\nauthentication = \"required\"\n\
         [gateway]\ntls_certificate_file = {:?}\ntls_key_file = {:?}\n\
         [limits]\ncaller_per_s = 1000\naddress_per_s = 1000\nwrong_credentials_per_min = 1000\n\
         [alerting]\non_call_file = {:?}\nallow_private_targets = true\nsigning_keys = \"{SIGNING_KEY}\"\n",
        certificates.join("gateway.pem"),
        certificates.join("gateway.key"),
        deploy.join("alerting/on-call.toml"),
    )
}

/// The stack, the key it is verified with, and the authority of its certificate.
struct Well {
    data: DataDir,
    up: Up,
    config: String,
    key: String,
}

impl Well {
    async fn start() -> Self {
        let data = DataDir::new();
        let folder = data.beside("certificates").display().to_string();
        run(&["certificates", "make", "--dir", &folder]).await.expect_code(0);
        let config = data.beside("larder.toml");
        std::fs::write(&config, settings(&data)).unwrap();
        let config = config.display().to_string();
        let up = Up::start(&data.path(), &["--demo", "--config", &config]).await;
        assert!(up.gateway.starts_with("https://"), "{}", up.gateway);
        let mut well = Self { data, up, config, key: String::new() };
        well.key = well.create_key(SCOPES).await;
        well
    }

    async fn create_key(&self, scopes: &str) -> String {
        let create =
            ["token", "create-key", "--tenant", "demo", "--scope", scopes, "--name", "verify", "--json"];
        let created =
            finish(&mut self.up.command(&[&create[..], &["--config", &self.config]].concat())).await;
        created.expect_code(0).json()["secret"].as_str().unwrap().to_owned()
    }

    async fn verify_with(&self, key: &str, arguments: &[&str]) -> Finished {
        let mut command = self.up.command(&["deploy", "verify", "--json", "--config", &self.config]);
        command.args(["--address", &self.up.gateway, "--customer", "household-1501"]).args(arguments);
        command.env("LARDER_API_KEY", key);
        command.env("SSL_CERT_FILE", self.data.beside("certificates").join("authority.pem"));
        finish(&mut command).await
    }

    async fn verify(&self, arguments: &[&str]) -> Finished {
        self.verify_with(&self.key, arguments).await
    }

    /// The schedule takes a backup of its own, and reads it again.
    async fn has_a_backup(&self) {
        let verified = async {
            loop {
                let mut list = self.up.command(&["backup", "list", "--json", "--config", &self.config]);
                list.args(["--address", &self.up.gateway]).env("LARDER_API_KEY", &self.key);
                list.env("SSL_CERT_FILE", self.data.beside("certificates").join("authority.pem"));
                let listed = finish(&mut list).await.expect_code(0).json();
                if !listed["backups"][0]["backupId"].is_null() {
                    return listed["backups"][0]["backupId"].as_str().unwrap().to_owned();
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let id = tokio::time::timeout(LIMIT, verified).await.expect("a backup is taken");
        let writer = self.create_key("backups.write").await;
        let mut verify = self.up.command(&["backup", "verify", &id, "--json", "--config", &self.config]);
        verify.args(["--address", &self.up.gateway]).env("LARDER_API_KEY", writer);
        verify.env("SSL_CERT_FILE", self.data.beside("certificates").join("authority.pem"));
        finish(&mut verify).await.expect_code(0);
    }
}

/// A Prometheus that looks at the gateway every second.
async fn prometheus(up: &Up, folder: &Path) -> (Child, String) {
    let program = std::env::var_os("LARDER_TEST_PROMETHEUS");
    let program = program.expect("LARDER_TEST_PROMETHEUS is not set: run cargo xtask test");
    let target = up.gateway_ops.trim_start_matches("http://");
    let settings = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: larder\n    static_configs: [{{targets: [\"{target}\"]}}]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), settings).unwrap();
    let [listen, ..] = free_addresses();
    let mut command = Command::new(program);
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=metrics"]);
    command.arg(format!("--web.listen-address={listen}")).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    (command.spawn().unwrap(), format!("http://{listen}"))
}

/// The finding of this name.
#[track_caller]
fn finding<'a>(report: &'a Value, part: &str, name: &str) -> &'a Value {
    let all = report[part].as_array().unwrap_or_else(|| panic!("{report}"));
    all.iter().find(|finding| finding["name"] == name).unwrap_or_else(|| panic!("no {name}: {report}"))
}

fn named<'a>(report: &'a Value, part: &str, verdict: &str) -> Vec<&'a str> {
    let all = report[part].as_array().unwrap().iter();
    all.filter(|finding| finding["verdict"] == verdict)
        .map(|finding| finding["name"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stack_that_is_well_is_go_and_what_breaks_is_named() {
    let well = Well::start().await;
    well.has_a_backup().await;
    let secrets = well.data.beside("secrets");
    std::fs::create_dir(&secrets).unwrap();
    let secret = secrets.join("page_token_key");
    std::fs::write(&secret, "for nobody else").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (mut prometheus, prometheus_url) = prometheus(&well.up, well.data.path().parent().unwrap()).await;
    let waived: Vec<&str> = WAIVED.iter().flat_map(|waiver| ["--waive", *waiver]).collect();
    let secrets = secrets.display().to_string();
    let arguments =
        [&["--here", "--write", "--secrets", &secrets, "--prometheus", &prometheus_url][..], &waived]
            .concat();

    // Prometheus has to have looked once.
    let mut report = Value::Null;
    for _ in 0..30 {
        report = well.verify(&arguments).await.json();
        if finding(&report, "checkpoints", "43")["verdict"] == "pass" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!((&report["go"], &report["reason"]), (&true.into(), &"".into()), "{report:#}");
    assert_eq!(named(&report, "smoke", "skipped"), ["edge.redirect"], "{report:#}");
    assert_eq!(named(&report, "smoke", "pass").len(), 24, "{report:#}");
    let by_hand = ["4", "6", "7", "8", "9", "33", "40", "42", "44", "47"];
    assert_eq!(named(&report, "checkpoints", "by hand"), by_hand);
    assert_eq!(named(&report, "checkpoints", "skipped"), ["17", "18", "25", "29", "30"], "{report:#}");
    let took = finding(&report, "smoke", "recommendation.customer")["tookMs"].as_f64().unwrap();
    assert!(took > 0.0 && took < 10_000.0, "{took}");
    println!(
        "25 smoke tests: {:.0} ms",
        report["smoke"].as_array().unwrap().iter().map(|one| one["tookMs"].as_f64().unwrap()).sum::<f64>()
    );
    println!(
        "47 checkpoints: {:.0} ms",
        report["checkpoints"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["tookMs"].as_f64().unwrap())
            .sum::<f64>()
    );

    a_watch_of_what_is_well_ends_well(&well, &prometheus_url).await;
    wrong_and_narrow_keys_are_told(&well).await;
    checkpoints_that_do_not_hold_are_named(&well, &arguments, &secret, &mut prometheus).await;
    assert_eq!(well.up.stop().await, Some(0));
}

async fn a_watch_of_what_is_well_ends_well(well: &Well, prometheus_url: &str) {
    let watch =
        ["--smoke-only", "--here", "--prometheus", prometheus_url, "--watch", "3s", "--max-p99-ms", "5000"];
    let report = well.verify(&watch).await.expect_code(0).json();
    let watched = &report["watch"];
    assert!(watched["roundCount"].as_u64().unwrap() >= 2 && watched["broken"].is_null(), "{watched}");
    assert!(watched["lookCount"].as_u64().unwrap() >= 40 && watched["failedCount"] == 0, "{watched}");
    assert!(watched["allCalls"]["count"].as_u64().unwrap() > 5, "the gateway counted them: {watched}");
    assert_eq!(report["checkpoints"], Value::Array(Vec::new()));

    let too_slow =
        ["--smoke-only", "--watch", "30s", "--every", "1s", "--max-p99-ms", "1", "--on-fail", "exit 7"];
    let report = well.verify(&too_slow).await.expect_code(1).json();
    let broken = report["watch"]["broken"].as_str().unwrap();
    assert!(broken.contains("p99") && broken.contains("above 1 ms"), "{report}");
    assert!(report["watch"]["lastedS"].as_f64().unwrap() < 25.0, "it ends as soon as it breaks: {report}");
    assert_eq!(report["takenBack"]["exitCode"], 7, "{report}");
    assert!(report["takenBack"]["answeredAfterMs"].is_null(), "{report}");
}

async fn wrong_and_narrow_keys_are_told(well: &Well) {
    let refused = well.verify_with("lrd_nobody", &["--smoke-only"]).await.expect_code(1);
    assert!(refused.stderr.contains("no-go: api.catalogue: status 401"), "{refused:?}");
    let report = refused.json();
    let catalogue = finding(&report, "smoke", "api.catalogue");
    assert!(catalogue["wayOut"].as_str().unwrap().contains("--api-key"), "{catalogue}");
    assert_eq!(finding(&report, "smoke", "api.health")["verdict"], "pass");

    let narrow = well.create_key("catalog.read").await;
    let report = well.verify_with(&narrow, &["--without", "backup"]).await.expect_code(1).json();
    let customer = finding(&report, "smoke", "recommendation.customer");
    assert!(customer["found"].as_str().unwrap().contains("403"), "{customer}");
    assert!(customer["wayOut"].as_str().unwrap().contains("--scope recommendations.read"), "{customer}");
    assert_eq!(finding(&report, "smoke", "backup.list")["found"], "--without backup");
    let audit = finding(&report, "checkpoints", "31");
    assert_eq!((&audit["verdict"], &audit["found"]), (&"skipped".into(), &"the key lacks audit.read".into()));
    assert_eq!(finding(&report, "checkpoints", "27")["verdict"], "fail");
}

async fn checkpoints_that_do_not_hold_are_named(
    well: &Well,
    arguments: &[&str],
    secret: &Path,
    prometheus: &mut Child,
) {
    std::fs::set_permissions(secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    prometheus.kill().await.unwrap();
    let refused = well.verify(&[arguments, &["--expect-version", "9.9.9"]].concat()).await.expect_code(1);
    let report = refused.json();
    assert_eq!(named(&report, "checkpoints", "fail"), ["3", "5", "43"], "{report:#}");
    assert!(finding(&report, "checkpoints", "5")["wayOut"].as_str().unwrap().starts_with("chmod o= "));
    assert!(finding(&report, "checkpoints", "3")["found"].as_str().unwrap().contains("instead of 9.9.9"));
    assert!(refused.stderr.contains("checkpoint 3 (it is the version that was meant)"), "{refused:?}");
    let accepted =
        ["--expect-version", "9.9.9", "--waive", "3=a trial", "--waive", "5=a trial", "--waive", "43=gone"];
    let report = well.verify(&[arguments, &accepted].concat()).await.expect_code(0).json();
    assert_eq!(finding(&report, "checkpoints", "5")["verdict"], "waived", "{report:#}");
}

#[tokio::test]
async fn nobody_there_is_no_go_and_told_once() {
    let refused =
        run(&["deploy", "verify", "--smoke-only", "--address", "http://127.0.0.1:9"]).await.expect_code(1);
    assert!(refused.stderr.contains("no-go: api.health: http://127.0.0.1:9 does not answer"), "{refused:?}");
    assert!(refused.stdout.contains("way out: see that it runs"), "{refused:?}");
    assert!(refused.stdout.ends_with("NO-GO\n"), "{refused:?}");
    assert!(refused.stdout.contains("smoke tests: 1 fail, 24 skipped"), "{refused:?}");
}

#[tokio::test]
async fn bad_use_is_refused_before_anybody_is_asked() {
    let at = ["deploy", "verify", "--address", "http://127.0.0.1:9"];
    for (arguments, told) in [
        (&["--watch", "soon"][..], "such as 2h"),
        (&["--watch", "2s", "--every", "5s"], "no second round"),
        (&["--every", "5s"], "--watch"),
        (&["--waive", "99=never"], "from 1 to 47"),
        (&["--waive", "38"], "38=the first drill"),
        (&["--ops", "kitchen=http://127.0.0.1:1"], "is no service"),
        (&["--outside", "--here"], "cannot be used with"),
        (&["--max-error-percent", "101", "--watch"], "from 0 to 100"),
        (&["--without", "gateway"], "backup"),
    ] {
        let refused = run(&[&at[..], arguments].concat()).await.expect_code(2);
        assert!(refused.stderr.contains(told), "{arguments:?}: {refused:?}");
    }
    for address in ["localhost:8080", "ftp://larder.example.org", "https://larder.example.org/v1"] {
        let refused = run(&["deploy", "verify", "--address", address]).await.expect_code(2);
        assert!(refused.stderr.contains("such as https://larder.example.org"), "{address}: {refused:?}");
    }
    let mut command = larder(&["deploy", "verify", "--address", "http://127.0.0.1:9", "--database-url-file"]);
    let refused = finish(command.arg("/nowhere/url")).await.expect_code(2);
    assert!(refused.stderr.contains("/nowhere/url"), "{refused:?}");
}
