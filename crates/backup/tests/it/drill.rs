//! Drills of real backups: one that stands, and those that must not count as proven.

use std::path::Path;
use std::time::Duration;

use larder_backup::contents::TableContents;
use larder_backup::drill::{
    self, Checks, Comparison, DrillReport, DrillRequest, RecoveryTarget, RescueRequest, SqlCheck,
};
use larder_backup::manifest::Manifest;
use larder_backup::pipeline::Identities;
use larder_backup::vault::{Vault, create};
use larder_backup::{Progress, system_clock};
use larder_testkit::{TestCluster, postgresql_versions};

use crate::cluster::{full, vault_in};

fn question(sql: &str) -> SqlCheck {
    let (name, sql) = (sql.to_owned(), sql.to_owned());
    SqlCheck { name, database: "postgres".to_owned(), sql, expected: None }
}

/// What the backup recorded, changed in one way, to be found at the same moment.
fn recorded(manifest: &Manifest, change: impl FnOnce(&mut TableContents)) -> Checks {
    let mut contents = manifest.contents.clone().unwrap().databases;
    let tables = contents.iter_mut().flat_map(|database| &mut database.tables);
    change(tables.last().unwrap());
    Checks { contents, comparison: Comparison::SameMoment, ..Checks::default() }
}

fn drill_request(
    vault: &Vault,
    manifest: &Manifest,
    source: &TestCluster,
    work: &Path,
    checks: Checks,
) -> DrillRequest {
    DrillRequest {
        target: vault.targets[0].clone(),
        manifest: manifest.clone(),
        identities: Identities::default(),
        recover_to: RecoveryTarget::Latest,
        archive: None,
        work_folder: work.to_owned(),
        bin_dir: Some(source.binaries().dir.clone()),
        superuser: "postgres".to_owned(),
        program: std::env::current_exe().unwrap(),
        checks: Checks { statement_limit: Duration::from_secs(60), ..checks },
        recovery_limit: Duration::from_secs(120),
    }
}

async fn drill(vault: &Vault, manifest: &Manifest, source: &TestCluster, checks: Checks) -> DrillReport {
    let work = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(work.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let request = drill_request(vault, manifest, source, work.path(), checks);
    let report = drill::run(vault, &request, &Progress::silent(), system_clock).await.unwrap();
    assert_eq!(std::fs::read_dir(work.path()).unwrap().count(), 0, "nothing is left behind");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_proven_by_what_a_server_started_on_it_answers() {
    for binaries in postgresql_versions() {
        let folder = tempfile::tempdir().unwrap();
        let source = TestCluster::start(&binaries, &[]).await;
        source
            .execute(
                "CREATE TABLE jars AS SELECT generate_series(1, 5000) AS jar; CREATE INDEX ON jars (jar)",
            )
            .await;
        let vault = vault_in(folder.path());
        let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
        let right = Checks {
            sql: vec![question("SELECT max(jar) = 5000 FROM jars;")],
            ..recorded(&created.manifest, |table| {
                assert_eq!((table.table.as_str(), table.rows), ("jars", 5000))
            })
        };
        let report = drill(&vault, &created.manifest, &source, right).await;
        assert!(report.passed, "{:?}", report.checks);
        assert!(report.restored_bytes > 1_000_000 && report.recovery_ms > 0);

        let mut wrong = recorded(&created.manifest, |_| {});
        let right = wrong.contents[0].tables.last().unwrap().clone();
        wrong.contents[0].tables = vec![
            TableContents { rows: 5001, ..right.clone() },
            TableContents { checksum: "1".to_owned(), ..right.clone() },
            TableContents { table: "lids".to_owned(), ..right },
        ];
        wrong.sql = vec![
            question("SELECT max(jar) = 5000 FROM jars"),
            question("SELECT max(jar) = 1 FROM jars"),
            question("SELECT pg_sleep(1) IS NULL; DROP TABLE jars"),
        ];
        let report = drill(&vault, &created.manifest, &source, wrong).await;
        assert!(!report.passed);
        let failed: Vec<_> = report.checks.iter().map(|check| !check.passed).collect();
        assert_eq!(failed, [false, true, false, true, true], "{:?}", report.checks);
        for told in ["5000 rows of 5001", "jars has other rows", "lids"] {
            assert!(report.checks[1].detail.contains(told), "{told}: {:?}", report.checks[1]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_backup_is_told_as_not_passed() {
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = TestCluster::start(&binaries, &[]).await;
    let vault = vault_in(folder.path());
    let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
    let object = &created.manifest.objects[0].name;
    let path = folder.path().join(format!("test/backups/{}/{object}", created.manifest.backup_id));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let report = drill(&vault, &created.manifest, &source, Checks::default()).await;
    assert!(!report.passed);
    assert!(report.checks[0].detail.contains(object), "it names the object: {:?}", report.checks);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_table_comes_back_beside_everything_that_was_written_since() {
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = TestCluster::start(&binaries, &[]).await;
    source.execute("CREATE TABLE jars AS SELECT generate_series(1, 5000) AS jar").await;
    let vault = vault_in(folder.path());
    let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
    source.execute("DROP TABLE jars; CREATE TABLE lids AS SELECT 1 AS lid").await;

    let place = source.socket_dir().join("rescued");
    std::fs::create_dir(&place).unwrap();
    let request = |tables: &[&str], name: &str| RescueRequest {
        recovery: drill_request(&vault, &created.manifest, &source, &place, Checks::default()),
        database: "postgres".to_owned(),
        tables: tables.iter().map(|table| (*table).to_owned()).collect(),
        into: place.join(name),
    };
    let wanted = request(&["public.jars"], "jars.dump");
    let rescued = drill::rescue(&vault, &wanted, &Progress::silent(), system_clock).await.unwrap();
    assert!(rescued.bytes > 5_000, "{rescued:?}");
    let again = drill::rescue(&vault, &wanted, &Progress::silent(), system_clock).await.unwrap_err();
    assert!(again.to_string().contains("cannot create"), "nothing is written over: {again}");
    let unknown = request(&["public.never"], "never.dump");
    let refused = drill::rescue(&vault, &unknown, &Progress::silent(), system_clock).await.unwrap_err();
    assert!(refused.to_string().contains("public.never"), "{refused}");
    assert!(!unknown.into.exists(), "half a dump is none");

    source.hand_over(&place);
    let mut load = source.program("pg_restore");
    load.args(["--exit-on-error", "--dbname", "postgres"]).arg(&wanted.into);
    larder_testkit::run(&mut load);
    assert_eq!(source.value("SELECT count(*) FROM jars").await, "5000");
    assert_eq!(source.value("SELECT count(*) FROM lids").await, "1");
}
