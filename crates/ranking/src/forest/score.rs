//! Scoring many rows at once without branches, after QuickScorer (Lucchese et al., SIGIR 2015).
//!
//! A node that sends a row right rules out the leaves on its left. Every node of a tree is asked for
//! every row, and the first leaf not ruled out is where the row ends. All rows of a lane-wide strip
//! ask the same node at the same time, with whatever vector instructions the processor has; additions
//! are in the trees' order for each row, so every processor gives the same bits.

use std::ops::Range;

use pulp::{Scalar, Simd};

use super::{
    FeatureBlock, Forest, LANES,
    tree::{Child, Tree},
};

/// A power of two, so that a leaf number needs no bounds check.
const LEAF_SLOTS: usize = 32;

/// The trees laid out for asking every node.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Compiled {
    questions: Vec<Question>,
    trees: Vec<CompiledTree>,
}

/// One node: the leaves that are ruled out when the row goes right.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Question {
    feature: u32,
    threshold: f32,
    ruled_out: u32,
}

/// Where the tree's questions are: first those that send a missing value left, then the others.
#[derive(Clone, Debug, PartialEq)]
struct CompiledTree {
    missing_left: usize,
    missing_right: usize,
    /// From left to right.
    leaves: [f32; LEAF_SLOTS],
}

impl CompiledTree {
    fn questions(&self) -> usize {
        self.missing_left + self.missing_right
    }
}

impl Compiled {
    pub(super) fn of(trees: &[Tree]) -> Self {
        let mut compiled = Self::default();
        for tree in trees {
            compiled.push(tree);
        }
        compiled
    }

    fn push(&mut self, tree: &Tree) {
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
                    ruled_out: bits(&below, node.left),
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
        out.fill(self.bias);
        self.compiled.add(0..self.trees.len(), rows, out);
    }
}

impl Compiled {
    /// Adds what these trees say of every row to what `out` has.
    pub(super) fn add(&self, trees: Range<usize>, rows: &FeatureBlock, out: &mut [f32]) {
        if trees.is_empty() {
            return;
        }
        let (values, stride) = rows.padded();
        let first = self.trees[..trees.start].iter().map(CompiledTree::questions).sum::<usize>();
        let (questions, trees) = (&self.questions[first..], &self.trees[trees]);
        pulp::Arch::new().dispatch(Strips { trees, questions, values, stride, out });
    }
}

/// All rows, a strip of lanes at a time. It is a type because only what is inlined into
/// `with_simd` is compiled for the processor's vector instructions.
struct Strips<'a> {
    trees: &'a [CompiledTree],
    /// Those of the trees, and perhaps more behind them.
    questions: &'a [Question],
    values: &'a [f32],
    stride: usize,
    out: &'a mut [f32],
}

impl pulp::WithSimd for Strips<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match S::F32_LANES {
            16 => self.score::<S, 2>(simd),
            8 => self.score::<S, 4>(simd),
            4 => self.score::<S, 8>(simd),
            _ => self.score::<Scalar, LANES>(Scalar),
        }
    }
}

impl Strips<'_> {
    /// Scores [`LANES`] rows at a time, which take so many registers.
    #[inline(always)]
    fn score<S: Simd, const REGISTERS: usize>(self, simd: S) {
        for (strip, places) in self.out.chunks_mut(LANES).enumerate() {
            let values = &self.values[strip * LANES..];
            let mut scores = [0.0; LANES];
            scores[..places.len()].copy_from_slice(places);
            let mut questions = self.questions;
            for tree in self.trees {
                let (missing_left, rest) = questions.split_at(tree.missing_left);
                let (missing_right, rest) = rest.split_at(tree.missing_right);
                questions = rest;
                let mut ruled_out = [simd.splat_u32s(0); REGISTERS];
                for question in missing_left {
                    let threshold = simd.splat_f32s(question.threshold);
                    question.rule_out(simd, values, self.stride, &mut ruled_out, |value| {
                        simd.less_than_f32s(threshold, value)
                    });
                }
                for question in missing_right {
                    let threshold = simd.splat_f32s(question.threshold);
                    question.rule_out(simd, values, self.stride, &mut ruled_out, |value| {
                        simd.not_m32s(simd.less_than_or_equal_f32s(value, threshold))
                    });
                }
                let mut leaves_out = [0u32; LANES];
                S::as_mut_simd_u32s(&mut leaves_out).0.copy_from_slice(&ruled_out);
                for (score, leaves_out) in scores.iter_mut().zip(leaves_out) {
                    *score += tree.leaves[leaves_out.trailing_ones() as usize % LEAF_SLOTS];
                }
            }
            places.copy_from_slice(&scores[..places.len()]);
        }
    }
}

impl Question {
    /// Rules the question's leaves out for the rows whose value goes right.
    #[inline(always)]
    fn rule_out<S: Simd, const REGISTERS: usize>(
        &self,
        simd: S,
        values: &[f32],
        stride: usize,
        ruled_out: &mut [S::u32s; REGISTERS],
        goes_right: impl Fn(S::f32s) -> S::m32s,
    ) {
        let (none, leaves) = (simd.splat_u32s(0), simd.splat_u32s(self.ruled_out));
        let strip = &values[self.feature as usize * stride..][..LANES];
        for (ruled_out, &value) in ruled_out.iter_mut().zip(S::as_simd_f32s(strip).0) {
            *ruled_out = simd.or_u32s(*ruled_out, simd.select_u32s(goes_right(value), leaves, none));
        }
    }
}
