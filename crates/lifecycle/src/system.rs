//! Checks of the machine: memory, CPU and the disk under the data folder.
//!
//! They inform and never take a service out of rotation: a full disk stops writes, not answers. Each reads a few
//! small files on a thread where blocking is allowed; what cannot be read on this machine counts as healthy.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::check::{Check, CheckOutcome};
use crate::level::Level;
use crate::registry::HealthRegistry;

mod cpu;
mod disk;
mod memory;

const LIMIT: Duration = Duration::from_secs(1);

/// From where on a machine counts as degraded or unhealthy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SystemThresholds {
    /// Share of memory in use, 0 to 1.
    pub memory_used: Threshold,
    /// Runnable tasks for each processor, averaged over five minutes.
    pub load_per_cpu: Threshold,
    /// Share of the last minute in which some task had to wait for a processor, 0 to 1. Below it a high load
    /// is not the processors' fault.
    pub cpu_pressure: f64,
    /// Share of the disk in use, 0 to 1.
    pub disk_used: Threshold,
    /// Free space in bytes that is enough whatever its share of the disk.
    pub disk_enough_bytes: u64,
}

/// The values from which on something is degraded and unhealthy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    /// At least this is degraded.
    pub degraded: f64,
    /// At least this is unhealthy.
    pub unhealthy: f64,
}

impl Threshold {
    /// The level of a value.
    pub fn level(self, value: f64) -> Level {
        if value >= self.unhealthy {
            Level::Unhealthy
        } else if value >= self.degraded {
            Level::Degraded
        } else {
            Level::Healthy
        }
    }
}

impl Default for SystemThresholds {
    fn default() -> Self {
        Self {
            memory_used: Threshold { degraded: 0.90, unhealthy: 0.97 },
            load_per_cpu: Threshold { degraded: 12.0, unhealthy: 64.0 },
            cpu_pressure: 0.90,
            disk_used: Threshold { degraded: 0.90, unhealthy: 0.98 },
            disk_enough_bytes: 10 << 30,
        }
    }
}

/// Registers `memory`, `cpu` and `disk` with the default thresholds.
pub fn register(registry: &HealthRegistry, data_dir: impl Into<PathBuf>) {
    register_with(registry, data_dir, SystemThresholds::default());
}

/// The same with thresholds of one's own.
pub fn register_with(registry: &HealthRegistry, data_dir: impl Into<PathBuf>, thresholds: SystemThresholds) {
    let data_dir = data_dir.into();
    let root = PathBuf::from("/");
    registry.register(blocking("memory", {
        let root = root.clone();
        move || memory::check(&root, thresholds.memory_used)
    }));
    registry.register(blocking("cpu", move || cpu::check(&root, &thresholds)));
    registry.register(blocking("disk", move || disk::check(&data_dir, &thresholds)));
}

/// A check made of plain reads. While one is stuck (a network file system that is gone) no second is started.
fn blocking(name: &'static str, look: impl Fn() -> CheckOutcome + Send + Sync + 'static) -> Check {
    let look = Arc::new(look);
    let turn = Arc::new(Semaphore::new(1));
    Check::optional(name, LIMIT, move || {
        let (look, turn) = (Arc::clone(&look), Arc::clone(&turn));
        async move {
            let Ok(turn) = turn.try_acquire_owned() else {
                return CheckOutcome::degraded("an earlier look is still stuck");
            };
            let looked = spawn_blocking(move || {
                let _turn = turn;
                look()
            });
            looked.await.unwrap_or_else(|_| CheckOutcome::degraded("the check panicked"))
        }
    })
}

/// An outcome whose cause is worded only when there is one to give.
fn outcome(level: Level, cause: impl FnOnce() -> String) -> CheckOutcome {
    CheckOutcome { level, cause: (level != Level::Healthy).then(cause) }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / (1_u64 << 30) as f64)
}

#[cfg(test)]
mod tests;
