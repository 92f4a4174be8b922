//! Disks that fill up in the middle: of a target, of a restore, of the archived log, of the spool. Each is told by an
//! error that names the file, nothing half-written is shown, and what was good stays. Only root may mount a
//! small disk, so these tests do nothing for anybody else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use larder_backup::Progress;
use larder_backup::dump::create_dump;
use larder_backup::pipeline::Identities;
use larder_backup::restore::restore;
use larder_backup::target::SharedTarget;
use larder_backup::target::folder::FolderTarget;
use larder_backup::vault::{Vault, create, verify};
use larder_backup::wal::{self, WalState};
use larder_proto::larder::backup::v1::*;
use larder_proto::larder::operation::v1::OperationState;
use larder_replication::Lsn;
use larder_testkit::{TestCluster, postgresql_versions};
use tempfile::TempDir;

use crate::cluster::{full, request, restored, vault_in};
use crate::dump::dump_request;
use crate::service::{House, create as create_by_call, start};
use crate::wal::{CAPPED, Place, current_lsn, wait_for, wait_until_archived};

/// A disk of a few megabytes. It is taken away with this value.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    fn mount(megabytes: u32) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("larder-disk-").tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=755"), "tmpfs"]).arg(folder.path());
        mount.output().is_ok_and(|output| output.status.success()).then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn room_bytes(&self) -> u64 {
        let stat = rustix::fs::statvfs(self.path()).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    /// Takes all the room but so much; whoever removes the file gives it back.
    fn fill_up_to(&self, left_bytes: u64) -> PathBuf {
        let ballast = self.path().join("ballast");
        let bytes = usize::try_from(self.room_bytes() - left_bytes).unwrap();
        fs::write(&ballast, vec![0; bytes]).unwrap();
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still has a file open there does not hold it up.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).output();
    }
}

/// Rows that no compressor makes much smaller: 32 MB of them.
const NOISE: &str = "CREATE TABLE noise AS SELECT n, \
        (SELECT string_agg(md5(random()::text || n || m), '') FROM generate_series(1, 20) AS m) AS text \
     FROM generate_series(1, 50000) AS n";

fn is_told(refused: &str) {
    assert!(refused.contains("No space left on device"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_target_takes_no_half_backup_and_keeps_the_good_one() {
    let Some(disk) = SmallDisk::mount(16) else { return };
    let binaries = postgresql_versions().remove(0);
    let source = TestCluster::start(&binaries, &[]).await;
    let vault = vault_in(disk.path());
    let good = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
    let room = disk.room_bytes();
    source.execute(NOISE).await;

    let refused = create(&vault, full(&source, 2), &Progress::silent()).await.unwrap_err().to_string();
    is_told(&refused);
    assert!(refused.contains("local: cannot write test/backups/") && refused.contains("base-"), "{refused}");
    let mut request = dump_request(&source, 3);
    request.record_most_bytes = 0;
    let refused = create_dump(&vault, &request, &Progress::silent()).await.unwrap_err().to_string();
    is_told(&refused);
    assert!(refused.contains("test/dumps/") && refused.contains("archive-"), "{refused}");

    let listing = vault.list(&vault.targets[0]).await.unwrap();
    let ids: Vec<_> = listing.backups.iter().map(|backup| &backup.manifest.backup_id).collect();
    assert_eq!((ids, listing.uncommitted.len()), (vec![&good.manifest.backup_id], 0));
    let dumps = vault.list_dumps(&vault.targets[0]).await.unwrap();
    assert_eq!((dumps.dumps.len(), dumps.uncommitted.len()), (0, 0));
    assert!(disk.room_bytes() + 65_536 >= room, "nothing of them takes room any more");
    verify(&vault, &vault.targets[0], &good.manifest, &Progress::silent()).await.unwrap();

    // Another target has room: it has the backup, and the full one is told of.
    let folder = tempfile::tempdir().unwrap();
    let roomy: SharedTarget = Arc::new(FolderTarget::open("roomy", folder.path()).unwrap());
    let both = Vault { targets: vec![vault.targets[0].clone(), roomy], ..vault.clone() };
    let created = create(&both, full(&source, 4), &Progress::silent()).await.unwrap();
    assert_eq!(created.targets, ["roomy"]);
    is_told(&created.failures[0].to_string());
    assert_eq!(vault.list(&vault.targets[0]).await.unwrap().backups.len(), 1, "half a backup is none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_onto_a_full_disk_is_no_cluster_and_the_backup_is_as_good_as_before() {
    let Some(disk) = SmallDisk::mount(16) else { return };
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = TestCluster::start(&binaries, &[]).await;
    source.execute("CREATE TABLE jars AS SELECT generate_series(1, 5000) AS jar").await;
    let vault = vault_in(folder.path());
    let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
    let wanted = request(&vault, &created.manifest, &disk.path().join("data"));
    let refused = restore(&vault, &wanted, &Progress::silent()).await.unwrap_err().to_string();
    is_told(&refused);
    assert!(refused.contains("cannot write "), "the file is named: {refused}");
    assert!(!disk.path().join("data/global/pg_control").exists(), "no server starts on it");
    let copy = restored(&vault, &created.manifest, &binaries).await;
    assert_eq!(copy.value("SELECT count(*) FROM jars").await, "5000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_meets_a_full_disk_rotates_no_good_backup_out() {
    let Some(disk) = SmallDisk::mount(24) else { return };
    let folder = disk.path().to_owned();
    let house = House::open(|settings| {
        settings.backup.archive_wal = false;
        settings.backup.folder = Some(folder);
        settings.backup.folder_keep_count = 1;
        settings.backup.folder_keep_days = 0;
    })
    .await;
    let good = create_by_call(&mut house.client().await).await;
    assert_eq!(good.state(), OperationState::Succeeded, "{:?}", good.error);
    house.cluster.execute(NOISE).await;
    let failed = create_by_call(&mut house.client().await).await;
    is_told(&failed.error.unwrap().message);
    house.app.stop().await;
    let mut scheduled = house.settings.clone();
    scheduled.backup.schedule = "* * * * *".to_owned();
    let app = start(&scheduled, &house.cluster).await;
    let server = house.cluster.server().with_database("larder");
    let mut db = server.connect_as_admin().await.unwrap();
    let mut failures = 0;
    for _ in 0..600 {
        let sql = "SELECT count(*) FROM backup.schedule_runs WHERE failure LIKE '%No space left%'";
        failures = sqlx::query_scalar::<_, i64>(sql).fetch_one(&mut db).await.unwrap();
        if failures > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(failures > 0, "the run has failed and says why");
    let address = format!("http://{}", app.api_address());
    let mut client = backup_service_client::BackupServiceClient::connect(address).await.unwrap();
    let listed = client.list_backups(ListBackupsRequest::default()).await.unwrap().into_inner();
    let ids: Vec<_> = listed.backups.iter().map(|backup| backup.backup_id.clone()).collect();
    assert_eq!(ids, [good.result["backup_id"].clone()]);
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_target_of_the_log_holds_up_no_other_and_catches_up_by_itself() {
    let Some(disk) = SmallDisk::mount(96) else { return };
    let cluster = TestCluster::start(&postgresql_versions()[0], &CAPPED).await;
    let place = Place::with_near_in(&disk.path().join("near"));
    let receiver = place.receive(&cluster);
    wait_for(&receiver, "the stream", |status| status.state == WalState::Streaming).await;
    cluster.execute("SELECT pg_switch_wal()").await;
    cluster.execute("CREATE TABLE before AS SELECT 1").await;
    wait_until_archived(&receiver, &cluster).await;
    let ballast = disk.fill_up_to(1 << 20);
    cluster.execute(NOISE).await;
    let goal = current_lsn(&cluster).await;
    let status = wait_for(&receiver, "the full disk", |status| {
        status.targets[1].archived >= goal && status.targets[0].error.is_some()
    })
    .await;
    let told = status.targets[0].error.clone().unwrap();
    is_told(&told);
    assert!(told.contains("near: cannot write test/wal/"), "the object is named: {told}");
    assert!(status.targets[0].archived < goal, "and what is not there is not said to be");
    assert_eq!((&status.state, status.gaps.len()), (&WalState::Streaming, 0));
    let archive = place.archive(&cluster).await;
    let whole = async |target: usize| {
        let checked =
            wal::verify(&archive, &place.targets()[target], &Identities::default(), Lsn(0)).await.unwrap();
        assert_eq!(checked.faults, Vec::<String>::new(), "nothing half-written is shown");
        assert_eq!(checked.ranges.len(), 1);
        checked.ranges[0].2
    };
    assert!(whole(0).await < goal && whole(1).await >= goal);
    // The spool has it, so the server need not keep it.
    assert_eq!(cluster.value("SELECT wal_status FROM pg_replication_slots").await, "reserved");
    assert_eq!(cluster.value("SELECT count(*) FROM noise").await, "50000");

    fs::remove_file(ballast).unwrap();
    wait_until_archived(&receiver, &cluster).await;
    wait_for(&receiver, "an empty spool", |status| {
        status.spool_bytes == 0 && status.targets[0].error.is_none()
    })
    .await;
    assert!(whole(0).await >= goal);
    receiver.stop().await;
}

/// Some twenty megabytes of log.
const FILL: &str = "CREATE TABLE IF NOT EXISTS lines (text text); \
                    INSERT INTO lines SELECT repeat(md5(n::text), 20) FROM generate_series(1, 30000) n";

#[tokio::test(flavor = "multi_thread")]
async fn a_full_spool_is_told_the_server_keeps_no_more_than_its_cap_and_receiving_goes_on_by_itself() {
    let Some(disk) = SmallDisk::mount(64) else { return };
    let small = [("max_slot_wal_keep_size", "48MB"), ("max_wal_size", "32MB"), ("wal_recycle", "off")];
    let cluster = TestCluster::start(&postgresql_versions()[0], &small).await;
    let place = Place::with_spool_in(&disk.path().join("spool"));
    let receiver = place.receive(&cluster);
    cluster.execute("CREATE TABLE before AS SELECT 1").await;
    wait_until_archived(&receiver, &cluster).await;
    let ballast = disk.fill_up_to(65_536);
    cluster.execute(FILL).await;
    let is_full =
        |state: &WalState| matches!(state, WalState::Failing(told) if told.contains("No space left"));
    let status = wait_for(&receiver, "the full disk", |status| is_full(&status.state)).await;
    let WalState::Failing(told) = &status.state else { unreachable!() };
    assert!(told.contains(&format!("{}", place.spool.display())), "the file is named: {told}");
    assert_eq!(status.slot_cap_bytes, Some(48 << 20));
    fs::remove_file(&ballast).unwrap();
    wait_until_archived(&receiver, &cluster).await;
    assert_eq!(receiver.status().borrow().gaps, [], "within the cap nothing is lost");

    // For longer than the server may keep it: it goes on and keeps no more, and the loss is told.
    disk.fill_up_to(65_536);
    wait_for_full_spool(&cluster, &receiver, is_full).await;
    for _ in 0..6 {
        cluster.execute(FILL).await;
        cluster.execute("SELECT pg_switch_wal()").await;
        cluster.execute("CHECKPOINT").await;
    }
    let kept = cluster.value("SELECT sum(size) / 1048576 FROM pg_ls_waldir()").await;
    assert!(kept.parse::<f64>().unwrap() < 128.0, "the server keeps {kept} MB");
    assert_eq!(cluster.value("SELECT count(*) >= 210000 FROM lines").await, "true");
    fs::remove_file(&ballast).unwrap();
    wait_for(&receiver, "the gap", |status| !status.gaps.is_empty()).await;
    cluster.execute(FILL).await;
    wait_until_archived(&receiver, &cluster).await;
    let archive = place.archive(&cluster).await;
    let checked = wal::verify(&archive, &place.targets()[0], &Identities::default(), Lsn(0)).await.unwrap();
    assert!(checked.faults.iter().any(|fault| fault.contains("never received")), "{:?}", checked.faults);
    receiver.stop().await;
}

async fn wait_for_full_spool(
    cluster: &TestCluster,
    receiver: &wal::WalReceiver,
    is_full: impl Fn(&WalState) -> bool,
) {
    cluster.execute(FILL).await;
    wait_for(receiver, "the full disk again", |status| is_full(&status.state)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_of_the_log_is_told_by_status_and_health_until_there_is_room_again() {
    let Some(disk) = SmallDisk::mount(96) else { return };
    let folder = disk.path().join("backups");
    let house = House::open(|settings| {
        settings.backup.wal_allow_uncapped_slot = true;
        settings.backup.folder = Some(folder);
    })
    .await;
    let mut client = house.client().await;
    let mut warnings = async || {
        let status = client.get_recovery_status(GetRecoveryStatusRequest {}).await.unwrap().into_inner();
        status.warnings.join("; ")
    };
    for _ in 0..600 {
        if disk.path().join("backups/larder/wal").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let ballast = disk.fill_up_to(1 << 20);
    house.cluster.execute(NOISE).await;
    let mut told = String::new();
    for _ in 0..600 {
        told = warnings().await;
        if told.contains("No space left on device") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    is_told(&told);
    assert!(told.contains("folder: cannot write larder/wal/"), "{told}");
    let health = house.health().await;
    assert!(health.contains("archived_log") && health.contains("No space left on device"), "{health}");
    fs::remove_file(ballast).unwrap();
    for _ in 0..600 {
        told = warnings().await;
        if !told.contains("No space left") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!told.contains("No space left"), "{told}");
    house.app.stop().await;
}
