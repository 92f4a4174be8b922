//! Laws of the quantile function.

use proptest::prelude::*;

use super::{Distribution, NotADistribution, QUANTILE_LEVELS};

/// Demand that is uniform between 0 and 100.
fn uniform() -> Distribution {
    Distribution::from_fn(|level| 100.0 * level).expect("finite")
}

#[test]
fn a_uniform_demand_has_the_quantiles_and_the_mean_it_should_have() {
    let demand = uniform();
    assert!((demand.quantile(0.5) - 50.0).abs() < 1e-9);
    assert!((demand.quantile(0.727) - 72.7).abs() < 1e-9);
    assert!((demand.mean() - 50.0).abs() < 1e-9);
    assert!((demand.probability_of_at_most(25.5) - 0.255).abs() < 1e-9);
    assert!((demand.quantile(0.0) - 1.0).abs() < 1e-9 && (demand.quantile(1.0) - 99.0).abs() < 1e-9);
}

#[test]
fn what_cannot_be_a_quantile_is_refused_with_its_level() {
    let mut quantiles = [1.0; QUANTILE_LEVELS];
    quantiles[49] = f64::NAN;
    let refused = Distribution::of_quantiles(quantiles).expect_err("not a number");
    assert!(matches!(refused, NotADistribution::Impossible { level, .. } if (level - 0.5).abs() < 1e-9));
    assert!(Distribution::certain(-1.0).is_err());
}

#[test]
fn a_certain_demand_is_met_by_just_that_much() {
    let demand = Distribution::certain(7.0).expect("possible");
    assert!((demand.probability_of_at_most(6.9)).abs() < 1e-12);
    assert!((demand.probability_of_at_most(7.0) - 1.0).abs() < 1e-12);
    assert!((demand.expected(|asked| (asked - 5.0).max(0.0)) - 2.0).abs() < 1e-9);
}

proptest! {
    #[test]
    fn quantiles_and_probabilities_undo_each_other(
        values in prop::collection::vec(0.0_f64..1e6, QUANTILE_LEVELS),
        level in 0.01_f64..0.99,
    ) {
        let demand = Distribution::of_quantiles(values.try_into().expect("as many")).expect("possible");
        let back = demand.probability_of_at_most(demand.quantile(level));
        prop_assert!((back - level).abs() < 1e-6);
        prop_assert!(demand.quantile(level) <= demand.quantile((level + 0.1).min(1.0)) + 1e-9);
    }
}
