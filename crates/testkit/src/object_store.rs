//! A real S3 server of a test's own (SeaweedFS), on free ports of loopback and in a temporary folder.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

/// The key that every server takes.
pub const OBJECT_STORE_KEY: &str = "larder-test";
/// Its secret.
pub const OBJECT_STORE_SECRET: &str = "larder-test-secret";

const READY_LIMIT: Duration = Duration::from_secs(60);

/// A running server. It is killed when this is dropped; nothing in it is worth more.
pub struct ObjectStore {
    port: u16,
    child: Child,
    program: PathBuf,
    ports: [u16; 11],
    folder: TempDir,
}

impl ObjectStore {
    /// Starts a server, or returns `None` where `cargo xtask test` could not have the program.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Option<Self> {
        let program = PathBuf::from(std::env::var_os("LARDER_TEST_WEED")?);
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let ports = free_ports();
        let child = spawn(&program, &folder, &ports);
        let store = Self { port: ports[0], child, program, ports, folder };
        store.wait().await;
        Some(store)
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `kill -9`, and up again on the same folder.
    ///
    /// # Panics
    /// When it does not start again.
    pub async fn kill_and_start_again(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = spawn(&self.program, &self.folder, &self.ports);
        self.wait().await;
    }

    async fn wait(&self) {
        let deadline = Instant::now() + READY_LIMIT;
        while !answers(self.port).await {
            assert!(Instant::now() < deadline, "the object store does not answer");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether it takes requests: every answer counts, the one that refuses strangers included.
async fn answers(port: u16) -> bool {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.ok()?;
        let mut start = [0; 12];
        stream.read_exact(&mut start).await.ok()?;
        (start.starts_with(b"HTTP/1.1 ") && start[9] != b'5').then_some(())
    };
    tokio::time::timeout(Duration::from_secs(2), ask).await.ok().flatten().is_some()
}

/// All are held at once, so that they are different ones.
fn free_ports() -> [u16; 11] {
    let listeners = [(); 11].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port on loopback"));
    listeners.map(|listener| listener.local_addr().expect("a bound listener has an address").port())
}

fn spawn(program: &PathBuf, folder: &TempDir, ports: &[u16; 11]) -> Child {
    let flags = [
        "s3.port",
        "s3.port.grpc",
        "master.port",
        "master.port.grpc",
        "volume.port",
        "volume.port.grpc",
        "filer.port",
        "filer.port.grpc",
        "admin.port",
        "admin.port.grpc",
        "metricsPort",
    ];
    let mut command = Command::new(program);
    command.arg("mini").arg(format!("-dir={}", folder.path().display()));
    command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-webdav=false", "-admin.ui=false"]);
    command.args(["-s3.port.iceberg=0", "-s3.port.lance=0"]);
    command.args(flags.iter().zip(ports).map(|(flag, port)| format!("-{flag}={port}")));
    command.env("AWS_ACCESS_KEY_ID", OBJECT_STORE_KEY).env("AWS_SECRET_ACCESS_KEY", OBJECT_STORE_SECRET);
    command.current_dir(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("the object store can be run")
}
