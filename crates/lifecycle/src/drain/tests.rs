//! The order of leaving, on paused time.

use super::*;
use crate::registry::HealthIdentity;
use crate::report::Phase;
use std::future::pending;
use std::sync::{Arc, Mutex};

/// What happened when, in milliseconds since the test began.
#[derive(Clone)]
struct Diary {
    started: Instant,
    entries: Arc<Mutex<Vec<(&'static str, u128)>>>,
}

impl Diary {
    fn new() -> Self {
        Self { started: Instant::now(), entries: Arc::default() }
    }

    fn note(&self, what: &'static str) {
        self.entries.lock().unwrap().push((what, self.started.elapsed().as_millis()));
    }

    fn entries(&self) -> Vec<(&'static str, u128)> {
        self.entries.lock().unwrap().clone()
    }
}

fn registry() -> HealthRegistry {
    let identity = HealthIdentity { service: "test", version: "1", environment: "testing".to_owned() };
    let registry = HealthRegistry::new(identity);
    registry.startup_complete();
    registry
}

fn settings(readiness_delay_ms: u64, drain_timeout_ms: u64) -> LifecycleSettings {
    LifecycleSettings {
        readiness_delay: Duration::from_millis(readiness_delay_ms),
        drain_timeout: Duration::from_millis(drain_timeout_ms),
    }
}

/// A task that needs `work_ms` after being told to stop.
fn stage(name: &'static str, work_ms: u64, diary: &Diary) -> Stage {
    let shutdown = Shutdown::new();
    let mut tasks = Tasks::new();
    let (told, diary) = (shutdown.wait_owned(), diary.clone());
    tasks.spawn(name, async move {
        told.await;
        diary.note("told");
        sleep(Duration::from_millis(work_ms)).await;
        diary.note(name);
    });
    Stage { name, shutdown, tasks }
}

#[tokio::test(start_paused = true)]
async fn readiness_goes_first_then_stages_in_order() {
    let (registry, diary) = (registry(), Diary::new());
    let stages = vec![stage("server", 300, &diary), stage("writer", 50, &diary)];
    let watcher = tokio::spawn({
        let registry = registry.clone();
        async move {
            sleep(Duration::from_millis(100)).await;
            registry.phase()
        }
    });
    let drained = drain_in_order(&registry, &settings(200, 1_000), stages).await;
    assert!(drained.is_clean());
    assert_eq!(watcher.await.unwrap(), Phase::Draining, "readiness is off before anything stops");
    assert_eq!(
        diary.entries(),
        [("told", 200), ("server", 500), ("told", 500), ("writer", 550)],
        "the writer is told only after the server has ended"
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_stop_is_aborted_at_the_limit_and_named() {
    let (registry, shutdown) = (registry(), Shutdown::new());
    let mut tasks = Tasks::new();
    tasks.spawn("stubborn", pending());
    tasks.spawn("obedient", shutdown.wait_owned());
    let started = Instant::now();
    let drained = drain(&registry, &settings(0, 1_000), &shutdown, tasks).await;
    assert_eq!(drained.aborted, ["stubborn"]);
    assert_eq!(started.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn all_stages_share_one_limit() {
    let (registry, diary) = (registry(), Diary::new());
    let stages = vec![stage("server", 5_000, &diary), stage("writer", 0, &diary)];
    let started = Instant::now();
    let drained = drain_in_order(&registry, &settings(0, 1_000), stages).await;
    assert!(drained.aborted.starts_with(&["server"]), "{:?}", drained.aborted);
    assert!(started.elapsed() <= Duration::from_millis(2_100), "took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_stopping_is_told_and_stops_nothing() {
    let (registry, shutdown, diary) = (registry(), Shutdown::new(), Diary::new());
    let mut tasks = Tasks::new();
    let told = shutdown.wait_owned();
    tasks.spawn("trainer", async move {
        told.await;
        panic!("no flour");
    });
    let first = Stage { name: "jobs", shutdown, tasks };
    let drained =
        drain_in_order(&registry, &settings(0, 1_000), vec![first, stage("writer", 5, &diary)]).await;
    assert_eq!(drained, Drained { aborted: vec![], panicked: vec!["trainer"] });
    assert_eq!(diary.entries().last().map(|entry| entry.0), Some("writer"));
}
