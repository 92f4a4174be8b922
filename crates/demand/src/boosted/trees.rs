//! Gradient-boosted regression trees for the absolute error: each tree is grown on the signs of what is still
//! wrong, its leaves hold weighted medians of that (Friedman, 2001), its splits are found on histograms of
//! binned numbers, the best leaf first (Ke et al., LightGBM, 2017). Seeded, and the same on one core and many.

use serde::{Deserialize, Serialize};

use super::example::{Example, Numbers, WIDTH};
use grow::Grown;

mod grow;

/// Bins of a number.
const BINS: usize = 64;
/// Values looked at to place the bins.
const LOOKED_AT: usize = 4_000;
/// Trees between two looks at the judged days, and how many looks without gain end the growth.
const LOOK_EVERY: usize = 10;
const PATIENCE: usize = 3;

/// How trees are grown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) trees: usize,
    pub(super) leaves: usize,
    /// How much of each tree is believed.
    pub(super) rate: f32,
    /// The least weight of a leaf, in mean examples.
    pub(super) least_in_leaf: f32,
    /// Shares of examples and numbers a tree looks at.
    pub(super) of_examples: f64,
    pub(super) of_numbers: f64,
    pub(super) seed: u64,
}

impl Settings {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            trees: 150,
            leaves: 24,
            rate: 0.08,
            least_in_leaf: 40.0,
            of_examples: 0.5,
            of_numbers: 0.6,
            seed,
        }
    }

    pub(super) fn with_trees(self, trees: usize) -> Self {
        Self { trees, ..self }
    }
}

/// Examples made ready: bins are placed when trees are grown.
pub(super) struct Table<'a> {
    pub(super) examples: Vec<&'a Example>,
}

impl<'a> Table<'a> {
    pub(super) fn of(examples: &'a [Example]) -> Self {
        Self { examples: examples.iter().collect() }
    }

    /// At most so many, spread over all.
    pub(super) fn part_of(examples: &'a [Example], most: usize) -> Self {
        Self { examples: examples.iter().step_by(examples.len().div_ceil(most).max(1)).collect() }
    }
}

/// A split, or a leaf where both branches are 0.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Node {
    number: u8,
    /// Bins up to this one go left.
    bin: u8,
    left: u16,
    right: u16,
    value: f32,
}

/// One tree; the first node is its root.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    fn say(&self, bins: &[u8]) -> f32 {
        let mut node = &self.nodes[0];
        while node.left != 0 {
            let left = bins[usize::from(node.number)] <= node.bin;
            node = &self.nodes[usize::from(if left { node.left } else { node.right })];
        }
        node.value
    }
}

/// Trees that add up to a ratio.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trees {
    /// Of each number, the upper ends of its bins but the last.
    edges: Vec<Vec<f32>>,
    first: f32,
    trees: Vec<Tree>,
    /// What was lost on judged examples over what is lost without trees; 1 without judged ones.
    worth: f64,
}

impl Trees {
    /// Grows trees on a table. With judged examples, as many as tell those best.
    pub(super) fn grow(known: &Table<'_>, settings: &Settings, judged: Option<&Table<'_>>) -> Self {
        let edges: Vec<Vec<f32>> = (0..WIDTH).map(|number| edges_of(&known.examples, number)).collect();
        let bins = bins_of(&edges, &known.examples);
        let mut grown = Grown::new(&known.examples, &bins, settings);
        let mut trees = Self { edges, first: grown.first(), trees: Vec::new(), worth: 1.0 };
        let judged_bins = judged.map(|judged| bins_of(&trees.edges, &judged.examples));
        let judged_examples = judged.map_or(&[][..], |judged| &judged.examples);
        let mut said = vec![trees.first; judged_examples.len()];
        let (mut least, mut best, mut looks) = (f64::INFINITY, 0, 0);
        for count in 1..=settings.trees {
            let tree = grown.next_tree();
            if let Some(bins) = &judged_bins {
                said.iter_mut()
                    .zip(bins.chunks_exact(WIDTH))
                    .for_each(|(said, bins)| *said += tree.say(bins));
            }
            trees.trees.push(tree);
            if judged.is_none() || count % LOOK_EVERY != 0 {
                continue;
            }
            let lost = lost(judged_examples, &said);
            if lost < least {
                (least, best, looks) = (lost, count, 0);
            } else {
                looks += 1;
            }
            if looks == PATIENCE {
                break;
            }
        }
        if judged.is_some() {
            trees.trees.truncate(best);
            let without = lost(judged_examples, &vec![1.0; judged_examples.len()]);
            trees.worth = least / without.max(f64::MIN_POSITIVE);
        }
        trees
    }

    pub(super) fn worth(&self) -> f64 {
        self.worth
    }

    pub(super) fn count(&self) -> usize {
        self.trees.len()
    }

    /// The ratio that is to be expected.
    pub(super) fn say(&self, numbers: &Numbers) -> f64 {
        let bins: [u8; WIDTH] = std::array::from_fn(|number| bin_of(&self.edges[number], numbers[number]));
        f64::from(self.first) + self.trees.iter().map(|tree| f64::from(tree.say(&bins))).sum::<f64>()
    }
}

fn lost(examples: &[&Example], said: &[f32]) -> f64 {
    let each = |(example, said): (&&Example, &f32)| f64::from(example.weight * (example.ratio - said).abs());
    examples.iter().zip(said).map(each).sum()
}

/// Ends of bins that hold as many examples each, as far as values differ.
fn edges_of(examples: &[&Example], number: usize) -> Vec<f32> {
    let step = examples.len().div_ceil(LOOKED_AT).max(1);
    let mut values: Vec<f32> = examples.iter().step_by(step).map(|example| example.numbers[number]).collect();
    values.sort_unstable_by(f32::total_cmp);
    let at = |bin: usize| values[(bin * values.len() / BINS).min(values.len() - 1)];
    let mut edges: Vec<f32> = (1..BINS).map(at).collect();
    edges.dedup();
    edges
}

fn bin_of(edges: &[f32], value: f32) -> u8 {
    edges.partition_point(|&edge| edge < value) as u8
}

fn bins_of(edges: &[Vec<f32>], examples: &[&Example]) -> Vec<u8> {
    let mut bins = Vec::with_capacity(examples.len() * WIDTH);
    for example in examples {
        bins.extend(edges.iter().zip(&example.numbers).map(|(edges, value)| bin_of(edges, *value)));
    }
    bins
}
