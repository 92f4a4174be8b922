//! What promotions did: the units of promoted days by those of the same products' other days,
//! with an interval that tells how little a few days say.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

/// Samples the interval is read from.
const SAMPLES: usize = 1_000;
/// Fewer days than this on either side say nothing.
const FEWEST_DAYS: usize = 3;

/// A product at a market on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct UpliftDay {
    /// The product and the market: a day is compared with other days of the same.
    pub series: String,
    /// Whether it was promoted.
    pub promoted: bool,
    /// Units sold, 0 or above.
    pub quantity: f64,
}

/// How many times as much goes on promoted days as on others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Uplift {
    /// 1.2 is 20 % more.
    pub factor: f64,
    /// Lower end of the 95 % interval.
    pub low: f64,
    /// Upper end of it.
    pub high: f64,
}

/// The days of one series: without and with a promotion.
#[derive(Default)]
struct Sides {
    plain: Vec<f64>,
    promoted: Vec<f64>,
}

impl Uplift {
    /// The uplift over all series that have days of both kinds: units of promoted days by what as many
    /// other days of their series would have sold. The interval is a percentile bootstrap over days
    /// within series (Efron 1979), with the same samples every time.
    ///
    /// `None` when there are fewer than three days of either kind, or nothing was sold on the others.
    #[must_use]
    pub fn of(days: &[UpliftDay]) -> Option<Self> {
        let mut series: BTreeMap<&str, Sides> = BTreeMap::new();
        for day in days {
            let sides = series.entry(&day.series).or_default();
            if day.promoted { sides.promoted.push(day.quantity) } else { sides.plain.push(day.quantity) }
        }
        let sides: Vec<Sides> = series
            .into_values()
            .filter(|sides| !sides.plain.is_empty() && !sides.promoted.is_empty())
            .collect();
        let count = |of: fn(&Sides) -> usize| sides.iter().map(of).sum::<usize>();
        if count(|sides| sides.plain.len()).min(count(|sides| sides.promoted.len())) < FEWEST_DAYS {
            return None;
        }
        let factor = ratio(sides.iter().map(|sides| (sum(&sides.promoted), sum(&sides.plain), sides)))?;
        let mut dice = Dice(1);
        let mut sampled: Vec<f64> = (0..SAMPLES)
            .filter_map(|_| {
                ratio(sides.iter().map(|sides| (dice.sum(&sides.promoted), dice.sum(&sides.plain), sides)))
            })
            .collect();
        sampled.sort_unstable_by(f64::total_cmp);
        let at = |level: f64| sampled.get((level * (sampled.len() - 1) as f64).round() as usize).copied();
        (!sampled.is_empty()).then_some(())?;
        Some(Self { factor, low: at(0.025)?.min(factor), high: at(0.975)?.max(factor) })
    }
}

/// What was sold by what would have been.
fn ratio<'a>(sums: impl Iterator<Item = (f64, f64, &'a Sides)>) -> Option<f64> {
    let (mut sold, mut expected) = (0.0, 0.0);
    for (promoted, plain, sides) in sums {
        sold += promoted;
        expected += plain / sides.plain.len() as f64 * sides.promoted.len() as f64;
    }
    (expected > 0.0).then(|| sold / expected)
}

fn sum(quantities: &[f64]) -> f64 {
    quantities.iter().sum()
}

/// Draws with replacement, the same every time (SplitMix64; Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The sum of as many draws as there are quantities.
    fn sum(&mut self, quantities: &[f64]) -> f64 {
        let most = quantities.len() as u64;
        (0..most).map(|_| quantities[(self.next() % most) as usize]).sum()
    }
}
