//! The client against real servers of every version there is, and against what only looks like one.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod base_backup;
mod login;
mod stranger;
mod stream;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use larder_replication::{BackupEvent, BackupPosition, BaseBackup, ConnectOptions, ReplicationConnection};
use larder_testkit::TestCluster;

fn options(cluster: &TestCluster) -> ConnectOptions {
    ConnectOptions::from_url(&cluster.url()).expect("a test cluster's address")
}

async fn connect(cluster: &TestCluster) -> ReplicationConnection {
    ReplicationConnection::connect(&options(cluster)).await.expect("a test cluster answers")
}

/// A backup written into a folder by `tar`, as anybody could do it.
struct Unpacked {
    /// The cluster's own folder, with the manifest in it.
    folder: PathBuf,
    end: BackupPosition,
}

async fn unpack(cluster: &TestCluster, backup: &mut BaseBackup, folder: &Path) -> Unpacked {
    fs::create_dir(folder).unwrap();
    cluster.hand_over(folder);
    let mut tar: Option<Child> = None;
    let mut manifest = None;
    let end = loop {
        match backup.next().await.unwrap().expect("the end comes before nothing") {
            BackupEvent::ArchiveStarted { name, tablespace_path } => {
                finish(&mut tar);
                let into = match tablespace_path {
                    Some(_) => {
                        let space = folder.with_extension(name.trim_end_matches(".tar"));
                        fs::create_dir(&space).unwrap();
                        space
                    }
                    None => folder.to_owned(),
                };
                tar = Some(start_tar(cluster, &into));
            }
            BackupEvent::ManifestStarted => {
                finish(&mut tar);
                manifest = Some(fs::File::create(folder.join("backup_manifest")).unwrap());
            }
            BackupEvent::Data(bytes) => match (&mut manifest, &mut tar) {
                (Some(manifest), _) => manifest.write_all(&bytes).unwrap(),
                (None, Some(tar)) => tar.stdin.as_mut().unwrap().write_all(&bytes).unwrap(),
                (None, None) => panic!("data of nothing"),
            },
            BackupEvent::Progress { .. } => {}
            BackupEvent::Finished(end) => break end,
        }
    };
    cluster.hand_over(folder);
    Unpacked { folder: folder.to_owned(), end }
}

fn start_tar(cluster: &TestCluster, into: &Path) -> Child {
    cluster.hand_over(into);
    let mut command = std::process::Command::new("tar");
    command.arg("-x").arg("-C").arg(into).stdin(Stdio::piped());
    command.spawn().expect("tar is on every machine")
}

fn finish(tar: &mut Option<Child>) {
    if let Some(mut tar) = tar.take() {
        drop(tar.stdin.take());
        assert!(tar.wait().unwrap().success(), "the archive is one");
    }
}
