//! One tree: inner nodes that compare a feature with a threshold, and leaves that add to the score.

use super::MOST_LEAVES;

/// Where a row goes from a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// On to another inner node, always of a higher number.
    Node(u8),
    /// To a leaf.
    Leaf(u8),
}

/// One comparison.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Node {
    pub feature: u16,
    /// A row whose value is above goes right; finite.
    pub threshold: f32,
    /// Where a row whose value is missing goes.
    pub missing_right: bool,
    pub left: Child,
    pub right: Child,
    /// What the training rows that came here got from this tree, on average.
    pub mean: f32,
}

/// One tree of at least two leaves; node 0 is the root.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    /// One fewer than leaves.
    pub nodes: Vec<Node>,
    pub leaves: Vec<f32>,
}

impl Node {
    /// Where a row of this value goes.
    pub(super) fn child(&self, value: f32) -> Child {
        let right = value > self.threshold || (self.missing_right && value.is_nan());
        if right { self.right } else { self.left }
    }
}

impl Tree {
    /// What a row of these features gets: the plain way, against which the fast one is tested.
    #[cfg(test)]
    pub(super) fn value_of(&self, feature: impl Fn(usize) -> f32) -> f32 {
        let mut node = &self.nodes[0];
        loop {
            match node.child(feature(usize::from(node.feature))) {
                Child::Node(next) => node = &self.nodes[usize::from(next)],
                Child::Leaf(leaf) => return self.leaves[usize::from(leaf)],
            }
        }
    }

    /// The average training value of a node or leaf.
    pub(super) fn mean_of(&self, child: Child) -> f32 {
        match child {
            Child::Node(node) => self.nodes[usize::from(node)].mean,
            Child::Leaf(leaf) => self.leaves[usize::from(leaf)],
        }
    }

    /// Leaf numbers from left to right; also proves that every node and leaf is reached exactly
    /// once. `None` when the nodes are not one tree.
    pub(super) fn leaves_in_order(&self) -> Option<Vec<u8>> {
        if self.nodes.is_empty()
            || self.leaves.len() > MOST_LEAVES
            || self.nodes.len() + 1 != self.leaves.len()
        {
            return None;
        }
        let (mut order, mut seen_nodes, mut seen_leaves) = (Vec::new(), 0u32, 0u32);
        let mut open = vec![Child::Node(0)];
        while let Some(child) = open.pop() {
            let (seen, number, count) = match child {
                Child::Node(node) => (&mut seen_nodes, node, self.nodes.len()),
                Child::Leaf(leaf) => (&mut seen_leaves, leaf, self.leaves.len()),
            };
            if usize::from(number) >= count || *seen & (1 << number) != 0 {
                return None;
            }
            *seen |= 1 << number;
            match child {
                Child::Node(node) => {
                    open.extend([self.nodes[usize::from(node)].right, self.nodes[usize::from(node)].left])
                }
                Child::Leaf(leaf) => order.push(leaf),
            }
        }
        (order.len() == self.leaves.len()).then_some(order)
    }
}
