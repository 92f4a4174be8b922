//! The retry budget: a token bucket that each call fills by a fraction and each retry empties by one.
//!
//! While a dependency is down, retries would otherwise multiply the load on it. A small loan lets a quiet service
//! retry right after start; calls pay it back before they save up anything, so from the start on
//! `retries <= max(LOAN, ratio * calls)` holds.

/// Retries granted before any call has paid for them.
const LOAN: f64 = 3.0;
/// The most that can be saved up, in calls' worth of deposits.
const SAVED_CALLS: f64 = 100.0;

/// Tokens of one dependency.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    ratio: f64,
    earned: f64,
    loan_left: f64,
}

impl RetryBudget {
    /// A budget of `ratio` retries a call.
    pub(crate) fn new(ratio: f64) -> Self {
        Self { ratio: ratio.max(0.0), earned: 0.0, loan_left: if ratio > 0.0 { LOAN } else { 0.0 } }
    }

    /// Counts a call (its first attempt).
    pub(crate) fn deposit(&mut self) {
        self.earned = (self.earned + self.ratio).min(self.ratio * SAVED_CALLS);
    }

    /// Takes the token of one retry; false means the retry must not happen.
    pub(crate) fn withdraw(&mut self) -> bool {
        // Sums of fractions such as 0.2 must reach 1 when five calls have paid.
        const ROUNDING: f64 = 1e-9;
        if self.earned + ROUNDING < 1.0 && self.loan_left < 1.0 {
            return false;
        }
        self.earned -= 1.0;
        self.loan_left = (self.loan_left - 1.0).max(0.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn retries_never_exceed_their_share(ratio in 0.0_f64..1.0, wants in prop::collection::vec(0_u8..4, 1..500)) {
            let mut budget = RetryBudget::new(ratio);
            let mut retries = 0.0;
            for (calls, wanted) in wants.iter().enumerate() {
                budget.deposit();
                for _ in 0..*wanted {
                    if budget.withdraw() {
                        retries += 1.0;
                    }
                }
                let share = ratio * (calls as f64 + 1.0);
                prop_assert!(retries <= share.max(LOAN) + 1e-6, "{retries} retries in {} calls", calls + 1);
            }
        }
    }

    #[test]
    fn a_quiet_service_may_retry_at_once() {
        let mut budget = RetryBudget::new(0.2);
        budget.deposit();
        assert!(budget.withdraw());
        assert!(budget.withdraw());
    }

    #[test]
    fn savings_have_a_limit() {
        let mut budget = RetryBudget::new(0.2);
        (0..100_000).for_each(|_| budget.deposit());
        let burst = (0..100_000).filter(|_| budget.withdraw()).count();
        assert_eq!(burst, 20);
    }

    #[test]
    fn a_ratio_of_zero_forbids_retries() {
        let mut budget = RetryBudget::new(0.0);
        budget.deposit();
        assert!(!budget.withdraw());
    }
}
