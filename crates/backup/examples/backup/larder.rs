//! Larder's own backups: into a folder that is synced, restored with every file compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use larder_backup::manifest::{BackupId, BackupKind, Manifest};
use larder_backup::pipeline::{Identities, SealSettings};
use larder_backup::restore::{RestoreRequest, restore};
use larder_backup::target::SharedTarget;
use larder_backup::target::folder::FolderTarget;
use larder_backup::vault::{CreateRequest, Vault, create};
use larder_backup::{Progress, system_clock};
use larder_replication::{CheckpointSpeed, ConnectOptions};
use larder_testkit::TestCluster;
use tokio::time::Instant;

pub(crate) struct Larder {
    pub(crate) vault: Vault,
    folder: PathBuf,
}

pub(crate) struct Taken {
    pub(crate) duration: Duration,
    pub(crate) manifest: Manifest,
    pub(crate) peak_bytes: u64,
}

impl Larder {
    /// A vault as the settings make it by default.
    pub(crate) fn at(folder: &Path, is_sealed: bool) -> Self {
        let target: SharedTarget = Arc::new(FolderTarget::open("folder", folder).unwrap());
        let recipients =
            if is_sealed { vec![age::x25519::Identity::generate().to_public()] } else { Vec::new() };
        let vault = Vault {
            cluster: "bench".to_owned(),
            targets: vec![target],
            seal: SealSettings { level: 1, workers: 2, recipients },
            object_bytes: 256 << 20,
        };
        Self { vault, folder: folder.to_owned() }
    }

    pub(crate) async fn back_up(&self, cluster: &TestCluster) -> Taken {
        self.back_up_at(cluster, None).await
    }

    pub(crate) async fn back_up_at(&self, cluster: &TestCluster, bytes_per_second: Option<u64>) -> Taken {
        let request = CreateRequest {
            server: ConnectOptions::from_url(&cluster.url()).unwrap(),
            backup_id: BackupId::new(system_clock(), 1),
            kind: BackupKind::Full,
            parent: None,
            bytes_per_second,
            falls_back: false,
            record_most_bytes: 0,
            checkpoint: CheckpointSpeed::Fast,
            now: system_clock,
        };
        forget_peak();
        let begun = Instant::now();
        let created = create(&self.vault, request, &Progress::silent()).await.unwrap();
        Taken { duration: begun.elapsed(), manifest: created.manifest, peak_bytes: peak_bytes() }
    }

    pub(crate) async fn restore(&self, cluster: &TestCluster, manifest: &Manifest) -> Duration {
        let folder = self.folder.with_file_name("restored");
        let request = RestoreRequest {
            target: self.vault.targets[0].clone(),
            manifest: manifest.clone(),
            folder: folder.clone(),
            tablespaces: BTreeMap::new(),
            owner: cluster.account(),
            identities: Identities::default(),
            at_once: 2,
        };
        let begun = Instant::now();
        restore(&self.vault, &request, &Progress::silent()).await.unwrap();
        let taken = begun.elapsed();
        fs::remove_dir_all(folder).unwrap();
        taken
    }
}

impl Drop for Larder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

pub(crate) fn median(mut rounds: Vec<Duration>) -> Duration {
    rounds.sort();
    rounds[rounds.len() / 2]
}

/// Lets the kernel count the most memory anew.
fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
