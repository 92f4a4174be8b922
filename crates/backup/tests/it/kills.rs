//! kill -9 while backups are taken: what is shown afterwards is whole, and what was left half-way is
//! shown by nobody and swept away.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use larder_backup::Progress;
use larder_backup::vault::{create, verify};
use larder_testkit::{TestCluster, postgresql_versions};

use crate::cluster::{full, request_for, restored, vault_in};

/// Told to the copy of this test program that takes backups until it is killed.
const TAKE_VARIABLE: &str = "LARDER_TEST_TAKE_BACKUPS";
const SWEPT_AT: u64 = 4_000_000_000;

/// Does nothing, but for the copy that is told where the server and the vault are.
#[tokio::test(flavor = "multi_thread")]
async fn takes_backups_when_told() {
    let Ok(told) = std::env::var(TAKE_VARIABLE) else { return };
    let (url, rest) = told.split_once(' ').unwrap();
    let (folder, first) = rest.split_once(' ').unwrap();
    let vault = vault_in(Path::new(folder));
    let first: i64 = first.parse().unwrap();
    for second in first.. {
        create(&vault, request_for(&url.to_owned().into(), second), &Progress::silent()).await.unwrap();
    }
}

fn taker(cluster: &TestCluster, folder: &Path, first: i64) -> Child {
    use secrecy::ExposeSecret;
    let told = format!("{} {} {first}", cluster.url().expose_secret(), folder.display());
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kills::takes_backups_when_told"])
        .env(TAKE_VARIABLE, told)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

async fn kill_again_and_again(kills: u32) {
    let binaries = postgresql_versions().remove(0);
    let folder = tempfile::tempdir().unwrap();
    let source = TestCluster::start(&binaries, &[]).await;
    source.execute("CREATE TABLE jars AS SELECT n FROM generate_series(1, 30000) AS n").await;
    let vault = vault_in(folder.path());
    let target = &vault.targets[0];
    // What one takes on this machine, at its present pace; a killed process has to start besides.
    let begun = tokio::time::Instant::now();
    create(&vault, full(&source, 900_000), &Progress::silent()).await.unwrap();
    let spread = 2 * begun.elapsed() + Duration::from_millis(200);
    // Steps of a Weyl sequence: spread over everything a backup does, and the same each time.
    let mut step = 0_u64;
    let mut verified = std::collections::HashSet::new();
    for kill in 0..kills {
        step = (step + 0x9E37_79B9) % 0x1_0000_0000;
        let mut child = taker(&source, folder.path(), i64::from(kill) * 1_000);
        tokio::time::sleep(spread.mul_f64(0.05 + step as f64 / f64::from(u32::MAX))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let listing = vault.list(target).await.unwrap();
        assert!(listing.damaged.is_empty(), "{:?}", listing.damaged);
        for backup in &listing.backups {
            if verified.insert(backup.manifest.backup_id.clone()) {
                verify(&vault, target, &backup.manifest, &Progress::silent()).await.unwrap();
            }
        }
    }
    let last = create(&vault, full(&source, 1_000_000), &Progress::silent()).await.unwrap();
    let copy = restored(&vault, &last.manifest, &binaries).await;
    assert_eq!(copy.value("SELECT count(*) FROM jars").await, "30000");
    assert!(verified.len() > 1 + kills as usize / 10, "{} backups in {kills} kills", verified.len());

    for id in vault.list(target).await.unwrap().uncommitted {
        vault.remove(target, &id).await.unwrap();
    }
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(SWEPT_AT);
    target.remove_unfinished(&vault.prefix(), later).await.unwrap();
    let kept = vault.list(target).await.unwrap();
    assert_eq!((kept.backups.len(), kept.uncommitted.len()), (verified.len() + 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_step_no_backup_is_falsely_good() {
    kill_again_and_again(8).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn killed_a_hundred_times_no_backup_is_lost_or_falsely_good() {
    kill_again_and_again(100).await;
}
