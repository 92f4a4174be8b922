//! Which arm a customer falls into. Nothing is stored: the arm follows from the experiment's and the
//! customer's ids by a hash that is the same on every machine and in every later version.

use super::draws::avalanche;

/// The arm of `subject` in an experiment with these shares, as an index into them.
///
/// FNV-1a over the two ids (Fowler, Noll and Vo; a byte that UTF-8 never holds stands between them),
/// finished by an avalanche, gives a point on a line of 2^32 places that the shares cut in their
/// order. So moving share from one arm to its neighbour moves only customers between those two, and
/// only as many as it must; and because the experiment's id is part of the hash, the arms of two
/// experiments know nothing of each other.
///
/// Shares need not sum to 1; only their proportions count. 0 when none is above 0.
pub fn assign(experiment_id: &str, subject: &str, shares: &[f64]) -> usize {
    let total: f64 = shares.iter().sum();
    let point = (hash(experiment_id, subject) >> 32) as f64 / (1_u64 << 32) as f64;
    let mut bound = 0.0;
    for (arm, share) in shares.iter().enumerate() {
        bound += share;
        if point < bound / total {
            return arm;
        }
    }
    // Rounding may leave the last bound a hair below 1.
    shares.iter().rposition(|share| *share > 0.0).unwrap_or(0)
}

fn hash(experiment_id: &str, subject: &str) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = experiment_id.bytes().chain([0xff]).chain(subject.bytes());
    avalanche(bytes.fold(OFFSET, |state, byte| (state ^ u64::from(byte)).wrapping_mul(PRIME)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::sample_ratio_p_value;

    fn counts(experiment_id: &str, shares: &[f64], customers: usize) -> Vec<u64> {
        let mut counts = vec![0; shares.len()];
        (0..customers).for_each(|number| counts[assign(experiment_id, &format!("c{number}"), shares)] += 1);
        counts
    }

    /// Customers who were in an arm yesterday must be in it tomorrow: these never change.
    #[test]
    fn the_hash_is_what_it_always_was() {
        let thirds = [1.0 / 3.0; 3];
        let arms: Vec<_> = (0..12).map(|number| assign("exp", &format!("c{number}"), &thirds)).collect();
        assert_eq!(hash("exp", "c0"), GOLDEN_HASH);
        assert_eq!(arms, GOLDEN_ARMS);
    }

    const GOLDEN_HASH: u64 = 0x6586_b291_9432_21ee;
    const GOLDEN_ARMS: [usize; 12] = [1, 1, 1, 2, 2, 2, 1, 2, 1, 0, 0, 1];

    #[test]
    fn ids_are_kept_apart() {
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
        assert_ne!(hash("", "a"), hash("a", ""));
    }

    #[test]
    fn arms_of_two_experiments_know_nothing_of_each_other() {
        let shares = [0.5, 0.3, 0.2];
        let mut cells = [0_u64; 9];
        for number in 0..60_000 {
            let customer = format!("c{number}");
            cells[assign("one", &customer, &shares) * 3 + assign("two", &customer, &shares)] += 1;
        }
        let joint: Vec<f64> = shares.iter().flat_map(|a| shares.map(|b| a * b)).collect();
        let p_value = sample_ratio_p_value(&cells, &joint);
        assert!(p_value > 0.001, "{cells:?}: {p_value}");
    }

    #[test]
    fn an_arm_without_a_share_gets_nobody() {
        assert_eq!(counts("exp", &[0.0, 1.0, 0.0], 1_000), [0, 1_000, 0]);
        assert_eq!(assign("exp", "c", &[]), 0);
    }

    proptest! {
        #[test]
        fn shares_are_kept(experiment_id in "[a-z]{1,12}", parts in prop::collection::vec(1_u32..20, 2..10)) {
            let shares: Vec<f64> = parts.iter().map(|part| f64::from(*part)).collect();
            let p_value = sample_ratio_p_value(&counts(&experiment_id, &shares, 20_000), &shares);
            // Of 256 honest cases one in 40 million falls below.
            prop_assert!(p_value > 1e-10, "{p_value}");
        }

        #[test]
        fn moving_share_to_a_neighbour_moves_only_whom_it_must(
            experiment_id in "[a-z]{1,12}", moved in 0.01..0.24_f64, from_first in any::<bool>(),
        ) {
            let before = [0.25; 4];
            let after = if from_first { [0.25 - moved, 0.25 + moved, 0.25, 0.25] }
                else { [0.25 + moved, 0.25 - moved, 0.25, 0.25] };
            let (left, taken) = if from_first { (0, 1) } else { (1, 0) };
            let mut movers = 0;
            for number in 0..4_000 {
                let customer = format!("c{number}");
                let (old, new) = (assign(&experiment_id, &customer, &before), assign(&experiment_id, &customer, &after));
                if old != new {
                    prop_assert_eq!((old, new), (left, taken));
                    movers += 1;
                }
            }
            prop_assert!((f64::from(movers) / 4_000.0 - moved).abs() < 0.05);
        }
    }
}
