//! Drills that the service runs: asked for by a call or by their schedule, with the log from its own
//! archive.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_backup::drill::{self, Checks, DrillReport, DrillRequest, RecoveryTarget};
use larder_backup::manifest::Manifest;
use larder_backup::pipeline::Identities;
use larder_backup::vault::Vault;
use larder_backup::wal::WalArchive;
use larder_backup::{Progress, system_clock};
use larder_proto::larder::backup::v1::*;
use larder_proto::larder::operation::v1::{Operation, OperationState};
use larder_settings::Settings;
use larder_testkit::TestCluster;

use super::{House, create};

/// Stands for the `larder` program in a server's `restore_command`: it calls these very tests.
fn write_program(folder: &Path) -> PathBuf {
    let tests = folder.join("tests");
    std::fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    let program = folder.join("larder");
    let script = format!(
        "#!/bin/sh\nLARDER_TEST_DOOR=$4 LARDER_TEST_FILE=$5 LARDER_TEST_INTO=$6 exec '{}' --exact \
         wal::as_restore_command --ignored --nocapture\n",
        tests.display()
    );
    std::fs::write(&program, script).unwrap();
    for path in [&tests, &program] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    program
}

pub(super) async fn drill_with_archive(
    settings: &Settings,
    cluster: &TestCluster,
    vault: &Vault,
    manifest: &Manifest,
    recover_to: RecoveryTarget,
) -> DrillReport {
    let request = DrillRequest {
        target: vault.targets[0].clone(),
        manifest: manifest.clone(),
        identities: Identities::default(),
        archive: Some(WalArchive {
            cluster: vault.cluster.clone(),
            system: manifest.server.system_identifier,
            targets: vault.targets.clone(),
        }),
        work_folder: settings.backup.drill_folder.clone().unwrap(),
        bin_dir: settings.database.bin_dir.clone(),
        superuser: "postgres".to_owned(),
        program: write_program(cluster.socket_dir()),
        checks: Checks {
            statement_limit: Duration::from_secs(60),
            ..drill::checks_of(manifest, &recover_to, Vec::new())
        },
        recover_to,
        recovery_limit: Duration::from_secs(120),
    };
    drill::run(vault, &request, &Progress::silent(), system_clock).await.unwrap()
}

async fn run_drill(house: &House, request: RunDrillRequest) -> Operation {
    let mut stream = house.client().await.run_drill(request).await.unwrap().into_inner();
    let mut last = Operation::default();
    while let Some(answer) = stream.message().await.unwrap() {
        last = answer.operation.unwrap();
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drill_proves_every_row_at_the_moment_of_the_record_and_the_end_of_the_log() {
    let house = House::open(|settings| {
        settings.backup.wal_allow_uncapped_slot = true;
        let questions = settings.data_dir.join("questions.toml");
        let text = "[[check]]\nname = 'jars'\ndatabase = 'larder'\nsql = 'SELECT count(*) FROM jars'\nexpected = '5000'\n";
        std::fs::write(&questions, text).unwrap();
        settings.backup.drill_checks_file = Some(questions);
    })
    .await;
    write_program(house.cluster.socket_dir());
    let in_shop = |sql: &str| {
        let server = house.cluster.server().with_database("larder");
        let sql = sql.to_owned();
        async move {
            let mut db = server.connect_as_admin().await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
        }
    };
    in_shop("CREATE TABLE jars AS SELECT generate_series(1, 5000) AS jar").await;
    for _ in 0..600 {
        if house.folder.path().join("wal-spool/larder/since").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut client = house.client().await;
    let created = create(&mut client).await;
    assert_eq!(created.state(), OperationState::Succeeded, "{:?}", created.error);
    let id = created.result["backup_id"].clone();
    // Rows that come later are not there at the moment of the record.
    in_shop("CREATE TABLE later AS SELECT 1").await;
    let drilled = run_drill(&house, RunDrillRequest::default()).await;
    assert_eq!(drilled.state(), OperationState::Succeeded, "{:?}", drilled.error);
    assert!(drilled.result["recovered_to"].starts_with("just before"), "{:?}", drilled.result);
    assert!(drilled.result["checks"].contains("0 have changed"), "{:?}", drilled.result);
    let got = client.get_backup(GetBackupRequest { backup_id: id.clone() }).await.unwrap().into_inner();
    assert_eq!(got.backups[0].proof_state(), ProofState::Proven);
    let report = &got.drills[0];
    assert!(report.passed && report.recovered_to.starts_with("just before"), "{report:?}");
    assert!(report.restored_size_bytes > 0 && !report.reached_lsn.is_empty(), "{report:?}");
    assert!(report.checks.iter().any(|check| check.name == "amcheck" && check.passed), "{report:?}");
    let status = client.get_recovery_status(GetRecoveryStatusRequest {}).await.unwrap().into_inner();
    assert!(status.proven && status.rto_measured, "{status:?}");

    in_shop("DELETE FROM jars").await;
    let until = house.cluster.value("SELECT pg_current_wal_flush_lsn()").await;
    house.cluster.execute("CREATE TABLE behind AS SELECT 1").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let asked = run_drill_request::RecoverTo::Lsn(until);
    let request = RunDrillRequest { recover_to: Some(asked), ..RunDrillRequest::default() };
    let failed = run_drill(&house, request).await;
    assert_eq!(failed.state(), OperationState::Failed, "the owner's question is answered wrongly now");
    let told = failed.error.unwrap().message;
    assert!(told.contains("jars: the answer is \"0\"") && told.contains(&id), "{told}");
    let got = client.get_backup(GetBackupRequest { backup_id: id }).await.unwrap().into_inner();
    assert_eq!(got.backups[0].proof_state(), ProofState::Failed);
    let report = &got.drills[0];
    let jars = report.checks.iter().find(|check| check.name == "jars").unwrap();
    assert!(!report.passed && !jars.passed && jars.detail.contains("the answer is \"0\""), "{report:?}");
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn drills_on_a_schedule_that_is_too_rare_are_refused() {
    let house = House::open(|_| {}).await;
    let mut rare = house.settings.clone();
    rare.backup.drill_schedule = "0 4 1 1 *".to_owned();
    let refused = larder_backup::App::build(super::app_settings(&rare, &house.cluster)).await.err().unwrap();
    assert!(refused.to_string().contains("once a quarter"), "{refused}");
    house.app.stop().await;
}
