//! What the arms of an experiment brought: sums over customers on the way in, values with
//! intervals on the way out.

use larder_ranking::experiment::{
    Measured, SAMPLE_RATIO_ALARM, mean_from_sums, proportion, proportion_difference, proportions_differ,
    sample_ratio_p_value,
};

use crate::experiments::Arm;
use crate::store::exposures::ArmSums;

/// What one arm brought.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ArmResult {
    pub(crate) arm: String,
    pub(crate) customer_count: i64,
    pub(crate) exposure_count: i64,
    pub(crate) outcome_count: i64,
    pub(crate) conversion: Measured,
    pub(crate) outcomes_per_customer: Measured,
    /// Against the first arm; `None` for that one.
    pub(crate) lift: Option<Lift>,
}

/// How one arm did against the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lift {
    pub(crate) conversion: Measured,
    pub(crate) p_value: f64,
}

/// Whether customers fell into the arms as the shares say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SampleRatio {
    pub(crate) p_value: f64,
    pub(crate) mismatch: bool,
}

/// The results of every arm, in the order of the arms, and the check of the split.
pub(crate) fn results(arms: &[Arm], sums: &[ArmSums]) -> (Vec<ArmResult>, SampleRatio) {
    let of = |arm: &Arm| sums.iter().find(|sums| sums.arm == arm.arm);
    let first = arms.first().and_then(of).map_or((0, 0), converted);
    let results =
        arms.iter().enumerate().map(|(index, arm)| result(arm, of(arm), (index > 0).then_some(first)));
    let counts: Vec<_> =
        arms.iter().map(|arm| of(arm).map_or(0, |sums| count(sums.customer_count))).collect();
    let shares: Vec<_> = arms.iter().map(|arm| arm.share).collect();
    let p_value = sample_ratio_p_value(&counts, &shares);
    (results.collect(), SampleRatio { p_value, mismatch: p_value < SAMPLE_RATIO_ALARM })
}

fn result(arm: &Arm, sums: Option<&ArmSums>, first: Option<(u64, u64)>) -> ArmResult {
    let own = sums.map_or((0, 0), converted);
    let outcome_count = sums.map_or(0, |sums| sums.outcome_count);
    let mean = mean_from_sums(own.1, outcome_count as f64, sums.map_or(0.0, |sums| sums.squared_outcomes));
    ArmResult {
        arm: arm.arm.clone(),
        customer_count: sums.map_or(0, |sums| sums.customer_count),
        exposure_count: sums.map_or(0, |sums| sums.exposure_count),
        outcome_count,
        conversion: proportion(own.0, own.1),
        // Nobody has fewer outcomes than none.
        outcomes_per_customer: Measured { low: mean.low.max(0.0), ..mean },
        lift: first.map(|first| Lift {
            conversion: proportion_difference(own, first),
            p_value: proportions_differ(own, first),
        }),
    }
}

fn converted(sums: &ArmSums) -> (u64, u64) {
    (count(sums.converted_count), count(sums.customer_count))
}

fn count(rows: i64) -> u64 {
    rows.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrangement::Arrangement;

    fn arms() -> Vec<Arm> {
        let arm = |arm: &str, share| Arm {
            arm: arm.into(),
            share,
            arrangement: Arrangement::default(),
            model_version: None,
        };
        vec![arm("plain", 0.5), arm("varied", 0.25), arm("unseen", 0.25)]
    }

    fn sums(arm: &str, customers: i64, converted: i64) -> ArmSums {
        ArmSums {
            arm: arm.into(),
            customer_count: customers,
            exposure_count: customers * 2,
            outcome_count: converted,
            converted_count: converted,
            squared_outcomes: converted as f64,
        }
    }

    #[test]
    fn arms_are_compared_with_the_first() {
        let (results, ratio) =
            results(&arms(), &[sums("unseen", 490, 49), sums("plain", 1_000, 100), sums("varied", 510, 102)]);
        assert_eq!(
            results.iter().map(|of| of.arm.as_str()).collect::<Vec<_>>(),
            ["plain", "varied", "unseen"]
        );
        assert_eq!((results[0].conversion.value, results[0].lift), (0.1, None));
        let (varied, unseen) = (results[1].lift.unwrap(), results[2].lift.unwrap());
        assert!((varied.conversion.value - 0.1).abs() < 1e-12 && varied.conversion.low > 0.0);
        assert!(varied.p_value < 0.001 && unseen.p_value > 0.9);
        assert_eq!(results[1].outcomes_per_customer.value, 0.2);
        assert!(!ratio.mismatch && ratio.p_value > 0.5, "{ratio:?}");
    }

    #[test]
    fn an_arm_that_lost_its_customers_is_a_mismatch() {
        let (results, ratio) = results(&arms(), &[sums("plain", 1_000, 100), sums("varied", 500, 50)]);
        assert!(ratio.mismatch && ratio.p_value < 1e-9);
        assert_eq!((results[2].customer_count, results[2].conversion.high), (0, 1.0));
    }

    #[test]
    fn an_experiment_nobody_saw_claims_nothing() {
        let (results, ratio) = results(&arms(), &[]);
        assert_eq!((ratio.p_value, ratio.mismatch), (1.0, false));
        assert_eq!(results[0].outcomes_per_customer, Measured { value: 0.0, low: 0.0, high: f64::INFINITY });
    }
}
