//! A vault in a folder, backups of a test's own cluster into it, and a cluster restored from it.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use larder_backup::Progress;
use larder_backup::manifest::{BackupId, BackupKind, Manifest};
use larder_backup::pipeline::{Identities, SealSettings};
use larder_backup::restore::{RestoreRequest, restore};
use larder_backup::target::SharedTarget;
use larder_backup::target::folder::FolderTarget;
use larder_backup::vault::{CreateRequest, Vault};
use larder_database::Binaries;
use larder_replication::{CheckpointSpeed, ConnectOptions};
use larder_testkit::TestCluster;
use secrecy::SecretString;

/// A vault in a folder, with small objects so that there are several.
pub(crate) fn vault_in(folder: &Path) -> Vault {
    let target: SharedTarget = Arc::new(FolderTarget::open("local", folder).unwrap());
    Vault {
        cluster: "test".to_owned(),
        targets: vec![target],
        seal: SealSettings { level: 1, workers: 1, recipients: Vec::new() },
        object_bytes: 8 << 20,
    }
}

/// A full backup at some second; the second makes the name.
pub(crate) fn full(cluster: &TestCluster, second: i64) -> CreateRequest {
    request_for(&cluster.url(), second)
}

/// The same, of the server at an address.
pub(crate) fn request_for(url: &SecretString, second: i64) -> CreateRequest {
    let at = jiff::Timestamp::from_second(1_795_000_000 + second).unwrap();
    CreateRequest {
        server: ConnectOptions::from_url(url).unwrap(),
        backup_id: BackupId::new(at, 1),
        kind: BackupKind::Full,
        parent: None,
        falls_back: false,
        bytes_per_second: None,
        record_most_bytes: 1 << 30,
        checkpoint: CheckpointSpeed::Fast,
        now: larder_backup::system_clock,
    }
}

/// A restore into a folder, for the account that owns the cluster's.
pub(crate) fn request(vault: &Vault, manifest: &Manifest, folder: &Path) -> RestoreRequest {
    let owner = std::fs::metadata(folder).ok().map(|folder| (folder.uid(), folder.gid()));
    RestoreRequest {
        target: vault.targets[0].clone(),
        manifest: manifest.clone(),
        folder: folder.to_owned(),
        tablespaces: BTreeMap::new(),
        owner,
        identities: Identities::default(),
        at_once: 2,
    }
}

/// A server on a restored backup, once recovery has ended.
pub(crate) async fn restored(vault: &Vault, manifest: &Manifest, binaries: &Binaries) -> TestCluster {
    let copy = TestCluster::empty(binaries, &[]);
    let request = request(vault, manifest, copy.data_dir());
    restore(vault, &request, &Progress::silent()).await.unwrap();
    up(copy).await
}

/// Starts a server and waits for the end of its recovery.
pub(crate) async fn up(mut copy: TestCluster) -> TestCluster {
    copy.start_server().await;
    for _ in 0..600 {
        if copy.value("SELECT pg_is_in_recovery()").await == "false" {
            return copy;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("recovery does not end: {}", copy.log());
}
