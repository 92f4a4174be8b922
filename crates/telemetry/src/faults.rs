//! Faults for a Sentry-compatible tracker: only when a DSN is set, never more than a few a second, and never the
//! text of an error, which may quote what a customer sent. Kinds, places and ids are enough to find the log line.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sentry::protocol::{Event, Level, Map};
use sentry::types::Dsn;
use tokio::time::Instant;

use crate::context::RequestContext;
use crate::errors::ErrorKind;
use crate::init::{ServiceIdentity, TelemetryError};

const EVENTS_MAX_PER_SECOND: u64 = 10;

/// The panic hook and the error counters are called from everywhere and cannot be handed a reporter.
static REPORTER: OnceLock<Arc<Reporter>> = OnceLock::new();

/// What a tracker is told.
pub(crate) struct Fault {
    service: &'static str,
    kind: ErrorKind,
    what: &'static str,
    place: String,
    stacktrace: Option<sentry::protocol::Stacktrace>,
}

impl Fault {
    pub(crate) fn error(
        service: &'static str,
        kind: ErrorKind,
        what: &'static str,
        at: &Location<'_>,
    ) -> Self {
        Self { service, kind, what, place: place_of(at), stacktrace: None }
    }

    /// An answer that says so, where nobody reported the cause.
    pub(crate) fn answer(service: &'static str, kind: ErrorKind, place: &str) -> Self {
        Self { service, kind, what: "request failed", place: place.to_owned(), stacktrace: None }
    }

    /// With the stack of the calling thread: call it from the panic hook.
    pub(crate) fn panic(service: &'static str, at: Option<&Location<'_>>) -> Self {
        let place = at.map_or_else(|| "unknown".into(), place_of);
        let stacktrace = REPORTER.get().and_then(|_| sentry::integrations::backtrace::current_stacktrace());
        Self { service, kind: ErrorKind::Panic, what: "panic", place, stacktrace }
    }
}

/// Sends a fault when a tracker is configured; never waits.
pub(crate) fn send(fault: &Fault) {
    if let Some(reporter) = REPORTER.get() {
        reporter.send(fault);
    }
}

/// Makes the process report to `dsn`.
pub(crate) fn install(
    dsn: &SecretString,
    identity: &ServiceIdentity,
) -> Result<Arc<Reporter>, TelemetryError> {
    let reporter = Arc::new(Reporter::new(dsn, identity)?);
    REPORTER.set(reporter.clone()).map_err(|_| TelemetryError::AlreadyInitialised)?;
    Ok(reporter)
}

/// A client of the tracker with its own bounded queue and thread.
pub(crate) struct Reporter {
    client: sentry::Client,
    started: Instant,
    /// The second since `started` in the upper half, how many events it saw in the lower.
    window: AtomicU64,
}

impl Reporter {
    fn new(dsn: &SecretString, identity: &ServiceIdentity) -> Result<Self, TelemetryError> {
        let dsn: Dsn = dsn.expose_secret().parse().map_err(|_| TelemetryError::SentryDsn)?;
        let mut options = sentry::ClientOptions::new();
        options.dsn = Some(dsn);
        options.release = Some(Cow::Owned(format!("larder@{}", identity.version)));
        options.environment = Some(Cow::Owned(identity.environment.clone()));
        options.server_name = Some(Cow::Owned(identity.instance_id.clone()));
        options.send_default_pii = false;
        options.default_integrations = false;
        let options = sentry::apply_defaults(options);
        Ok(Self {
            client: sentry::Client::with_options(options),
            started: Instant::now(),
            window: AtomicU64::new(0),
        })
    }

    fn send(&self, fault: &Fault) {
        if self.take_turn() {
            self.client.capture_event(event(fault), None);
        }
    }

    /// Waits at most `limit` for what is queued. Blocks.
    pub(crate) fn close(&self, limit: Duration) {
        self.client.close(Some(limit));
    }

    fn take_turn(&self) -> bool {
        let second = self.started.elapsed().as_secs() << 32;
        let update =
            |window: u64| Some(if window & !0xffff_ffff == second { window + 1 } else { second + 1 });
        let before = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update).unwrap_or(0);
        before & !0xffff_ffff != second || before & 0xffff_ffff < EVENTS_MAX_PER_SECOND
    }
}

fn event(fault: &Fault) -> Event<'static> {
    let mut tags = Map::new();
    tags.insert("service".into(), fault.service.into());
    tags.insert("error.kind".into(), fault.kind.as_str().into());
    tags.insert("place".into(), fault.place.clone());
    RequestContext::with_current(|context| {
        tags.insert("correlation_id".into(), context.correlation_id().to_string());
        tags.insert("trace_id".into(), context.span_context().trace_id().to_string());
    });
    let fingerprint = [fault.service, fault.kind.as_str(), fault.what, &fault.place];
    Event {
        level: if fault.kind == ErrorKind::Panic { Level::Fatal } else { Level::Error },
        message: Some(format!("{}: {} at {}", fault.service, fault.what, fault.place)),
        fingerprint: Cow::Owned(fingerprint.iter().map(|part| Cow::Owned((*part).to_owned())).collect()),
        stacktrace: fault.stacktrace.clone(),
        tags,
        ..Event::default()
    }
}

fn place_of(at: &Location<'_>) -> String {
    format!("{}:{}", at.file(), at.line())
}
