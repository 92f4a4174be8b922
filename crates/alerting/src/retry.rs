//! When a message is sent again: soon at first, every five minutes in the end, until its time runs out.

const SECOND_US: i64 = 1_000_000;
/// After the first try, the second, and so on; then always the last.
const WAITS_S: [i64; 7] = [2, 5, 15, 30, 60, 120, 300];

/// How long to wait after the `attempts`-th try, in microseconds. The seed moves it by up to a fifth, so that
/// what failed together is not tried together.
pub(crate) fn wait_us(attempts: i32, seed: u64) -> i64 {
    let step = usize::try_from(attempts - 1).unwrap_or(0).min(WAITS_S.len() - 1);
    let wait_us = WAITS_S[step] * SECOND_US;
    // A multiplicative hash spreads neighbours (Knuth, TAOCP 3, 6.4).
    let spread = (seed ^ u64::from(attempts.unsigned_abs())).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
    let part = i64::try_from(spread % 401).unwrap_or(200) - 200;
    wait_us + wait_us * part / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_within_a_fifth() {
        for (attempts, seconds) in [(1, 2), (2, 5), (5, 60), (7, 300), (500, 300)] {
            for seed in 0..200 {
                let wait_us = wait_us(attempts, seed);
                let expected_us = seconds * SECOND_US;
                assert!(
                    (expected_us * 4 / 5..=expected_us * 6 / 5).contains(&wait_us),
                    "{attempts} {wait_us}"
                );
            }
        }
        let waits: std::collections::HashSet<i64> = (0..200).map(|seed| wait_us(3, seed)).collect();
        assert!(waits.len() > 50, "they are spread");
    }
}
