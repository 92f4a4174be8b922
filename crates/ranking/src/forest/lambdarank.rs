//! LambdaRank's derivatives for one group, normalised as LightGBM's `lambdarank_norm` does.
//!
//! Burges, "From RankNet to LambdaRank to LambdaMART: an overview", MSR-TR-2010-82: each pair of rows
//! of unlike grades pushes its rows apart by how much exchanging them would change the nDCG. LightGBM's
//! additions: a pair counts less the further apart its scores are already, and a group's push
//! grows only with the logarithm of its pairs' sum.

use super::objective::Slope;

/// Scores further below the group's best than this are as if this far, so that their
/// exponentials stay above 0.
const WIDEST_GAP: f32 = 80.0;

/// `2^grade − 1`.
pub(super) fn gain_of(grade: u8) -> f32 {
    ((1u32 << grade) - 1) as f32
}

/// `1 / log2(2 + rank)`, the first rank being 0.
pub(super) fn discount_of(rank: usize) -> f64 {
    1.0 / (rank as f64 + 2.0).log2()
}

/// 1 / the DCG of the best order cut at `truncation`; 0 when every order is as good.
pub(super) fn best_inverse(grades: &[u8], truncation: usize) -> f32 {
    if grades.iter().all(|grade| grade == &grades[0]) {
        return 0.0;
    }
    let mut sorted = grades.to_vec();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    let ranked = sorted.iter().take(truncation.max(1)).enumerate();
    let best: f64 = ranked.map(|(rank, &grade)| f64::from(gain_of(grade)) * discount_of(rank)).sum();
    (1.0 / best) as f32
}

/// One group in the order of its scores, best first; kept to spare allocations.
#[derive(Default)]
pub(super) struct RankedGroup {
    /// Sort keys: the score turned round in the upper half, the row in the lower.
    order: Vec<u64>,
    scores: Vec<f32>,
    /// exp(score − best score).
    odds: Vec<f32>,
    gains: Vec<f32>,
    /// The ranks of rows with a grade above 0.
    graded: Vec<usize>,
    /// Discounts of the ranks, as many as the largest group so far has rows.
    discounts: Vec<f32>,
    gradients: Vec<f32>,
    hessians: Vec<f32>,
}

/// One row of a pair.
#[derive(Clone, Copy)]
struct Ranked {
    score: f32,
    odds: f32,
    gain: f32,
    discount: f32,
}

/// How much a pair adds to the gradients of its rows, with opposite signs, and to both hessians.
type Push = (f32, f32);

impl RankedGroup {
    /// Writes the derivatives of the group's rows.
    pub(super) fn slopes(
        &mut self,
        scores: &[f32],
        grades: &[u8],
        truncation: usize,
        best_inverse: f32,
        slopes: &mut [Slope],
    ) {
        self.rank(scores, grades);
        let rows = scores.len();
        let spread = self.scores[0] != self.scores[rows - 1];
        let mut pushed = 0.0f64;
        for first in 0..truncation.max(1).min(rows - 1) {
            pushed += self.pair_with_all_after(first, spread);
        }
        // What every pair has in common.
        let inverse = f64::from(best_inverse);
        let total = 2.0 * pushed * inverse;
        let norm = if total > 0.0 { inverse * (1.0 + total).log2() / total } else { 0.0 };
        for (rank, key) in self.order.iter().enumerate() {
            let row = (*key & 0xffff_ffff) as usize;
            slopes[row] = Slope {
                gradient: (f64::from(self.gradients[rank]) * norm) as f32,
                hessian: (f64::from(self.hessians[rank]) * norm) as f32,
            };
        }
    }

    fn rank(&mut self, scores: &[f32], grades: &[u8]) {
        let rows = scores.len();
        self.order.clear();
        self.order.extend(scores.iter().enumerate().map(|(row, &score)| descending(score) | row as u64));
        self.order.sort_unstable();
        let row_of = |key: &u64| (*key & 0xffff_ffff) as usize;
        self.scores.clear();
        self.scores.extend(self.order.iter().map(|key| scores[row_of(key)]));
        self.gains.clear();
        self.gains.extend(self.order.iter().map(|key| gain_of(grades[row_of(key)])));
        self.graded.clear();
        self.graded.extend((0..rows).filter(|&rank| self.gains[rank] > 0.0));
        let best = self.scores[0];
        self.odds.clear();
        self.odds.extend(self.scores.iter().map(|score| (score - best).max(-WIDEST_GAP).exp()));
        for rank in self.discounts.len()..rows {
            self.discounts.push(discount_of(rank) as f32);
        }
        self.gradients.clear();
        self.gradients.resize(rows, 0.0);
        self.hessians.clear();
        self.hessians.resize(rows, 0.0);
    }

    /// Adds the pairs of the row at rank `first` with rows after it, and gives the sum of pushes.
    fn pair_with_all_after(&mut self, first: usize, spread: bool) -> f64 {
        if self.gains[first] > 0.0 {
            return (first + 1..self.scores.len()).map(|second| self.add_pair(first, second, spread)).sum();
        }
        // Rows of no grade are only paired with the few that have one.
        let after = self.graded.partition_point(|&rank| rank <= first);
        (after..self.graded.len()).map(|at| self.add_pair(first, self.graded[at], spread)).sum()
    }

    fn add_pair(&mut self, first: usize, second: usize, spread: bool) -> f64 {
        let (push, bend) = pair(self.at(first), self.at(second), spread);
        // The gradient of the better row falls: its score is to rise.
        let signed = if self.gains[first] > self.gains[second] { push } else { -push };
        self.gradients[first] -= signed;
        self.gradients[second] += signed;
        self.hessians[first] += bend;
        self.hessians[second] += bend;
        f64::from(push)
    }

    fn at(&self, rank: usize) -> Ranked {
        Ranked {
            score: self.scores[rank],
            odds: self.odds[rank],
            gain: self.gains[rank],
            discount: self.discounts[rank],
        }
    }
}

/// How hard a pair of rows is pushed apart, and the second derivative; 0 for equal grades.
#[inline(always)]
fn pair(one: Ranked, other: Ranked, spread: bool) -> Push {
    let change = (one.gain - other.gain).abs() * (one.discount - other.discount);
    let nearness = if spread { 0.01 + (one.score - other.score).abs() } else { 1.0 };
    // 1 / (1 + exp(better score − worse score)), of the exponentials already known.
    let worse_odds = if one.gain > other.gain { other.odds } else { one.odds };
    let chance = worse_odds / (one.odds + other.odds);
    let push = chance * change / nearness;
    (push, push * (1.0 - chance))
}

/// Bits that sort the highest score first, in the upper half.
fn descending(score: f32) -> u64 {
    // Adding 0 makes −0 a 0, so that equal scores have equal bits.
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(!ascending) << 32
}
