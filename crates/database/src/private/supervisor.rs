//! Keeps the server of a private cluster running until it is asked to stop. Only this task holds
//! the folder's lock and the server process, so neither outlives the other.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::sleep;

use super::binaries::Binaries;
use super::leftover;
use super::lock::FolderLock;
use super::place::Place;
use super::postmaster::Postmaster;
use crate::error::DatabaseError;
use crate::server::Server;

const FIRST_RESTART_DELAY: Duration = Duration::from_millis(200);
const LONGEST_RESTART_DELAY: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(crate) struct Supervisor {
    place: Place,
    binaries: Binaries,
    server: Server,
    postmaster: Postmaster,
    // Declared last: given back after the server is gone.
    _lock: FolderLock,
}

impl Supervisor {
    /// Starts the server for the first time.
    pub(crate) async fn start(
        place: Place,
        binaries: Binaries,
        server: Server,
        lock: FolderLock,
    ) -> Result<Self, DatabaseError> {
        let postmaster = Postmaster::start(&place, &binaries, &server).await?;
        tracing::info!(
            process.pid = postmaster.pid(),
            version = binaries.version,
            folder = %place.cluster.display(),
            "the private database is ready"
        );
        Ok(Self { place, binaries, server, postmaster, _lock: lock })
    }

    /// Runs until `stop_asked` is sent or its sender is gone, then stops the server.
    pub(crate) async fn run(mut self, mut stop_asked: oneshot::Receiver<()>) -> Result<(), DatabaseError> {
        loop {
            tokio::select! {
                _ = &mut stop_asked => {
                    self.postmaster.stop().await?;
                    // Empty now; when it is not, it is not ours to remove.
                    let _ = std::fs::remove_dir(&self.place.sockets);
                    return Ok(());
                }
                ended = self.postmaster.wait() => {
                    let status = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
                    tracing::error!(status, "the private database ended by itself and is started again");
                }
            }
            tokio::select! {
                _ = &mut stop_asked => return Ok(()),
                postmaster = restart(&self.place, &self.binaries, &self.server) => self.postmaster = postmaster,
            }
        }
    }
}

/// Tries until it works: meanwhile reads are answered from snapshots and health says why.
async fn restart(place: &Place, binaries: &Binaries, server: &Server) -> Postmaster {
    let mut delay = FIRST_RESTART_DELAY;
    loop {
        sleep(delay).await;
        delay = (delay * 2).min(LONGEST_RESTART_DELAY);
        let started = match leftover::stop_postmaster(place).await {
            Ok(()) => Postmaster::start(place, binaries, server).await,
            Err(error) => Err(error),
        };
        match started {
            Ok(postmaster) => {
                tracing::info!(process.pid = postmaster.pid(), "the private database is back");
                return postmaster;
            }
            Err(error) => tracing::error!(%error, "the private database cannot be started again"),
        }
    }
}
