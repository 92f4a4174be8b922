//! Whether the processors keep up: a long queue of runnable tasks that do wait for a processor.
//!
//! The load average alone also counts tasks that wait for a disk, so the kernel's pressure figure has to agree where
//! there is one. Both speak of the whole machine: a neighbour's work counts, for it slows ours.

use std::fs;
use std::path::Path;

use super::{SystemThresholds, outcome, percent};
use crate::check::CheckOutcome;
use crate::level::Level;

/// Looks at the processors; `root` is `/` but for tests.
pub(super) fn check(root: &Path, thresholds: &SystemThresholds) -> CheckOutcome {
    let Some(load) = load_per_cpu(root) else { return CheckOutcome::healthy() };
    let pressure = pressure(root);
    if pressure.is_some_and(|pressure| pressure < thresholds.cpu_pressure) {
        return CheckOutcome::healthy();
    }
    let level: Level = thresholds.load_per_cpu.level(load);
    outcome(level, || {
        let waited = pressure.map(|share| format!(", tasks waited {} of the time", percent(share)));
        format!("{load:.1} runnable tasks for each processor{}", waited.unwrap_or_default())
    })
}

/// Five-minute load average divided by the machine's processors.
fn load_per_cpu(root: &Path) -> Option<f64> {
    let averages = fs::read_to_string(root.join("proc/loadavg")).ok()?;
    let five_minutes: f64 = averages.split_ascii_whitespace().nth(1)?.parse().ok()?;
    let stat = fs::read_to_string(root.join("proc/stat")).ok()?;
    let is_processor = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
    };
    let processors = stat.lines().filter(is_processor).count();
    (processors > 0).then(|| five_minutes / processors as f64)
}

/// Share of the last minute in which some task waited for a processor.
fn pressure(root: &Path) -> Option<f64> {
    let text = fs::read_to_string(root.join("proc/pressure/cpu")).ok()?;
    let some = text.lines().find(|line| line.starts_with("some "))?;
    let minute = some.split_ascii_whitespace().find_map(|word| word.strip_prefix("avg60="))?;
    Some(minute.parse::<f64>().ok()? / 100.0)
}
