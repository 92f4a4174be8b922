//! Why a row got its score: what each feature added, exactly adding up.

use super::{FeatureBlock, Forest, tree::Child};

impl Forest {
    /// What every row is given before any feature is looked at: the average score of the training rows.
    pub fn average_score(&self) -> f32 {
        let roots: f64 = self.trees.iter().map(|tree| f64::from(tree.nodes[0].mean)).sum();
        (f64::from(self.bias) + roots) as f32
    }

    /// Writes what each feature added to the row's score, so that
    /// [`average_score`](Self::average_score)` + Σ contributions = score` within 1e-4.
    ///
    /// Each comparison on the row's path through a tree is credited with the change of the average
    /// training value it made (path attribution: Saabas, "Interpreting random forests", 2014). TreeSHAP
    /// (Lundberg et al., 2018) shares credit more fairly but costs about depth² per leaf: too slow
    /// to explain every answer.
    ///
    /// # Panics
    /// When the row is not in the block, or `out` has not one place for each feature.
    pub fn contributions(&self, rows: &FeatureBlock, row: usize, out: &mut [f32]) {
        assert_eq!(rows.features(), self.features, "the block has other features");
        assert_eq!(out.len(), self.features, "one contribution for each feature");
        let mut sums = vec![0.0f64; self.features];
        for tree in &self.trees {
            let mut node = &tree.nodes[0];
            loop {
                let feature = usize::from(node.feature);
                let child = node.child(rows.get(row, feature));
                sums[feature] += f64::from(tree.mean_of(child)) - f64::from(node.mean);
                match child {
                    Child::Node(next) => node = &tree.nodes[usize::from(next)],
                    Child::Leaf(_) => break,
                }
            }
        }
        for (place, sum) in out.iter_mut().zip(sums) {
            *place = sum as f32;
        }
    }
}
