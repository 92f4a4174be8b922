//! Scoring in two stages: the first trees look at every row, the others only at the rows that are
//! promising after them. Boosting puts the coarse part of a ranking into its first trees, so that what
//! they hold far down does not come back to the top.

use super::{FeatureBlock, Forest};

/// So many trees look at every row.
pub(super) const FIRST_TREES: usize = 30;

/// Fewer rows than this left out are not worth the copying.
const FEWEST_LEFT_OUT: usize = 32;

/// Working memory of scoring in two stages.
#[derive(Clone, Debug, Default)]
pub struct Promising {
    rows: FeatureBlock,
    places: Vec<u32>,
    scores: Vec<f32>,
}

impl Forest {
    /// [`Forest::score`] of at least `keep` rows, those the first trees put highest, to the same bits;
    /// minus infinity for the others.
    ///
    /// # Panics
    /// When the block has other features than the forest, or not as many rows as `out` has places.
    pub fn score_promising(&self, rows: &FeatureBlock, keep: usize, memory: &mut Promising, out: &mut [f32]) {
        if rows.rows() < keep + FEWEST_LEFT_OUT || keep == 0 || self.trees.len() <= FIRST_TREES {
            return self.score(rows, out);
        }
        assert_eq!(rows.features(), self.features, "the block has other features");
        assert_eq!(rows.rows(), out.len(), "one score for each row");
        out.fill(self.bias);
        self.compiled.add(0..FIRST_TREES, rows, out);
        memory.choose(out, keep);
        memory.copy(rows);
        let Promising { rows, places, scores } = memory;
        scores.clear();
        scores.extend(places.iter().map(|&place| out[place as usize]));
        self.compiled.add(FIRST_TREES..self.trees.len(), rows, scores);
        out.fill(f32::NEG_INFINITY);
        for (&place, &score) in places.iter().zip(scores.iter()) {
            out[place as usize] = score;
        }
    }
}

impl Promising {
    /// The places of the `keep` highest scores, in rising order.
    fn choose(&mut self, scores: &[f32], keep: usize) {
        let score = |place: u32| scores[place as usize];
        self.places.clear();
        self.places.extend(0..scores.len() as u32);
        self.places.select_nth_unstable_by(keep - 1, |&one, &other| {
            score(other).total_cmp(&score(one)).then(one.cmp(&other))
        });
        self.places.truncate(keep);
        self.places.sort_unstable();
    }

    fn copy(&mut self, rows: &FeatureBlock) {
        if self.rows.features() != rows.features() {
            self.rows = FeatureBlock::new(rows.features());
        }
        self.rows.reset(self.places.len());
        for feature in 0..rows.features() {
            let from = rows.column(feature);
            for (value, &place) in self.rows.column_mut(feature).iter_mut().zip(&self.places) {
                *value = from[place as usize];
            }
        }
    }
}
