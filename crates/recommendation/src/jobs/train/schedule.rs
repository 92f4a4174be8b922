//! When models are trained without being asked: a first one, then on enough new events, on enough
//! time, after an erasure, and again after a failure, later each time. Nothing is trained here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::Shutdown;
use larder_settings::RecommendationSettings;
use tokio::time::Instant;

use super::pending::{Pending, Wish};
use super::{LOOK, ModelTrainer, Wishes};
use crate::error::Error;
use crate::metrics;
use crate::served::Served;
use crate::store::models;
use crate::training::read::Progress;

/// How long a first import may go on before it is trained on.
const SETTLE: Duration = Duration::from_secs(5);

/// What the schedule knows of a tenant.
struct Turn {
    /// When it was trained last, or seen first.
    last: Instant,
    /// Trainings that failed since one went well.
    failures: u32,
}

impl ModelTrainer {
    /// Trains on schedule until shutdown.
    pub(crate) async fn run(self, served: Arc<Served>, shutdown: Shutdown) {
        let mut turns: HashMap<String, Turn> = HashMap::new();
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            metrics::oldest_model(served.oldest_model_us().map(|at_us| (self.clock)() - at_us));
            if !served.database_reachable() || !served.loaded() || !self.settings.training_enabled {
                continue;
            }
            for tenant in served.tenant_names() {
                if !turns.contains_key(&tenant) {
                    self.look_for_erasures(&tenant).await;
                }
                let turn =
                    turns.entry(tenant.clone()).or_insert_with(|| Turn { last: Instant::now(), failures: 0 });
                let known = served.interactions_known(&tenant);
                let since = turn.last.elapsed();
                let is_due = since >= wait_after(turn.failures, self.settings.training_interval)
                    && is_due(&self.settings, &self.pending.of(&tenant), known, since);
                if is_due {
                    let result = self.train_on_schedule(&tenant).await;
                    turn.last = Instant::now();
                    turn.failures = if result { 0 } else { turn.failures.saturating_add(1) };
                }
            }
        }
    }

    /// Trains unless the reason has gone; tells whether all is well.
    async fn train_on_schedule(&self, tenant: &str) -> bool {
        if self.pending.of(tenant).wish == Some(Wish::Forget) {
            self.pending.withdraw(tenant);
            self.look_for_erasures(tenant).await;
            let pending = self.pending.of(tenant);
            if pending == Pending::default() {
                // Another replica has trained since.
                return true;
            }
        }
        match self.train(tenant, Wishes::default(), &Progress::default()).await {
            Ok(_) | Err(Error::Busy(_)) => true,
            Err(error) => {
                tracing::warn!(tenant.id = tenant, error.cause = %error, "scheduled training failed; it is tried again");
                false
            }
        }
    }

    /// A model from before an erasure forgets by being trained again, also when the service was
    /// stopped in between.
    async fn look_for_erasures(&self, tenant: &str) {
        let Ok(mut connection) = self.worker.acquire().await else { return };
        if let Ok(true) = models::is_older_than_an_erasure(&mut connection, tenant).await {
            self.pending.wish(tenant, Wish::Forget);
        }
    }
}

/// Whether a tenant should be trained, `since` its last training; `known` events are in the model
/// that serves, if there is one.
fn is_due(settings: &RecommendationSettings, pending: &Pending, known: Option<u64>, since: Duration) -> bool {
    let Some(known) = known else { return since >= SETTLE };
    pending.events >= settings.training_min_events.max(1)
        || (pending.events > 0 && since >= settings.training_interval)
        || (pending.wish.is_some() && since >= SETTLE)
        // A model that knows less than what came since is no model yet.
        || (pending.events > known && since >= SETTLE)
}

/// How long to wait after so many failures in a row: twice as long each time, but never longer
/// than the schedule itself.
fn wait_after(failures: u32, interval: Duration) -> Duration {
    match failures {
        0 => Duration::ZERO,
        failures => (SETTLE * 2_u32.saturating_pow(failures.min(16))).min(interval.max(SETTLE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn due(events: u64, wish: Option<Wish>, known: Option<u64>, since: Duration) -> bool {
        let settings = RecommendationSettings::default();
        is_due(&settings, &Pending { events, wish, failure: None }, known, since)
    }

    #[test]
    fn a_training_is_due_for_a_reason_alone() {
        assert!(!due(0, None, None, SETTLE / 2) && due(0, None, None, SETTLE));
        assert!(!due(0, None, Some(10_000), 24 * HOUR), "nothing is new");
        assert!(!due(999, None, Some(10_000), HOUR / 2) && due(1_000, None, Some(10_000), Duration::ZERO));
        assert!(due(1, None, Some(10_000), HOUR));
        assert!(due(6, None, Some(5), SETTLE), "more came than the model knows");
        assert!(due(0, Some(Wish::Forget), Some(10_000), SETTLE));
        assert!(!due(0, Some(Wish::Retry), Some(10_000), SETTLE / 2));
    }

    #[test]
    fn failures_are_tried_again_later_each_time_up_to_the_interval() {
        let waits: Vec<_> = (0..4).map(|failures| wait_after(failures, HOUR).as_secs()).collect();
        assert_eq!(waits, [0, 10, 20, 40]);
        assert_eq!(wait_after(40, HOUR), HOUR);
        assert_eq!(wait_after(3, Duration::from_secs(1)), SETTLE);
    }
}
