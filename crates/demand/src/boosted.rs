//! The expert that learns from all series at once: gradient-boosted trees that say by how much a day's demand
//! differs from what the mixture of the cheap experts expects. Where a vendor has few days it stays silent;
//! where it has many, it speaks as far as the latest days, kept from it, say that it should.

pub(crate) mod example;
#[cfg(test)]
mod tests;
mod trees;

use serde::{Deserialize, Serialize};

use crate::conformal::{Conformal, WATCHED};
use crate::experts::spread::Spread;
use example::{Example, Numbers};
use trees::{Settings, Table, Trees};

/// With fewer days, or fewer examples, there is nothing to be learnt that a mixture does not know.
const LEAST_DAYS: usize = 250;
const LEAST_EXAMPLES: usize = 3_000;
/// With more days than this, learning the mixture takes its second already, and trees would take others.
pub(crate) const MOST_DAYS: usize = 250_000;
/// More examples than this make it slow and hardly better.
pub(crate) const MOST_EXAMPLES: usize = 80_000;
/// The latest days are kept to judge by: an eighth of all, within these bounds.
const JUDGED_SHARE: i32 = 8;
const JUDGED_DAYS: (i32, i32) = (28, 84);
/// It has to lose so much less than the mixture on days it has not seen.
const WORTH_IT: f64 = 0.99;
/// A few trees on a part of the examples show whether more are worth the time.
const PROBED: usize = 12_000;
const PROBE_TREES: usize = 40;
const WORTH_MORE: f64 = 0.995;
/// How far it may be believed.
const SHARES: [f64; 4] = [1.0, 0.75, 0.5, 0.25];
/// Days that stand for honest levels beside the judged ones.
const HONEST_DAYS: f64 = 15.0;
/// It never says more than this many times the mixture, or less than this share.
const FURTHEST: (f64, f64) = (0.3, 3.0);
const SEED: u64 = 0x5eed_4ea5;

/// Trees that were worth growing, and how far they are believed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Boosted {
    trees: Trees,
    share: f64,
    /// How large errors around it are, over those around the mixture.
    narrower: f64,
    honest: Conformal,
}

/// What it says of one day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opinion<'boosted> {
    /// Over what the mixture expects.
    pub(crate) ratio: f64,
    /// The size of errors over those of the mixture.
    pub(crate) narrower: f64,
    /// Which levels to read for honest ones.
    pub(crate) honest: &'boosted Conformal,
}

impl Boosted {
    /// Learns from what the mixture expected and what was asked for. `None` where there is too little to
    /// learn from, or where days that were kept from it are not told better.
    pub(crate) fn fit(examples: &[Example], spread: &Spread) -> Option<Self> {
        let mut days: Vec<i32> = examples.iter().map(|example| example.day_number).collect();
        days.sort_unstable();
        days.dedup();
        if examples.len() < LEAST_EXAMPLES || days.len() < LEAST_DAYS {
            return None;
        }
        let (first, last) = (days[0], days[days.len() - 1]);
        let judged_days = ((last - first) / JUDGED_SHARE).clamp(JUDGED_DAYS.0, JUDGED_DAYS.1);
        let (judged, known): (Vec<Example>, Vec<Example>) =
            examples.iter().partition(|example| example.day_number > last - judged_days);
        let settings = Settings::new(SEED);
        let probe = settings.with_trees(PROBE_TREES);
        let probe =
            Trees::grow(&Table::part_of(&known, PROBED), &probe, Some(&Table::part_of(&judged, PROBED)));
        if probe.worth() > WORTH_MORE {
            return None;
        }
        let trial = Trees::grow(&Table::of(&known), &settings, Some(&Table::of(&judged)));
        let said: Vec<f64> = judged.iter().map(|example| trial.say(&example.numbers)).collect();
        let (share, worth) = best_share(&judged, &said)?;
        if worth > WORTH_IT {
            return None;
        }
        let ratios: Vec<f64> = said.iter().map(|said| believed(*said, share)).collect();
        let narrower = narrower(&judged, &ratios);
        let honest = honest_levels(&judged, &ratios, narrower, spread, judged_days);
        let trees = Trees::grow(&Table::of(examples), &settings.with_trees(trial.count()), None);
        Some(Self { trees, share, narrower, honest })
    }

    pub(crate) fn opinion(&self, numbers: &Numbers) -> Opinion<'_> {
        let ratio = believed(self.trees.say(numbers), self.share);
        Opinion { ratio, narrower: self.narrower, honest: &self.honest }
    }
}

fn believed(said: f64, share: f64) -> f64 {
    (1.0 + share * (said - 1.0)).clamp(FURTHEST.0, FURTHEST.1)
}

/// The share of its opinion that loses least on the judged days, and what that loses over no opinion.
fn best_share(judged: &[Example], said: &[f64]) -> Option<(f64, f64)> {
    let lost = |share: f64| -> f64 {
        let lost = |(example, said): (&Example, &f64)| {
            f64::from(example.weight) * (f64::from(example.ratio) - believed(*said, share)).abs()
        };
        judged.iter().zip(said).map(lost).sum()
    };
    let without = lost(0.0);
    let each = SHARES.iter().map(|&share| (share, lost(share) / without.max(f64::MIN_POSITIVE)));
    each.min_by(|one, other| one.1.total_cmp(&other.1))
}

/// The mean absolute error in sizes, with the opinion over without.
fn narrower(judged: &[Example], ratios: &[f64]) -> f64 {
    let sum = |with: bool| -> f64 {
        let error = |(example, ratio): (&Example, &f64)| {
            let ratio = if with { *ratio } else { 1.0 };
            ((f64::from(example.ratio) / ratio - 1.0) / f64::from(example.size)).abs().min(4.0)
        };
        judged.iter().zip(ratios).map(error).sum()
    };
    (sum(true) / sum(false).max(f64::MIN_POSITIVE)).clamp(0.6, 1.1)
}

/// Which level of the shape the demand of a judged day stayed below, turned around: the level to read to be
/// right as often as is said; drawn towards the level itself.
fn honest_levels(judged: &[Example], ratios: &[f64], narrower: f64, spread: &Spread, days: i32) -> Conformal {
    let place = |(example, ratio): (&Example, &f64)| {
        spread.level_of((f64::from(example.ratio) / ratio - 1.0) / (f64::from(example.size) * narrower))
    };
    let mut places: Vec<f64> = judged.iter().zip(ratios).map(place).collect();
    places.sort_unstable_by(f64::total_cmp);
    let believed = f64::from(days) / (f64::from(days) + HONEST_DAYS);
    Conformal::moved_by(WATCHED.map(|level| {
        let at = (level * (places.len() - 1) as f64).round() as usize;
        believed * (places[at] - level)
    }))
}
