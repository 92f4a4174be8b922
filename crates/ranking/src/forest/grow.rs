//! Growing one tree leaf by leaf: always the leaf whose best split lowers the loss most.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    bins::{BinnedRows, Bins},
    histogram::{Histogram, Seen, Sums},
    split::{Rules, Split, Undivided, best_split},
    tree::{Child, Node, Tree},
};

/// Rows parted by one thread at a time.
const ROWS_AT_ONCE: usize = 32_768;

/// What stays the same from tree to tree, with buffers that are used again.
pub(super) struct Grower<'a> {
    bins: &'a Bins,
    binned: &'a BinnedRows,
    leaves: usize,
    learning_rate: f64,
    spare: Vec<Histogram>,
    scratch: Vec<u32>,
}

/// What one tree is grown from.
pub(super) struct Ground<'a> {
    /// The rows' sums, of every row there is.
    pub sums: &'a [Sums],
    pub features: &'a [usize],
    pub rules: Rules,
}

/// A tree with the rows that ended in each leaf, as ranges of the row list.
pub(super) struct Grown {
    pub tree: Tree,
    pub ranges: Vec<Range<usize>>,
    /// What each split lowered the loss by, doubled, with its feature.
    pub gains: Vec<(usize, f64)>,
}

struct OpenLeaf {
    range: Range<usize>,
    sums: Sums,
    histogram: Histogram,
    best: Option<Split>,
    /// The node above and whether this is its right child.
    above: Option<(usize, bool)>,
}

impl<'a> Grower<'a> {
    pub(super) fn new(bins: &'a Bins, binned: &'a BinnedRows, leaves: usize, learning_rate: f64) -> Self {
        Self { bins, binned, leaves, learning_rate, spare: Vec::new(), scratch: Vec::new() }
    }

    /// Grows a tree on the rows, whose order it changes. `None` when no split is worth it.
    pub(super) fn grow(&mut self, rows: &mut [u32], ground: &Ground) -> Option<Grown> {
        let mut open = vec![self.root(rows, ground)];
        let (mut nodes, mut gains) = (Vec::new(), Vec::new());
        while open.len() < self.leaves {
            let Some((at, split)) = best_leaf(&open) else { break };
            let leaf = open.swap_remove(at);
            let number = nodes.len();
            if let Some((above, right)) = leaf.above {
                let place: &mut Node = &mut nodes[above];
                *(if right { &mut place.right } else { &mut place.left }) = Child::Node(number as u8);
            }
            nodes.push(Node {
                feature: split.feature as u16,
                threshold: self.bins.threshold(split.feature, split.bin),
                missing_right: split.missing_right,
                left: Child::Leaf(0),
                right: Child::Leaf(0),
                mean: 0.0,
            });
            gains.push((split.feature, split.gain));
            let [left, right] = self.divide(leaf, &split, number, rows, ground);
            open.extend([left, right]);
        }
        if nodes.is_empty() {
            self.spare.extend(open.into_iter().map(|leaf| leaf.histogram));
            return None;
        }
        Some(self.close(nodes, open, gains, ground))
    }

    fn root(&mut self, rows: &[u32], ground: &Ground) -> OpenLeaf {
        let mut histogram = self.histogram(ground);
        histogram.fill(self.seen(ground), rows, ground.sums);
        let sums = histogram.bins(0).iter().fold(Sums::default(), |sum, bin| sum.plus(*bin));
        let best = self.best(&histogram, Undivided { sums, rows: rows.len() }, ground);
        OpenLeaf { range: 0..rows.len(), sums, histogram, best, above: None }
    }

    /// Every tree sees as many features, so that histograms can be used again.
    fn histogram(&mut self, ground: &Ground) -> Histogram {
        self.spare.pop().unwrap_or_else(|| Histogram::empty(ground.features.len()))
    }

    fn seen<'b>(&self, ground: &Ground<'b>) -> Seen<'b>
    where
        'a: 'b,
    {
        Seen { binned: self.binned, features: ground.features }
    }

    fn best(&self, histogram: &Histogram, leaf: Undivided, ground: &Ground) -> Option<Split> {
        best_split(histogram, self.bins, ground.features, leaf, &ground.rules)
    }

    /// Parts the leaf's rows; only the smaller child is added up, the other is the difference.
    fn divide(
        &mut self,
        leaf: OpenLeaf,
        split: &Split,
        node: usize,
        rows: &mut [u32],
        ground: &Ground,
    ) -> [OpenLeaf; 2] {
        let OpenLeaf { range, sums, histogram: mut bigger, .. } = leaf;
        let column = self.binned.column(split.feature);
        let middle = range.start + part(&mut rows[range.clone()], &mut self.scratch, column, split);
        let ranges = [range.start..middle, middle..range.end];
        let right_is_smaller = ranges[1].len() < ranges[0].len();
        let mut smaller = self.histogram(ground);
        smaller.fill(self.seen(ground), &rows[ranges[usize::from(right_is_smaller)].clone()], ground.sums);
        bigger.take_away(&smaller);
        let histograms = if right_is_smaller { [bigger, smaller] } else { [smaller, bigger] };
        let child_sums = [split.left, sums.minus(split.left)];
        let whole = |side: usize| Undivided { sums: child_sums[side], rows: ranges[side].len() };
        let (left_best, right_best) = rayon::join(
            || self.best(&histograms[0], whole(0), ground),
            || self.best(&histograms[1], whole(1), ground),
        );
        let [left_range, right_range] = ranges.clone();
        let [left_histogram, right_histogram] = histograms;
        let open = |range, sums, histogram, best, right| OpenLeaf {
            range,
            sums,
            histogram,
            best,
            above: Some((node, right)),
        };
        [
            open(left_range, child_sums[0], left_histogram, left_best, false),
            open(right_range, child_sums[1], right_histogram, right_best, true),
        ]
    }

    /// Gives the leaves their values and the nodes their averages.
    fn close(
        &mut self,
        mut nodes: Vec<Node>,
        mut open: Vec<OpenLeaf>,
        gains: Vec<(usize, f64)>,
        ground: &Ground,
    ) -> Grown {
        open.sort_by_key(|leaf| leaf.range.start);
        let mut leaves = Vec::with_capacity(open.len());
        let mut totals = vec![(0.0f64, 0usize); nodes.len()];
        let mut node_above = vec![None; nodes.len()];
        for (number, leaf) in open.iter().enumerate() {
            let value = (ground.rules.value(leaf.sums) * self.learning_rate) as f32;
            leaves.push(value);
            let (above, right) = leaf.above.expect("a tree with nodes has no leaf without one above");
            *(if right { &mut nodes[above].right } else { &mut nodes[above].left }) =
                Child::Leaf(number as u8);
            totals[above].0 += f64::from(value) * leaf.range.len() as f64;
            totals[above].1 += leaf.range.len();
        }
        for (number, node) in nodes.iter().enumerate() {
            for child in [node.left, node.right] {
                if let Child::Node(below) = child {
                    node_above[usize::from(below)] = Some(number);
                }
            }
        }
        for number in (0..nodes.len()).rev() {
            let (sum, count) = totals[number];
            nodes[number].mean = (sum / count.max(1) as f64) as f32;
            if let Some(above) = node_above[number] {
                totals[above].0 += sum;
                totals[above].1 += count;
            }
        }
        let ranges = open.iter().map(|leaf| leaf.range.clone()).collect();
        self.spare.extend(open.into_iter().map(|leaf| leaf.histogram));
        Grown { tree: Tree { nodes, leaves }, ranges, gains }
    }
}

/// The leaf to part next; of equally good ones the one whose rows come first.
fn best_leaf(open: &[OpenLeaf]) -> Option<(usize, Split)> {
    open.iter()
        .enumerate()
        .filter_map(|(at, leaf)| leaf.best.map(|split| (at, split, leaf.range.start)))
        .max_by(|one, other| one.1.gain.total_cmp(&other.1.gain).then(other.2.cmp(&one.2)))
        .map(|(at, split, _)| (at, split))
}

/// Puts the rows that go left first, each side in the order it had, and says how many those are.
fn part(rows: &mut [u32], scratch: &mut Vec<u32>, column: &[u8], split: &Split) -> usize {
    let goes_right: [bool; 256] =
        std::array::from_fn(|bin| if bin == 0 { split.missing_right } else { bin > usize::from(split.bin) });
    scratch.resize(scratch.len().max(rows.len()), 0);
    let parts: Vec<(usize, usize)> = rows
        .par_chunks_mut(ROWS_AT_ONCE)
        .zip(scratch.par_chunks_mut(ROWS_AT_ONCE))
        .map(|(rows, scratch)| part_some(rows, scratch, column, &goes_right))
        .collect();
    let mut lefts = 0;
    for (chunk, &(left, _)) in parts.iter().enumerate() {
        let start = chunk * ROWS_AT_ONCE;
        rows.copy_within(start..start + left, lefts);
        lefts += left;
    }
    let mut place = lefts;
    for (chunk, &(_, right)) in parts.iter().enumerate() {
        let start = chunk * ROWS_AT_ONCE;
        rows[place..place + right].copy_from_slice(&scratch[start..start + right]);
        place += right;
    }
    lefts
}

/// Moves the rows that go left to the front, copies the others to the scratch, and counts both.
fn part_some(
    rows: &mut [u32],
    scratch: &mut [u32],
    column: &[u8],
    goes_right: &[bool; 256],
) -> (usize, usize) {
    let (mut left, mut right) = (0, 0);
    for at in 0..rows.len() {
        let row = rows[at];
        let is_right = goes_right[usize::from(column[row as usize])];
        // Both are written and one of them counted: no branch to mispredict.
        rows[left] = row;
        scratch[right] = row;
        left += usize::from(!is_right);
        right += usize::from(is_right);
    }
    (left, right)
}
