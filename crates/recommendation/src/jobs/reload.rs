//! Reads the model settings file again and again, and takes up what changed. A file that is
//! refused is told of once; what was in force before stays so.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;

use crate::Clock;
use crate::metrics;
use crate::model_settings::{ModelSettings, Reading};

/// The file is small and its checksum tells a change whatever its times say.
const LOOK: Duration = Duration::from_secs(1);
/// A file beyond this is no settings file.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Keeps the settings in step with a file.
pub(crate) struct Reloader {
    pub(crate) file: PathBuf,
    pub(crate) settings: Arc<ModelSettings>,
    pub(crate) clock: Clock,
}

impl Reloader {
    /// Looks at the file until shutdown.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => self.look().await,
            }
        }
    }

    /// Looks at the file once.
    pub(crate) async fn look(&self) {
        let reading = self.settings.take(self.read().await, (self.clock)());
        metrics::model_settings_refused(self.settings.refused_because().is_some());
        match reading {
            Reading::Unchanged => {}
            Reading::TakenUp => {
                tracing::info!(file.path = %self.file.display(), "model settings taken up");
            }
            Reading::Refused(cause) => {
                metrics::model_settings_reload_failed();
                tracing::error!(file.path = %self.file.display(), error.cause = cause,
                    "model settings refused; those before stay in force");
            }
        }
    }

    async fn read(&self) -> std::io::Result<Vec<u8>> {
        let size = tokio::fs::metadata(&self.file).await?.len();
        if size > MOST_BYTES {
            return Err(std::io::Error::other(format!("it has {size} bytes; {MOST_BYTES} are the most")));
        }
        tokio::fs::read(&self.file).await
    }
}
