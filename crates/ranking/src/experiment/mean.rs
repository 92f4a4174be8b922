//! Means with intervals: over customers from sums that a database can make, and over answers of
//! customers who each have several, which are not independent of one another.

use std::collections::BTreeMap;

use super::Measured;
use super::distribution::student_quantile_95;

/// The mean of `count` values known by their sum and the sum of their squares, with Student's
/// interval. From fewer than two values, an interval without an upper end.
pub fn mean_from_sums(count: u64, sum: f64, sum_of_squares: f64) -> Measured {
    let n = count as f64;
    if count < 2 {
        return Measured {
            value: if count == 0 { 0.0 } else { sum },
            low: f64::NEG_INFINITY,
            high: f64::INFINITY,
        };
    }
    let value = sum / n;
    let variance = ((sum_of_squares - sum * value) / (n - 1.0)).max(0.0);
    let spread = student_quantile_95(count as usize - 1) * (variance / n).sqrt();
    Measured { value, low: value - spread, high: value + spread }
}

/// The mean of values that belong to clusters, given as (cluster, value), with an interval that lets
/// values of one cluster resemble each other: the cluster-robust sandwich (Liang and Zeger,
/// Biometrika 1986) with Student's quantile over the clusters.
pub fn mean_of_clusters(values: &[(u64, f64)]) -> Measured {
    let value = values.iter().map(|(_, value)| value).sum::<f64>() / values.len().max(1) as f64;
    let deviations = values.iter().map(|(cluster, of_one)| (*cluster, of_one - value));
    around(value, deviations, values.len())
}

/// The interval around an estimate that is, to first order, the mean of `count` deviations from it.
pub(super) fn around(value: f64, deviations: impl Iterator<Item = (u64, f64)>, count: usize) -> Measured {
    let mut clusters: BTreeMap<u64, f64> = BTreeMap::new();
    deviations.for_each(|(cluster, deviation)| *clusters.entry(cluster).or_default() += deviation);
    if clusters.len() < 2 {
        return Measured { value, low: f64::NEG_INFINITY, high: f64::INFINITY };
    }
    let groups = clusters.len() as f64;
    let squares: f64 = clusters.values().map(|sum| sum * sum).sum();
    let error = (squares * groups / (groups - 1.0)).sqrt() / count as f64;
    let spread = student_quantile_95(clusters.len() - 1) * error;
    Measured { value, low: value - spread, high: value + spread }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::draws::Draws;

    #[test]
    fn a_mean_is_what_was_worked_out_by_hand() {
        // 1, 2, 3, 4, 5: mean 3, variance 2.5, standard error sqrt(0.5), t(4) = 2.776.
        let found = mean_from_sums(5, 15.0, 55.0);
        assert_eq!(found.value, 3.0);
        assert!((found.high - 3.0 - 2.776_445 * 0.5_f64.sqrt()).abs() < 1e-6);
        let singles: Vec<_> = (1..=5).map(|value| (value, value as f64)).collect();
        let clustered = mean_of_clusters(&singles);
        assert!((clustered.high - found.high).abs() < 1e-12 && (clustered.low - found.low).abs() < 1e-12);
    }

    #[test]
    fn too_little_claims_nothing() {
        assert_eq!(mean_from_sums(0, 0.0, 0.0).high, f64::INFINITY);
        assert_eq!(mean_from_sums(1, 3.0, 9.0).value, 3.0);
        assert_eq!(mean_of_clusters(&[(7, 1.0), (7, 2.0)]).high, f64::INFINITY);
    }

    #[test]
    fn the_interval_knows_that_answers_of_one_customer_are_alike() {
        let (mut clustered, mut naive) = (0, 0);
        for world in 0..500 {
            let mut draws = Draws::new(world);
            let mut values = Vec::new();
            for customer in 0..100 {
                let level = draws.share();
                values.extend((0..6).map(|_| (customer, level + 0.2 * (draws.share() - 0.5))));
            }
            clustered += u32::from(mean_of_clusters(&values).holds(0.5));
            let apart: Vec<_> =
                values.iter().enumerate().map(|(at, (_, value))| (at as u64, *value)).collect();
            naive += u32::from(mean_of_clusters(&apart).holds(0.5));
        }
        assert!((460..=490).contains(&clustered), "{clustered}");
        assert!(naive < 400, "{naive}: the worlds do not show the difference");
    }
}
