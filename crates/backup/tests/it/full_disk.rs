//! Disks that fill up in the middle: of a target, of a restore, of the spool. Each ends in an error that
//! names the file, nothing half-written is shown, and what was good stays. Only root may mount a small
//! disk, so these tests do nothing for anybody else.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use larder_backup::Progress;
use larder_backup::dump::create_dump;
use larder_backup::restore::restore;
use larder_backup::target::SharedTarget;
use larder_backup::target::folder::FolderTarget;
use larder_backup::vault::{Vault, create, verify};
use larder_proto::larder::backup::v1::*;
use larder_proto::larder::operation::v1::OperationState;
use larder_testkit::{TestCluster, postgresql_versions};
use tempfile::TempDir;

use crate::cluster::{full, request, restored, vault_in};
use crate::dump::dump_request;
use crate::service::{House, create as create_by_call, start};

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
