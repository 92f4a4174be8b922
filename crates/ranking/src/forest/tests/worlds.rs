//! Rows and forests to test with.

use proptest::prelude::*;

use super::super::{
    FeatureBlock, Forest, ForestSettings, Objective, TrainingRows,
    sample::{Question, hash},
    tree::{Child, Node, Tree},
};

/// Features of every forest and block made here.
pub(super) const FEATURES: usize = 6;

/// A number in 0..1 that depends on nothing but the arguments.
fn uniform(seed: u64, row: usize, which: usize) -> f32 {
    (hash(seed, Question::Group, row, which) >> 40) as f32 / (1u64 << 24) as f32
}

/// Groups of 30 rows; what makes a row good takes two features together, a threshold, and a
/// feature that is missing when it matters.
pub(super) fn planted(seed: u64, groups: usize) -> TrainingRows {
    let mut rows = TrainingRows::new(FEATURES);
    let mut block = FeatureBlock::new(FEATURES);
    for group in 0..groups {
        block.reset(30);
        let mut worth = Vec::new();
        for row in 0..30 {
            let value = |which| uniform(seed, group * 30 + row, which) * 2.0 - 1.0;
            for feature in 0..FEATURES {
                block.set(row, feature, value(feature));
            }
            block.set(row, 4, (value(4) * 3.0).round());
            if value(9) > 0.4 {
                block.set(row, 3, f32::NAN);
            }
            let missing = if block.get(row, 3).is_nan() { 1.0 } else { 0.0 };
            let stepped = if value(2) > 0.3 { 0.7 } else { 0.0 };
            worth.push(2.0 * value(0) * value(1) + stepped + 0.8 * missing + 0.2 * value(8));
        }
        let mut sorted = worth.clone();
        sorted.sort_by(f32::total_cmp);
        let grades: Vec<u8> = worth
            .iter()
            .map(|&worth| u8::from(worth >= sorted[25]) + u8::from(worth >= sorted[28]))
            .collect();
        rows.push_group(&block, &grades, 1.0);
    }
    rows
}

/// One group of 60 rows whose first feature decides, the others being noise.
pub(super) fn single_group() -> TrainingRows {
    let mut rows = TrainingRows::new(FEATURES);
    let mut block = FeatureBlock::new(FEATURES);
    block.reset(60);
    for row in 0..60 {
        for feature in 0..FEATURES {
            block.set(row, feature, uniform(11, row, feature));
        }
    }
    let grades: Vec<u8> = block.column(0).iter().map(|&value| u8::from(value > 0.7)).collect();
    rows.push_group(&block, &grades, 1.0);
    rows
}

/// A forest as training makes them, of all the kinds of node.
pub(super) fn trained_forest() -> Forest {
    let settings = ForestSettings {
        objective: Objective::Logistic,
        trees: 8,
        min_rows_in_leaf: 5,
        ..ForestSettings::default()
    };
    Forest::train(&planted(8, 30), None, &settings).forest
}

/// A value a feature may have, often one that a threshold has too.
fn any_value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => (-4i8..=4).prop_map(|value| f32::from(value) / 2.0),
        3 => -3.0f32..3.0,
        2 => Just(f32::NAN),
        1 => prop::sample::select(vec![f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN, -0.0, 1e-40]),
    ]
}

pub(super) fn any_block() -> impl Strategy<Value = FeatureBlock> {
    prop::collection::vec(any_value(), 0..50 * FEATURES).prop_map(|values| {
        let mut block = FeatureBlock::new(FEATURES);
        block.reset(values.len() / FEATURES);
        for row in 0..block.rows() {
            for feature in 0..FEATURES {
                block.set(row, feature, values[row * FEATURES + feature]);
            }
        }
        block
    })
}

type Draw = (prop::sample::Index, usize, f32, bool);

fn any_tree() -> impl Strategy<Value = Tree> {
    let threshold = any_value().prop_filter("thresholds are finite", |value| value.is_finite());
    let node = (any::<prop::sample::Index>(), 0..FEATURES, threshold, any::<bool>());
    let leaves = prop::collection::vec(-1.0f32..1.0, 31);
    let nodes = prop::collection::vec(node, 1..=30);
    (nodes, leaves).prop_map(|(draws, leaves)| tree_of(&draws, &leaves))
}

/// Grows by parting any leaf, so that every shape comes up.
fn tree_of(draws: &[Draw], leaves: &[f32]) -> Tree {
    let mut nodes: Vec<Node> = Vec::new();
    let mut open: Vec<Option<(usize, bool)>> = vec![None];
    for (which, feature, threshold, missing_right) in draws {
        let above = open.swap_remove(which.index(open.len()));
        let number = nodes.len();
        hang(&mut nodes, above, Child::Node(number as u8));
        nodes.push(Node {
            feature: *feature as u16,
            threshold: *threshold,
            missing_right: *missing_right,
            left: Child::Leaf(0),
            right: Child::Leaf(0),
            mean: leaves[number] / 2.0,
        });
        open.extend([Some((number, false)), Some((number, true))]);
    }
    for (leaf, &above) in open.iter().enumerate() {
        hang(&mut nodes, above, Child::Leaf(leaf as u8));
    }
    Tree { nodes, leaves: leaves[..open.len()].to_vec() }
}

fn hang(nodes: &mut [Node], above: Option<(usize, bool)>, child: Child) {
    if let Some((above, right)) = above {
        *(if right { &mut nodes[above].right } else { &mut nodes[above].left }) = child;
    }
}

pub(super) fn any_forest() -> impl Strategy<Value = Forest> {
    (prop::collection::vec(any_tree(), 0..12), -2.0f32..2.0)
        .prop_map(|(trees, bias)| Forest::new(FEATURES, bias, trees))
}
