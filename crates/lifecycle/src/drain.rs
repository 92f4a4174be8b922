//! Leaving in order: readiness off, a pause for load balancers to notice, then one stage after the other stops.
//!
//! All stages share one limit; what has not ended by then is aborted and named. The ops port is not a stage: it goes
//! on saying "not ready" until all this is over.

use std::time::Duration;

use larder_settings::LifecycleSettings;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::registry::HealthRegistry;
use crate::shutdown::Shutdown;
use crate::tasks::Tasks;

/// How long an aborted task may take to let go before it is left behind.
const ABORT_GRACE: Duration = Duration::from_millis(500);

/// Tasks that stop together.
#[derive(Debug)]
pub struct Stage {
    /// For the log.
    pub name: &'static str,
    /// What the tasks listen to.
    pub shutdown: Shutdown,
    /// The tasks.
    pub tasks: Tasks,
}

/// How a drain went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Tasks that had to be aborted; empty for a clean stop.
    pub aborted: Vec<&'static str>,
    /// Tasks that panicked while stopping.
    pub panicked: Vec<&'static str>,
}

impl Drained {
    /// Whether every task ended by itself.
    pub fn is_clean(&self) -> bool {
        self.aborted.is_empty() && self.panicked.is_empty()
    }
}

/// Drains a service whose tasks can all stop at the same time.
pub async fn drain(
    registry: &HealthRegistry,
    settings: &LifecycleSettings,
    shutdown: &Shutdown,
    tasks: Tasks,
) -> Drained {
    let stage = Stage { name: "service", shutdown: shutdown.clone(), tasks };
    drain_in_order(registry, settings, vec![stage]).await
}

/// Drains a service in stages: servers first, then the jobs and writers their last requests rely on.
pub async fn drain_in_order(
    registry: &HealthRegistry,
    settings: &LifecycleSettings,
    stages: Vec<Stage>,
) -> Drained {
    registry.set_draining();
    tracing::info!(readiness_delay_ms = as_ms(settings.readiness_delay), "readiness is off");
    sleep(settings.readiness_delay).await;

    let started = Instant::now();
    let deadline = started + settings.drain_timeout;
    let mut drained = Drained::default();
    for stage in stages {
        stop(stage, deadline, &mut drained).await;
    }
    tracing::info!(
        duration_ms = as_ms(started.elapsed()),
        tasks.aborted = drained.aborted.len(),
        "service stopped"
    );
    drained
}

async fn stop(mut stage: Stage, deadline: Instant, drained: &mut Drained) {
    stage.shutdown.trigger();
    if timeout_at(deadline, join(&mut stage.tasks, drained)).await.is_ok() {
        return;
    }
    let late = stage.tasks.names();
    tracing::warn!(stage = stage.name, tasks = late.join(", "), "tasks did not stop in time and are aborted");
    drained.aborted.extend(late);
    stage.tasks.abort();
    if timeout(ABORT_GRACE, join(&mut stage.tasks, drained)).await.is_err() {
        tracing::error!(stage = stage.name, "aborted tasks still hold on and are left behind");
    }
}

async fn join(tasks: &mut Tasks, drained: &mut Drained) {
    while let Some(end) = tasks.next_end().await {
        if end.panicked {
            tracing::error!(task = end.name, "task panicked while stopping");
            drained.panicked.push(end.name);
        }
    }
}

fn as_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
