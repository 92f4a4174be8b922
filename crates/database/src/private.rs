//! The private PostgreSQL of the embedded default: made on first use, started as a child, kept
//! running, stopped at exit. It listens on a socket in a folder that only its owner can enter,
//! and on no network; whatever a killed process left behind is put right at the next start.

pub(crate) mod binaries;
mod cluster;
mod leftover;
mod lock;
pub(crate) mod place;
mod postmaster;
mod supervisor;

use std::path::{Path, PathBuf};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::error::DatabaseError;
use crate::server::Server;
use lock::FolderLock;
use place::Place;
use supervisor::Supervisor;

/// What a private cluster needs to know.
#[derive(Debug, Clone)]
pub struct PrivateClusterSettings {
    /// Larder's data folder; the cluster is its sub-folder `postgres` (as root: a link to it).
    pub data_dir: PathBuf,
    /// Where PostgreSQL's programs are; `None` looks in `PATH` and where distributions put them.
    pub bin_dir: Option<PathBuf>,
}

/// A running private PostgreSQL. It is restarted when it dies, and stopped by [`stop`]; dropping
/// the value only asks it to stop, without waiting.
///
/// [`stop`]: PrivateCluster::stop
#[derive(Debug)]
pub struct PrivateCluster {
    server: Server,
    place: Place,
    stop: Option<oneshot::Sender<()>>,
    supervisor: JoinHandle<Result<(), DatabaseError>>,
}

impl PrivateCluster {
    /// Makes the cluster if there is none yet, starts its server and waits until it answers.
    ///
    /// # Errors
    /// [`DatabaseError::ProgramsMissing`] names the command that installs PostgreSQL,
    /// [`DatabaseError::FolderInUse`] the process that runs this cluster already.
    pub async fn start(settings: PrivateClusterSettings) -> Result<Self, DatabaseError> {
        let (place, lock) = Place::claim(&settings.data_dir)?;
        let started = Self::start_in(place.clone(), lock, settings.bin_dir).await;
        if started.is_err() {
            // It holds nothing, and the next start makes it again.
            let _ = std::fs::remove_dir(&place.sockets);
        }
        started
    }

    async fn start_in(
        place: Place,
        lock: FolderLock,
        bin_dir: Option<PathBuf>,
    ) -> Result<Self, DatabaseError> {
        let version = cluster::version(&place)?;
        let binaries = find_in_background(bin_dir, version).await?;
        leftover::stop_postmaster(&place).await?;
        cluster::ensure(&place, &binaries).await?;

        let server = place.server()?;
        let supervisor = Supervisor::start(place.clone(), binaries, server.clone(), lock).await?;
        let (stop, stop_asked) = oneshot::channel();
        Ok(Self { server, place, stop: Some(stop), supervisor: tokio::spawn(supervisor.run(stop_asked)) })
    }

    /// The server, with the database `larder` selected.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The folder with the data itself (`PGDATA`).
    pub fn cluster_dir(&self) -> &Path {
        &self.place.cluster
    }

    /// The folder with the server's socket.
    pub fn socket_dir(&self) -> &Path {
        &self.place.sockets
    }

    /// The server's log file.
    pub fn log_path(&self) -> &Path {
        &self.place.log
    }

    /// Stops the server: clients are cut off and everything is written out. A server that takes
    /// too long is told to quit at once, and recovers from its log at the next start.
    pub async fn stop(mut self) -> Result<(), DatabaseError> {
        if let Some(stop) = self.stop.take() {
            // A supervisor that has ended already needs no asking.
            let _ = stop.send(());
        }
        match self.supervisor.await {
            Ok(stopped) => stopped,
            Err(panic) => {
                tracing::error!(%panic, "the supervisor of the private database ended early");
                Ok(())
            }
        }
    }
}

async fn find_in_background(
    bin_dir: Option<PathBuf>,
    version: Option<u32>,
) -> Result<binaries::Binaries, DatabaseError> {
    let found = tokio::task::spawn_blocking(move || binaries::find_binaries(bin_dir.as_deref(), version));
    found.await.expect("looking for programs does not panic")
}
