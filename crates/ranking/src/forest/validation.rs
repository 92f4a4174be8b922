//! How good the forest is on rows it does not learn from, tree by tree.

use rayon::prelude::*;

use super::{
    TrainingRows,
    bins::{BinnedRows, Bins},
    lambdarank::{discount_of, gain_of},
    tree::{Child, Tree},
};

/// The nDCG of one group's rows ordered by score, looking at `k` ranks: gain `2^grade − 1`,
/// discount `1 / log2(1 + rank)`. Of equal scores the earlier row comes first. `None` when no row
/// has a grade above 0.
pub(super) fn ndcg(scores: &[f32], grades: &[u8], k: usize) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&one, &other| scores[other].total_cmp(&scores[one]).then(one.cmp(&other)));
    let mut best = grades.to_vec();
    best.sort_unstable_by(|one, other| other.cmp(one));
    let dcg = |grades: &mut dyn Iterator<Item = u8>| -> f64 {
        grades.take(k).enumerate().map(|(rank, grade)| f64::from(gain_of(grade)) * discount_of(rank)).sum()
    };
    let ideal = dcg(&mut best.iter().copied());
    (ideal > 0.0).then(|| dcg(&mut order.iter().map(|&row| grades[row])) / ideal)
}

/// The mean nDCG over groups that have a row of a grade above 0; 0 when there is none.
pub(super) fn mean_ndcg(rows: &TrainingRows, scores: &[f32], k: usize) -> f64 {
    let each: Vec<Option<f64>> = (0..rows.groups())
        .into_par_iter()
        .map(|group| ndcg(&scores[rows.group(group)], &rows.grades()[rows.group(group)], k))
        .collect();
    let known: Vec<f64> = each.into_iter().flatten().collect();
    if known.is_empty() { 0.0 } else { known.iter().sum::<f64>() / known.len() as f64 }
}

/// The validation rows with their scores so far.
pub(super) struct Validation<'a> {
    rows: &'a TrainingRows,
    binned: BinnedRows,
    scores: Vec<f32>,
}

impl<'a> Validation<'a> {
    pub(super) fn new(rows: &'a TrainingRows, bins: &Bins, bias: f32) -> Self {
        Self { rows, binned: bins.apply(rows), scores: vec![bias; rows.rows()] }
    }

    /// Adds the tree and gives the mean nDCG now.
    pub(super) fn with_tree(&mut self, tree: &BinnedTree, k: usize) -> f64 {
        let binned = &self.binned;
        self.scores
            .par_iter_mut()
            .enumerate()
            .for_each(|(row, score)| *score += tree.value_of(binned.row(row)));
        mean_ndcg(self.rows, &self.scores, k)
    }
}

/// A tree that asks for bins instead of values.
pub(super) struct BinnedTree<'a> {
    tree: &'a Tree,
    /// Each node's last bin on the left.
    bins: Vec<u8>,
}

impl<'a> BinnedTree<'a> {
    pub(super) fn of(tree: &'a Tree, bins: &Bins) -> Self {
        let of_node = |node: &super::tree::Node| bins.bin_below(usize::from(node.feature), node.threshold);
        Self { tree, bins: tree.nodes.iter().map(of_node).collect() }
    }

    pub(super) fn value_of(&self, row: &[u8]) -> f32 {
        let mut at = 0;
        loop {
            let node = &self.tree.nodes[at];
            let bin = row[usize::from(node.feature)];
            let right = if bin == 0 { node.missing_right } else { bin > self.bins[at] };
            match if right { node.right } else { node.left } {
                Child::Node(next) => at = usize::from(next),
                Child::Leaf(leaf) => return self.tree.leaves[usize::from(leaf)],
            }
        }
    }
}
