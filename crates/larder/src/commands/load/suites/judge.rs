//! Whether a run was good enough: each criterion with what was accepted and what was found. Pure; whatever could not be
//! measured has not passed.

use std::time::Duration;

use serde::Serialize;

use super::memory::{Series, growth_percent};
use super::mix::{Kind, Part};
use super::record::{Counts, Ended, Entry, quantile_ms};

/// So many seconds in a row have to be good before anything counts as recovered.
const GOOD_SECONDS: usize = 3;
/// A second is slow when its median is above this many times the usual one …
const SLOW_FACTOR: f64 = 3.0;
/// … and by at least so much.
const SLOW_AT_LEAST_MS: f64 = 50.0;

/// What a run has to keep to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Limit {
    /// Of all calls, less than this share may fail.
    ErrorPercent(f64),
    /// 99 of 100 answers come sooner.
    P99(Duration),
    /// After this moment all is as before within so long.
    Recovery { before: Duration, since: Duration, within: Duration },
    /// No process grows by more.
    GrowthPercent(f64),
    /// Of the calls that no fault concerns, no more than this share may fail.
    UnrelatedErrorPercent(f64),
    /// After each fault all is as before within so long.
    FaultRecovery(Duration),
}

/// A fault as it was made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Injected {
    pub(crate) name: &'static str,
    pub(crate) part: Part,
    pub(crate) from: Duration,
    pub(crate) healed: Duration,
}

/// What was measured.
pub(crate) struct Measured<'a> {
    pub(crate) entries: &'a [Entry],
    pub(crate) memory: &'a [Series],
    pub(crate) faults: &'a [Injected],
    pub(crate) length: Duration,
}

/// A limit and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Criterion {
    pub(crate) name: String,
    pub(crate) accepted: String,
    /// Absent when it could not be measured.
    pub(crate) found: Option<f64>,
    pub(crate) unit: &'static str,
    pub(crate) passed: bool,
}

impl Criterion {
    pub(crate) fn sentence(&self) -> String {
        let found = self.found.map_or_else(|| "not measured".into(), |found| number(found, self.unit));
        let verdict = if self.passed { "passed" } else { "FAILED" };
        format!("{verdict}  {}: {found} (accepted: {})", self.name, self.accepted)
    }
}

fn number(value: f64, unit: &str) -> String {
    format!("{} {unit}", (value * 1_000.0).round() / 1_000.0)
}

/// Holds what was measured against the limits.
pub(crate) fn judge(limits: &[Limit], measured: &Measured) -> Vec<Criterion> {
    limits.iter().map(|limit| criterion(limit, measured)).collect()
}

fn criterion(limit: &Limit, measured: &Measured) -> Criterion {
    let entries = measured.entries;
    match limit {
        Limit::ErrorPercent(most) => {
            let counts = Counts::of(entries);
            let found = (counts.asked > 0).then(|| counts.error_percent());
            below("calls that failed", found, *most, "%")
        }
        Limit::P99(most) => {
            below("p99 of the answers", quantile_ms(entries, 0.99), most.as_secs_f64() * 1e3, "ms")
        }
        Limit::Recovery { before, since, within } => {
            let slow_ms = slow_limit_ms(entries, *before, |_| true);
            let after = recovered_after(entries, (*since, measured.length), slow_ms, |_| true);
            below("until all is as before", after.map(|after| after.as_secs_f64()), within.as_secs_f64(), "s")
        }
        Limit::GrowthPercent(most) => {
            let growths = measured.memory.iter().map(|series| growth_percent(series, measured.length));
            // One process that cannot be judged leaves all unjudged.
            let growths: Option<Vec<f64>> = growths.collect();
            let most_found = growths.and_then(|all| all.into_iter().reduce(f64::max));
            up_to("growth of resident memory, second to last quarter", most_found, *most, "%")
        }
        Limit::UnrelatedErrorPercent(most) => {
            let grace = recovery_limit(measured);
            let unrelated = entries.iter().filter(|entry| !is_concerned(entry, measured.faults, &grace));
            let counts = Counts::of(unrelated);
            let found = (counts.asked > 0).then(|| counts.error_percent());
            up_to("calls that failed and need nothing broken", found, *most, "%")
        }
        Limit::FaultRecovery(within) => {
            let recoveries = measured.faults.iter().map(|fault| fault_recovery(fault, measured));
            let recoveries: Option<Vec<Duration>> = recoveries.collect();
            let longest = recoveries.and_then(|all| all.into_iter().max());
            below(
                "longest time until all is as before",
                longest.map(|time| time.as_secs_f64()),
                within.as_secs_f64(),
                "s",
            )
        }
    }
}

fn below(name: &str, found: Option<f64>, most: f64, unit: &'static str) -> Criterion {
    let passed = found.is_some_and(|found| found < most);
    Criterion { name: name.into(), accepted: format!("< {}", number(most, unit)), found, unit, passed }
}

fn up_to(name: &str, found: Option<f64>, most: f64, unit: &'static str) -> Criterion {
    let passed = found.is_some_and(|found| found <= most);
    Criterion { name: name.into(), accepted: format!("≤ {}", number(most, unit)), found, unit, passed }
}

/// How long after its end a fault may still be felt: until all is as before, or until the next
/// one where it never is.
fn recovery_limit(measured: &Measured) -> impl Fn(&Injected) -> Duration {
    let ends: Vec<(Duration, Duration)> = measured
        .faults
        .iter()
        .map(|fault| {
            let end = fault_recovery(fault, measured).map(|after| fault.healed + after);
            (fault.from, end.unwrap_or_else(|| until_next(fault, measured)))
        })
        .collect();
    move |fault| ends.iter().find(|(from, _)| *from == fault.from).map_or(fault.healed, |(_, end)| *end)
}

/// Whether a fault can be the reason when this call fails: it needs what is broken, and was under way meanwhile.
fn is_concerned(entry: &Entry, faults: &[Injected], end: impl Fn(&Injected) -> Duration) -> bool {
    faults.iter().any(|fault| {
        entry.kind.needs(fault.part) && entry.due() <= end(fault) && entry.due() + entry.took() >= fault.from
    })
}

/// How long after a fault calls that need what was broken are answered as before.
pub(crate) fn fault_recovery(fault: &Injected, measured: &Measured) -> Option<Duration> {
    let first = measured.faults.iter().map(|fault| fault.from).min().unwrap_or_default();
    let concerns = |entry: &Entry| entry.kind.needs(fault.part) && entry.kind != Kind::Health;
    let slow_ms = slow_limit_ms(measured.entries, first, concerns);
    recovered_after(measured.entries, (fault.healed, until_next(fault, measured)), slow_ms, concerns)
}

fn until_next(fault: &Injected, measured: &Measured) -> Duration {
    let later = measured.faults.iter().map(|other| other.from).filter(|from| *from > fault.from);
    later.min().unwrap_or(measured.length)
}

/// What came of the calls that were due while a fault was there: those that need what was broken, and the others.
pub(crate) fn split(fault: &Injected, entries: &[Entry]) -> (Counts, Counts) {
    let during = || entries.iter().filter(|entry| (fault.from..fault.healed).contains(&entry.due()));
    let related = Counts::of(during().filter(|entry| entry.kind.needs(fault.part)));
    (related, Counts::of(during().filter(|entry| !entry.kind.needs(fault.part))))
}

/// Above this a second's median is not as before: as it was before `end`, with a margin.
fn slow_limit_ms(entries: &[Entry], end: Duration, concerns: impl Fn(&Entry) -> bool) -> f64 {
    let usual: Vec<Entry> =
        entries.iter().filter(|entry| entry.due() < end && concerns(entry)).copied().collect();
    match quantile_ms(&usual, 0.5) {
        Some(median) => (median * SLOW_FACTOR).max(median + SLOW_AT_LEAST_MS),
        None => 1_000.0,
    }
}

/// After how many seconds the first of three good ones in a row begins: seconds without a call that failed or was
/// degraded, and with a usual median. Where nobody called in any of the three, nothing shows that all is well.
fn recovered_after(
    entries: &[Entry],
    (since, until): (Duration, Duration),
    slow_ms: f64,
    concerns: impl Fn(&Entry) -> bool,
) -> Option<Duration> {
    let count = usize::try_from(until.saturating_sub(since).as_secs()).ok()?;
    let mut seconds: Vec<Vec<Entry>> = vec![Vec::new(); count];
    for entry in entries.iter().filter(|entry| entry.due() >= since && concerns(entry)) {
        let second = usize::try_from((entry.due() - since).as_secs()).unwrap_or(usize::MAX);
        if let Some(second) = seconds.get_mut(second) {
            second.push(*entry);
        }
    }
    let is_good = |entries: &Vec<Entry>| {
        entries
            .iter()
            .all(|entry| entry.ended == Ended::Good || entry.kind == Kind::Health && !entry.has_failed())
            && quantile_ms(entries, 0.5).is_none_or(|median| median <= slow_ms)
    };
    let is_shown = |three: &[Vec<Entry>]| three.iter().any(|entries| !entries.is_empty());
    let first =
        seconds.windows(GOOD_SECONDS).position(|three| is_shown(three) && three.iter().all(is_good))?;
    Some(Duration::from_secs(first as u64))
}

#[cfg(test)]
mod tests;
