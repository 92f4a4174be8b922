//! Scoring many rows at once without branches, after QuickScorer (Lucchese et al., SIGIR 2015).
//!
//! A node that sends a row right rules out the leaves on its left. Every node of a tree is asked for
//! every row, and the first leaf not ruled out is where the row ends. All rows of a lane-wide strip
//! ask the same node at the same time, so the compiler turns the inner loops into vector code.

use super::{
    FeatureBlock, Forest, LANES,
    tree::{Child, Tree},
};

/// A power of two, so that a leaf number needs no bounds check.
const LEAF_SLOTS: usize = 32;

/// The trees laid out for asking every node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Compiled {
    bias: f32,
    questions: Vec<Question>,
    trees: Vec<CompiledTree>,
}

/// One node: the leaves that stay possible when the row goes right.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Question {
    feature: u32,
    threshold: f32,
    still_possible: u32,
}

/// Where the tree's questions are: first those that send a missing value left, then the others.
#[derive(Clone, Debug, PartialEq)]
struct CompiledTree {
    missing_left: usize,
    missing_right: usize,
    /// From left to right.
    leaves: [f32; LEAF_SLOTS],
}

impl Compiled {
    pub(super) fn of(bias: f32, trees: &[Tree]) -> Self {
        let mut compiled = Self { bias, ..Self::default() };
        for tree in trees {
            compiled.add(tree);
        }
        compiled
    }

    fn add(&mut self, tree: &Tree) {
        let order = tree.leaves_in_order().expect("growing and decoding only make whole trees");
        let mut leaves = [0.0; LEAF_SLOTS];
        let mut bit_of_leaf = [0u32; LEAF_SLOTS];
        for (position, &leaf) in order.iter().enumerate() {
            leaves[position] = tree.leaves[usize::from(leaf)];
            bit_of_leaf[usize::from(leaf)] = 1 << position;
        }
        let mut below = vec![0u32; tree.nodes.len()];
        let bits = |below: &[u32], child: Child| match child {
            Child::Node(node) => below[usize::from(node)],
            Child::Leaf(leaf) => bit_of_leaf[usize::from(leaf)],
        };
        for (number, node) in tree.nodes.iter().enumerate().rev() {
            below[number] = bits(&below, node.left) | bits(&below, node.right);
        }
        let mut count = [0; 2];
        for missing_right in [false, true] {
            for node in tree.nodes.iter().filter(|node| node.missing_right == missing_right) {
                count[usize::from(missing_right)] += 1;
                self.questions.push(Question {
                    feature: u32::from(node.feature),
                    threshold: node.threshold,
                    still_possible: !bits(&below, node.left),
                });
            }
        }
        self.trees.push(CompiledTree { missing_left: count[0], missing_right: count[1], leaves });
    }
}

impl Forest {
    /// The margin of every row, in the rows' order.
    ///
    /// # Panics
    /// When the block has other features than the forest, or not as many rows as `out` has places.
    pub fn score(&self, rows: &FeatureBlock, out: &mut [f32]) {
        assert_eq!(rows.features(), self.features, "the block has other features");
        assert_eq!(rows.rows(), out.len(), "one score for each row");
        if self.trees.is_empty() {
            out.fill(self.bias);
            return;
        }
        let (values, stride) = rows.padded();
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (strip, places) in out.chunks_mut(LANES).enumerate() {
                    let scores = self.compiled.score_strip(&values[strip * LANES..], stride);
                    places.copy_from_slice(&scores[..places.len()]);
                }
            },
        );
    }
}

impl Compiled {
    /// Scores [`LANES`] rows; the first value is the first row's first feature.
    #[inline(always)]
    fn score_strip(&self, values: &[f32], stride: usize) -> [f32; LANES] {
        let mut scores = [self.bias; LANES];
        let mut questions = self.questions.as_slice();
        for tree in &self.trees {
            let (missing_left, rest) = questions.split_at(tree.missing_left);
            let (missing_right, rest) = rest.split_at(tree.missing_right);
            questions = rest;
            let mut possible = [u32::MAX; LANES];
            for question in missing_left {
                let lane_values = lanes_of(values, stride, question);
                for (possible, &value) in possible.iter_mut().zip(lane_values) {
                    *possible &= if value > question.threshold { question.still_possible } else { u32::MAX };
                }
            }
            for question in missing_right {
                let lane_values = lanes_of(values, stride, question);
                for (possible, &value) in possible.iter_mut().zip(lane_values) {
                    *possible &= if value <= question.threshold { u32::MAX } else { question.still_possible };
                }
            }
            for (score, possible) in scores.iter_mut().zip(possible) {
                *score += tree.leaves[possible.trailing_zeros() as usize % LEAF_SLOTS];
            }
        }
        scores
    }
}

#[inline(always)]
fn lanes_of<'a>(values: &'a [f32], stride: usize, question: &Question) -> &'a [f32; LANES] {
    values[question.feature as usize * stride..].first_chunk().expect("blocks are padded to whole strips")
}
