//! One health check, and how it is run so that it can neither fail nor hold up whoever asks.
//!
//! Each run is a task of its own: a panic ends there, and a check that blocks its thread holds up nobody else. A check
//! that is still stuck is not started a second time, so it cannot eat up the runtime's threads.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::{Instant, timeout};

use crate::level::Level;
use crate::report::CheckReport;

/// Longer causes are cut: they go into logs and answers.
const CAUSE_LIMIT_CHARACTERS: usize = 300;

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckOutcome {
    /// How well it works.
    pub level: Level,
    /// Why it does not, in words for the person on call; no secrets, no SQL, no paths.
    pub cause: Option<String>,
}

impl CheckOutcome {
    /// All is well.
    pub fn healthy() -> Self {
        Self { level: Level::Healthy, cause: None }
    }

    /// It works, but not at its best.
    pub fn degraded(cause: impl Into<String>) -> Self {
        Self { level: Level::Degraded, cause: Some(cause.into()) }
    }

    /// It does not work.
    pub fn unhealthy(cause: impl Into<String>) -> Self {
        Self { level: Level::Unhealthy, cause: Some(cause.into()) }
    }
}

/// A health check to register.
#[derive(Clone)]
pub struct Check {
    /// What is checked: `postgresql`, `models`. One registry holds one check of a name.
    pub name: &'static str,
    /// How long one run may take before it counts as failed.
    pub timeout: Duration,
    /// Whether the service is not ready while this is unhealthy.
    pub required_for_readiness: bool,
    /// Starts one run.
    pub run: Arc<dyn Fn() -> BoxFuture<'static, CheckOutcome> + Send + Sync>,
}

impl Check {
    /// A check that only informs: it changes the level but not readiness.
    pub fn optional<F>(
        name: &'static str,
        timeout: Duration,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = CheckOutcome> + Send + 'static,
    {
        let run = Arc::new(move || -> BoxFuture<'static, CheckOutcome> { Box::pin(run()) });
        Self { name, timeout, required_for_readiness: false, run }
    }

    /// A check of something the service cannot work without.
    pub fn required<F>(
        name: &'static str,
        timeout: Duration,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = CheckOutcome> + Send + 'static,
    {
        Self { required_for_readiness: true, ..Self::optional(name, timeout, run) }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Check")
            .field("name", &self.name)
            .field("timeout", &self.timeout)
            .field("required_for_readiness", &self.required_for_readiness)
            .finish_non_exhaustive()
    }
}

/// A check with the mark that says a run is under way.
#[derive(Debug)]
pub(crate) struct RegisteredCheck {
    pub(crate) check: Check,
    under_way: Arc<AtomicBool>,
}

impl RegisteredCheck {
    /// Takes a check in.
    pub(crate) fn new(check: Check) -> Self {
        Self { check, under_way: Arc::default() }
    }

    /// Runs the check once, for its timeout at most. Never fails and never panics.
    pub(crate) async fn report(&self) -> CheckReport {
        let started = Instant::now();
        let outcome = match UnderWay::begin(&self.under_way) {
            Some(mark) => self.run(mark).await,
            None => self.failed("an earlier run of the check is still stuck"),
        };
        let cause = outcome.cause.map(|cause| cause.chars().take(CAUSE_LIMIT_CHARACTERS).collect());
        CheckReport {
            name: self.check.name.to_owned(),
            level: outcome.level,
            latency_ms: crate::report::milliseconds(started.elapsed()),
            cause,
            required: self.check.required_for_readiness,
        }
    }

    async fn run(&self, mark: UnderWay) -> CheckOutcome {
        let run = Arc::clone(&self.check.run);
        let mut task = tokio::spawn(async move {
            let _mark = mark;
            run().await
        });
        match timeout(self.check.timeout, &mut task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => self.failed("the check panicked"),
            Err(_) => {
                task.abort();
                self.failed(format!("no answer within {} ms", self.check.timeout.as_millis()))
            }
        }
    }

    /// What a check that could not be carried out counts as: as bad as its subject is important.
    fn failed(&self, cause: impl Into<String>) -> CheckOutcome {
        if self.check.required_for_readiness {
            CheckOutcome::unhealthy(cause)
        } else {
            CheckOutcome::degraded(cause)
        }
    }
}

/// Marks a run as under way until it is dropped, which a blocked run is not.
struct UnderWay(Arc<AtomicBool>);

impl UnderWay {
    fn begin(flag: &Arc<AtomicBool>) -> Option<Self> {
        (!flag.swap(true, Ordering::AcqRel)).then(|| Self(Arc::clone(flag)))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    const LIMIT: Duration = Duration::from_millis(100);

    #[tokio::test(start_paused = true)]
    async fn a_check_reports_level_latency_and_cause() {
        let check = RegisteredCheck::new(Check::optional("redis", LIMIT, || async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            CheckOutcome::degraded("slow")
        }));
        let report = check.report().await;
        assert_eq!((report.level, report.cause.as_deref()), (Level::Degraded, Some("slow")));
        assert!((20.0..25.0).contains(&report.latency_ms), "{} ms", report.latency_ms);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_check_is_cut_and_may_run_again() {
        let check = RegisteredCheck::new(Check::required("postgresql", LIMIT, pending));
        for _ in 0..3 {
            let report = check.report().await;
            assert_eq!(report.level, Level::Unhealthy);
            assert_eq!(report.cause.as_deref(), Some("no answer within 100 ms"));
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panicking_check_is_degraded_or_unhealthy_by_importance() {
        let run = || async { panic!("the check fell over") };
        let optional = RegisteredCheck::new(Check::optional("cache", LIMIT, run)).report().await;
        let required = RegisteredCheck::new(Check::required("cache", LIMIT, run)).report().await;
        assert_eq!((optional.level, required.level), (Level::Degraded, Level::Unhealthy));
        assert_eq!(optional.cause.as_deref(), Some("the check panicked"));
    }

    #[tokio::test]
    async fn a_check_that_panics_before_its_future_exists_is_contained_too() {
        fn broken() -> std::future::Ready<CheckOutcome> {
            panic!("no future")
        }
        let report = RegisteredCheck::new(Check::optional("cache", LIMIT, broken)).report().await;
        assert_eq!(report.level, Level::Degraded);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_check_that_blocks_its_thread_is_not_started_twice() {
        let (release, blocked) = std::sync::mpsc::channel::<()>();
        let blocked = Arc::new(std::sync::Mutex::new(blocked));
        let check = RegisteredCheck::new(Check::optional("disk", LIMIT, move || {
            let blocked = Arc::clone(&blocked);
            async move {
                let _ = blocked.lock().map(|blocked| blocked.recv());
                CheckOutcome::healthy()
            }
        }));
        let first = tokio::spawn(async move { (check.report().await, check.report().await) }).await.unwrap();
        drop(release);
        assert_eq!(first.0.cause.as_deref(), Some("no answer within 100 ms"));
        assert_eq!(first.1.cause.as_deref(), Some("an earlier run of the check is still stuck"));
    }

    #[tokio::test]
    async fn an_endless_cause_is_cut() {
        let run = || async { CheckOutcome::degraded("ä".repeat(10_000)) };
        let report = RegisteredCheck::new(Check::optional("cache", LIMIT, run)).report().await;
        assert_eq!(report.cause.map(|cause| cause.chars().count()), Some(CAUSE_LIMIT_CHARACTERS));
    }
}
