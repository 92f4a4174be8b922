//! A Redis that forgets, where `redis-server` is installed: the gateway's limits and kept answers are shared through it.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::error::CommandError;

const PROGRAM: &str = "redis-server";
/// Beside those of PATH.
const USUAL_FOLDERS: [&str; 2] = ["/usr/bin", "/usr/local/bin"];
const START_LIMIT: Duration = Duration::from_secs(20);

/// A running server.
#[derive(Debug)]
pub(crate) struct Redis {
    address: SocketAddr,
    child: Child,
}

impl Redis {
    /// Starts one, if it can be had.
    pub(crate) async fn start(folder: &Path) -> Result<Option<Self>, CommandError> {
        let Some(program) = program() else { return Ok(None) };
        let failed =
            |error: std::io::Error| CommandError::Refused(format!("{PROGRAM} did not start: {error}"));
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = address.map_err(failed)?;
        let path = folder.join("redis.log");
        let log = File::create(&path).map_err(CommandError::file(&path))?;
        let mut command = Command::new(program);
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"]);
        command.arg(address.port().to_string()).current_dir(folder).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(log.try_clone().map_err(failed)?).stderr(log);
        let redis = Self { address, child: command.spawn().map_err(failed)? };
        let listens = async {
            while TcpStream::connect(address).await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match tokio::time::timeout(START_LIMIT, listens).await {
            Ok(()) => Ok(Some(redis)),
            Err(_) => Err(CommandError::Refused(format!("{PROGRAM} does not listen on {address}"))),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// It keeps nothing, so it is not asked.
    pub(crate) async fn stop(mut self) {
        let _ = self.child.kill().await;
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(USUAL_FOLDERS.map(PathBuf::from));
    folders.map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
}
