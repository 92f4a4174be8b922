//! What came of one look: a verdict, what was found, and the way out when it is bad.

use std::future::Future;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

/// What is thought of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It holds.
    Pass,
    /// It does not hold.
    Fail,
    /// It could not be looked at; what was found says why.
    Skipped,
    /// No program can tell; what was found says how a person can.
    ByHand,
    /// It does not hold, and somebody said why that is well.
    Waived,
}

impl Verdict {
    /// As reports write it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
            Self::ByHand => "by hand",
            Self::Waived => "waived",
        }
    }
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    pub(super) verdict: Verdict,
    /// What was found, or why nothing was looked at.
    pub(super) found: String,
    /// What to do about it.
    pub(super) way_out: String,
    /// Nobody answered at all.
    pub(super) is_silence: bool,
}

/// What a look ends with: what was found when it holds, or another outcome.
pub(super) type Found = Result<String, Outcome>;

impl Outcome {
    fn new(verdict: Verdict, found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { verdict, found: found.into(), way_out: way_out.into(), is_silence: false }
    }

    /// It does not hold.
    pub(super) fn fail(found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, found, way_out)
    }

    /// It could not be looked at.
    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, why, "")
    }

    /// A person has to look.
    pub(super) fn by_hand(how: impl Into<String>) -> Self {
        Self::new(Verdict::ByHand, how, "")
    }

    /// Nobody answered at all.
    pub(super) fn silence(found: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self { is_silence: true, ..Self::fail(found, way_out) }
    }

    /// The same for whoever finds a pass in it.
    pub(super) fn of(found: Found) -> Self {
        found.map_or_else(|outcome| outcome, |found| Self::new(Verdict::Pass, found, ""))
    }

    /// A failure that somebody accepted.
    pub(super) fn waived(self, why: &str) -> Self {
        match self.verdict {
            Verdict::Fail => {
                Self { verdict: Verdict::Waived, found: format!("{}; accepted: {why}", self.found), ..self }
            }
            _ => self,
        }
    }
}

/// One look of a report.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    /// `api.health`, or the number of a checkpoint.
    pub(super) name: String,
    /// What has to hold.
    pub(super) checks: &'static str,
    pub(super) took: Duration,
    pub(super) outcome: Outcome,
}

impl Finding {
    /// Looks, and measures how long that takes.
    pub(super) async fn measured(
        name: impl Into<String>,
        checks: &'static str,
        look: impl Future<Output = Found>,
    ) -> Self {
        let started = Instant::now();
        let outcome = Outcome::of(look.await);
        Self { name: name.into(), checks, took: started.elapsed(), outcome }
    }

    /// Whether it does not hold.
    pub(super) fn failed(&self) -> bool {
        self.outcome.verdict == Verdict::Fail
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "checks": self.checks,
            "verdict": self.outcome.verdict.word(),
            "found": self.outcome.found,
            "wayOut": self.outcome.way_out,
            "tookMs": self.took.as_secs_f64() * 1e3,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_can_be_accepted() {
        let failed = Outcome::fail("no drill yet", "larder backup drill").waived("it is on Sunday");
        assert_eq!(failed.verdict, Verdict::Waived);
        assert_eq!(failed.found, "no drill yet; accepted: it is on Sunday");
        let passed = Outcome::of(Ok("proven".to_owned())).waived("it is on Sunday");
        assert_eq!((passed.verdict, passed.found.as_str()), (Verdict::Pass, "proven"));
    }

    #[tokio::test(start_paused = true)]
    async fn how_long_a_look_took_is_told() {
        let look = async {
            tokio::time::sleep(Duration::from_millis(40)).await;
            Err(Outcome::skipped("nobody knows"))
        };
        let finding = Finding::measured("api.health", "it answers", look).await;
        assert!(!finding.failed() && finding.took == Duration::from_millis(40), "{finding:?}");
        assert_eq!(finding.json()["verdict"], "skipped");
    }
}
