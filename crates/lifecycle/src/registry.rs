//! The registry of a service's health checks: runs them side by side and shares each run among all who ask.
//!
//! At most one run is under way, and its result serves for half a second. Whoever asks while a run takes long gets
//! the result before it, marked with its age: a hanging check delays its own verdict, not the endpoint.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::check::{Check, RegisteredCheck};
use crate::level::Level;
use crate::report::{CheckReport, HealthReport, Phase, Readiness, milliseconds};

/// How long a result serves further requests.
const FRESH_FOR: Duration = Duration::from_millis(500);
/// How long a request waits for a run when there is an earlier result to show.
const PATIENCE: Duration = Duration::from_millis(75);
/// An earlier result that is older than this is not shown any more.
const SHOWN_FOR: Duration = Duration::from_secs(15);

/// Whose health it is.
#[derive(Clone, Debug)]
pub struct HealthIdentity {
    /// The service, also a metric label.
    pub service: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The environment it runs in.
    pub environment: String,
}

/// The health of one service. Clones share everything; a process with several services has one for each.
#[derive(Clone, Debug)]
pub struct HealthRegistry {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    identity: HealthIdentity,
    started: Instant,
    startup_complete: AtomicBool,
    draining: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    checks: Vec<Arc<RegisteredCheck>>,
    /// Counts registrations: a run that does not know the newest check is not kept.
    registrations: u64,
    latest: Option<Arc<Run>>,
    under_way: Option<RunReceiver>,
}

/// Holds the run's results once there are any.
type RunReceiver = watch::Receiver<Option<Arc<Run>>>;

/// The results of one run of all checks.
#[derive(Debug)]
struct Run {
    finished: Instant,
    checks: Vec<CheckReport>,
}

impl HealthRegistry {
    /// A registry without checks, of a service that is starting.
    pub fn new(identity: HealthIdentity) -> Self {
        let shared = Shared {
            identity,
            started: Instant::now(),
            startup_complete: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            state: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Adds a check; it takes the place of an earlier one of the same name.
    pub fn register(&self, check: Check) {
        let registered = Arc::new(RegisteredCheck::new(check));
        let mut state = self.state();
        match state.checks.iter_mut().find(|other| other.check.name == registered.check.name) {
            Some(earlier) => *earlier = registered,
            None => state.checks.push(registered),
        }
        state.registrations += 1;
        state.latest = None;
    }

    /// Says that start-up is done: from now on the service is ready unless a required check says otherwise.
    pub fn startup_complete(&self) {
        self.shared.startup_complete.store(true, Ordering::Release);
    }

    /// Turns readiness off for good.
    pub fn set_draining(&self) {
        self.shared.draining.store(true, Ordering::Release);
    }

    /// Where the service is in its life.
    pub fn phase(&self) -> Phase {
        if self.shared.draining.load(Ordering::Acquire) {
            Phase::Draining
        } else if self.shared.startup_complete.load(Ordering::Acquire) {
            Phase::Serving
        } else {
            Phase::Starting
        }
    }

    /// The full report. Never fails, whatever the checks do.
    pub async fn report(&self) -> HealthReport {
        let asked = Instant::now();
        let run = self.run().await;
        let identity = &self.shared.identity;
        HealthReport {
            level: Level::worst_of(run.checks.iter().map(|check| check.level)),
            service: identity.service.to_owned(),
            version: identity.version.to_owned(),
            environment: identity.environment.clone(),
            phase: self.phase(),
            uptime_s: self.shared.started.elapsed().as_secs(),
            response_time_ms: milliseconds(asked.elapsed()),
            age_ms: milliseconds(run.finished.elapsed()),
            checks: run.checks.clone(),
        }
    }

    /// Whether the service wants requests, and which required checks are in the way.
    pub async fn readiness(&self) -> Readiness {
        let phase = self.phase();
        if phase != Phase::Serving {
            return Readiness { ready: false, phase, failing: Vec::new() };
        }
        let run = self.run().await;
        let stands_in_the_way = |check: &&CheckReport| check.required && check.level == Level::Unhealthy;
        let failing: Vec<CheckReport> = run.checks.iter().filter(stands_in_the_way).cloned().collect();
        Readiness { ready: failing.is_empty(), phase, failing }
    }

    /// A fresh run's results, or those of the run before when the fresh one is slow.
    async fn run(&self) -> Arc<Run> {
        let (mut under_way, earlier) = {
            let mut state = self.state();
            let earlier = state.latest.clone().filter(|run| run.finished.elapsed() < SHOWN_FOR);
            if let Some(run) = &earlier
                && run.finished.elapsed() < FRESH_FOR
            {
                return Arc::clone(run);
            }
            (self.join_run(&mut state), earlier)
        };
        let patience = if earlier.is_some() { PATIENCE } else { Duration::MAX };
        let fresh = match timeout(patience, under_way.wait_for(Option::is_some)).await {
            Ok(Ok(fresh)) => fresh.clone(),
            Ok(Err(_)) | Err(_) => None,
        };
        fresh.or(earlier).unwrap_or_else(|| Arc::new(Run::interrupted()))
    }

    /// The run under way, or a new one in a task of its own, so that it does not depend on who asked for it.
    fn join_run(&self, state: &mut State) -> RunReceiver {
        // A run whose task was killed has dropped its sender and will never end.
        if let Some(under_way) = &state.under_way
            && under_way.has_changed().is_ok()
        {
            return under_way.clone();
        }
        let (sender, receiver) = watch::channel(None);
        state.under_way = Some(receiver.clone());
        let (checks, registrations) = (state.checks.clone(), state.registrations);
        let registry = self.clone();
        tokio::spawn(async move {
            let reports = join_all(checks.iter().map(|check| check.report())).await;
            let run = Arc::new(Run { finished: Instant::now(), checks: reports });
            registry.finish_run(&run, registrations);
            sender.send_replace(Some(run));
        });
        receiver
    }

    fn finish_run(&self, run: &Arc<Run>, registrations: u64) {
        let mut state = self.state();
        state.under_way = None;
        let before = state.latest.take();
        if state.registrations == registrations {
            state.latest = Some(Arc::clone(run));
        }
        drop(state);
        run.publish(self.shared.identity.service, before.as_deref());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// Shown when a run ended without a result, which happens only while the runtime shuts down.
    fn interrupted() -> Self {
        let check = CheckReport {
            name: "health".to_owned(),
            level: Level::Unhealthy,
            latency_ms: 0.0,
            cause: Some("the checks were interrupted".to_owned()),
            required: false,
        };
        Self { finished: Instant::now(), checks: vec![check] }
    }

    /// Sets the metrics and logs each check whose level changed.
    fn publish(&self, service: &'static str, before: Option<&Self>) {
        metrics::describe_gauge!("larder_health_level", "0 healthy, 1 degraded, 2 unhealthy");
        for check in &self.checks {
            let labels = [("service", service.to_owned()), ("check", check.name.clone())];
            metrics::gauge!("larder_health_level", &labels).set(check.level.as_metric());
            let earlier = before
                .and_then(|run| run.checks.iter().find(|other| other.name == check.name))
                .map_or(Level::Healthy, |other| other.level);
            if earlier != check.level {
                log_change(service, check);
            }
        }
    }
}

fn log_change(service: &'static str, check: &CheckReport) {
    let (name, level) = (check.name.as_str(), check.level.as_str());
    match &check.cause {
        Some(cause) => tracing::warn!(
            service.name = service,
            check.name = name,
            check.level = level,
            check.cause = cause.as_str(),
            "health check changed"
        ),
        None => {
            tracing::info!(
                service.name = service,
                check.name = name,
                check.level = level,
                "health check changed"
            );
        }
    }
}

#[cfg(test)]
mod tests;
