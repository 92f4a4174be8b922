//! Looks every second whether the on-call file changed, and takes it up whole.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;

use crate::channels::Reach;
use crate::in_force::{InForce, Rules};

const LOOK: Duration = Duration::from_secs(1);

/// The job.
pub(crate) struct Reloader {
    pub(crate) file: PathBuf,
    pub(crate) reach: Reach,
    pub(crate) in_force: Arc<InForce>,
}

impl Reloader {
    /// Takes up the file as it is now.
    pub(crate) fn look(&self) {
        self.in_force.take_up(Rules::read(&self.file, self.reach));
    }

    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut seen = self.content();
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let content = self.content();
            if content != seen {
                seen = content;
                self.look();
            }
        }
    }

    /// The file's bytes: editors and secret mounts keep times that say nothing.
    fn content(&self) -> Option<Vec<u8>> {
        std::fs::read(&self.file).ok()
    }
}
