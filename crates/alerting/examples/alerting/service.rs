//! The released service: `larder serve alerting` as a process of its own, on a PostgreSQL of its own that syncs
//! every commit to the disk.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use larder_proto::larder::alerting::v1::alerting_service_client::AlertingServiceClient;
use larder_testkit::{TestCluster, postgresql_versions};
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tonic::transport::Channel;

use crate::Measured;

/// As a server has it that is meant to keep what it says it keeps.
const DATABASE: [(&str, &str); 6] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("autovacuum", "on"),
    ("shared_buffers", "128MB"),
    ("max_connections", "100"),
];
const READY_LIMIT: Duration = Duration::from_secs(60);

/// The service with its database. Both end with this value.
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
    pub(crate) database: TestCluster,
    _folder: TempDir,
}

impl Service {
    /// Starts both; `SECRET` in the on-call file is where a secret is.
    pub(crate) async fn start(on_call: &str) -> Measured<Self> {
        let binaries = postgresql_versions();
        let newest = binaries.last().ok_or("there is no PostgreSQL")?;
        let database = TestCluster::start(newest, &DATABASE).await;
        let folder = tempfile::tempdir()?;
        let (secret, file) = (folder.path().join("secret"), folder.path().join("on-call.toml"));
        std::fs::write(&secret, "a secret for receivers of the benchmark")?;
        let secret = format!("{{ file = {:?} }}", secret.display().to_string());
        std::fs::write(&file, on_call.replace("SECRET", &secret))?;
        let [address, ops] = free_addresses()?;
        let program = std::env::var_os("LARDER_TEST_PROGRAM").map(PathBuf::from);
        let program = program.ok_or("LARDER_TEST_PROGRAM is not set; run `cargo xtask bench alerting`")?;
        let child = Command::new(program)
            .args(["serve", "alerting"])
            .current_dir(folder.path())
            .env("LARDER_DATA_DIR", folder.path().join("data"))
            .env("LARDER_DATABASE__URL", database.url().expose_secret())
            .env("LARDER_ALERTING__LISTEN_ADDRESS", address.to_string())
            .env("LARDER_ALERTING__OPS_ADDRESS", ops.to_string())
            .env("LARDER_ALERTING__ON_CALL_FILE", &file)
            .env("LARDER_ALERTING__ALLOW_PRIVATE_TARGETS", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let service = Self { child, address, database, _folder: folder };
        wait_until_ready(&format!("http://{ops}/readyz")).await?;
        Ok(service)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn client(&self) -> Measured<AlertingServiceClient<Channel>> {
        let channel = Channel::from_shared(self.url())?.connect().await?;
        Ok(AlertingServiceClient::new(channel).max_decoding_message_size(64 << 20))
    }

    /// A number out of the database.
    pub(crate) async fn count(&self, query: &str) -> Measured<usize> {
        Ok(self.database.value(query).await.parse()?)
    }

    /// Waits until a query counts so many, and tells when that was.
    pub(crate) async fn wait_for(&self, query: &str, count: usize, limit: Duration) -> Measured<Instant> {
        let begun = Instant::now();
        while self.count(query).await? != count {
            if begun.elapsed() > limit {
                return Err(format!("{query}: never {count}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Instant::now())
    }

    pub(crate) fn memory_mb(&self, name: &str) -> Measured<f64> {
        memory_mb(&self.child, name)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A figure of a process's memory as Linux counts it.
pub(crate) fn memory_mb(child: &Child, name: &str) -> Measured<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib: f64 = line.and_then(|text| text.trim().strip_suffix(" kB")).ok_or("no such figure")?.parse()?;
    Ok(kib * 1024.0 / 1e6)
}

/// Kills a process at once: nothing of a benchmark is kept.
pub(crate) fn end(child: &mut Child) {
    // It may have ended by itself, which is as good.
    child.kill().ok();
    child.wait().ok();
}

/// Two addresses that are free now.
pub(crate) fn free_addresses() -> Measured<[SocketAddr; 2]> {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let (one, other) = (bind()?, bind()?);
    Ok([one.local_addr()?, other.local_addr()?])
}

pub(crate) async fn wait_until_ready(url: &str) -> Measured<()> {
    let begun = Instant::now();
    while begun.elapsed() < READY_LIMIT {
        if reqwest::get(url).await.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(format!("{url}: not ready within {READY_LIMIT:?}").into())
}
