//! Which model forecasts. A challenger forecasts beside the champion, unseen, and takes over only when
//! it was better on enough of the same days and is not worse in what its quantiles promise. The model
//! before stays ready, so that a champion that turns out worse is rolled back. Every decision leaves an
//! entry that tells on what grounds.

use jiff::Timestamp;

use super::paired::{MOST_PAIRS, chance_of_being_as_high};
use super::scores::DayScore;

/// What a challenger has to show.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct PromotionRules {
    /// On fewer days nothing is decided.
    pub fewest_days: usize,
    /// The chance that a model that is no better passes, on one look.
    pub doubt: f64,
    /// Its loss has to be lower by this share.
    pub least_gain: f64,
    /// The share its P90 holds on may be further from 90 % than the champion's by so much.
    pub coverage_slack: f64,
}

impl Default for PromotionRules {
    /// Ten days, one in fifty (a challenger is looked at again after each market day), 1 %, two points.
    fn default() -> Self {
        Self { fewest_days: 10, doubt: 0.02, least_gain: 0.01, coverage_slack: 0.02 }
    }
}

/// What comparing two models on the same days came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The challenger is better.
    Better,
    /// There are too few days that both forecast.
    TooFewDays,
    /// It is not better, or not surely.
    NotBetter,
    /// It is better, but its quantiles hold less well.
    CoverageWorse,
}

/// Two models on the same days.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Comparison {
    /// Days that both forecast,
    pub days: usize,
    /// and on how many of them the challenger was better.
    pub better_days: usize,
    /// The champion's mean loss,
    pub champion_loss: f64,
    /// and the challenger's.
    pub challenger_loss: f64,
    /// The chance that a model that is no better looks as good.
    pub chance: f64,
    /// The share the champion's P90 held on,
    pub champion_coverage: f64,
    /// and the challenger's.
    pub challenger_coverage: f64,
    /// What it comes to.
    pub verdict: Verdict,
}

/// Compares two models on the days that both forecast, the latest 120 of them.
#[must_use]
pub fn compare(champion: &[DayScore], challenger: &[DayScore], rules: &PromotionRules) -> Comparison {
    let mut pairs: Vec<(DayScore, DayScore)> = champion
        .iter()
        .filter_map(|one| Some((*one, *challenger.iter().find(|other| other.date == one.date)?)))
        .collect();
    pairs.sort_by_key(|pair| pair.0.date);
    let pairs = pairs.split_off(pairs.len().saturating_sub(MOST_PAIRS));
    let days = pairs.len();
    let differences: Vec<f64> = pairs.iter().map(|(champion, other)| champion.loss - other.loss).collect();
    let mean =
        |loss: fn(&(DayScore, DayScore)) -> f64| pairs.iter().map(loss).sum::<f64>() / days.max(1) as f64;
    let coverage = |of: fn(&(DayScore, DayScore)) -> &DayScore| {
        let forecasts: usize = pairs.iter().map(|pair| of(pair).forecasts).sum();
        let below: f64 = pairs.iter().map(|pair| of(pair).below_p90).sum();
        below / forecasts.max(1) as f64
    };
    let mut comparison = Comparison {
        days,
        better_days: differences.iter().filter(|difference| **difference > 0.0).count(),
        champion_loss: mean(|pair| pair.0.loss),
        challenger_loss: mean(|pair| pair.1.loss),
        chance: chance_of_being_as_high(&differences),
        champion_coverage: coverage(|pair| &pair.0),
        challenger_coverage: coverage(|pair| &pair.1),
        verdict: Verdict::Better,
    };
    comparison.verdict = comparison.judge(rules);
    comparison
}

impl Comparison {
    fn judge(&self, rules: &PromotionRules) -> Verdict {
        let off = |coverage: f64| (coverage - 0.9).abs();
        if self.days < rules.fewest_days.max(1) {
            Verdict::TooFewDays
        } else if self.challenger_loss > (1.0 - rules.least_gain) * self.champion_loss
            || self.chance > rules.doubt
            || self.better_days * 2 < self.days
        {
            Verdict::NotBetter
        } else if off(self.challenger_coverage) > off(self.champion_coverage) + rules.coverage_slack {
            Verdict::CoverageWorse
        } else {
            Verdict::Better
        }
    }
}

/// Who forecasts, and who did before.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Championship {
    /// Version of the model that forecasts.
    pub champion: String,
    /// Version of the one before, to roll back to; it goes on forecasting unseen.
    pub previous: Option<String>,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The challenger forecasts from now on.
    Promoted,
    /// The champion stays.
    Kept,
    /// The model before forecasts again.
    RolledBack,
}

/// One decision and its grounds.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub decision: Decision,
    /// The champion until then.
    pub champion: String,
    /// The model that was weighed against it.
    pub challenger: String,
    /// In words.
    pub reason: String,
    /// The figures; none when somebody decided by hand.
    pub comparison: Option<Comparison>,
    /// What had to be shown; none when somebody decided by hand.
    pub rules: Option<PromotionRules>,
}

/// There is no model to roll back to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no model before {champion} to roll back to")]
pub struct NothingBefore {
    /// The model that forecasts.
    pub champion: String,
}

impl Championship {
    /// The first model; nothing was before it.
    #[must_use]
    pub fn new(champion: impl Into<String>) -> Self {
        Self { champion: champion.into(), previous: None }
    }

    /// Weighs a challenger on the scores of both, and promotes it if it is better.
    pub fn challenge(
        &mut self,
        at: Timestamp,
        challenger: &str,
        (of_champion, of_challenger): (&[DayScore], &[DayScore]),
        rules: &PromotionRules,
    ) -> AuditEntry {
        let comparison = compare(of_champion, of_challenger, rules);
        let is_better = comparison.verdict == Verdict::Better && challenger != self.champion;
        let decision = if is_better { Decision::Promoted } else { Decision::Kept };
        let entry = self.entry(at, decision, challenger, (comparison, rules));
        if is_better {
            self.previous = Some(std::mem::replace(&mut self.champion, challenger.to_owned()));
        }
        entry
    }

    /// Weighs the model before against the champion, and rolls back if it is better; none when there is
    /// no model before.
    pub fn watch(
        &mut self,
        at: Timestamp,
        (of_champion, of_previous): (&[DayScore], &[DayScore]),
        rules: &PromotionRules,
    ) -> Option<AuditEntry> {
        let previous = self.previous.clone()?;
        let comparison = compare(of_champion, of_previous, rules);
        let is_better = comparison.verdict == Verdict::Better;
        let decision = if is_better { Decision::RolledBack } else { Decision::Kept };
        let entry = self.entry(at, decision, &previous, (comparison, rules));
        if is_better {
            self.champion = previous;
            self.previous = None;
        }
        Some(entry)
    }

    /// Rolls back by hand.
    ///
    /// # Errors
    /// When there is no model before.
    pub fn roll_back(&mut self, at: Timestamp, reason: &str) -> Result<AuditEntry, NothingBefore> {
        let Some(previous) = self.previous.take() else {
            return Err(NothingBefore { champion: self.champion.clone() });
        };
        let champion = std::mem::replace(&mut self.champion, previous.clone());
        Ok(AuditEntry {
            at,
            decision: Decision::RolledBack,
            champion,
            challenger: previous,
            reason: reason.to_owned(),
            comparison: None,
            rules: None,
        })
    }

    fn entry(
        &self,
        at: Timestamp,
        decision: Decision,
        challenger: &str,
        (comparison, rules): (Comparison, &PromotionRules),
    ) -> AuditEntry {
        AuditEntry {
            at,
            decision,
            champion: self.champion.clone(),
            challenger: challenger.to_owned(),
            reason: in_words(&comparison, rules),
            comparison: Some(comparison),
            rules: Some(*rules),
        }
    }
}

fn in_words(comparison: &Comparison, rules: &PromotionRules) -> String {
    let Comparison { days, better_days, champion_loss, challenger_loss, chance, .. } = comparison;
    match comparison.verdict {
        Verdict::TooFewDays => format!("{days} days that both forecast; {} are needed", rules.fewest_days),
        Verdict::Better | Verdict::NotBetter => format!(
            "better on {better_days} of {days} days, loss {challenger_loss:.4} against {champion_loss:.4}, chance \
             {chance:.3}"
        ),
        Verdict::CoverageWorse => format!(
            "better, but its P90 held on {:.0} % of forecasts against {:.0} %",
            comparison.challenger_coverage * 100.0,
            comparison.champion_coverage * 100.0
        ),
    }
}
