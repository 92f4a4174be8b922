//! The policy of one dependency: every outgoing call goes through `Policy::call`.
//!
//! The whole call ends by its deadline, whatever the dependency does: waiting for a place, attempts and backoff are
//! all cut to the time that is left. Only idempotent calls are tried again. Dropping the call's future gives back
//! its place and counts it as cancelled.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use larder_settings::ResilienceSettings;
use rand::{SeedableRng, rngs::StdRng};
use tokio::time::Instant;

use crate::attempts::CallLimits;
use crate::backoff::Backoff;
use crate::breaker::{Breaker, BreakerLimits, BreakerState};
use crate::bulkhead::Bulkhead;
use crate::error::CallError;
use crate::meters::{CallMeter, Ending, Meters};
use crate::retry_budget::RetryBudget;

/// One try of a call, as told to the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Time this attempt has before it is cut; send it along (`grpc-timeout`) so that the other side gives up too.
    pub timeout: Duration,
    /// 1 for the first attempt.
    pub number: u32,
}

/// What an error of the dependency means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The dependency works; the error is the answer to this caller.
    Success,
    /// The dependency failed, and another try may do better.
    Retryable,
    /// The dependency works and asks to come back after this time.
    RetryableAfter(Duration),
    /// The dependency failed, and another try would fail too.
    Failure,
}

/// Deadline, retries, breaker and bulkhead of one dependency. Clones share their state.
#[derive(Clone, Debug)]
pub struct Policy {
    shared: Arc<Shared>,
}

/// What all clones of a policy have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) name: &'static str,
    pub(crate) attempt_timeout: Duration,
    pub(crate) hedge_after: Duration,
    total_timeout: Duration,
    max_attempts: u32,
    pub(crate) backoff: Backoff,
    bulkhead: Bulkhead,
    pub(crate) breaker: Mutex<Breaker>,
    pub(crate) retries: Mutex<Retries>,
    pub(crate) meters: Meters,
}

/// The budget and the generator of the jitter.
#[derive(Debug)]
pub(crate) struct Retries {
    pub(crate) budget: RetryBudget,
    pub(crate) random: StdRng,
}

impl Policy {
    /// A policy for the dependency `name`, which becomes a metric label. Build it after telemetry is set up: metric
    /// handles are looked up here, once.
    pub fn new(name: &'static str, settings: &ResilienceSettings) -> Self {
        #[expect(clippy::disallowed_methods, reason = "replicas must not retry in step; tests use `seeded`")]
        let seed = rand::random();
        Self::seeded(name, settings, seed)
    }

    /// The same with a fixed seed for the jitter.
    pub fn seeded(name: &'static str, settings: &ResilienceSettings, seed: u64) -> Self {
        let limits = BreakerLimits {
            failure_ratio: settings.breaker_failure_ratio,
            min_calls: settings.breaker_min_calls,
            open_for: settings.breaker_open,
            half_open_calls: settings.breaker_half_open_calls,
        };
        let shared = Shared {
            name,
            attempt_timeout: settings.attempt_timeout,
            hedge_after: settings.hedge_after,
            total_timeout: settings.total_timeout,
            max_attempts: settings.max_attempts.max(1),
            backoff: Backoff { base: settings.backoff_base, cap: settings.backoff_cap },
            bulkhead: Bulkhead::new(settings.bulkhead_max_calls),
            breaker: Mutex::new(Breaker::new(limits, Instant::now())),
            retries: Mutex::new(Retries {
                budget: RetryBudget::new(settings.retry_budget_ratio),
                random: StdRng::seed_from_u64(seed),
            }),
            meters: Meters::new(name),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The dependency's name.
    pub fn name(&self) -> &'static str {
        self.shared.name
    }

    /// What the breaker would do with a call now.
    pub fn breaker_state(&self) -> BreakerState {
        lock(&self.shared.breaker).state(Instant::now())
    }

    /// Calls the dependency by the earlier of `deadline` and the policy's total time.
    ///
    /// `operation` makes one attempt and `classify` judges its error. A call that is not `idempotent` gets one
    /// attempt with all the time there is; others get several, each with a limit, while the retry budget lasts.
    ///
    /// # Errors
    /// The dependency's last error, or the policy's refusal: see [`CallError`].
    pub async fn call<T, E, F, Fut>(
        &self,
        deadline: Option<Instant>,
        idempotent: bool,
        operation: F,
        classify: fn(&E) -> Outcome,
    ) -> Result<T, CallError<E>>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let shared = &*self.shared;
        let started = Instant::now();
        let meter = CallMeter::start(&shared.meters, started);
        let latest = started + shared.total_timeout;
        let deadline = deadline.map_or(latest, |deadline| deadline.min(latest));

        let Some(_place) = shared.bulkhead.enter(deadline, &shared.meters.bulkhead_in_flight).await else {
            shared.meters.bulkhead_rejected.increment(1);
            meter.finish(Ending::BulkheadFull);
            return Err(CallError::BulkheadFull);
        };
        let limits = CallLimits {
            deadline,
            attempts: if idempotent { shared.max_attempts } else { 1 },
            attempt_timeout: if idempotent { shared.attempt_timeout } else { shared.total_timeout },
        };
        let ended = shared.attempt_until_done(&limits, operation, classify).await;
        meter.finish(ended.ending);
        ended.result
    }
}

/// Locks state that is valid after every statement, so a panic elsewhere cannot have left it half-changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
