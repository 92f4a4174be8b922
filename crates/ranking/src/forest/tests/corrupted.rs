//! What is written is read back; what could not have been written is refused.

use proptest::prelude::*;

use super::super::{
    Calibration, FeatureBlock, Forest, MOST_TREES,
    tree::{Child, Tree},
};
use super::worlds::{FEATURES, any_forest, trained_forest};
use crate::{
    SnapshotError,
    snapshot::bytes::{Reader, Writer},
};

fn bytes_of(forest: &Forest) -> Vec<u8> {
    let mut writer = Writer::default();
    forest.encode(&mut writer);
    writer.into_bytes()
}

fn read(bytes: &[u8]) -> Result<Forest, SnapshotError> {
    let mut reader = Reader::new("forest", bytes);
    let forest = Forest::decode(&mut reader)?;
    reader.finish()?;
    Ok(forest)
}

/// Why a forest with this first tree is refused.
fn refusal(change: impl FnOnce(&mut Tree)) -> &'static str {
    let mut forest = trained_forest();
    change(&mut forest.trees[0]);
    match read(&bytes_of(&forest)) {
        Err(SnapshotError::Inconsistent { detail, .. }) => detail,
        other => panic!("not refused as inconsistent: {other:?}"),
    }
}

#[test]
fn a_trained_forest_is_read_as_it_was_written() {
    let forest = trained_forest();
    assert!(forest.trees() > 0);
    assert_eq!(read(&bytes_of(&forest)).unwrap(), forest);
}

#[test]
fn a_calibration_is_read_as_it_was_written() {
    let calibration = Calibration::fit(&[-1.0, 0.5, 2.0], &[false, true, true]).unwrap();
    let mut writer = Writer::default();
    calibration.encode(&mut writer);
    let bytes = writer.into_bytes();
    assert_eq!(Calibration::decode(&mut Reader::new("calibration", &bytes)), Ok(calibration));
    let not_a_number = [f32::NAN.to_le_bytes(), 1.0f32.to_le_bytes()].concat();
    assert!(Calibration::decode(&mut Reader::new("calibration", &not_a_number)).is_err());
}

#[test]
fn trees_that_are_no_trees_are_refused() {
    let (back, broken) = ("a tree's node leads back", "a tree's nodes do not make one tree");
    assert_eq!(refusal(|tree| tree.nodes[0].left = Child::Node(0)), back);
    assert_eq!(refusal(|tree| tree.nodes[2].right = Child::Node(1)), back);
    assert_eq!(refusal(|tree| tree.nodes[0].left = Child::Node(99)), broken);
    assert_eq!(refusal(|tree| tree.nodes[0].left = Child::Leaf(31)), broken);
    assert_eq!(refusal(|tree| tree.nodes[0].left = tree.nodes[0].right), broken);
    assert_eq!(
        refusal(|tree| tree.nodes[0].feature = FEATURES as u16),
        "a tree asks for a feature that is not there"
    );
    let weight = "a weight is not a finite number";
    assert_eq!(refusal(|tree| tree.nodes[0].threshold = f32::NAN), weight);
    assert_eq!(refusal(|tree| tree.nodes[0].mean = f32::INFINITY), weight);
    assert_eq!(refusal(|tree| tree.leaves[0] = f32::NAN), weight);
}

#[test]
fn too_much_of_anything_is_refused() {
    let forest = trained_forest();
    let mut many = forest.clone();
    many.trees = std::iter::repeat_n(forest.trees[0].clone(), MOST_TREES + 1).collect();
    assert!(read(&bytes_of(&many)).unwrap_err().to_string().ends_with("the forest has too many trees"));
    many.features = 257;
    assert!(read(&bytes_of(&many)).unwrap_err().to_string().ends_with("the forest has too many features"));
    many = forest.clone();
    many.trees[0].nodes.clear();
    assert!(read(&bytes_of(&many)).unwrap_err().to_string().ends_with("too few or too many nodes"));
}

#[test]
fn every_cut_is_refused() {
    let bytes = bytes_of(&trained_forest());
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_err(), "cut to {length} of {} bytes", bytes.len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_forest_is_read_as_it_was_written(forest in any_forest()) {
        prop_assert_eq!(read(&bytes_of(&forest)).unwrap(), forest);
    }

    #[test]
    fn damaged_bytes_are_refused_or_make_a_forest_that_scores(
        forest in any_forest(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = bytes_of(&forest);
        for (place, value) in places {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(forest) = read(&bytes) {
            let mut block = FeatureBlock::new(forest.features());
            block.reset(17);
            let mut scores = [f32::NAN; 17];
            forest.score(&block, &mut scores);
            prop_assert!(scores.iter().all(|score| !score.is_nan()));
        }
    }
}
