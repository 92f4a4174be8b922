//! The normal distribution: how much of it lies below, and below what how much lies.

/// The probability, 0 to 1, of a standard normal value of at most `z`. Error below 1.5e-7
/// (Abramowitz and Stegun, 1964, formula 7.1.26).
pub(crate) fn probability_below(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let tail = terms.iter().fold(0.0, |sum, term| (sum + term) * t) * (-x * x).exp() / 2.0;
    if z > 0.0 { 1.0 - tail } else { tail }
}

/// The standard normal value below which `level` (0 to 1) lies. Error below 4.5e-4 (Abramowitz and
/// Stegun, 1964, formula 26.2.23); levels beyond .0001 and .9999 count as those.
pub(crate) fn quantile(level: f64) -> f64 {
    let level = level.clamp(1e-4, 1.0 - 1e-4);
    let t = (-2.0 * level.min(1.0 - level).ln()).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let z = t - above / below;
    if level < 0.5 { -z } else { z }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_points() {
        for (z, level) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.959_964, 0.025), (1.281_552, 0.9)] {
            assert!((probability_below(z) - level).abs() < 2e-7, "{z}");
            assert!((quantile(level) - z).abs() < 5e-4, "{level}");
        }
    }
}
