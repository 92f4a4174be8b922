//! Files of a certificate that are looked at again and again: what changed is taken up for new connections, what is
//! refused leaves the one before in force and is told of by log, metric and health.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use arc_swap::ArcSwap;
use larder_lifecycle::{Check, CheckOutcome, HealthRegistry, Shutdown};
use rustls::{ClientConfig, ServerConfig};

use crate::clock::now_s;
use crate::error::CertificateError;
use crate::metrics;
use crate::pair::{Contents, Pair};

/// Files are small, and what they hold tells a change whatever their times say.
const LOOK: Duration = Duration::from_secs(1);
const CHECK_LIMIT: Duration = Duration::from_millis(400);
const DAY_S: i64 = 86_400;
/// So many days before its end a certificate should have been renewed.
const RENEWED_DAYS_BEFORE: i64 = 14;

/// Where a certificate lies.
#[derive(Debug, Clone)]
pub struct Files {
    /// The chain in PEM, the own certificate first.
    pub certificate: PathBuf,
    /// Its private key in PEM.
    pub key: PathBuf,
    /// The authorities that the other side must be vouched for by; without it no certificate is asked for.
    pub authority: Option<PathBuf>,
}

/// A certificate in force.
pub struct Watched {
    /// What it is for, as metrics and health name it.
    name: &'static str,
    files: Files,
    pair: ArcSwap<Pair>,
    state: Mutex<State>,
}

struct State {
    in_force: Contents,
    /// What the last look found, if it is another: it is taken up when the next look finds the same, since
    /// certificate and key are replaced one after the other.
    seen: Option<Contents>,
    refused: Option<String>,
}

impl Watched {
    /// Reads the files.
    ///
    /// # Errors
    /// When one cannot be read, holds something else, or does not belong to the other.
    pub fn open(name: &'static str, files: Files) -> Result<Arc<Self>, CertificateError> {
        metrics::describe();
        let in_force = Contents::read(&files)?;
        let pair = in_force.to_pair(&files)?;
        metrics::set_end(name, pair.ends_at_s);
        metrics::set_refused(name, false);
        if pair.ends_at_s <= now_s() {
            tracing::error!(
                certificate.name = name,
                "certificate ran out; whoever checks it will not connect"
            );
        }
        let state = Mutex::new(State { in_force, seen: None, refused: None });
        Ok(Arc::new(Self { name, files, pair: ArcSwap::from_pointee(pair), state }))
    }

    /// What a new connection is accepted with.
    pub fn server(&self) -> Arc<ServerConfig> {
        self.pair.load().server.clone()
    }

    /// What a new connection is opened with; `None` without an authority.
    pub fn client(&self) -> Option<Arc<ClientConfig>> {
        self.pair.load().client.clone()
    }

    /// Looks at the files until shutdown.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let watched = self.clone();
            if tokio::task::spawn_blocking(move || watched.look()).await.is_err() {
                tracing::error!(
                    certificate.name = self.name,
                    "files of a certificate could not be looked at"
                );
            }
        }
    }

    /// Looks at the files once.
    pub(crate) fn look(&self) {
        let read = Contents::read(&self.files);
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = match read {
            Ok(found) => found,
            Err(error) => return self.refuse(&mut state, &error),
        };
        if found == state.in_force {
            if state.refused.take().is_some() {
                metrics::set_refused(self.name, false);
            }
            state.seen = None;
            return;
        }
        if state.seen.as_ref() != Some(&found) {
            state.seen = Some(found);
            return;
        }
        match self.judge(&found) {
            Ok(pair) => {
                metrics::set_end(self.name, pair.ends_at_s);
                metrics::count_reload(self.name, true);
                tracing::info!(certificate.name = self.name, "changed certificate taken up");
                self.pair.store(Arc::new(pair));
                *state = State { in_force: found, seen: None, refused: None };
            }
            Err(error) => self.refuse(&mut state, &error),
        }
    }

    fn judge(&self, found: &Contents) -> Result<Pair, CertificateError> {
        let pair = found.to_pair(&self.files)?;
        if pair.ends_at_s <= now_s() {
            return Err(CertificateError::RanOut { path: self.files.certificate.clone() });
        }
        Ok(pair)
    }

    /// Told of once for each cause, not at every look.
    fn refuse(&self, state: &mut State, error: &CertificateError) {
        let cause = error.to_string();
        if state.refused.as_ref() == Some(&cause) {
            return;
        }
        metrics::count_reload(self.name, false);
        tracing::error!(
            certificate.name = self.name,
            error.cause = cause,
            "files of a certificate refused; the one before stays in force"
        );
        state.refused = Some(cause);
    }

    /// How it stands: when it ends, and whether newer files are refused.
    pub fn outcome(&self) -> CheckOutcome {
        let left_days = (self.pair.load().ends_at_s - now_s()).div_euclid(DAY_S);
        if left_days < 0 {
            return CheckOutcome::unhealthy("the certificate ran out");
        }
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.refused.is_some() {
            return CheckOutcome::degraded(
                "newer files are refused, the log tells why; the ones before are in force",
            );
        }
        if left_days < RENEWED_DAYS_BEFORE {
            return CheckOutcome::degraded(format!(
                "the certificate ends in {left_days} days and was not renewed"
            ));
        }
        CheckOutcome::healthy()
    }

    /// Shows it in health under this name.
    pub fn register(self: &Arc<Self>, registry: &HealthRegistry, check: &'static str) {
        let watched = self.clone();
        registry.register(Check::optional(check, CHECK_LIMIT, move || {
            let outcome = watched.outcome();
            async move { outcome }
        }));
    }
}

#[cfg(test)]
mod tests;
