//! Whether one of two models is better, day by day: the signed-rank test of paired differences, with
//! its exact chance, so that ten market days are enough to speak of.

/// Most pairs; older ones say little of now, and the exact chance takes time.
pub(super) const MOST_PAIRS: usize = 120;

/// The chance, 0 to 1, that differences that are as often above as below 0 come out as high as these
/// (Wilcoxon, 1945; one-sided, exact, ties at their mean rank, zeros left out). 1 without differences.
pub(super) fn chance_of_being_as_high(differences: &[f64]) -> f64 {
    let mut ordered: Vec<f64> = differences.iter().copied().filter(|value| *value != 0.0).collect();
    ordered = ordered.split_off(ordered.len().saturating_sub(MOST_PAIRS));
    ordered.sort_by(|one, other| one.abs().total_cmp(&other.abs()));
    let ranks = doubled_ranks(&ordered);
    let positive: usize =
        ordered.iter().zip(&ranks).filter(|(value, _)| **value > 0.0).map(|(_, rank)| rank).sum();
    // ways[sum]: the share of all signs with that sum of positive ranks.
    let total: usize = ranks.iter().sum();
    let mut ways = vec![0.0_f64; total + 1];
    ways[0] = 1.0;
    for rank in ranks {
        for sum in (0..=total).rev() {
            let with = if sum >= rank { ways[sum - rank] } else { 0.0 };
            ways[sum] = 0.5 * (ways[sum] + with);
        }
    }
    ways[positive..].iter().sum::<f64>().min(1.0)
}

/// Twice the rank of each, whole also where the mean rank of ties is not.
fn doubled_ranks(ordered: &[f64]) -> Vec<usize> {
    let mut ranks = Vec::with_capacity(ordered.len());
    while ranks.len() < ordered.len() {
        let first = ranks.len();
        let size = ordered[first].abs();
        let last = first + ordered[first..].iter().take_while(|value| value.abs() == size).count() - 1;
        // Ranks count from 1: the mean of first + 1 and last + 1, twice.
        ranks.resize(last + 1, first + last + 2);
    }
    ranks
}
