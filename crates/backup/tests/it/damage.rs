//! Whatever is changed in what is stored is found, named, and never restored.

use std::fs;
use std::path::PathBuf;

use larder_backup::manifest::Manifest;
use larder_backup::restore::restore;
use larder_backup::vault::{Vault, create, verify};
use larder_backup::{BackupError, Progress};
use larder_testkit::{TestCluster, postgresql_versions};
use tempfile::TempDir;

use crate::cluster::{full, request, vault_in};

struct Stored {
    folder: TempDir,
    vault: Vault,
    manifest: Manifest,
}

impl Stored {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let source = TestCluster::start(&postgresql_versions()[0], &[]).await;
        let vault = vault_in(&folder.path().join("vault"));
        let created = create(&vault, full(&source, 1), &Progress::silent()).await.unwrap();
        Self { folder, vault, manifest: created.manifest }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("vault/test/backups").join(self.manifest.backup_id.as_str()).join(name)
    }

    /// Verification and restore must both refuse and name the object.
    async fn expect_refusal(&self, name: &str, attempt: usize) {
        let target = &self.vault.targets[0];
        let found = verify(&self.vault, target, &self.manifest, &Progress::silent()).await.unwrap_err();
        assert!(matches!(&found, BackupError::Damaged { object, .. } if object.ends_with(name)), "{found}");
        let into = self.folder.path().join(format!("attempt-{attempt}"));
        let wanted = request(&self.vault, &self.manifest, &into);
        let refused = restore(&self.vault, &wanted, &Progress::silent()).await.unwrap_err();
        assert!(
            matches!(&refused, BackupError::Damaged { object, .. } if object.ends_with(name)),
            "{refused}"
        );
        assert!(!into.join("global/pg_control").exists(), "no server starts on it");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_that_changed_is_found_and_its_object_named() {
    let stored = Stored::new().await;
    let mut attempt = 0;
    for object in &stored.manifest.objects {
        let path = stored.path(&object.name);
        let whole = fs::read(&path).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            stored.expect_refusal(&object.name, attempt).await;
            attempt += 1;
        }
        for wrong in [&whole[..whole.len() - 1], &[whole.as_slice(), b"x"].concat(), b""] {
            fs::write(&path, wrong).unwrap();
            stored.expect_refusal(&object.name, attempt).await;
            attempt += 1;
        }
        fs::remove_file(&path).unwrap();
        stored.expect_refusal(&object.name, attempt).await;
        attempt += 1;
        fs::write(&path, whole).unwrap();
    }
    verify(&stored.vault, &stored.vault.targets[0], &stored.manifest, &Progress::silent()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_without_its_manifest_is_none() {
    let stored = Stored::new().await;
    let target = &stored.vault.targets[0];
    let whole = fs::read(stored.path("manifest.json")).unwrap();
    fs::write(stored.path("manifest.json"), &whole[..whole.len() - 1]).unwrap();
    let listing = stored.vault.list(target).await.unwrap();
    assert!(listing.backups.is_empty());
    assert_eq!(listing.damaged[0].0, stored.manifest.backup_id);
    fs::remove_file(stored.path("manifest.json")).unwrap();
    let listing = stored.vault.list(target).await.unwrap();
    assert_eq!(listing.uncommitted, std::slice::from_ref(&stored.manifest.backup_id));
    let missing = stored.vault.find(&stored.manifest.backup_id, None).await.err().unwrap();
    assert!(matches!(missing, BackupError::NoSuchBackup(_)), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_breaks_off_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = TestCluster::start(&postgresql_versions()[0], &[]).await;
    let vault = vault_in(&folder.path().join("vault"));
    let mut throttled = full(&source, 1);
    throttled.bytes_per_second = Some(4 << 20);
    let running = vault.clone();
    let backup = tokio::spawn(async move { create(&running, throttled, &Progress::silent()).await });
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    source.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_replication").await;
    let ended = backup.await.unwrap().unwrap_err();
    assert!(matches!(ended, BackupError::Replication(_)), "{ended}");
    let listing = vault.list(&vault.targets[0]).await.unwrap();
    assert!(listing.backups.is_empty() && listing.uncommitted.is_empty(), "{listing:?}");
}
