//! The way back, timed: a release whose service dies under the watch, on a database that it has added to, is replaced
//! by the one before, which runs on that database as it is.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use larder_testkit::TestDatabase;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::time::timeout;

use crate::larder::{finish, larder, signal};
use crate::roles::{Deployment, stop};

const LIMIT: Duration = Duration::from_secs(120);
/// What a newer release may do to a table and to its history.
const NEWER: &str = "ALTER TABLE recommendation.products ADD COLUMN colour text NOT NULL DEFAULT 'red';
    INSERT INTO recommendation._sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (20991231235959, 'add colours', true, '\\x00', 0);";

#[tokio::test(flavor = "multi_thread")]
async fn a_release_that_dies_is_taken_back_and_the_database_stays() {
    let database = TestDatabase::create(&[]).await;
    let deployment = Deployment::new(database.url().expose_secret()).await;
    let recommendation = deployment.serve("recommendation", &deployment.recommendation_ops).await;
    let gateway = deployment.serve("gateway", &deployment.gateway_ops).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("products.csv");
    std::fs::write(&file, "product_id,name,price\nrye,Rye bread,2.40 EUR\noat,Oat bread,2.90 EUR\n").unwrap();
    let import = ["import", "--kind", "products", "--address", &deployment.gateway, file.to_str().unwrap()];
    let writer = deployment.issue("catalog.write").await;
    finish(larder(&import).env("LARDER_TOKEN", writer)).await.expect_code(0);

    sqlx::raw_sql(NEWER).execute(&database.admin_pool()).await.unwrap();
    let back = folder.path().join("back");
    let (pid_file, reason_file) = (folder.path().join("pid"), folder.path().join("reason"));
    let script = format!(
        "#!/bin/sh\nset -eu\nprintf %s \"$VERIFY_REASON\" > {reason}\n\
         LARDER_CONFIG={config} {program} serve recommendation < /dev/null > {log} 2>&1 &\n\
         echo $! > {pid}\n\
         until {program} healthcheck --url {ops}; do sleep 0.1; done\n",
        reason = reason_file.display(),
        config = deployment.settings().display(),
        program = env!("CARGO_BIN_EXE_larder"),
        log = folder.path().join("log").display(),
        pid = pid_file.display(),
        ops = deployment.recommendation_ops,
    );
    std::fs::write(&back, script).unwrap();
    std::fs::set_permissions(&back, std::fs::Permissions::from_mode(0o755)).unwrap();

    let ops = [
        format!("gateway={}", deployment.gateway_ops),
        format!("recommendation={}", deployment.recommendation_ops),
    ];
    let mut verify = larder(&["deploy", "verify", "--json", "--smoke-only", "--watch", "--every", "1s"]);
    verify.args(["--without", "backup", "--without", "alerting", "--ops", &ops[0], "--ops", &ops[1]]);
    verify.args(["--address", &deployment.gateway, "--on-fail", back.to_str().unwrap()]);
    verify.env("LARDER_TOKEN", deployment.issue("catalog.read recommendations.read").await);
    let mut verify = verify.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(verify.stderr.take().unwrap()).lines();
    let watching = timeout(LIMIT, said.next_line()).await.unwrap().unwrap().unwrap();
    assert!(watching.contains("watching for 7200 s"), "{watching}");

    let mut bad = recommendation;
    bad.kill().await.unwrap();
    let mut report = String::new();
    let reading = async {
        verify.stdout.take().unwrap().read_to_string(&mut report).await.unwrap();
        verify.wait().await.unwrap()
    };
    let ended = timeout(LIMIT, reading).await.expect("it ends long before two hours");
    assert_eq!(ended.code(), Some(1), "{report}");
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["go"], false);
    let broken = report["watch"]["broken"].as_str().unwrap();
    let taken_back = &report["takenBack"];
    assert_eq!(taken_back["exitCode"], 0, "{report}: {}", read(&folder.path().join("log")));
    let (took, after) = (taken_back["tookMs"].as_f64().unwrap(), taken_back["answeredAfterMs"].as_f64());
    let after = after.unwrap_or_else(|| panic!("nothing answers: {report}"));
    assert!(took <= after && after < 300_000.0, "{report}");
    assert!(read(&reason_file).contains(broken), "the command is told why: {broken}");
    println!(
        "broken after {:.1} s of watching ({broken}); taken back in {:.1} s, answering after {:.1} s",
        report["watch"]["lastedS"].as_f64().unwrap(),
        took / 1e3,
        after / 1e3
    );

    let column = "SELECT count(*) FROM recommendation.products WHERE colour = 'red'";
    let kept: i64 = sqlx::query_scalar(column).fetch_one(&database.admin_pool()).await.unwrap();
    assert_eq!(kept, 2, "the database is as the newer release left it");
    signal("TERM", read(&pid_file).trim().parse().unwrap()).await;
    stop(gateway).await;
}

fn read(path: &std::path::Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
