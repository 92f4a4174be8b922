//! The archived log goes with the backups that needed it, and never before them.

use std::path::Path;
use std::time::Duration;

use larder_backup::drill::RecoveryTarget;
use larder_backup::open_vault;
use larder_backup::pipeline::Identities;
use larder_backup::wal::{WalArchive, verify};
use larder_proto::larder::backup::v1::*;
use larder_settings::Settings;
use larder_testkit::TestCluster;

use super::{House, create, start};

fn segments(folder: &Path) -> Vec<String> {
    let mut found: Vec<String> = walk(folder);
    found.retain(|name| name.ends_with(".segment"));
    found.sort();
    found
}

fn walk(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() { walk(&path) } else { vec![path.file_name().unwrap().to_string_lossy().into()] }
        })
        .collect()
}

async fn wait_for(what: &str, mut reached: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if reached().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what} never came");
}

/// Writes some log, ends its segment, and waits until that is archived.
async fn fill(house: &House, log: &Path) {
    house.cluster.execute("CREATE TABLE IF NOT EXISTS lines (n int); INSERT INTO lines VALUES (1)").await;
    let before = segments(log).len();
    house.cluster.execute("SELECT pg_switch_wal()").await;
    wait_for("the segment", async || segments(log).len() > before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_that_no_kept_backup_needs_goes_with_retention_and_no_other() {
    let house = House::open(|settings| {
        settings.backup.wal_allow_uncapped_slot = true;
        settings.backup.folder_keep_count = 1;
        settings.backup.folder_keep_days = 0;
    })
    .await;
    let log = house.folder.path().join("backups/larder/wal");
    let mut client = house.client().await;
    wait_for("the archive", async || house.folder.path().join("wal-spool/larder/since").exists()).await;
    fill(&house, &log).await;
    let preview = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    assert_eq!(preview.logs[0].removed_object_count, 0, "without a backup everything stays");
    assert!(preview.logs[0].reason.contains("no backup"), "{}", preview.logs[0].reason);

    let first = create(&mut client).await.result["backup_id"].clone();
    fill(&house, &log).await;
    fill(&house, &log).await;
    let hold = HoldBackupRequest { backup_id: first.clone(), release: false, reason: "an audit".to_owned() };
    client.hold_backup(hold.clone()).await.unwrap();
    // Names of backups tell seconds, and the newest is the last of them.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    create(&mut client).await;
    fill(&house, &log).await;
    let preview = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    assert!(preview.logs[0].reason.contains(&first), "a held backup keeps its log: {:?}", preview.logs[0]);
    client.hold_backup(HoldBackupRequest { release: true, ..hold }).await.unwrap();
    let preview = client.preview_retention(PreviewRetentionRequest::default()).await.unwrap().into_inner();
    assert!(preview.logs[0].removed_object_count >= 3, "{:?}", preview.logs[0]);
    let all = segments(&log);
    let House { folder: _folder, settings, cluster, app } = house;
    app.stop().await;

    let mut scheduled = settings.clone();
    scheduled.backup.schedule = "0 0 1 1 *".to_owned();
    let app = start(&scheduled, &cluster).await;
    wait_for("the removal", async || segments(&log).len() < all.len()).await;
    app.stop().await;
    only_what_is_needed_is_left(&settings, &cluster, &all, &log).await;
}

async fn only_what_is_needed_is_left(settings: &Settings, cluster: &TestCluster, all: &[String], log: &Path) {
    let vault = open_vault(settings).await.unwrap();
    let listing = vault.list(&vault.targets[0]).await.unwrap();
    let kept = &listing.backups[0].manifest;
    assert_eq!(listing.backups.len(), 1, "the others went before their log");
    let left = segments(log);
    let first_needed = all.iter().filter(|name| !left.contains(name)).max().unwrap();
    assert!(left.iter().all(|name| name > first_needed), "the oldest went: {left:?}");
    let archive = WalArchive {
        cluster: vault.cluster.clone(),
        system: kept.server.system_identifier,
        targets: vault.targets.clone(),
    };
    let checked = verify(&archive, &vault.targets[0], &Identities::default(), kept.physical.start_lsn).await;
    let checked = checked.unwrap();
    assert!(checked.faults.is_empty(), "{:?}", checked.faults);
    assert!(checked.ranges.iter().any(|(_, from, _)| *from <= kept.physical.start_lsn), "{checked:?}");
    let drilled =
        super::drills::drill_with_archive(settings, cluster, &vault, kept, RecoveryTarget::Latest).await;
    assert!(drilled.passed, "{:?}", drilled.checks);
}
