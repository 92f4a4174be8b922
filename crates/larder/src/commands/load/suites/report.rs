//! What a run is told as: one JSON file for programs and one page for people, both complete or not there.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::judge::{Criterion, Injected, Measured, fault_recovery, split};
use super::memory::Series;
use super::mix::{Kind, LeftOut, Mix, Part};
use super::page;
use super::plan::Plan;
use super::record::{Counts, Record, Window, windows};
use crate::error::CommandError;

/// The name of the report's shape; another shape gets another name.
const FORMAT: &str = "larder-load-1";
const JSON_FILE: &str = "report.json";
const PAGE_FILE: &str = "report.html";
/// A plot has so many points at most.
const MOST_WINDOWS: u32 = 600;

/// Everything that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) format: &'static str,
    pub(crate) larder_version: &'static str,
    pub(crate) started_at: String,
    pub(crate) cores: usize,
    pub(crate) seed: u64,
    pub(crate) passed: bool,
    pub(crate) suites: Vec<SuiteReport>,
}

/// One suite.
#[derive(Debug, Serialize)]
pub(crate) struct SuiteReport {
    pub(crate) suite: &'static str,
    pub(crate) about: String,
    pub(crate) address: String,
    pub(crate) passed: bool,
    pub(crate) criteria: Vec<Criterion>,
    pub(crate) calls_per_user_s: f64,
    pub(crate) steps: Vec<StepReport>,
    pub(crate) mix: Vec<Share>,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) counts: Counts,
    pub(crate) error_percent: f64,
    /// As `larder load --json` prints them.
    pub(crate) figures: Value,
    pub(crate) calls: Vec<CallReport>,
    pub(crate) window_s: f64,
    pub(crate) timeline: Vec<Window>,
    pub(crate) memory: Vec<Series>,
    pub(crate) faults: Vec<FaultReport>,
    /// Planned, and of what there is none.
    pub(crate) faults_left_out: Vec<&'static str>,
}

/// A step of the shape.
#[derive(Debug, Serialize)]
pub(crate) struct StepReport {
    pub(crate) name: &'static str,
    pub(crate) users: u32,
    pub(crate) from_s: f64,
    pub(crate) length_s: f64,
    pub(crate) calls_per_s: f64,
}

/// A call of the mix.
#[derive(Debug, Serialize)]
pub(crate) struct Share {
    pub(crate) call: Kind,
    pub(crate) percent: f64,
}

/// What became of one kind of call.
#[derive(Debug, Serialize)]
pub(crate) struct CallReport {
    pub(crate) call: &'static str,
    pub(crate) counts: Counts,
    pub(crate) figures: Value,
}

/// What became of a fault.
#[derive(Debug, Serialize)]
pub(crate) struct FaultReport {
    pub(crate) fault: &'static str,
    pub(crate) broke: Part,
    pub(crate) from_s: f64,
    pub(crate) healed_s: f64,
    /// Absent when it was not as before until the next fault or the end.
    pub(crate) recovered_after_s: Option<f64>,
    pub(crate) related: Counts,
    pub(crate) unrelated: Counts,
}

impl SuiteReport {
    pub(crate) fn new(
        plan: &Plan,
        (address, mix): (&str, &Mix),
        record: &Record,
        measured: &Measured,
        criteria: Vec<Criterion>,
    ) -> Self {
        let length = measured.length;
        let width = (length / MOST_WINDOWS).max(Duration::from_secs(1));
        let width = Duration::from_secs(width.as_secs_f64().ceil() as u64);
        let counts = Counts::of(&record.entries);
        Self {
            suite: plan.suite,
            about: plan.about.clone(),
            address: address.to_owned(),
            passed: criteria.iter().all(|criterion| criterion.passed),
            criteria,
            calls_per_user_s: plan.shape.calls_per_user_s,
            steps: steps(plan),
            mix: mix
                .shares()
                .iter()
                .map(|(call, share)| Share { call: *call, percent: share * 100.0 })
                .collect(),
            left_out: mix.left_out.clone(),
            counts,
            error_percent: counts.error_percent(),
            figures: record.figures(length, |_| true).json(),
            calls: mix.shares().iter().map(|(kind, _)| call(*kind, record, length)).collect(),
            window_s: width.as_secs_f64(),
            timeline: windows(&record.entries, width, length),
            memory: measured.memory.to_vec(),
            faults: measured.faults.iter().map(|injected| fault(injected, measured)).collect(),
            faults_left_out: Vec::new(),
        }
    }

    /// What a person reads at the end.
    pub(crate) fn lines(&self) -> Vec<String> {
        let verdict = if self.passed { "passed" } else { "FAILED" };
        let figure = |name: &str| self.figures[name].as_f64().unwrap_or_default();
        let mut lines = vec![
            format!("{}: {verdict} ({})", self.suite, self.about),
            format!(
                "  {} calls, {} failed ({:.3} %), {} degraded; p50 {:.1} ms · p99 {:.1} · max {:.1}",
                self.counts.asked,
                self.counts.failed,
                self.error_percent,
                self.counts.degraded,
                figure("p50_ms"),
                figure("p99_ms"),
                figure("max_ms")
            ),
        ];
        lines.extend(self.criteria.iter().map(|criterion| format!("  {}", criterion.sentence())));
        lines.extend(
            self.left_out.iter().map(|left| format!("  left out: {}: {}", left.call.name(), left.cause)),
        );
        lines.extend(self.faults_left_out.iter().map(|fault| format!("  not made: {fault}: there is none")));
        lines
    }
}

fn steps(plan: &Plan) -> Vec<StepReport> {
    let step = |(step, from): (&super::shape::Step, Duration)| StepReport {
        name: step.name,
        users: step.users,
        from_s: from.as_secs_f64(),
        length_s: step.length.as_secs_f64(),
        calls_per_s: f64::from(step.users) * plan.shape.calls_per_user_s,
    };
    plan.shape.steps.iter().zip(plan.shape.starts()).map(step).collect()
}

fn call(kind: Kind, record: &Record, length: Duration) -> CallReport {
    CallReport {
        call: kind.name(),
        counts: Counts::of(record.entries.iter().filter(|entry| entry.kind == kind)),
        figures: record.figures(length, |entry| entry.kind == kind).json(),
    }
}

fn fault(injected: &Injected, measured: &Measured) -> FaultReport {
    let (related, unrelated) = split(injected, measured.entries);
    FaultReport {
        fault: injected.name,
        broke: injected.part,
        from_s: injected.from.as_secs_f64(),
        healed_s: injected.healed.as_secs_f64(),
        recovered_after_s: fault_recovery(injected, measured).map(|after| after.as_secs_f64()),
        related,
        unrelated,
    }
}

impl Report {
    pub(crate) fn new(started_at: String, seed: u64, suites: Vec<SuiteReport>) -> Self {
        Self {
            format: FORMAT,
            larder_version: env!("CARGO_PKG_VERSION"),
            started_at,
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            seed,
            passed: suites.iter().all(|suite| suite.passed),
            suites,
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::to_value(self).expect("numbers and texts are JSON")
    }

    /// Writes both files and returns where they are.
    pub(crate) fn write(&self, folder: &Path) -> Result<[PathBuf; 2], CommandError> {
        let json = serde_json::to_string_pretty(self).expect("numbers and texts are JSON");
        let written = [
            write(folder, JSON_FILE, json.as_bytes())?,
            write(folder, PAGE_FILE, page::of(self).as_bytes())?,
        ];
        Ok(written)
    }
}

/// Makes the folder, or tells before anything is measured why nothing could be kept there.
pub(crate) fn prepare(folder: &Path) -> Result<(), CommandError> {
    std::fs::create_dir_all(folder).map_err(CommandError::file(folder))?;
    tempfile::NamedTempFile::new_in(folder).map(drop).map_err(CommandError::file(folder))
}

/// A file that appears under its name complete.
fn write(folder: &Path, name: &str, text: &[u8]) -> Result<PathBuf, CommandError> {
    let path = folder.join(name);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(CommandError::file(folder))?;
    file.write_all(text).map_err(CommandError::file(&path))?;
    file.persist(&path).map_err(|error| CommandError::File { path: path.clone(), source: error.error })?;
    // A temporary file is for its owner alone; a report is to be shown.
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&path, readable).map_err(CommandError::file(&path))?;
    Ok(path)
}
