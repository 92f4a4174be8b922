//! Tails of the normal and chi-squared distributions, by the regularised incomplete gamma function
//! (series and Lentz's continued fraction; Press et al., Numerical Recipes, 3rd ed., §6.2), and the
//! quantile of Student's t that 95 % intervals need.

/// The normal quantile of 97.5 %.
pub(super) const Z: f64 = 1.959_963_984_540_054;

const MOST_STEPS: usize = 10_000;

/// The chance that a chi-squared variable of so many degrees of freedom is at least `statistic`.
/// 1 without degrees of freedom.
pub fn chi_squared_survival(statistic: f64, degrees_of_freedom: usize) -> f64 {
    if degrees_of_freedom == 0 || statistic <= 0.0 {
        return 1.0;
    }
    upper_gamma(degrees_of_freedom as f64 / 2.0, statistic / 2.0)
}

/// The chance that a standard normal variable lies at least so far from 0 on either side.
pub fn normal_two_sided(z: f64) -> f64 {
    if z == 0.0 { 1.0 } else { upper_gamma(0.5, z * z / 2.0) }
}

/// The quantile of 97.5 % of Student's t: what a mean's standard error is multiplied by for a 95 %
/// interval. Exact up to 4 degrees of freedom, above by the expansion 26.7.5 of Abramowitz and
/// Stegun (error below 0.001). Infinite without degrees of freedom.
pub fn student_quantile_95(degrees_of_freedom: usize) -> f64 {
    match degrees_of_freedom {
        0 => f64::INFINITY,
        1 => 12.706_204_736,
        2 => 4.302_652_730,
        3 => 3.182_446_305,
        4 => 2.776_445_105,
        _ => {
            let (z, v) = (Z, degrees_of_freedom as f64);
            let first = (z.powi(3) + z) / 4.0;
            let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
            let third = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
            let fourth = (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1_482.0 * z.powi(5)
                - 1_920.0 * z.powi(3)
                - 945.0 * z)
                / 92_160.0;
            z + first / v + second / v.powi(2) + third / v.powi(3) + fourth / v.powi(4)
        }
    }
}

/// Q(a, x), the upper regularised incomplete gamma function, for a and x above 0.
fn upper_gamma(a: f64, x: f64) -> f64 {
    if x.is_infinite() {
        return 0.0;
    }
    let scale = (a * x.ln() - x - ln_gamma(a)).exp();
    let tail = if x < a + 1.0 { 1.0 - scale * lower_series(a, x) } else { scale * upper_fraction(a, x) };
    tail.clamp(0.0, 1.0)
}

fn lower_series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum) = (1.0 / a, 1.0 / a);
    for step in 1..MOST_STEPS {
        term *= x / (a + step as f64);
        sum += term;
        if term < sum * f64::EPSILON {
            break;
        }
    }
    sum
}

fn upper_fraction(a: f64, x: f64) -> f64 {
    const TINY: f64 = f64::MIN_POSITIVE / f64::EPSILON;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / TINY, 1.0 / b);
    let mut fraction = d;
    for step in 1..MOST_STEPS {
        let step = step as f64;
        let factor = -step * (step - a);
        b += 2.0;
        d = away_from_zero(factor * d + b, TINY).recip();
        c = away_from_zero(b + factor / c, TINY);
        fraction *= d * c;
        if (d * c - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    fraction
}

fn away_from_zero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// The logarithm of the gamma function above 0, by the Lanczos approximation with g = 7 and nine
/// terms (error below 1e-14).
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        let pi = std::f64::consts::PI;
        return (pi / (pi * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let head = 0.999_999_999_999_809_9;
    let sum = TERMS.iter().enumerate().fold(head, |sum, (at, term)| sum + term / (x + at as f64 + 1.0));
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(found: f64, expected: f64) {
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} instead of {expected}");
    }

    #[test]
    fn chi_squared_tails_are_those_of_closed_forms() {
        // Even degrees of freedom have a finite sum: exp(-x/2) times the first terms of exp(x/2).
        for x in [0.01, 0.5, 1.0, 3.0, 8.0, 40.0, 300.0] {
            let half: f64 = x / 2.0;
            assert_close(chi_squared_survival(x, 2), (-half).exp());
            assert_close(chi_squared_survival(x, 4), (-half).exp() * (1.0 + half));
            assert_close(chi_squared_survival(x, 6), (-half).exp() * (1.0 + half + half * half / 2.0));
        }
    }

    #[test]
    fn chi_squared_tails_are_those_of_the_tables() {
        for (statistic, degrees, expected) in [
            (3.841_458_820_694_124, 1, 0.05),
            (16.918_977_604_620_45, 9, 0.05),
            (10.827_566_170_662_733, 1, 0.001),
        ] {
            assert_close(chi_squared_survival(statistic, degrees), expected);
        }
        assert_eq!(chi_squared_survival(0.0, 3), 1.0);
        assert_eq!(chi_squared_survival(f64::INFINITY, 3), 0.0);
    }

    #[test]
    fn normal_tails_are_those_of_the_tables() {
        assert_close(normal_two_sided(Z), 0.05);
        assert_close(normal_two_sided(-2.575_829_303_548_900_4), 0.01);
        assert_close(normal_two_sided(1.0), 0.317_310_507_862_914_1);
        assert_eq!(normal_two_sided(0.0), 1.0);
    }

    #[test]
    fn student_quantiles_are_those_of_the_tables() {
        for (degrees, expected) in
            [(1, 12.706), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (120, 1.980)]
        {
            let found = student_quantile_95(degrees);
            assert!((found - expected).abs() < 0.001, "{degrees}: {found}");
        }
    }
}
