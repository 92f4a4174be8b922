//! Drills of real backups: one that stands, and those that must not count as proven.

use std::time::Duration;

use larder_backup::drill::{self, Checks, DrillReport, DrillRequest, ExpectedRows, RecoveryTarget, SqlCheck};
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

fn rows(table: &str, rows: u64) -> ExpectedRows {
    let (database, schema) = ("postgres".to_owned(), "public".to_owned());
    ExpectedRows { database, schema, table: table.to_owned(), rows }
}

async fn drill(vault: &Vault, manifest: &Manifest, source: &TestCluster, checks: Checks) -> DrillReport {
    let work = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(work.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let request = DrillRequest {
        target: vault.targets[0].clone(),
        manifest: manifest.clone(),
        identities: Identities::default(),
        recover_to: RecoveryTarget::Latest,
        archive: None,
        work_folder: work.path().to_owned(),
        bin_dir: Some(source.binaries().dir.clone()),
        superuser: "postgres".to_owned(),
        program: std::env::current_exe().unwrap(),
        checks: Checks { statement_limit: Duration::from_secs(60), ..checks },
        recovery_limit: Duration::from_secs(120),
    };
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
            rows: vec![rows("jars", 5000)],
            sql: vec![question("SELECT max(jar) = 5000 FROM jars;")],
            ..Checks::default()
        };
        let report = drill(&vault, &created.manifest, &source, right).await;
        assert!(report.passed, "{:?}", report.checks);
        assert!(report.restored_bytes > 1_000_000 && report.recovery_ms > 0);

        for wrong in [
            Checks { rows: vec![rows("jars", 5001)], ..Checks::default() },
            Checks { rows: vec![rows("lids", 1)], ..Checks::default() },
            Checks { sql: vec![question("SELECT max(jar) = 1 FROM jars")], ..Checks::default() },
            Checks {
                sql: vec![question("SELECT pg_sleep(1) IS NULL; DROP TABLE jars")],
                ..Checks::default()
            },
        ] {
            let report = drill(&vault, &created.manifest, &source, wrong).await;
            assert!(!report.passed);
            assert_eq!(report.checks.iter().filter(|check| !check.passed).count(), 1, "{:?}", report.checks);
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
