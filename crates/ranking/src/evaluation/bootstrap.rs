//! How sure a mean and a difference are: the percentile bootstrap over customers (Efron and
//! Tibshirani, 1993). Two methods are compared in pairs, because customers differ far more from one
//! another than methods do. The same values and seed always give the same interval.

/// How many times the customers are drawn again.
pub const RESAMPLES: usize = 2_000;

const LOWER: f64 = 0.025;
const UPPER: f64 = 0.975;

/// The bounds that 95 % of the resamples lie between. Both are NaN when there were no customers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The 2.5 % quantile.
    pub lower: f64,
    /// The 97.5 % quantile.
    pub upper: f64,
}

/// A mean over customers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// NaN when there were no customers.
    pub mean: f64,
    /// Of the mean.
    pub interval: Interval,
    /// How many customers it is the mean of.
    pub customers: usize,
}

/// Method A beside method B on the same customers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The mean of A; NaN when there were no customers.
    pub mean_a: f64,
    /// The mean of B.
    pub mean_b: f64,
    /// The mean of A less the mean of B.
    pub difference: f64,
    /// Of the difference.
    pub interval: Interval,
    /// Of the mean of A over the mean of B; `None` when B has no hit at all in some resample.
    pub ratio_interval: Option<Interval>,
    /// How many customers were compared.
    pub customers: usize,
}

impl Comparison {
    /// The mean of A over the mean of B; `None` when B is 0.
    pub fn ratio(&self) -> Option<f64> {
        (self.mean_b != 0.0).then(|| self.mean_a / self.mean_b)
    }

    /// A is better than B beyond chance. Never so without customers.
    pub fn is_better(&self) -> bool {
        self.interval.lower > 0.0
    }

    /// A is worse than B beyond chance. Never so without customers: check their number first.
    pub fn is_worse(&self) -> bool {
        self.interval.upper < 0.0
    }

    /// Even the lower bound of A is at least `share` (0.99 for "one per cent less at most") of the
    /// mean of B: the test for a release that must not cost quality. Never so without customers.
    pub fn is_at_least(&self, share: f64) -> bool {
        self.mean_b + self.interval.lower >= share * self.mean_b
    }
}

/// How customers are drawn again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bootstrap {
    /// Decides what is drawn.
    pub seed: u64,
    /// How many times; at least once.
    pub resamples: usize,
}

impl Bootstrap {
    /// Compares two methods by their values for the same customers in the same order.
    ///
    /// # Panics
    /// The slices differ in length, so their values cannot be pairs.
    pub fn compare(self, a: &[f64], b: &[f64]) -> Comparison {
        assert_eq!(a.len(), b.len(), "two methods are compared on the same customers");
        let mut differences = Vec::with_capacity(self.resamples);
        let mut ratios = Vec::with_capacity(self.resamples);
        for mut draws in self.draws() {
            let (mut sum_a, mut sum_b) = (0.0, 0.0);
            for _ in 0..a.len() {
                let drawn = draws.next_below(a.len());
                sum_a += a[drawn];
                sum_b += b[drawn];
            }
            differences.push((sum_a - sum_b) / a.len() as f64);
            ratios.push(sum_a / sum_b);
        }
        let (mean_a, mean_b) = (mean(a), mean(b));
        let has_ratios = ratios.iter().all(|ratio| ratio.is_finite());
        Comparison {
            mean_a,
            mean_b,
            difference: mean_a - mean_b,
            interval: interval_of(differences),
            ratio_interval: has_ratios.then(|| interval_of(ratios)),
            customers: a.len(),
        }
    }

    /// The mean of the values and how sure it is.
    pub fn estimate(self, values: &[f64]) -> Estimate {
        let resampled = self.draws().map(|mut draws| {
            let sum: f64 = (0..values.len()).map(|_| values[draws.next_below(values.len())]).sum();
            sum / values.len() as f64
        });
        Estimate { mean: mean(values), interval: interval_of(resampled.collect()), customers: values.len() }
    }

    fn draws(self) -> impl Iterator<Item = Draws> {
        (0..self.resamples.max(1)).map(move |resample| Draws::new(self.seed, resample))
    }
}

/// Compares two methods with [`RESAMPLES`] draws; see [`Bootstrap::compare`].
///
/// # Panics
/// The slices differ in length, so their values cannot be pairs.
pub fn compare(a: &[f64], b: &[f64], seed: u64) -> Comparison {
    Bootstrap { seed, resamples: RESAMPLES }.compare(a, b)
}

/// The mean of the values and how sure it is, by [`RESAMPLES`] draws.
pub fn estimate(values: &[f64], seed: u64) -> Estimate {
    Bootstrap { seed, resamples: RESAMPLES }.estimate(values)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn interval_of(mut resampled: Vec<f64>) -> Interval {
    resampled.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| resampled[((resampled.len() - 1) as f64 * share).round() as usize];
    Interval { lower: at(LOWER), upper: at(UPPER) }
}

/// A stream of random numbers for each resample: SplitMix64 (Steele, Lea and Flood, 2014).
struct Draws {
    state: u64,
}

impl Draws {
    fn new(seed: u64, resample: usize) -> Self {
        let mut mixed = Self { state: seed ^ 0x5851_f42d_4c95_7f2d };
        let start = mixed.next() ^ (resample as u64).wrapping_mul(0xd134_2543_de82_ef95);
        Self { state: start }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Evenly from 0 up to the bound, which is above 0; the bias is below bound / 2^64.
    fn next_below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}
