//! The report: every look with its verdict, and go or no-go. No-go is whatever failed and was not accepted, and a watch
//! that broke.

use serde_json::{Value, json};

use super::checkpoints::CHECKPOINTS;
use super::outcome::{Finding, Verdict};
use super::take_back::TakenBack;
use super::watch::Watched;
use crate::console::{self, Align, Columns};

/// So many failures are named in one sentence; the report has all.
const NAMED: usize = 3;
const FOUND_WIDTH: usize = 96;
const VERDICTS: [Verdict; 5] =
    [Verdict::Pass, Verdict::Fail, Verdict::Skipped, Verdict::ByHand, Verdict::Waived];

/// All that was found.
pub(super) struct Report {
    address: String,
    pub(super) smoke: Vec<Finding>,
    pub(super) checkpoints: Vec<Finding>,
    pub(super) watched: Option<Watched>,
    pub(super) taken_back: Option<TakenBack>,
}

impl Report {
    /// About what answers at this address; nothing was found yet.
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            smoke: Vec::new(),
            checkpoints: Vec::new(),
            watched: None,
            taken_back: None,
        }
    }

    /// Whether it may be left there.
    pub(super) fn is_go(&self) -> bool {
        let is_broken = self.watched.as_ref().is_some_and(|watched| watched.broken.is_some());
        !is_broken && self.failed().next().is_none()
    }

    fn failed(&self) -> impl Iterator<Item = (String, &Finding)> {
        let smoke = self.smoke.iter().map(|finding| (finding.name.clone(), finding));
        let checkpoints = self
            .checkpoints
            .iter()
            .map(|finding| (format!("checkpoint {} ({})", finding.name, finding.checks), finding));
        smoke.chain(checkpoints).filter(|(_, finding)| finding.failed())
    }

    /// Why it is no-go, in a sentence; empty when it is go.
    pub(super) fn reason(&self) -> String {
        if let Some(reason) = self.watched.as_ref().and_then(|watched| watched.broken.as_ref()) {
            return format!("no-go: {reason}");
        }
        let failed: Vec<String> =
            self.failed().map(|(name, finding)| format!("{name}: {}", finding.outcome.found)).collect();
        if failed.is_empty() {
            return String::new();
        }
        let more = match failed.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        format!("no-go: {}{more}", failed[..failed.len().min(NAMED)].join("; "))
    }

    /// For a person.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![console::heading(&format!("Smoke tests of {}", self.address))];
        lines.extend(table(&self.smoke, "test"));
        if !self.checkpoints.is_empty() {
            lines.extend([String::new(), console::heading("Checkpoints of production")]);
            lines.extend(table(&self.checkpoints, "no."));
        }
        lines.push(String::new());
        lines.extend(self.watched.iter().map(Watched::line));
        for (name, finding) in self.failed() {
            lines.push(format!("✗ {name}: {}", finding.outcome.found));
            if !finding.outcome.way_out.is_empty() {
                lines.push(format!("  way out: {}", finding.outcome.way_out));
            }
        }
        lines.extend(self.taken_back.iter().map(TakenBack::line));
        lines.push(format!("smoke tests: {}", counts(&self.smoke)));
        if !self.checkpoints.is_empty() {
            lines.push(format!("checkpoints: {}", counts(&self.checkpoints)));
        }
        lines.push(console::heading(if self.is_go() { "GO" } else { "NO-GO" }));
        lines
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        json!({
            "go": self.is_go(),
            "reason": self.reason(),
            "address": self.address,
            "smoke": self.smoke.iter().map(Finding::json).collect::<Vec<_>>(),
            "checkpoints": self.checkpoints.iter().map(Finding::json).collect::<Vec<_>>(),
            "watch": self.watched.as_ref().map(Watched::json),
            "takenBack": self.taken_back.as_ref().map(TakenBack::json),
        })
    }
}

fn table(findings: &[Finding], title: &'static str) -> Vec<String> {
    let number = if title == "no." { Align::Right } else { Align::Left };
    let mut columns = Columns::new(&[
        (title, number),
        ("verdict", Align::Left),
        ("ms", Align::Right),
        ("what has to hold", Align::Left),
        ("found", Align::Left),
    ]);
    for finding in findings {
        columns.push(vec![
            finding.name.clone(),
            finding.outcome.verdict.word().to_owned(),
            format!("{:.0}", finding.took.as_secs_f64() * 1e3),
            finding.checks.to_owned(),
            console::fit(&finding.outcome.found.replace('\n', " "), FOUND_WIDTH),
        ]);
    }
    columns.lines()
}

fn counts(findings: &[Finding]) -> String {
    let count = |verdict: Verdict| findings.iter().filter(|one| one.outcome.verdict == verdict).count();
    let counted = VERDICTS.into_iter().map(|verdict| (count(verdict), verdict.word()));
    let named: Vec<String> =
        counted.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    named.join(", ")
}

/// Prints the list of checkpoints.
pub(super) fn list_checkpoints(json: bool) {
    let numbered = (1..).zip(&CHECKPOINTS);
    if json {
        let all: Vec<Value> = numbered
            .map(|(number, checkpoint)| {
                json!({ "number": number, "holds": checkpoint.holds, "needs": checkpoint.needs,
                        "byHand": checkpoint.is_by_hand() })
            })
            .collect();
        console::print_json(&json!({ "checkpoints": all }));
        return;
    }
    let mut columns =
        Columns::new(&[("no.", Align::Right), ("what has to hold", Align::Left), ("needs", Align::Left)]);
    for (number, checkpoint) in numbered {
        let number: i32 = number;
        columns.push(vec![
            number.to_string(),
            checkpoint.holds.to_owned(),
            checkpoint.needs.replace('`', ""),
        ]);
    }
    columns.lines().iter().for_each(|line| console::print_line(line));
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::outcome::{Found, Outcome};
    use super::*;

    fn finding(name: &str, found: Found) -> Finding {
        Finding {
            name: name.into(),
            checks: "it holds",
            took: Duration::from_millis(12),
            outcome: Outcome::of(found),
        }
    }

    fn well() -> Report {
        Report {
            smoke: vec![
                finding("api.health", Ok("healthy".into())),
                finding("ops.gateway", Err(Outcome::skipped("its ops port is not known"))),
            ],
            checkpoints: vec![finding("4", Err(Outcome::by_hand("look")))],
            ..Report::new("https://larder.example.org/")
        }
    }

    #[test]
    fn what_was_skipped_or_is_by_hand_does_not_stand_in_the_way() {
        let report = well();
        assert!(report.is_go() && report.reason().is_empty());
        assert_eq!(report.lines().last().map(String::as_str), Some("GO"));
        assert!(report.lines().contains(&"smoke tests: 1 pass, 1 skipped".to_owned()));
    }

    #[test]
    fn a_failure_is_named_with_its_way_out_until_it_is_accepted() {
        let mut report = well();
        let failure = Outcome::fail("no drill yet", "larder backup drill");
        report.checkpoints.push(finding("38", Err(failure.clone())));
        assert!(!report.is_go());
        assert_eq!(report.reason(), "no-go: checkpoint 38 (it holds): no drill yet");
        let lines = report.lines();
        assert!(lines.contains(&"  way out: larder backup drill".to_owned()), "{lines:?}");
        assert_eq!(lines.last().map(String::as_str), Some("NO-GO"));
        report.checkpoints.pop();
        report.checkpoints.push(finding("38", Err(failure.waived("it is on Sunday"))));
        assert!(report.is_go(), "{}", report.reason());
    }

    #[test]
    fn of_many_failures_the_first_are_named() {
        let mut report = well();
        report.smoke = (1..=5).map(|n| finding(&format!("t{n}"), Err(Outcome::fail("no", "")))).collect();
        assert_eq!(report.reason(), "no-go: t1: no; t2: no; t3: no; and 2 more");
        assert_eq!(report.json()["go"], false);
        assert_eq!(report.json()["smoke"][4]["verdict"], "fail");
    }
}
