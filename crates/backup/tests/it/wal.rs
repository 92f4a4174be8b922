//! The continuous archive against real servers: received, kept, damaged on purpose, and replayed by
//! PostgreSQL itself.

mod receive;
mod recover;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use jiff::Timestamp;
use larder_backup::BackupError;
use larder_backup::drill::{
    RecoveryTarget, ThrowAwayCluster, ThrowAwaySettings, prepare_recovery, run_folder,
};
use larder_backup::pipeline::{Identities, SealSettings};
use larder_backup::target::folder::FolderTarget;
use larder_backup::target::{Download, ObjectKey, SharedTarget, StoredObject, Target, TargetError, Upload};
use larder_backup::wal::{Door, WalArchive, WalGiver, WalReceiver, WalSettings, WalStatus, door};
use larder_replication::{BackupEvent, BaseBackupOptions, ConnectOptions, Lsn, ReplicationConnection};
use larder_testkit::TestCluster;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const WAIT_LIMIT: Duration = Duration::from_secs(90);

/// Settings of a server whose slots cannot fill its disk.
pub(crate) const CAPPED: [(&str, &str); 1] = [("max_slot_wal_keep_size", "512MB")];

pub(crate) fn now() -> Timestamp {
    Timestamp::try_from(SystemTime::UNIX_EPOCH + clock_seconds()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "these tests are about real time")]
fn clock_seconds() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap()
}

/// A target that can be switched off.
pub(crate) struct Switched {
    inner: FolderTarget,
    is_down: AtomicBool,
}

impl Switched {
    pub(crate) fn at(name: &str, folder: &Path) -> Arc<Self> {
        Arc::new(Self { inner: FolderTarget::open(name, folder).unwrap(), is_down: AtomicBool::new(false) })
    }

    fn switch(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    fn check(&self, key: &str) -> Result<(), TargetError> {
        if !self.is_down.load(Ordering::SeqCst) {
            return Ok(());
        }
        let (target, key) = (self.name().to_owned(), key.to_owned());
        Err(TargetError::Unavailable { target, action: "reach", key, cause: "switched off".to_owned() })
    }
}

#[tonic::async_trait]
impl Target for Switched {
    fn name(&self) -> &str {
        self.inner.name()
    }
    async fn put(&self, key: &ObjectKey, content: Bytes) -> Result<(), TargetError> {
        self.check(key.as_str())?;
        self.inner.put(key, content).await
    }
    async fn begin(&self, key: &ObjectKey) -> Result<Box<dyn Upload>, TargetError> {
        self.check(key.as_str())?;
        self.inner.begin(key).await
    }
    async fn open(&self, key: &ObjectKey) -> Result<Box<dyn Download>, TargetError> {
        self.check(key.as_str())?;
        self.inner.open(key).await
    }
    async fn list(&self, prefix: &str) -> Result<Vec<StoredObject>, TargetError> {
        self.check(prefix)?;
        self.inner.list(prefix).await
    }
    async fn list_folders(&self, prefix: &str) -> Result<Vec<String>, TargetError> {
        self.check(prefix)?;
        self.inner.list_folders(prefix).await
    }
    async fn remove(&self, key: &ObjectKey) -> Result<(), TargetError> {
        self.check(key.as_str())?;
        self.inner.remove(key).await
    }
    async fn remove_unfinished(&self, prefix: &str, before: SystemTime) -> Result<usize, TargetError> {
        self.inner.remove_unfinished(prefix, before).await
    }
}

/// An archive of its own for one test: a spool and two folders as targets.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) spool: PathBuf,
    pub(crate) near: Arc<Switched>,
    far: Arc<Switched>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let near = Switched::at("near", &folder.path().join("near"));
        let far = Switched::at("far", &folder.path().join("far"));
        let spool = folder.path().join("spool");
        Self { folder, spool, near, far }
    }

    /// The same, with the near target in a folder of its own.
    pub(crate) fn with_near_in(near: &Path) -> Self {
        Self { near: Switched::at("near", near), ..Self::new() }
    }

    /// The same, with the spool in a folder of its own.
    pub(crate) fn with_spool_in(spool: &Path) -> Self {
        Self { spool: spool.to_owned(), ..Self::new() }
    }

    pub(crate) fn targets(&self) -> Vec<SharedTarget> {
        vec![self.near.clone(), self.far.clone()]
    }

    fn settings(&self, cluster: &TestCluster) -> WalSettings {
        WalSettings {
            cluster: "test".to_owned(),
            connect: ConnectOptions::from_url(&cluster.url()).unwrap(),
            slot: "larder_wal".parse().unwrap(),
            spool: self.spool.clone(),
            spool_limit_bytes: 1 << 30,
            flush_every: Duration::from_millis(200),
            allow_uncapped_slot: false,
            targets: self.targets(),
            seal: SealSettings::plain(),
        }
    }

    pub(crate) fn receive(&self, cluster: &TestCluster) -> WalReceiver {
        WalReceiver::start(self.settings(cluster), now, CancellationToken::new()).unwrap()
    }

    pub(crate) async fn archive(&self, cluster: &TestCluster) -> WalArchive {
        let options = ConnectOptions::from_url(&cluster.url()).unwrap();
        let mut connection = ReplicationConnection::connect(&options).await.unwrap();
        let system = connection.identify_system().await.unwrap().system;
        WalArchive { cluster: "test".to_owned(), system, targets: self.targets() }
    }

    /// The files of whole segments at a target, in order.
    fn segments(&self, target: &str) -> Vec<PathBuf> {
        let mut found = files_below(&self.folder.path().join(target));
        found.retain(|path| path.extension().is_some_and(|extension| extension == "segment"));
        found.sort();
        found
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

/// Waits until the status is as wanted.
pub(crate) async fn wait_for(
    receiver: &WalReceiver,
    what: &str,
    wanted: impl Fn(&WalStatus) -> bool,
) -> WalStatus {
    let mut status = receiver.status();
    let waited = tokio::time::timeout(WAIT_LIMIT, status.wait_for(|status| wanted(status))).await;
    match waited {
        Ok(reached) => reached.unwrap().clone(),
        Err(_) => panic!("{what} never came: {:?}", receiver.status().borrow()),
    }
}

pub(crate) async fn current_lsn(cluster: &TestCluster) -> Lsn {
    cluster.value("SELECT pg_current_wal_flush_lsn()").await.parse().unwrap()
}

/// Waits until everything that the server has now is at both targets.
pub(crate) async fn wait_until_archived(receiver: &WalReceiver, cluster: &TestCluster) {
    let goal = current_lsn(cluster).await;
    wait_for(receiver, "the log at the targets", |status| {
        status.targets.iter().all(|target| target.archived >= goal)
    })
    .await;
}

/// A base backup, unpacked by `tar` into a place for a throw-away cluster.
async fn base_backup(cluster: &TestCluster) -> TestCluster {
    let copy = TestCluster::empty(cluster.binaries(), &[]);
    let options = ConnectOptions::from_url(&cluster.url()).unwrap();
    let connection = ReplicationConnection::connect(&options).await.unwrap();
    let options = BaseBackupOptions { include_wal: true, ..BaseBackupOptions::new("test") };
    let mut backup = connection.start_base_backup(&options).await.unwrap();
    let mut tar =
        Command::new("tar").arg("-x").arg("-C").arg(copy.data_dir()).stdin(Stdio::piped()).spawn().unwrap();
    let mut is_archive = true;
    while let Some(event) = backup.next().await.unwrap() {
        match event {
            BackupEvent::ManifestStarted => is_archive = false,
            BackupEvent::Data(bytes) if is_archive => tar.stdin.as_mut().unwrap().write_all(&bytes).unwrap(),
            _ => {}
        }
    }
    drop(tar.stdin.take());
    assert!(tar.wait().unwrap().success());
    copy.hand_over(copy.data_dir());
    copy
}

/// Recovers a copy from the archive, as a drill does.
async fn recover(
    copy: &TestCluster,
    archive: WalArchive,
    target: &RecoveryTarget,
) -> Result<Recovered, BackupError> {
    let run = run_folder(copy.account())?;
    let door = Door::open(&run.path().join("door"), WalGiver::new(archive, Identities::default()))?;
    if let Some((uid, gid)) = copy.account() {
        std::os::unix::fs::chown(door.path(), Some(uid), Some(gid)).unwrap();
    }
    // Tests lie where the server's account may not go.
    let program = run.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let command = format!(
        "{}='{}' {}=%f {}=%p '{}' --exact wal::as_restore_command --ignored --nocapture",
        VARIABLES[0],
        door.path().display(),
        VARIABLES[1],
        VARIABLES[2],
        program.display()
    );
    prepare_recovery(copy.data_dir(), target, &command, copy.account())?;
    let settings = ThrowAwaySettings {
        binaries: copy.binaries().clone(),
        data: copy.data_dir().to_owned(),
        account: copy.account(),
        superuser: "postgres".to_owned(),
        recovery_limit: Duration::from_secs(120),
    };
    let cluster = ThrowAwayCluster::start(settings, run.path()).await?;
    Ok(Recovered { cluster, _run: run })
}

/// A recovered server and the folder of its socket.
#[derive(Debug)]
struct Recovered {
    cluster: ThrowAwayCluster,
    _run: TempDir,
}

const VARIABLES: [&str; 3] = ["LARDER_TEST_DOOR", "LARDER_TEST_FILE", "LARDER_TEST_INTO"];

/// What servers of these tests run as their `restore_command`: this very program, as `larder backup
/// wal-get` is in earnest.
#[test]
#[ignore = "run by servers in recovery"]
fn as_restore_command() {
    let [Some(door), Some(file), Some(into)] = VARIABLES.map(std::env::var_os) else { return };
    match door::ask(Path::new(&door), &file.to_string_lossy(), Path::new(&into)) {
        Ok(door::Outcome::Stored) => std::process::exit(0),
        Ok(door::Outcome::EndOfArchive) => std::process::exit(1),
        Err(reason) => {
            eprintln!("{reason}");
            std::process::abort();
        }
    }
}

async fn value(recovered: &Recovered, query: &str) -> String {
    let mut connection = recovered.cluster.connect("postgres").await.unwrap();
    let sql = format!("SELECT (x.value)::text FROM ({query}) AS x(value)");
    sqlx::query_scalar::<_, Option<String>>(sqlx::AssertSqlSafe(sql))
        .fetch_one(&mut connection)
        .await
        .unwrap_or_else(|error| panic!("{query}: {error}"))
        .unwrap_or_default()
}
