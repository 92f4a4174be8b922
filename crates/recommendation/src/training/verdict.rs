//! Whether a model that was just measured may serve. Pure: the numbers come in, a sentence comes
//! out. A model is refused only for what is beyond chance, and too little data refuses nobody.

use larder_ranking::evaluation::Comparison;
use serde::{Deserialize, Serialize};

/// With fewer customers than these nothing is beyond chance.
pub(crate) const LEAST_CUSTOMERS: usize = 30;

/// What the evaluation says of a model, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) is_good_enough: bool,
    pub(crate) reason: String,
}

/// nDCG of the new model beside other methods, on the same customers.
pub(crate) struct Measurements {
    pub(crate) customers: usize,
    /// How it was compared with the model that serves, in words, and what came of it; `None` when
    /// there was nothing to compare it with.
    pub(crate) against_promoted: Option<(String, Comparison)>,
    pub(crate) against_frequency: Comparison,
    pub(crate) against_popularity: Comparison,
}

impl Verdict {
    /// Good enough, for this reason.
    pub(crate) fn good(reason: impl Into<String>) -> Self {
        Self { is_good_enough: true, reason: reason.into() }
    }

    fn bad(reason: String) -> Self {
        Self { is_good_enough: false, reason }
    }

    /// Judges a model by its measurements.
    pub(crate) fn of(measured: &Measurements, how_promoted: &str) -> Self {
        if measured.customers < LEAST_CUSTOMERS {
            return Self::good(format!(
                "too little to measure: {} customers have events held out, {LEAST_CUSTOMERS} are needed",
                measured.customers
            ));
        }
        if let Some((how, comparison)) = &measured.against_promoted
            && comparison.is_worse()
        {
            return Self::bad(format!(
                "worse than the model that serves ({how}): nDCG {}",
                in_words(comparison)
            ));
        }
        let (frequency, popularity) = (&measured.against_frequency, &measured.against_popularity);
        if frequency.is_worse() && popularity.is_worse() {
            return Self::bad(format!(
                "worse than both simple baselines: nDCG {} against personal frequency, {} against popularity",
                in_words(frequency),
                in_words(popularity)
            ));
        }
        match &measured.against_promoted {
            Some((how, comparison)) => Self::good(format!(
                "not worse than the model that serves ({how}): nDCG {}",
                in_words(comparison)
            )),
            None => Self::good(how_promoted),
        }
    }
}

fn in_words(comparison: &Comparison) -> String {
    let Comparison { difference, interval, customers, .. } = comparison;
    format!("{difference:+.4} ({:+.4} to {:+.4}, {customers} customers)", interval.lower, interval.upper)
}

#[cfg(test)]
mod tests {
    use larder_ranking::evaluation::compare;

    use super::*;

    /// `customers` pairs that differ by `difference` on average and never quite alike.
    fn differing_by(difference: f64, customers: usize) -> Comparison {
        let theirs: Vec<f64> = (0..customers).map(|at| 0.3 + (at % 7) as f64 * 0.05).collect();
        let ours: Vec<f64> = theirs
            .iter()
            .enumerate()
            .map(|(at, value)| value + difference + (at % 3) as f64 * 0.01 - 0.01)
            .collect();
        compare(&ours, &theirs, 1)
    }

    fn judge(customers: usize, promoted: Option<f64>, frequency: f64, popularity: f64) -> Verdict {
        let measured = Measurements {
            customers,
            against_promoted: promoted.map(|gain| ("as it serves".to_owned(), differing_by(gain, customers))),
            against_frequency: differing_by(frequency, customers),
            against_popularity: differing_by(popularity, customers),
        };
        Verdict::of(&measured, "the first model")
    }

    #[test]
    fn a_model_that_is_worse_beyond_chance_is_refused_and_says_against_what() {
        let verdict = judge(200, Some(-0.05), 0.1, 0.1);
        assert!(!verdict.is_good_enough);
        assert!(verdict.reason.starts_with("worse than the model that serves (as it serves): nDCG -0.05"));
        let verdict = judge(200, Some(0.0), -0.05, -0.05);
        assert!(!verdict.is_good_enough && verdict.reason.contains("both simple baselines"), "{verdict:?}");
    }

    #[test]
    fn a_model_that_is_not_worse_beyond_chance_may_serve() {
        assert!(judge(200, Some(0.0), 0.1, 0.1).is_good_enough);
        assert!(judge(200, Some(0.02), -0.05, 0.1).is_good_enough, "one baseline may be better");
        assert_eq!(judge(200, None, 0.1, 0.1).reason, "the first model");
    }

    #[test]
    fn too_few_customers_refuse_nobody() {
        let verdict = judge(LEAST_CUSTOMERS - 1, Some(-0.2), -0.2, -0.2);
        assert!(verdict.is_good_enough && verdict.reason.contains("too little to measure"), "{verdict:?}");
        assert!(!judge(LEAST_CUSTOMERS, Some(-0.2), -0.2, -0.2).is_good_enough);
    }
}
