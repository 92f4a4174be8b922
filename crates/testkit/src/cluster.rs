//! A PostgreSQL of a test's own, of any version that can be had: started with any settings, stopped,
//! killed, promoted, copied. Tests that need no more than a database take [`TestDatabase`] instead.
//!
//! [`TestDatabase`]: crate::TestDatabase

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use larder_database::{Binaries, SUPPORTED_VERSIONS, Server, find_binaries};
use secrecy::SecretString;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

const READY_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Settings of every cluster: small, quick, durable for nothing.
const SETTINGS: [(&str, &str); 9] = [
    ("fsync", "off"),
    ("shared_buffers", "16MB"),
    ("max_connections", "20"),
    ("max_wal_senders", "8"),
    ("wal_level", "replica"),
    ("autovacuum", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("port", "5432"),
];

/// The programs of every PostgreSQL there is for tests, the oldest first. `cargo xtask test` names
/// their folders in `LARDER_TEST_POSTGRESQL_DIRS`; without it the one that is installed is taken.
///
/// # Panics
/// When there is none at all.
#[must_use]
pub fn postgresql_versions() -> Vec<Binaries> {
    let named = std::env::var_os("LARDER_TEST_POSTGRESQL_DIRS").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&named).filter(|folder| folder.is_dir()).collect();
    if folders.is_empty() {
        let mut found: Vec<Binaries> =
            SUPPORTED_VERSIONS.filter_map(|version| find_binaries(None, Some(version)).ok()).collect();
        assert!(!found.is_empty(), "PostgreSQL is not installed: run cargo xtask test, which installs it");
        found.sort_by_key(|binaries| binaries.version);
        return found;
    }
    let found = folders.iter().map(|folder| find_binaries(Some(folder), None));
    let mut found: Vec<Binaries> =
        found.collect::<Result<_, _>>().expect("the named folders hold PostgreSQL");
    found.sort_by_key(|binaries| binaries.version);
    found
}

/// A cluster that belongs to one test and goes with this value.
pub struct TestCluster {
    binaries: Binaries,
    data: PathBuf,
    settings: Vec<(String, String)>,
    server: Option<Child>,
    // Dropped last.
    folder: TempDir,
}

/// How a server is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ends sessions, writes everything out, waits for standbys and archives.
    Fast,
    /// Drops everything, as a crash does.
    Immediate,
    /// `kill -9`.
    Kill,
}

impl TestCluster {
    /// Makes a cluster with data checksums and starts it on a socket.
    ///
    /// # Panics
    /// When PostgreSQL's programs fail.
    pub async fn start(binaries: &Binaries, settings: &[(&str, &str)]) -> Self {
        let mut cluster = Self::empty(binaries, settings);
        let mut initdb = cluster.program("initdb");
        initdb.arg("-D").arg(&cluster.data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]);
        run(initdb.args(["--locale=C.UTF-8", "--data-checksums", "--no-instructions"]));
        cluster.start_server().await;
        cluster
    }

    /// A place for a cluster whose files somebody else writes into [`TestCluster::data_dir`].
    ///
    /// # Panics
    /// When no folder can be made.
    #[must_use]
    pub fn empty(binaries: &Binaries, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("larder-pg-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .expect("a temporary folder");
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("a folder in a new folder");
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).expect("our own folder");
        let own = |pair: &(&str, &str)| (pair.0.to_owned(), pair.1.to_owned());
        let settings = SETTINGS.iter().chain(settings).map(own).collect();
        let cluster = Self { binaries: binaries.clone(), data, settings, server: None, folder };
        cluster.hand_over(&cluster.folder.path().join("data"));
        cluster.hand_over(cluster.folder.path());
        cluster
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Panics
    /// With its log, when it does not.
    pub async fn start_server(&mut self) {
        self.spawn();
        self.wait_until_ready().await;
    }

    /// Starts the server and does not wait.
    ///
    /// # Panics
    /// When the program cannot be started.
    pub fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let mut command = self.program("postgres");
        command.arg("-D").arg(&self.data).arg("-k").arg(self.folder.path()).args(["-c", "listen_addresses="]);
        for (name, value) in &self.settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdout(log.try_clone().expect("a second handle")).stderr(log);
        self.server = Some(command.spawn().expect("postgres starts"));
    }

    /// Changes a setting for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + READY_LIMIT;
        loop {
            if let Ok(mut connection) = self.server().connect_as_admin().await {
                connection.execute("SELECT 1").await.expect("a fresh connection answers");
                return;
            }
            assert!(
                self.is_running() && Instant::now() < deadline,
                "PostgreSQL did not start:\n{}",
                self.log()
            );
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Whether the server's process is there.
    pub fn is_running(&mut self) -> bool {
        self.server.as_mut().is_some_and(|server| server.try_wait().is_ok_and(|status| status.is_none()))
    }

    /// Stops the server and tells how long that took.
    ///
    /// # Panics
    /// When it does not stop within a minute.
    pub async fn stop(&mut self, how: Stop) -> Duration {
        let begun = Instant::now();
        self.signal(match how {
            Stop::Fast => "-INT",
            Stop::Immediate => "-QUIT",
            Stop::Kill => "-KILL",
        });
        while self.is_running() {
            assert!(begun.elapsed() < STOP_LIMIT, "PostgreSQL does not stop:\n{}", self.log());
            sleep(POLL_INTERVAL).await;
        }
        self.server = None;
        begun.elapsed()
    }

    fn signal(&self, signal: &str) {
        if let Some(server) = &self.server {
            let _ = Command::new("kill").arg(signal).arg(server.id().to_string()).status();
        }
    }

    /// Runs statements as the superuser.
    ///
    /// # Panics
    /// When one fails.
    pub async fn execute(&self, statements: &str) {
        let mut connection = self.connect().await;
        if let Err(error) = connection.execute(AssertSqlSafe(statements)).await {
            panic!("{statements}: {error}");
        }
        let _ = connection.close().await;
    }

    /// The one value that a query gives, as text.
    ///
    /// # Panics
    /// When it fails or gives nothing.
    pub async fn value(&self, query: &str) -> String {
        let mut connection = self.connect().await;
        let wrapped = format!("SELECT (x.value)::text FROM ({query}) AS x(value)");
        let value = sqlx::query_scalar(AssertSqlSafe(wrapped.as_str())).fetch_one(&mut connection).await;
        let value: Option<String> = value.unwrap_or_else(|error| panic!("{query}: {error}"));
        value.unwrap_or_default()
    }

    async fn connect(&self) -> PgConnection {
        self.server().connect_as_admin().await.unwrap_or_else(|error| panic!("{error}\n{}", self.log()))
    }

    /// The superuser's way in.
    ///
    /// # Panics
    /// Never for a folder of ours.
    #[must_use]
    pub fn server(&self) -> Server {
        Server::from_url(&self.url()).expect("an address of our own making").with_database("postgres")
    }

    /// The superuser's address.
    #[must_use]
    pub fn url(&self) -> SecretString {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        let port = self.port();
        SecretString::from(format!("postgres://postgres@{folder}:{port}/postgres?sslmode=disable"))
    }

    /// The port of the socket's name and, where a setting says so, of the network.
    #[must_use]
    pub fn port(&self) -> &str {
        let told = self.settings.iter().rfind(|(name, _)| name == "port");
        told.map_or("5432", |(_, port)| port)
    }

    /// The folder of the socket.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// `PGDATA`.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// The programs it runs on.
    #[must_use]
    pub fn binaries(&self) -> &Binaries {
        &self.binaries
    }

    /// What the server wrote about itself.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// A program of this version, run by the server's account, with the cluster as its default.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let program = self.binaries.program(name);
        let mut command = if Path::new("/usr/bin/setpriv").exists() {
            let mut command = Command::new("/usr/bin/setpriv");
            // A test that is killed takes its server along.
            command.args(["--pdeathsig", "QUIT"]);
            if let Some((uid, gid)) = unprivileged() {
                command.args([
                    format!("--reuid={uid}"),
                    format!("--regid={gid}"),
                    "--clear-groups".to_owned(),
                ]);
            }
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
        command.env("PGHOST", self.folder.path()).env("PGUSER", "postgres").env("PGPORT", self.port());
        command.current_dir(self.folder.path()).stdin(Stdio::null()).process_group(0);
        command
    }

    /// The account that the server runs as, when it is not that of the tests: user and group.
    #[must_use]
    pub fn account(&self) -> Option<(u32, u32)> {
        unprivileged()
    }

    /// Gives a file or folder, with all that is in it, to the server's account.
    ///
    /// # Panics
    /// When it is not ours to give.
    pub fn hand_over(&self, path: &Path) {
        let Some((uid, gid)) = unprivileged() else { return };
        chown(path, Some(uid), Some(gid)).expect("root may give");
        if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()) {
            for entry in fs::read_dir(path).expect("a folder") {
                self.hand_over(&entry.expect("an entry").path());
            }
        }
    }
}

impl Drop for TestCluster {
    fn drop(&mut self) {
        self.signal("-QUIT");
        if let Some(mut server) = self.server.take() {
            let _ = server.wait();
        }
    }
}

/// Runs a program that must succeed.
///
/// # Panics
/// With what it said, when it does not.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {said}", output.status);
    output
}

/// PostgreSQL refuses root; its servers are then nobody's.
fn unprivileged() -> Option<(u32, u32)> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    is_root.then_some((65_534, 65_534))
}
