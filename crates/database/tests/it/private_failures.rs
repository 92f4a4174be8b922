//! What a private cluster finds in a folder that is not as it should be, and what it says.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use larder_database::{DatabaseError, PrivateCluster, PrivateClusterSettings};

use rustix::process::{Pid, Signal, kill_process};

use crate::private::{DataFolder, notes, put, server_pid};

/// Programs that say they are PostgreSQL 16 and whose `initdb` does what `script` says.
fn fake_programs(dir: &Path, script: &str) {
    fs::create_dir_all(dir).unwrap();
    for (name, body) in [("postgres", "echo 'postgres (PostgreSQL) 16.1'"), ("initdb", script)] {
        let path = dir.join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[tokio::test]
async fn traces_of_dead_servers_and_half_clusters_are_no_obstacle() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    put(&cluster, "kept").await;
    let sockets = cluster.socket_dir().to_owned();
    cluster.stop().await.unwrap();

    // The process id of a living process of the same account that is no server of this cluster.
    let dir = folder.cluster_dir();
    let owner = fs::metadata(&dir).unwrap();
    let mut stranger = Command::new("sleep").arg("60").uid(owner.uid()).spawn().unwrap();
    let pid = stranger.id();
    fs::write(dir.join("postmaster.pid"), format!("{pid}\n{}\n0\n5432\n", dir.display())).unwrap();
    fs::DirBuilder::new().mode(0o700).create(&sockets).unwrap();
    std::os::unix::fs::chown(&sockets, Some(owner.uid()), Some(owner.gid())).unwrap();
    fs::write(sockets.join(".s.PGSQL.5432.lock"), format!("{pid}\n")).unwrap();
    fs::write(sockets.join(".s.PGSQL.5432"), "").unwrap();
    fs::create_dir(dir.parent().unwrap().join("postgres.unfinished")).unwrap();
    let cluster = folder.start().await.unwrap();
    assert_eq!(notes(&cluster).await, ["kept"]);
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger was stopped");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn no_server_starts_beside_a_session_that_outlived_the_last_one() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    let probe = cluster.server().with_database("postgres");
    let mut session = probe.connect_as_admin().await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut session).await.unwrap();
    let pid = Pid::from_raw(pid).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    kill_process(server_pid(cluster.cluster_dir()), Signal::KILL).unwrap();
    for _ in 0..15 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(probe.connect_as_admin().await.is_err(), "two servers would write to one cluster");
    }
    kill_process(pid, Signal::CONT).unwrap();
    let back = async {
        while probe.connect_as_admin().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), back).await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_half_made_cluster_is_made_again() {
    let folder = DataFolder::new();
    folder.start().await.unwrap().stop().await.unwrap();
    let cluster = folder.cluster_dir();
    let unfinished = cluster.parent().unwrap().join("postgres.unfinished");
    fs::rename(&cluster, &unfinished).unwrap();
    fs::remove_file(unfinished.join("PG_VERSION")).unwrap();
    folder.start().await.unwrap().stop().await.unwrap();
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_cluster_of_another_version_asks_for_that_versions_programs() {
    let folder = DataFolder::new();
    folder.start().await.unwrap().stop().await.unwrap();
    fs::write(folder.cluster_dir().join("PG_VERSION"), "9\n").unwrap();
    let error = folder.start().await.unwrap_err();
    assert!(matches!(error, DatabaseError::ProgramsMissing { .. }), "{error}");
    assert!(error.to_string().contains("install -y postgresql-9"), "{error}");
}

#[tokio::test]
async fn a_full_disk_is_reported_in_initdbs_words_and_leaves_no_half_cluster() {
    let folder = DataFolder::new();
    // Not below the test's folder: the server's account cannot enter that one.
    let programs = tempfile::TempDir::with_prefix("larder-programs-").unwrap();
    fs::set_permissions(programs.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fake_programs(programs.path(), "echo 'could not write: No space left on device' >&2; exit 1");
    let settings = PrivateClusterSettings { bin_dir: Some(programs.path().to_owned()), ..folder.settings() };
    let error = PrivateCluster::start(settings).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Initialise { .. }), "{error}");
    assert!(error.to_string().contains("No space left on device"), "{error}");
    // Nothing is in the way of the next start, with programs that work.
    folder.start().await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_cannot_start_is_reported_with_its_log() {
    let folder = DataFolder::new();
    folder.start().await.unwrap().stop().await.unwrap();
    let configuration = folder.cluster_dir().join("postgresql.conf");
    let good = fs::read_to_string(&configuration).unwrap();
    fs::write(&configuration, format!("{good}\nno_such_setting = 1\n")).unwrap();
    let error = folder.start().await.unwrap_err();
    assert!(matches!(error, DatabaseError::Start { .. }), "{error}");
    assert!(error.to_string().contains("no_such_setting"), "{error}");

    fs::write(&configuration, good).unwrap();
    folder.start().await.unwrap().stop().await.unwrap();
}

#[tokio::test]
async fn a_file_in_the_way_is_named() {
    let folder = DataFolder::new();
    let file = folder.0.path().join("data");
    fs::write(&file, "").unwrap();
    let error = folder.start().await.unwrap_err();
    assert!(error.to_string().contains(&format!("cannot create {}", file.display())), "{error}");
}

#[tokio::test]
async fn a_folder_that_was_moved_keeps_its_data() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    put(&cluster, "moved along").await;
    cluster.stop().await.unwrap();
    let moved = folder.0.path().join("elsewhere");
    fs::rename(folder.settings().data_dir, &moved).unwrap();
    let settings = PrivateClusterSettings { data_dir: moved.clone(), bin_dir: None };
    let cluster = PrivateCluster::start(settings).await.unwrap();
    assert_eq!(notes(&cluster).await, ["moved along"]);
    cluster.stop().await.unwrap();
    fs::rename(moved, folder.settings().data_dir).unwrap();
}
