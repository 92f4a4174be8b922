//! Did it work? What was recommended is held against what was brought and sold, in units and in money,
//! and against what the vendor would have done without. Days that ran out are judged by what is known
//! of them, never as if nothing more had been asked for. From the same records comes when a model
//! should learn again, and whether the new one takes over.

mod championship;
mod flag;
mod judged;
mod money;
mod paired;
mod record;
mod scores;
mod signals;
mod statistics;
mod triggers;

#[cfg(test)]
mod tests;

pub use championship::{
    AuditEntry, Championship, Comparison, Decision, NothingBefore, PromotionRules, Verdict, compare,
};
pub use flag::Flag;
pub use judged::{DemandBasis, DemandSeen, JudgedRecord, LastDaysRule, Variance, judge};
pub use money::{MoneyTotals, Saving};
pub use record::{FeedbackRecord, GivenForecast};
pub use scores::{DayScore, ModelForecast, ScoredForecast, score_days};
pub use signals::{Drift, FEWEST_ERRORS, PageHinkley, binomial_band, smoothed_signal, tracking_signal};
pub use statistics::{
    CALIBRATION_LEVELS, Calibration, GroupKey, Grouping, HitRate, Period, Statistics, StatisticsSettings,
    UnitTotals, VarianceSummary, statistics,
};
pub use triggers::{TrainingStand, Trigger, TriggerSettings, retraining_triggers};
