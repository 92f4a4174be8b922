//! Grows one tree after the other on what the trees before left wrong.

use super::{BINS, Node, Settings, Tree, WIDTH};
use crate::boosted::example::Example;

/// Leaves are drawn to nothing as if by so many examples that say so.
const PULL: f32 = 10.0;
/// A leaf with more examples than this takes its median from a part of them.
const MEDIAN_OF: usize = 400;
/// Fewer examples than this are not worth a second core.
const WORTH_TWO_CORES: usize = 3_000;

/// Sums of signs and of weights, by number and bin.
type Histogram = Vec<[f32; 2]>;

/// The state between trees.
pub(super) struct Grown<'a> {
    bins: &'a [u8],
    settings: Settings,
    ratios: Vec<f32>,
    /// With a mean of 1.
    weights: Vec<f32>,
    said: Vec<f32>,
    signs: Vec<f32>,
    first: f32,
    chance: u64,
}

/// A leaf that may be split.
struct Leaf {
    node: usize,
    from: usize,
    until: usize,
    histogram: Histogram,
    best: Option<Split>,
}

#[derive(Clone, Copy)]
struct Split {
    number: usize,
    bin: u8,
    gain: f32,
}

impl<'a> Grown<'a> {
    pub(super) fn new(examples: &[&Example], bins: &'a [u8], settings: &Settings) -> Self {
        let ratios: Vec<f32> = examples.iter().map(|example| example.ratio).collect();
        let total: f64 = examples.iter().map(|example| f64::from(example.weight)).sum();
        let mean = (total / examples.len().max(1) as f64).max(f64::MIN_POSITIVE) as f32;
        let weights: Vec<f32> = examples.iter().map(|example| example.weight / mean).collect();
        let everyone: Vec<(f32, f32)> = ratios.iter().copied().zip(weights.iter().copied()).collect();
        let first = weighted_median(everyone);
        let said = vec![first; ratios.len()];
        let signs = vec![0.0; ratios.len()];
        Self { bins, settings: *settings, ratios, weights, said, signs, first, chance: settings.seed }
    }

    pub(super) fn first(&self) -> f32 {
        self.first
    }

    pub(super) fn next_tree(&mut self) -> Tree {
        for place in 0..self.ratios.len() {
            let wrong = self.ratios[place] - self.said[place];
            self.signs[place] = if wrong > 0.0 { self.weights[place] } else { -self.weights[place] };
        }
        let mut numbers: Vec<usize> = Vec::with_capacity(WIDTH);
        for number in 0..WIDTH {
            if self.draw() < self.settings.of_numbers {
                numbers.push(number);
            }
        }
        let mut examples: Vec<u32> = Vec::with_capacity(self.ratios.len());
        for example in 0..self.ratios.len() {
            if self.draw() < self.settings.of_examples {
                examples.push(example as u32);
            }
        }
        let tree = self.grow(&numbers, &mut examples);
        for (said, bins) in self.said.iter_mut().zip(self.bins.chunks_exact(WIDTH)) {
            *said += tree.say(bins);
        }
        tree
    }

    fn grow(&self, numbers: &[usize], examples: &mut [u32]) -> Tree {
        let leaf_node = Node { number: 0, bin: 0, left: 0, right: 0, value: 0.0 };
        let mut nodes = vec![leaf_node];
        let histogram = self.histogram(examples, numbers);
        let mut leaves = vec![self.leaf(0, (0, examples.len()), histogram, numbers)];
        while leaves.len() < self.settings.leaves {
            let gain = |leaf: &Leaf| leaf.best.map_or(0.0, |split| split.gain);
            let Some(at) = (0..leaves.len()).max_by(|&a, &b| gain(&leaves[a]).total_cmp(&gain(&leaves[b])))
            else {
                break;
            };
            let Some(split) = leaves[at].best else { break };
            let parent = leaves.swap_remove(at);
            let (left, right) = (nodes.len(), nodes.len() + 1);
            nodes.extend([leaf_node; 2]);
            nodes[parent.node] = Node {
                number: split.number as u8,
                bin: split.bin,
                left: left as u16,
                right: right as u16,
                value: 0.0,
            };
            leaves.extend(self.divide(parent, split, (left, right), numbers, examples));
        }
        for leaf in &leaves {
            nodes[leaf.node].value = self.value(&examples[leaf.from..leaf.until]);
        }
        Tree { nodes }
    }

    /// Both halves of a leaf; the smaller one's histogram is counted, the other's is what remains.
    fn divide(
        &self,
        mut parent: Leaf,
        split: Split,
        nodes: (usize, usize),
        numbers: &[usize],
        examples: &mut [u32],
    ) -> [Leaf; 2] {
        let of_parent = &mut examples[parent.from..parent.until];
        let middle = parent.from + self.partition(of_parent, split);
        let (left, right) = ((parent.from, middle), (middle, parent.until));
        let left_is_smaller = middle - parent.from <= parent.until - middle;
        let smaller = if left_is_smaller { left } else { right };
        let counted = self.histogram(&examples[smaller.0..smaller.1], numbers);
        for (whole, part) in parent.histogram.iter_mut().zip(&counted) {
            whole[0] -= part[0];
            whole[1] -= part[1];
        }
        let (of_left, of_right) =
            if left_is_smaller { (counted, parent.histogram) } else { (parent.histogram, counted) };
        [self.leaf(nodes.0, left, of_left, numbers), self.leaf(nodes.1, right, of_right, numbers)]
    }

    /// Puts the examples that go left in front, and says how many they are.
    fn partition(&self, examples: &mut [u32], split: Split) -> usize {
        let goes_left = |example: u32| self.bins[example as usize * WIDTH + split.number] <= split.bin;
        let mut left = 0;
        for place in 0..examples.len() {
            if goes_left(examples[place]) {
                examples.swap(left, place);
                left += 1;
            }
        }
        left
    }

    fn leaf(&self, node: usize, range: (usize, usize), histogram: Histogram, numbers: &[usize]) -> Leaf {
        let best = self.best_split(&histogram, numbers);
        Leaf { node, from: range.0, until: range.1, histogram, best }
    }

    fn histogram(&self, examples: &[u32], numbers: &[usize]) -> Histogram {
        let mut histogram = vec![[0.0; 2]; numbers.len() * BINS];
        if examples.len() < WORTH_TWO_CORES || numbers.len() < 2 {
            self.count(examples, numbers, &mut histogram);
            return histogram;
        }
        let half = numbers.len() / 2;
        let (first, second) = histogram.split_at_mut(half * BINS);
        rayon::join(
            || self.count(examples, &numbers[..half], first),
            || self.count(examples, &numbers[half..], second),
        );
        histogram
    }

    fn count(&self, examples: &[u32], numbers: &[usize], histogram: &mut [[f32; 2]]) {
        for &example in examples {
            let example = example as usize;
            let bins = &self.bins[example * WIDTH..(example + 1) * WIDTH];
            let (sign, weight) = (self.signs[example], self.weights[example]);
            for (place, &number) in numbers.iter().enumerate() {
                let sums = &mut histogram[place * BINS + usize::from(bins[number])];
                sums[0] += sign;
                sums[1] += weight;
            }
        }
    }

    fn best_split(&self, histogram: &[[f32; 2]], numbers: &[usize]) -> Option<Split> {
        let score = |signs: f32, weight: f32| signs * signs / (weight + PULL);
        let least = self.settings.least_in_leaf;
        let mut best: Option<Split> = None;
        for (place, &number) in numbers.iter().enumerate() {
            let bins = &histogram[place * BINS..(place + 1) * BINS];
            let (signs, weight) = bins.iter().fold((0.0, 0.0), |sum, bin| (sum.0 + bin[0], sum.1 + bin[1]));
            let whole = score(signs, weight);
            let mut left = (0.0, 0.0);
            for (bin, sums) in bins[..BINS - 1].iter().enumerate() {
                left = (left.0 + sums[0], left.1 + sums[1]);
                let right = (signs - left.0, weight - left.1);
                if left.1 < least {
                    continue;
                }
                if right.1 < least {
                    break;
                }
                let gain = score(left.0, left.1) + score(right.0, right.1) - whole;
                if gain > best.map_or(1e-3, |best| best.gain) {
                    best = Some(Split { number, bin: bin as u8, gain });
                }
            }
        }
        best
    }

    /// What a leaf adds: the weighted median of what is wrong in it, believed a little.
    fn value(&self, examples: &[u32]) -> f32 {
        let step = examples.len().div_ceil(MEDIAN_OF).max(1);
        let looked_at = examples.iter().step_by(step).map(|&example| example as usize);
        let wrong: Vec<(f32, f32)> = looked_at
            .map(|example| (self.ratios[example] - self.said[example], self.weights[example]))
            .collect();
        let count = examples.len() as f32;
        self.settings.rate * weighted_median(wrong) * count / (count + PULL)
    }

    /// The next of a row of numbers from 0 to 1 (splitmix64; Steele, Lea and Flood, 2014).
    fn draw(&mut self) -> f64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The value that half of the weight lies below; 0 of nothing.
fn weighted_median(mut values: Vec<(f32, f32)>) -> f32 {
    values.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
    let half: f32 = values.iter().map(|value| value.1).sum::<f32>() / 2.0;
    let mut below = 0.0;
    for (value, weight) in &values {
        below += weight;
        if below >= half {
            return *value;
        }
    }
    0.0
}
