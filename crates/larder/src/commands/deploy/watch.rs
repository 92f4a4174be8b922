//! Goes on asking for as long as was said, and ends early when the criteria break.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::arguments::Service;
use super::judge::{self, Criteria, Figures, Seen, WINDOW};
use super::prometheus;
use super::smoke::{self, Round};
use super::stack::Stack;
use super::traffic::Traffic;

/// How often a person is told that it goes on.
const TOLD_EVERY: Duration = Duration::from_secs(60);

/// How a watch went.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) rounds: u64,
    looks: u64,
    failed: u64,
    asked_for: Duration,
    pub(super) lasted: Duration,
    /// Of its last minutes.
    figures: Figures,
    /// Why it ended early.
    pub(super) broken: Option<String>,
}

/// Watches until the time is over or the criteria break.
pub(super) async fn run(stack: &Stack, criteria: &Criteria) -> Watched {
    eprintln!("all that was looked at holds; watching for {} s", criteria.lasts.as_secs());
    let started = Instant::now();
    let mut ticks = interval(criteria.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watched = Watched {
        rounds: 0,
        looks: 0,
        failed: 0,
        asked_for: criteria.lasts,
        lasted: Duration::ZERO,
        figures: Figures::default(),
        broken: None,
    };
    let mut window: VecDeque<Seen> = VecDeque::new();
    let mut told = started;
    loop {
        ticks.tick().await;
        if started.elapsed() >= criteria.lasts {
            break;
        }
        let seen = look(stack, criteria, started).await;
        watched.rounds += 1;
        watched.looks += seen.times.len() as u64;
        watched.failed += seen.failures.len() as u64;
        window.push_back(seen);
        while window.front().is_some_and(|oldest| oldest.at + WINDOW < started.elapsed()) {
            window.pop_front();
        }
        let rounds = window.make_contiguous();
        watched.figures = judge::figures(rounds);
        watched.broken = judge::broken(rounds, criteria);
        if watched.broken.is_some() {
            break;
        }
        if told.elapsed() >= TOLD_EVERY {
            told = Instant::now();
            eprintln!("watched for {} s: {}", started.elapsed().as_secs(), watched.in_short());
        }
    }
    watched.lasted = started.elapsed().min(criteria.lasts);
    watched
}

async fn look(stack: &Stack, criteria: &Criteria, started: Instant) -> Seen {
    let findings = smoke::round(stack, Round::Repeated).await;
    let traffic = traffic(stack).await;
    let mut seen = Seen { traffic, ..Seen::of(started.elapsed(), &findings) };
    if let Some(base) = &criteria.prometheus {
        match prometheus::alarms(stack, base, criteria.error_share).await {
            Ok(alarms) => seen.alarms = alarms,
            Err(outcome) => seen.failures.push(("prometheus".to_owned(), outcome.found)),
        }
    }
    seen
}

/// What the gateway counted; none where its ops port is not known or does not answer.
async fn traffic(stack: &Stack) -> Option<Traffic> {
    let url = stack.ops.get(&Service::Gateway)?.join("/metrics").ok()?;
    let answer = stack.get_elsewhere(url).await.ok()?;
    (answer.status == 200).then(|| Traffic::parse(&String::from_utf8_lossy(&answer.body)))
}

impl Watched {
    fn in_short(&self) -> String {
        let Figures { p99, all_calls, all_failed, .. } = &self.figures;
        let others = match all_calls {
            0 => String::new(),
            _ => format!("; {all_failed} of {all_calls} calls of all callers ended with 5xx"),
        };
        format!(
            "{} rounds, {} of {} looks failed, p99 {} ms{others}",
            self.rounds,
            self.failed,
            self.looks,
            p99.as_millis()
        )
    }

    /// For a person.
    pub(super) fn line(&self) -> String {
        let of = format!("{:.0} of {} s", self.lasted.as_secs_f64(), self.asked_for.as_secs());
        let ended = self.broken.as_ref().map_or_else(String::new, |reason| format!("; ended: {reason}"));
        format!("watched for {of}: {}{ended}", self.in_short())
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        let figures = &self.figures;
        json!({
            "askedForS": self.asked_for.as_secs_f64(),
            "lastedS": self.lasted.as_secs_f64(),
            "roundCount": self.rounds,
            "lookCount": self.looks,
            "failedCount": self.failed,
            "p99Ms": figures.p99.as_secs_f64() * 1e3,
            "allCalls": { "count": figures.all_calls, "failedCount": figures.all_failed,
                          "p99Ms": figures.all_p99.map(|p99| p99.as_secs_f64() * 1e3) },
            "broken": self.broken,
        })
    }
}
