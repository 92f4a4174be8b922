//! Scoring in two stages gives the best rows and their scores, as scoring every row does.

use super::{
    super::{FeatureBlock, Forest, ForestSettings, LANES, Promising, promising::FIRST_TREES},
    worlds::planted,
};

fn block_of(rows: usize, seed: u64) -> FeatureBlock {
    let unseen = planted(seed, 1 + rows / 20);
    let mut block = FeatureBlock::new(unseen.features());
    block.reset(rows);
    for feature in 0..unseen.features() {
        for row in 0..rows {
            block.set(row, feature, unseen.column(feature)[row % unseen.rows()]);
        }
    }
    block
}

#[test]
fn what_is_promising_is_scored_to_the_same_bits_and_the_best_are_among_it() {
    let settings = ForestSettings { trees: 90, min_rows_in_leaf: 20, ..ForestSettings::default() };
    let forest = Forest::train(&planted(1, 300), None, &settings).forest;
    assert!(forest.trees() > FIRST_TREES, "{} trees", forest.trees());
    let mut memory = Promising::default();
    for (seed, rows, keep) in [(2, 300, 90), (3, 10 * LANES, 96), (4, 133, 40), (5, 133, 1)] {
        let block = block_of(rows, seed);
        let (mut whole, mut staged) = (vec![0.0; rows], vec![0.0; rows]);
        forest.score(&block, &mut whole);
        forest.score_promising(&block, keep, &mut memory, &mut staged);
        let kept = (0..rows).filter(|&row| staged[row] > f32::NEG_INFINITY);
        assert_eq!(kept.clone().count(), keep);
        assert!(kept.clone().all(|row| staged[row].to_bits() == whole[row].to_bits()));
        let best = |scores: &[f32]| {
            let mut order: Vec<usize> = (0..rows).collect();
            order.sort_by(|&one, &other| scores[other].total_cmp(&scores[one]).then(one.cmp(&other)));
            order.truncate(keep / 4);
            order
        };
        assert_eq!(best(&whole), best(&staged), "the best quarter of {keep} among {rows}");
    }
}

#[test]
fn few_rows_are_all_scored() {
    let settings = ForestSettings { trees: 40, min_rows_in_leaf: 20, ..ForestSettings::default() };
    let forest = Forest::train(&planted(1, 100), None, &settings).forest;
    let block = block_of(60, 2);
    let (mut whole, mut staged) = (vec![0.0; 60], vec![0.0; 60]);
    forest.score(&block, &mut whole);
    for keep in [0, 29, 60, 1_000] {
        forest.score_promising(&block, keep, &mut Promising::default(), &mut staged);
        assert_eq!(whole, staged);
    }
}
