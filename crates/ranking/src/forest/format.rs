//! A forest's bytes. Reading refuses whatever could not have been grown, so that scoring never
//! meets a node that is not there.

use super::{
    Forest, MOST_FEATURES, MOST_LEAVES, MOST_TREES,
    tree::{Child, Node, Tree},
};
use crate::{
    SnapshotError,
    snapshot::bytes::{Reader, Writer},
};

/// A child's byte: its number, and this bit when it is a leaf.
const IS_LEAF: u8 = 0x80;

impl Forest {
    pub(crate) fn encode(&self, writer: &mut Writer) {
        writer.whole(self.features as u64);
        writer.f32(self.bias);
        writer.whole(self.trees.len() as u64);
        for tree in &self.trees {
            writer.u8(tree.nodes.len() as u8);
            for node in &tree.nodes {
                writer.whole(u64::from(node.feature) << 1 | u64::from(node.missing_right));
                writer.f32(node.threshold);
                writer.u8(byte_of(node.left));
                writer.u8(byte_of(node.right));
                writer.f32(node.mean);
            }
            for &leaf in &tree.leaves {
                writer.f32(leaf);
            }
        }
    }

    pub(crate) fn decode(reader: &mut Reader) -> Result<Self, SnapshotError> {
        let features = reader.whole()?;
        if features > MOST_FEATURES as u64 {
            return Err(reader.inconsistent("the forest has too many features"));
        }
        let features = features as usize;
        let bias = reader.finite()?;
        let count = reader.count()?;
        if count > MOST_TREES {
            return Err(reader.inconsistent("the forest has too many trees"));
        }
        let trees = (0..count).map(|_| read_tree(reader, features)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(features, bias, trees))
    }
}

fn read_tree(reader: &mut Reader, features: usize) -> Result<Tree, SnapshotError> {
    let inner = usize::from(reader.u8()?);
    if inner == 0 || inner >= MOST_LEAVES {
        return Err(reader.inconsistent("a tree has too few or too many nodes"));
    }
    let nodes =
        (0..inner).map(|number| read_node(reader, number, features)).collect::<Result<Vec<_>, _>>()?;
    let leaves = (0..=inner).map(|_| reader.finite()).collect::<Result<Vec<_>, _>>()?;
    let tree = Tree { nodes, leaves };
    if tree.leaves_in_order().is_none() {
        return Err(reader.inconsistent("a tree's nodes do not make one tree"));
    }
    Ok(tree)
}

fn read_node(reader: &mut Reader, number: usize, features: usize) -> Result<Node, SnapshotError> {
    let packed = reader.whole()?;
    let feature = packed >> 1;
    if feature >= features as u64 {
        return Err(reader.inconsistent("a tree asks for a feature that is not there"));
    }
    let threshold = reader.finite()?;
    let (left, right) = (child_of(reader.u8()?), child_of(reader.u8()?));
    for child in [left, right] {
        if matches!(child, Child::Node(node) if usize::from(node) <= number) {
            return Err(reader.inconsistent("a tree's node leads back"));
        }
    }
    let mean = reader.finite()?;
    Ok(Node { feature: feature as u16, threshold, missing_right: packed & 1 == 1, left, right, mean })
}

fn byte_of(child: Child) -> u8 {
    match child {
        Child::Node(node) => node,
        Child::Leaf(leaf) => leaf | IS_LEAF,
    }
}

fn child_of(byte: u8) -> Child {
    if byte & IS_LEAF == 0 { Child::Node(byte) } else { Child::Leaf(byte & !IS_LEAF) }
}
