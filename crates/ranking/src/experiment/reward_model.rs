//! What a place is expected to bring, learnt from what places brought: the simple model that the
//! doubly robust estimate leans on. It need not be right: it takes away variance, not bias.

/// What is known of a product at a place before it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Situation {
    place: u8,
    relevance: u8,
    repeat: bool,
}

const PLACES: usize = 32;
const RELEVANCES: usize = 16;
const KINDS: usize = RELEVANCES * 2;
const CELLS: usize = PLACES * KINDS;
/// How many places of its own a mean needs to count as much as what it is shrunk towards.
const SHRINKAGE: f64 = 20.0;

impl Situation {
    /// A product at a place, from 0, with a relevance from 0 to 1. Places from the 32nd on are alike;
    /// so are relevances in the same half-octave below 1, and all below 0.6 %.
    pub fn new(place: usize, relevance: f64, repeat: bool) -> Self {
        let half_octaves = -2.0 * relevance.clamp(f64::MIN_POSITIVE, 1.0).log2();
        Self {
            place: place.min(PLACES - 1) as u8,
            relevance: half_octaves.min((RELEVANCES - 1) as f64) as u8,
            repeat,
        }
    }

    fn kind(self) -> usize {
        usize::from(self.relevance) * 2 + usize::from(self.repeat)
    }

    fn cell(self) -> usize {
        usize::from(self.place) * KINDS + self.kind()
    }
}

#[derive(Clone, Copy, Default)]
struct Seen {
    count: f64,
    sum: f64,
}

impl Seen {
    fn add(&mut self, reward: f64) {
        self.count += 1.0;
        self.sum += reward;
    }

    fn shrunk_towards(self, prior: f64) -> f64 {
        (self.sum + SHRINKAGE * prior) / (self.count + SHRINKAGE)
    }
}

/// Means of rewards, shrunken level by level: each kind of product (relevance and repeat) towards the
/// mean of all, and each kind at each place towards its kind times what the place is worth
/// (empirical Bayes with a fixed weight).
pub(super) struct RewardModel {
    expected: Vec<f64>,
}

impl RewardModel {
    pub(super) fn fit(places: impl Iterator<Item = (Situation, f64)>) -> Self {
        let mut all = Seen::default();
        let mut by_place = [Seen::default(); PLACES];
        let mut by_kind = [Seen::default(); KINDS];
        let mut by_cell = vec![Seen::default(); CELLS];
        for (situation, reward) in places {
            all.add(reward);
            by_place[usize::from(situation.place)].add(reward);
            by_kind[situation.kind()].add(reward);
            by_cell[situation.cell()].add(reward);
        }
        let mean = if all.count > 0.0 { all.sum / all.count } else { 0.0 };
        let expected = by_cell.iter().enumerate().map(|(cell, seen)| {
            let of_place = by_place[cell / KINDS].shrunk_towards(mean);
            let worth = if mean > 0.0 { of_place / mean } else { 1.0 };
            seen.shrunk_towards(by_kind[cell % KINDS].shrunk_towards(mean) * worth)
        });
        Self { expected: expected.collect() }
    }

    pub(super) fn expect(&self, situation: Situation) -> f64 {
        self.expected[situation.cell()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relevances_fall_into_half_octaves() {
        assert_eq!(Situation::new(0, 1.0, false), Situation::new(0, 0.72, false));
        assert_ne!(Situation::new(0, 1.0, false), Situation::new(0, 0.7, false));
        assert_eq!(Situation::new(0, 0.0, false), Situation::new(0, 0.005, false));
        assert_eq!(Situation::new(31, f64::NAN, true).place, Situation::new(99, 0.5, true).place);
        assert_ne!(Situation::new(0, 0.5, false), Situation::new(0, 0.5, true));
    }

    #[test]
    fn much_seen_cells_have_their_mean_and_unseen_ones_that_of_their_kind_and_place() {
        let (good, bad) = (Situation::new(0, 0.9, true), Situation::new(0, 0.01, false));
        let (good_below, bad_below) = (Situation::new(5, 0.9, true), Situation::new(5, 0.01, false));
        let mut seen = Vec::new();
        for _ in 0..10_000 {
            seen.extend([(good, 0.4), (bad, 0.1), (bad_below, 0.05)]);
        }
        let model = RewardModel::fit(seen.into_iter());
        assert!((model.expect(good) - 0.4).abs() < 0.001 && (model.expect(bad) - 0.1).abs() < 0.001);
        // Never seen there: as good as its kind, less what the lower place takes.
        let guess = model.expect(good_below);
        assert!(0.05 < guess && guess < 0.2, "{guess}");
        assert_eq!(RewardModel::fit(std::iter::empty()).expect(good), 0.0);
    }
}
