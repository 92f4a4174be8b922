//! What is thought of answers, health and a watch. Pure: the answers and the times are arguments.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::outcome::{Finding, Outcome};
use super::stack::Answer;
use super::traffic::Traffic;

/// Errors and times are counted over so long.
pub(super) const WINDOW: Duration = Duration::from_secs(300);
/// One bad round may be a lost packet; two are not.
const BAD_ROUNDS: usize = 2;
/// Of fewer calls than these there is no 99th percentile.
const CALLS_FOR_P99: u64 = 20;

/// What a watch holds to.
#[derive(Debug, Clone)]
pub(super) struct Criteria {
    pub(super) lasts: Duration,
    pub(super) every: Duration,
    /// The share of calls that may fail, 0 to 1.
    pub(super) error_share: f64,
    /// The time within which 99 of 100 are answered.
    pub(super) p99: Duration,
    pub(super) prometheus: Option<Url>,
}

/// What one round of a watch saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// When it ended, since the watch began.
    pub(super) at: Duration,
    /// The looks that were taken: their times, and of those that failed what was found.
    pub(super) times: Vec<Duration>,
    pub(super) failures: Vec<(String, String)>,
    /// What the gateway counted of all its callers since its start, where its ops port is known.
    pub(super) traffic: Option<Traffic>,
    /// What Prometheus says stands against it.
    pub(super) alarms: Vec<String>,
}

impl Seen {
    /// Of a round of smoke tests.
    pub(super) fn of(at: Duration, findings: &[Finding]) -> Self {
        let taken = findings.iter().filter(|finding| {
            !matches!(
                finding.outcome.verdict,
                super::outcome::Verdict::Skipped | super::outcome::Verdict::ByHand
            )
        });
        let failed = findings.iter().filter(|finding| finding.failed());
        Self {
            at,
            times: taken.map(|finding| finding.took).collect(),
            failures: failed.map(|finding| (finding.name.clone(), finding.outcome.found.clone())).collect(),
            ..Self::default()
        }
    }
}

/// The figures of the last minutes of a watch.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) p99: Duration,
    /// The same of everybody's calls, where the gateway could be asked.
    pub(super) all_calls: u64,
    pub(super) all_failed: u64,
    /// None while there were too few.
    pub(super) all_p99: Option<Duration>,
}

/// The figures of the window that ends with the last round.
pub(super) fn figures(rounds: &[Seen]) -> Figures {
    let Some(last) = rounds.last() else { return Figures::default() };
    let from = last.at.saturating_sub(WINDOW);
    let window: Vec<&Seen> = rounds.iter().filter(|round| round.at >= from).collect();
    let mut times: Vec<Duration> = window.iter().flat_map(|round| round.times.iter().copied()).collect();
    times.sort_unstable();
    let place = (times.len() * 99).div_ceil(100).saturating_sub(1);
    let mut counted = window.iter().filter_map(|round| round.traffic.as_ref());
    let first = counted.next();
    let grown = first.zip(counted.next_back()).map(|(first, last)| last.since(first)).unwrap_or_default();
    Figures {
        calls: times.len() as u64,
        failed: window.iter().map(|round| round.failures.len() as u64).sum(),
        p99: times.get(place).copied().unwrap_or_default(),
        all_calls: grown.calls(),
        all_failed: grown.failed(),
        all_p99: (grown.calls() >= CALLS_FOR_P99).then(|| grown.p99()),
    }
}

/// Why a watch has to end, if it has to.
pub(super) fn broken(rounds: &[Seen], criteria: &Criteria) -> Option<String> {
    let last = rounds.last()?;
    if let Some(alarm) = last.alarms.first() {
        return Some(alarm.clone());
    }
    let recent = &rounds[rounds.len().saturating_sub(BAD_ROUNDS)..];
    for (name, found) in &last.failures {
        let is_lasting =
            recent.len() == BAD_ROUNDS && recent.iter().all(|round| names(round).any(|bad| bad == name));
        if is_lasting {
            return Some(format!("{name} failed in {BAD_ROUNDS} rounds running: {found}"));
        }
    }
    let figures = figures(rounds);
    let share = |failed: u64, calls: u64| failed as f64 / (calls as f64).max(1.0);
    let allowed = criteria.error_share;
    // A single lost answer among few calls says little.
    if figures.failed >= BAD_ROUNDS as u64 && share(figures.failed, figures.calls) > allowed {
        let (failed, calls) = (figures.failed, figures.calls);
        return Some(format!(
            "{failed} of the {calls} looks of the last minutes failed, more than {}",
            percent(allowed)
        ));
    }
    if figures.all_failed >= BAD_ROUNDS as u64 && share(figures.all_failed, figures.all_calls) > allowed {
        let (failed, calls) = (figures.all_failed, figures.all_calls);
        return Some(format!(
            "the gateway answered {failed} of {calls} calls with 5xx, more than {}",
            percent(allowed)
        ));
    }
    let limit = criteria.p99;
    let told = |whose: &str, p99: Duration| {
        format!("the p99 of {whose} is {} ms, above {} ms", p99.as_millis(), limit.as_millis())
    };
    if figures.calls >= CALLS_FOR_P99 && figures.p99 > limit {
        return Some(told("these looks", figures.p99));
    }
    figures.all_p99.filter(|p99| *p99 > limit).map(|p99| told("all calls", p99))
}

fn names(round: &Seen) -> impl Iterator<Item = &String> {
    round.failures.iter().map(|(name, _)| name)
}

fn percent(share: f64) -> String {
    format!("{} %", share * 100.0)
}

/// The JSON of an answer that is 200 and not a kept one; anything else is a failure that names what would help.
pub(super) fn answered(answer: &Answer, scope: &str) -> Result<Value, Outcome> {
    let body = answer.json();
    if answer.status == 200 && !answer.header("x-larder-degraded").is_empty() {
        return Err(Outcome::fail(
            "the answer is one that was kept: the service behind does not answer",
            "see which: `larder healthcheck --url` of its ops port, or /health/detailed",
        ));
    }
    if answer.status == 200 {
        return Ok(body);
    }
    let detail = body["detail"].as_str().unwrap_or_default();
    let way_out = match answer.status {
        401 => {
            "show a key that is good: --api-key (`larder token list-keys --tenant TENANT` tells), or --token"
                .to_owned()
        }
        403 => format!("make a key with the scope {scope}: `larder token create-key --scope {scope}`"),
        404 => "see that this is Larder's gateway, and of this version".to_owned(),
        429 => "wait, or raise the limits of this key's tenant (settings section limits)".to_owned(),
        500..=599 => format!(
            "look for the correlation id {} in the logs; docs/operations/symptoms.md begins with this",
            answer.header("x-correlation-id")
        ),
        _ => "see what answers there".to_owned(),
    };
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    Err(Outcome::fail(format!("status {}{detail}", answer.status), way_out))
}

#[cfg(test)]
mod tests;
