//! Experiments on customers, as arithmetic: who falls into which arm, how an answer explores so that
//! its chances are known, what the arms brought and how sure that is, and what a policy that was
//! never shown would have brought. Nothing here knows a clock, a table or a wire format.

mod assignment;
mod distribution;
mod draws;
mod exploration;
mod mean;
mod off_policy;
mod proportion;
mod reward_model;
mod sample_ratio;
#[cfg(test)]
mod simulation;

pub use assignment::assign;
pub use distribution::{chi_squared_survival, normal_two_sided, student_quantile_95};
pub use exploration::{Exploration, ExploredPlace, PlaceChances};
pub use mean::{mean_from_sums, mean_of_clusters};
pub use off_policy::{LoggedAnswer, LoggedPlace, PolicyEstimates, estimate_policy};
pub use proportion::{proportion, proportion_difference, proportions_differ};
pub use reward_model::Situation;
pub use sample_ratio::{SAMPLE_RATIO_ALARM, sample_ratio_p_value};

/// A measured value with the interval that holds the true one 95 times out of 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The estimate.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end; infinite when there is too little to say anything.
    pub high: f64,
}

impl Measured {
    /// Whether the interval holds `truth`.
    pub fn holds(&self, truth: f64) -> bool {
        self.low <= truth && truth <= self.high
    }
}
