//! Boosting: tree after tree on what the trees before got wrong.

use rayon::prelude::*;

use super::{
    Forest, ForestSettings, TrainingRows,
    bins::{BinnedRows, Bins},
    grow::{Ground, Grower, Grown},
    histogram::Sums,
    objective::{Loss, Slope, rounded},
    sample::features_of,
    split::Rules,
    validation::{BinnedTree, Validation},
};

/// A grown forest, and how it came to be.
#[derive(Clone, Debug)]
pub struct Training {
    /// The forest.
    pub forest: Forest,
    /// The mean nDCG on the validation rows after each tree that was grown, also of trees that
    /// were then left out; empty without validation rows.
    pub validation_ndcg: Vec<f64>,
    /// By how much each feature's splits lowered the loss, as shares of the whole; all 0 without trees.
    pub importance: Vec<f64>,
}

impl Forest {
    /// Grows a forest. Without a group whose grades differ it has no trees. Groups in another
    /// order give the same bits, unless there are more than 200,000 rows (quantiles are then taken
    /// of some) or each tree sees only a share of the groups.
    ///
    /// # Panics
    /// When there are more than 256 features, more than 2³¹ rows, or the validation rows have other features.
    pub fn train(
        rows: &TrainingRows,
        validation: Option<&TrainingRows>,
        settings: &ForestSettings,
    ) -> Training {
        let features = rows.features();
        assert!(features <= super::MOST_FEATURES, "at most {} features", super::MOST_FEATURES);
        assert!(rows.rows() < 1 << 31, "row numbers have 31 bits");
        assert!(validation.is_none_or(|rows| rows.features() == features), "validation has other features");
        let settings = settings.bounded();
        let loss = Loss::of(rows, &settings);
        let bias = loss.bias();
        if rows.rows() == 0 || features == 0 || loss.is_flat() {
            let forest = Self::new(features, bias, Vec::new());
            return Training { forest, validation_ndcg: Vec::new(), importance: vec![0.0; features] };
        }
        let bins = Bins::fit(rows);
        let binned = bins.apply(rows);
        let mut boosting = Boosting::new(&loss, &bins, &binned, &settings, rows.rows());
        let mut watch = validation.map(|rows| Watch::new(Validation::new(rows, &bins, bias), &settings));
        for tree in 0..settings.trees {
            if !boosting.add_tree(tree) {
                break;
            }
            let newest = &boosting.grown[boosting.grown.len() - 1].tree;
            if watch.as_mut().is_some_and(|watch| watch.is_over(newest, &bins)) {
                break;
            }
        }
        boosting.finish(features, bias, watch)
    }
}

/// The state between trees.
struct Boosting<'a> {
    loss: &'a Loss<'a>,
    bins: &'a Bins,
    binned: &'a BinnedRows,
    settings: &'a ForestSettings,
    grower: Grower<'a>,
    scores: Vec<f32>,
    slopes: Vec<Slope>,
    sums: Vec<Sums>,
    grown: Vec<Grown>,
}

impl<'a> Boosting<'a> {
    fn new(
        loss: &'a Loss<'a>,
        bins: &'a Bins,
        binned: &'a BinnedRows,
        settings: &'a ForestSettings,
        rows: usize,
    ) -> Self {
        Self {
            loss,
            bins,
            binned,
            settings,
            grower: Grower::new(bins, binned, settings.leaves, settings.learning_rate),
            scores: vec![loss.bias(); rows],
            slopes: vec![Slope::default(); rows],
            sums: vec![Sums::default(); rows],
            grown: Vec::new(),
        }
    }

    /// Grows the next tree and adds it to the scores. False when nothing more can be learnt.
    fn add_tree(&mut self, tree: usize) -> bool {
        self.loss.slopes(&self.scores, &mut self.slopes);
        let mut rows = self.loss.rows_of_tree(tree);
        let Some(scale) = rounded(&self.slopes, &rows, &mut self.sums) else { return false };
        let features =
            features_of(self.settings.seed, tree, self.binned.features, self.settings.feature_fraction);
        let rules = Rules::of(self.settings, scale);
        let ground = Ground { sums: &self.sums, features: &features, rules };
        let Some(grown) = self.grower.grow(&mut rows, &ground) else { return false };
        self.add_to_scores(&grown, &rows);
        self.grown.push(grown);
        true
    }

    fn add_to_scores(&mut self, grown: &Grown, rows: &[u32]) {
        for (range, &value) in grown.ranges.iter().zip(&grown.tree.leaves) {
            for &row in &rows[range.clone()] {
                self.scores[row as usize] += value;
            }
        }
        if self.settings.group_fraction < 1.0 {
            self.add_to_unseen(grown, rows);
        }
    }

    fn add_to_unseen(&mut self, grown: &Grown, rows: &[u32]) {
        let mut seen = vec![false; self.scores.len()];
        for &row in rows {
            seen[row as usize] = true;
        }
        let tree = BinnedTree::of(&grown.tree, self.bins);
        let binned = self.binned;
        self.scores.par_iter_mut().zip(&seen).enumerate().for_each(|(row, (score, is_seen))| {
            if !is_seen {
                *score += tree.value_of(binned.row(row));
            }
        });
    }

    fn finish(self, features: usize, bias: f32, watch: Option<Watch>) -> Training {
        let mut grown = self.grown;
        if let Some(watch) = &watch {
            grown.truncate(watch.trees_to_keep(grown.len()));
        }
        let mut importance = vec![0.0; features];
        for &(feature, gain) in grown.iter().flat_map(|grown| &grown.gains) {
            importance[feature] += gain;
        }
        let whole: f64 = importance.iter().sum();
        if whole > 0.0 {
            importance.iter_mut().for_each(|share| *share /= whole);
        }
        let trees = grown.into_iter().map(|grown| grown.tree).collect();
        let validation_ndcg = watch.map(|watch| watch.ndcg).unwrap_or_default();
        Training { forest: Forest::new(features, bias, trees), validation_ndcg, importance }
    }
}

/// Ends the growing when the validation rows say so.
struct Watch<'a> {
    validation: Validation<'a>,
    ndcg_at: usize,
    patience: Option<usize>,
    ndcg: Vec<f64>,
    /// The tree after which the nDCG was highest.
    best: usize,
}

impl<'a> Watch<'a> {
    fn new(validation: Validation<'a>, settings: &ForestSettings) -> Self {
        let (ndcg_at, patience) = (settings.ndcg_at, settings.patience);
        Self { validation, ndcg_at, patience, ndcg: Vec::new(), best: 0 }
    }

    fn is_over(&mut self, newest: &super::tree::Tree, bins: &Bins) -> bool {
        let now = self.validation.with_tree(&BinnedTree::of(newest, bins), self.ndcg_at);
        self.ndcg.push(now);
        if now > self.ndcg[self.best] {
            self.best = self.ndcg.len() - 1;
        }
        self.patience.is_some_and(|patience| self.ndcg.len() > self.best + patience)
    }

    fn trees_to_keep(&self, grown: usize) -> usize {
        if self.patience.is_some() { (self.best + 1).min(grown) } else { grown }
    }
}
