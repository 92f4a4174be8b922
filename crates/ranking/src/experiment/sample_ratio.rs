//! Whether customers fell into the arms as the shares say. When they did not, something loses
//! customers of one arm, and every other figure misleads (Fabijan et al., "Diagnosing sample ratio
//! mismatch in online controlled experiments", KDD 2019).

use super::distribution::chi_squared_survival;

/// A split less likely than this is a mismatch: strict, because many experiments are looked at often.
pub const SAMPLE_RATIO_ALARM: f64 = 0.001;

/// The chance of a split at least so uneven if all is well: Pearson's chi-squared test of the counts
/// against the shares, which need not sum to 1. 1 when nobody was counted; 0 when somebody is in an
/// arm without a share.
pub fn sample_ratio_p_value(counts: &[u64], shares: &[f64]) -> f64 {
    let total = counts.iter().sum::<u64>() as f64;
    let all_shares: f64 = shares.iter().sum();
    if total == 0.0 {
        return 1.0;
    }
    let mut statistic = 0.0;
    let mut arms = 0_usize;
    for (count, share) in counts.iter().zip(shares) {
        let expected = total * share / all_shares;
        if expected > 0.0 {
            statistic += (*count as f64 - expected).powi(2) / expected;
            arms += 1;
        } else if *count > 0 {
            return 0.0;
        }
    }
    chi_squared_survival(statistic, arms.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::draws::Draws;

    #[test]
    fn a_mismatch_is_what_was_worked_out_by_hand() {
        // 821,588 against 815,482 in halves: the example of Kohavi, Tang and Xu (2020), p = 1.8e-6.
        let found = sample_ratio_p_value(&[821_588, 815_482], &[0.5, 0.5]);
        assert!((1.7e-6..1.9e-6).contains(&found), "{found}");
        // 40 and 60 in halves: statistic 4, p = 0.0455.
        assert!((sample_ratio_p_value(&[40, 60], &[1.0, 1.0]) - 0.045_500_264).abs() < 1e-8);
        assert_eq!(sample_ratio_p_value(&[25, 50, 25], &[0.25, 0.5, 0.25]), 1.0);
    }

    #[test]
    fn nothing_is_no_mismatch_and_the_impossible_is_one() {
        assert_eq!(sample_ratio_p_value(&[0, 0], &[0.5, 0.5]), 1.0);
        assert_eq!(sample_ratio_p_value(&[5, 1], &[1.0, 0.0]), 0.0);
        assert_eq!(sample_ratio_p_value(&[5, 0], &[1.0, 0.0]), 1.0);
    }

    #[test]
    fn honest_splits_seldom_alarm() {
        let mut draws = Draws::new(5);
        let mut below = 0;
        for _ in 0..2_000 {
            let mut counts = [0_u64; 3];
            for _ in 0..300 {
                let point = draws.share();
                counts[usize::from(point >= 0.5) + usize::from(point >= 0.8)] += 1;
            }
            below += u32::from(sample_ratio_p_value(&counts, &[0.5, 0.3, 0.2]) < 0.05);
        }
        assert!((70..=135).contains(&below), "{below} of 2000 below 0.05");
    }
}
