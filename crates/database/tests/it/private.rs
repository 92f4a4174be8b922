//! The private cluster as `larder up` uses it: started, stopped, killed, moved.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use larder_database::{
    DatabaseError, PrivateCluster, PrivateClusterSettings, Role, bootstrap, connect, is_unavailable,
};
use larder_settings::DatabaseSettings;
use rustix::process::{Pid, Signal, getpgid, kill_process, test_kill_process};
use secrecy::SecretString;
use sqlx::{Connection, Executor};
use tempfile::TempDir;

/// Told to the copy of this test program that holds a cluster until it is killed.
const HOLD_VARIABLE: &str = "LARDER_TEST_HOLD_CLUSTER";

/// A data folder whose cluster is removed with it, also where root keeps it.
pub(crate) struct DataFolder(pub(crate) TempDir);

impl DataFolder {
    pub(crate) fn new() -> Self {
        Self(TempDir::with_prefix("larder-data-").unwrap())
    }

    pub(crate) fn settings(&self) -> PrivateClusterSettings {
        PrivateClusterSettings { data_dir: self.0.path().join("data"), bin_dir: None }
    }

    pub(crate) async fn start(&self) -> Result<PrivateCluster, DatabaseError> {
        PrivateCluster::start(self.settings()).await
    }

    pub(crate) fn cluster_dir(&self) -> PathBuf {
        std::fs::canonicalize(self.settings().data_dir.join("postgres")).unwrap()
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        let link = self.settings().data_dir.join("postgres");
        let Some(home) = std::fs::read_link(link).ok().and_then(|cluster| Some(cluster.parent()?.to_owned()))
        else {
            return;
        };
        assert!(home.starts_with("/var/lib/larder"), "{}", home.display());
        let _ = std::fs::remove_dir_all(home);
    }
}

pub(crate) async fn put(cluster: &PrivateCluster, text: &str) {
    let mut connection = cluster.server().with_database("postgres").connect_as_admin().await.unwrap();
    connection.execute("CREATE TABLE IF NOT EXISTS note (text text)").await.unwrap();
    sqlx::query("INSERT INTO note VALUES ($1)").bind(text).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

pub(crate) async fn notes(cluster: &PrivateCluster) -> Vec<String> {
    let mut connection = cluster.server().with_database("postgres").connect_as_admin().await.unwrap();
    sqlx::query_scalar("SELECT text FROM note ORDER BY 1").fetch_all(&mut connection).await.unwrap()
}

pub(crate) fn server_pid(cluster_dir: &Path) -> Pid {
    let text = std::fs::read_to_string(cluster_dir.join("postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    put(&cluster, "before").await;
    let pid = server_pid(cluster.cluster_dir());
    let sockets = cluster.socket_dir().to_owned();
    cluster.stop().await.unwrap();
    assert!(test_kill_process(pid).is_err(), "the server is still there");
    assert!(!sockets.exists(), "the socket's folder is still there");

    let cluster = folder.start().await.unwrap();
    assert_eq!(notes(&cluster).await, ["before"]);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn it_is_safe_with_the_data_and_open_to_nobody_else() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    let mut connection = cluster.server().with_database("postgres").connect_as_admin().await.unwrap();
    for (setting, expected) in [
        ("fsync", "on"),
        ("data_checksums", "on"),
        ("wal_level", "replica"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("lc_collate", "C.UTF-8"),
    ] {
        let actual: Option<String> = sqlx::query_scalar(
            "SELECT coalesce(current_setting($1, true), datcollate) FROM pg_database
                                WHERE datname = 'template1'",
        )
        .bind(setting)
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(actual.as_deref(), Some(expected), "{setting}");
    }
    connection.close().await.unwrap();

    use std::os::unix::fs::MetadataExt;
    for private in [cluster.socket_dir(), cluster.cluster_dir()] {
        let metadata = std::fs::metadata(private).unwrap();
        assert_eq!(metadata.mode() & 0o777, 0o700, "{}", private.display());
        assert_ne!(metadata.uid(), 0, "{}", private.display());
    }
    let pid = server_pid(cluster.cluster_dir());
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
    if rustix::process::geteuid().is_root() {
        assert_eq!(groups.trim(), "", "supplementary groups of root were handed on");
    }
    // Ctrl-C in a terminal goes to larder's group, and larder stops the server in order.
    assert_eq!(getpgid(Some(pid)).unwrap(), pid);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_start_is_told_who_is_there() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    let error = folder.start().await.unwrap_err();
    assert!(matches!(error, DatabaseError::FolderInUse { .. }), "{error}");
    assert!(error.to_string().contains(&format!("(pid {})", std::process::id())), "{error}");
    put(&cluster, "undisturbed").await;
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn the_whole_way_from_nothing_to_a_service_pool() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    bootstrap(cluster.server(), None).await.unwrap();
    let pool = connect(cluster.server(), "recommendation", Role::App, &DatabaseSettings::default());
    let who: (String, String) =
        sqlx::query_as("SELECT current_user::text, current_database()::text").fetch_one(&pool).await.unwrap();
    assert_eq!(who, ("recommendation_app".to_owned(), "larder".to_owned()));

    cluster.stop().await.unwrap();
    let error = pool.execute("SELECT 1").await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    let error = pool.execute("SELECT 1").await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
}

#[tokio::test]
async fn roles_log_in_with_their_password_and_no_other() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    let password = SecretString::from("correct horse".to_owned());
    bootstrap(cluster.server(), Some(&password)).await.unwrap();
    cluster.stop().await.unwrap();
    let access = "local all postgres trust\nlocal all all scram-sha-256\n";
    std::fs::write(folder.cluster_dir().join("pg_hba.conf"), access).unwrap();

    let cluster = folder.start().await.unwrap();
    for (role_password, may_enter) in [(Some("correct horse"), true), (Some("battery"), false), (None, false)]
    {
        let role_password = role_password.map(|text| SecretString::from(text.to_owned()));
        let settings = DatabaseSettings { role_password, ..DatabaseSettings::default() };
        let pool = connect(cluster.server(), "identity", Role::App, &settings);
        assert_eq!(pool.execute("SELECT 1").await.is_ok(), may_enter, "{settings:?}");
    }
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_dies_is_started_again() {
    let folder = DataFolder::new();
    let cluster = folder.start().await.unwrap();
    put(&cluster, "acknowledged").await;
    let first = server_pid(cluster.cluster_dir());
    kill_process(first, Signal::KILL).unwrap();
    let probe = cluster.server().with_database("postgres");
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        if probe.connect_as_admin().await.is_ok() && server_pid(cluster.cluster_dir()) != first {
            break;
        }
    }
    assert_eq!(notes(&cluster).await, ["acknowledged"]);
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn after_kill_9_of_larder_the_next_start_recovers() {
    let folder = DataFolder::new();
    let (mut holder, _output) = start_holder(&folder.settings().data_dir);
    let orphan = server_pid(&folder.cluster_dir());
    let error = folder.start().await.unwrap_err();
    assert!(error.to_string().contains(&format!("(pid {})", holder.id())), "{error}");

    holder.kill().unwrap();
    holder.wait().unwrap();
    assert!(test_kill_process(orphan).is_ok(), "the server went with its holder, nothing to recover");
    let cluster = folder.start().await.unwrap();
    assert_ne!(server_pid(cluster.cluster_dir()), orphan);
    assert!(notes(&cluster).await.contains(&"written by the holder".to_owned()));
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn kill_9_of_larder_and_its_server_loses_no_acknowledged_write() {
    let folder = DataFolder::new();
    let (mut holder, mut output) = start_holder(&folder.settings().data_dir);
    let mut acknowledged: Vec<String> = output.by_ref().take(40).collect();
    kill_process(server_pid(&folder.cluster_dir()), Signal::KILL).unwrap();
    holder.kill().unwrap();
    holder.wait().unwrap();
    acknowledged.extend(output);

    let cluster = folder.start().await.unwrap();
    let kept = notes(&cluster).await;
    let lost: Vec<_> = acknowledged.iter().filter(|line| !kept.contains(line)).collect();
    assert!(acknowledged.len() >= 40 && lost.is_empty(), "lost of {}: {lost:?}", acknowledged.len());
    cluster.stop().await.unwrap();
}

/// Starts this test program again as a process that holds a cluster. The lines it writes from
/// then on are the notes that its server has acknowledged.
fn start_holder(data_dir: &Path) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "private::hold_a_cluster_until_killed", "--ignored", "--nocapture"])
        .env(HOLD_VARIABLE, data_dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(holder.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(output.any(|line| line == "holding"), "the holder ended early");
    (holder, output)
}

#[tokio::test]
#[ignore = "run as a process of its own by the tests that kill it"]
async fn hold_a_cluster_until_killed() {
    let Some(data_dir) = std::env::var_os(HOLD_VARIABLE) else { return };
    let settings = PrivateClusterSettings { data_dir: data_dir.into(), bin_dir: None };
    let cluster = PrivateCluster::start(settings).await.unwrap();
    put(&cluster, "written by the holder").await;
    println!("\nholding");
    for number in 0.. {
        let note = format!("note {number}");
        put(&cluster, &note).await;
        println!("{note}");
    }
}
