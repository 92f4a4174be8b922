//! Passwords are hashed off the async threads, and only so many at once: each takes 19 MiB and tens of milliseconds of a
//! core, which is what makes guessing dear and must not make everything else slow.

use std::sync::Arc;
use std::time::Duration;

use larder_identity::{IdentityError, password};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use super::error::Error;

/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes and compares.
#[derive(Debug)]
pub(super) struct Passwords {
    places: Arc<Semaphore>,
}

impl Default for Passwords {
    /// Half the cores, so that the other half answers everybody who is in.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { places: Arc::new(Semaphore::new((cores / 2).max(1))) }
    }
}

impl Passwords {
    /// Whether `password` belongs to `stored`; takes as long when there is nothing stored.
    pub(super) async fn verify(&self, given: &str, stored: Option<String>) -> Result<bool, Error> {
        let given = SecretString::from(given.to_owned());
        self.apart(move || password::verify(given.expose_secret(), stored.as_deref())).await
    }

    /// The hash to store for `password`.
    pub(super) async fn hash(&self, given: &str) -> Result<String, Error> {
        let given = SecretString::from(given.to_owned());
        self.apart(move || password::hash(given.expose_secret())).await
    }

    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, IdentityError> + Send + 'static,
    ) -> Result<T, Error> {
        let place = tokio::time::timeout(PATIENCE, self.places.clone().acquire_owned()).await;
        let place = place.map_err(|_| Error::Overloaded)?.map_err(|_| Error::Overloaded)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        Ok(done.await.map_err(|failed| Error::Internal(failed.to_string()))??)
    }
}
