//! The service as its callers meet it: on a cluster of its own, in development, over gRPC.

mod drills;
mod dumps;
mod kept_log;

use std::path::{Path, PathBuf};

use larder_backup::{App, AppSettings, RunningApp};
use larder_database::Server;
use larder_identity::{TokenSigner, TokenVerifier};
use larder_proto::larder::backup::v1::backup_service_client::BackupServiceClient;
use larder_proto::larder::backup::v1::*;
use larder_proto::larder::operation::v1::{Operation, OperationState};
use larder_settings::Settings;
use larder_telemetry::MetricsHandle;
use larder_testkit::{TestCluster, postgresql_versions};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;
use tonic::transport::Channel;

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) settings: Settings,
    pub(crate) cluster: TestCluster,
    pub(crate) app: RunningApp,
}

impl House {
    pub(crate) async fn open(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = TestCluster::start(&postgresql_versions()[0], &[]).await;
        let mut settings = usual_settings(folder.path());
        settings.database.bin_dir = Some(cluster.binaries().dir.clone());
        settings.backup.drill_folder = Some(cluster.socket_dir().join("drills"));
        change(&mut settings);
        let app = start(&settings, &cluster).await;
        Self { folder, settings, cluster, app }
    }

    /// What the ops port tells of the health of every part.
    pub(crate) async fn health(&self) -> String {
        let mut stream = tokio::net::TcpStream::connect(self.app.ops_address()).await.unwrap();
        let request = "GET /health/detailed HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    pub(crate) async fn client(&self) -> BackupServiceClient<Channel> {
        BackupServiceClient::connect(format!("http://{}", self.app.api_address())).await.unwrap()
    }
}

/// Nothing runs by itself, and every port is free.
pub(crate) fn usual_settings(data_dir: &Path) -> Settings {
    let mut settings = Settings { data_dir: data_dir.to_owned(), ..Settings::default() };
    settings.backup.listen_address = "127.0.0.1:0".parse().unwrap();
    settings.backup.ops_address = "127.0.0.1:0".parse().unwrap();
    settings.backup.schedule = "never".to_owned();
    settings.backup.drill_schedule = "never".to_owned();
    settings.backup.self_test_schedule = "never".to_owned();
    settings
}

pub(crate) fn app_settings(settings: &Settings, cluster: &TestCluster) -> AppSettings {
    app_settings_at(settings, cluster.server(), cluster.socket_dir().join("larder"))
}

/// For a process that does not own the cluster.
pub(crate) fn app_settings_at(settings: &Settings, server: Server, program: PathBuf) -> AppSettings {
    let signer = TokenSigner::generate().unwrap();
    let verifier = TokenVerifier::new(&[signer.verifying_key_pem().to_owned()], "larder").unwrap();
    AppSettings {
        settings: settings.clone(),
        server: server.with_database("larder"),
        verifier,
        metrics: MetricsHandle::detached(),
        page_token_key: [7; 32],
        signer: None,
        program,
        clock: larder_backup::system_clock,
    }
}

pub(crate) async fn start(settings: &Settings, cluster: &TestCluster) -> RunningApp {
    App::build(app_settings(settings, cluster)).await.unwrap().start().await.unwrap()
}

pub(crate) async fn create(client: &mut BackupServiceClient<Channel>) -> Operation {
    let mut stream = client.create_backup(CreateBackupRequest::default()).await.unwrap().into_inner();
    let mut last = Operation::default();
    while let Some(answer) = stream.message().await.unwrap() {
        last = answer.operation.unwrap();
    }
    last
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_taken_listed_verified_held_and_restored_by_calls() {
    let house = House::open(|_| {}).await;
    let mut client = house.client().await;
    let status = client.get_recovery_status(GetRecoveryStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.rpo_ms, None);

    let created = create(&mut client).await;
    assert_eq!(created.state(), OperationState::Succeeded, "{:?}", created.error);
    let id = created.result["backup_id"].clone();
    let watched = WatchOperationRequest { operation_id: created.operation_id };
    let mut watched = client.watch_operation(watched).await.unwrap().into_inner();
    let ended = watched.message().await.unwrap().unwrap().operation.unwrap();
    assert_eq!(ended.state(), OperationState::Succeeded);

    let listed = client.list_backups(ListBackupsRequest::default()).await.unwrap().into_inner();
    assert_eq!((listed.backups.len(), listed.backups[0].proof_state()), (1, ProofState::Unproven));
    let request = VerifyBackupRequest { backup_id: id.clone(), target: String::new() };
    let mut verifying = client.verify_backup(request).await.unwrap().into_inner();
    while let Some(answer) = verifying.message().await.unwrap() {
        assert_ne!(answer.operation.unwrap().state(), OperationState::Failed);
    }
    let got = client.get_backup(GetBackupRequest { backup_id: id.clone() }).await.unwrap().into_inner();
    assert!(got.backups[0].verified_at.is_some());
    let hold = HoldBackupRequest { backup_id: id.clone(), release: false, reason: "an audit".to_owned() };
    let held = client.hold_backup(hold).await.unwrap().into_inner();
    assert!(held.backups[0].held);
    let kept = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    assert_eq!(kept.verdicts[0].reason, "it is held: an audit");

    let folder = house.folder.path().join("restored");
    let request = RestoreBackupRequest { folder: folder.display().to_string(), ..Default::default() };
    let mut restoring = client.restore_backup(request.clone()).await.unwrap().into_inner();
    let mut last = Operation::default();
    while let Some(answer) = restoring.message().await.unwrap() {
        last = answer.operation.unwrap();
    }
    assert_eq!(last.state(), OperationState::Succeeded, "{:?}", last.error);
    assert!(folder.join("global/pg_control").exists());
    let again = client.restore_backup(request).await.unwrap_err();
    assert_eq!(again.code(), Code::FailedPrecondition);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_wrongly_is_refused_by_its_field() {
    let house = House::open(|_| {}).await;
    let mut client = house.client().await;
    let refused = client.get_backup(GetBackupRequest { backup_id: "../etc".to_owned() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("backup_id"), "{refused}");
    let missing = GetBackupRequest { backup_id: "20261123T064000Z-7f3a9c01".to_owned() };
    assert_eq!(client.get_backup(missing).await.unwrap_err().code(), Code::NotFound);
    let relative = RestoreBackupRequest { folder: "restored".to_owned(), ..Default::default() };
    assert_eq!(client.restore_backup(relative).await.unwrap_err().code(), Code::InvalidArgument);
    let nowhere = ListBackupsRequest { target: "moon".to_owned(), ..Default::default() };
    assert!(client.list_backups(nowhere).await.unwrap_err().message().contains("there is no target"));
    let unknown = WatchOperationRequest { operation_id: "x".to_owned() };
    assert_eq!(client.watch_operation(unknown).await.unwrap_err().code(), Code::InvalidArgument);
    house.app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_takes_the_run_that_is_due() {
    let house = House::open(|_| {}).await;
    house.app.stop().await;
    let mut scheduled = house.settings.clone();
    scheduled.backup.schedule = "0 0 1 1 *".to_owned();
    let (one, other) = tokio::join!(start(&scheduled, &house.cluster), start(&scheduled, &house.cluster));
    let mut client = BackupServiceClient::connect(format!("http://{}", one.api_address())).await.unwrap();
    for _ in 0..300 {
        let listed = client.list_backups(ListBackupsRequest::default()).await.unwrap().into_inner();
        if !listed.backups.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // Long enough for a second run, if the other one had taken it too.
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let listed = client.list_backups(ListBackupsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.backups.len(), 1);
    let runs = house.cluster.server().with_database("larder");
    let mut db = runs.connect_as_admin().await.unwrap();
    let ended: i64 =
        sqlx::query_scalar("SELECT count(*) FROM backup.schedule_runs WHERE ended_at IS NOT NULL")
            .fetch_one(&mut db)
            .await
            .unwrap();
    assert_eq!(ended, 1);
    one.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_archived_while_the_service_runs() {
    let house = House::open(|settings| settings.backup.wal_allow_uncapped_slot = true).await;
    let mut client = house.client().await;
    for _ in 0..600 {
        if house.folder.path().join("wal-spool/larder/since").exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    let created = create(&mut client).await;
    assert_eq!(created.state(), OperationState::Succeeded, "{:?}", created.error);
    let mut last = GetRecoveryStatusResponse::default();
    for _ in 0..600 {
        house.cluster.execute("CREATE TABLE IF NOT EXISTS lines (n int); INSERT INTO lines VALUES (1)").await;
        last = client.get_recovery_status(GetRecoveryStatusRequest {}).await.unwrap().into_inner();
        let seconds = |at: &Option<prost_types::Timestamp>| at.as_ref().map_or(0, |at| at.seconds);
        let covered =
            last.windows.last().map_or(0, |window| seconds(&window.end_at) - seconds(&window.start_at));
        if covered >= 3 && last.rpo_ms.is_some_and(|rpo| rpo < 5_000) {
            house.app.stop().await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the log does not reach the targets: {last:?}");
}
