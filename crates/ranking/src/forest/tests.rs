//! Laws and behaviours of growing and applying a forest.

mod corrupted;
mod promising;
mod worlds;

use proptest::prelude::*;

use super::{
    Calibration, FeatureBlock, Forest, ForestSettings, MOST_TREES, Objective, Training, TrainingRows,
    validation::mean_ndcg,
};
use worlds::{any_block, any_forest, planted, single_group};

const LAMBDARANK: Objective = Objective::LambdaRank { truncation: 20 };

fn settings(objective: Objective) -> ForestSettings {
    ForestSettings { objective, trees: 40, min_rows_in_leaf: 20, ..ForestSettings::default() }
}

fn train_on(threads: usize, rows: &TrainingRows, settings: &ForestSettings) -> Training {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a few threads");
    pool.install(|| Forest::train(rows, None, settings))
}

fn scores_of(forest: &Forest, rows: &TrainingRows) -> Vec<f32> {
    let mut scores = vec![0.0; rows.rows()];
    let mut block = FeatureBlock::new(rows.features());
    for group in 0..rows.groups() {
        rows.fill_block(group, &mut block);
        forest.score(&block, &mut scores[rows.group(group)]);
    }
    scores
}

#[test]
fn a_forest_ranks_unseen_groups_better_than_any_single_feature() {
    let (rows, unseen) = (planted(1, 300), planted(2, 100));
    let single = |feature: usize, sign: f32| {
        let scores: Vec<f32> = unseen.column(feature).iter().map(|value| sign * value.max(-9.0)).collect();
        mean_ndcg(&unseen, &scores, 10)
    };
    let best = (0..unseen.features()).flat_map(|f| [single(f, 1.0), single(f, -1.0)]).fold(0.0, f64::max);
    for objective in [LAMBDARANK, Objective::Logistic] {
        let forest = Forest::train(&rows, None, &settings(objective)).forest;
        let learnt = mean_ndcg(&unseen, &scores_of(&forest, &unseen), 10);
        assert!(learnt > best + 0.1, "{objective:?}: nDCG {learnt:.3}, best single feature {best:.3}");
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let rows = planted(3, 500);
    for objective in [LAMBDARANK, Objective::Logistic] {
        let sampled =
            ForestSettings { group_fraction: 0.7, feature_fraction: 0.5, seed: 9, ..settings(objective) };
        for settings in [settings(objective), sampled] {
            let alone = train_on(1, &rows, &settings);
            let shared = train_on(2, &rows, &settings);
            assert!(alone.forest.trees() > 10);
            assert_eq!(alone.forest, shared.forest, "{settings:?}");
        }
    }
}

#[test]
fn the_order_of_groups_changes_no_bit_when_every_tree_sees_all() {
    let rows = planted(4, 120);
    let mut turned_round = TrainingRows::new(rows.features());
    let mut block = FeatureBlock::new(rows.features());
    for group in (0..rows.groups()).rev() {
        rows.fill_block(group, &mut block);
        turned_round.push_group(&block, &rows.grades()[rows.group(group)], 1.0);
    }
    for objective in [LAMBDARANK, Objective::Logistic] {
        let settings = settings(objective);
        let forest = Forest::train(&rows, None, &settings).forest;
        assert_eq!(forest, Forest::train(&turned_round, None, &settings).forest, "{objective:?}");
    }
}

#[test]
fn another_seed_gives_another_forest_when_trees_see_a_share() {
    let rows = planted(5, 100);
    let of_seed = |seed| {
        let settings = ForestSettings { group_fraction: 0.5, seed, ..settings(LAMBDARANK) };
        Forest::train(&rows, None, &settings).forest
    };
    assert_ne!(of_seed(1), of_seed(2));
}

#[test]
fn missing_values_go_where_they_belong() {
    // Good rows are those whose only feature is missing, then those where it is large.
    let mut rows = TrainingRows::new(1);
    for group in 0..40 {
        let mut block = FeatureBlock::new(1);
        block.reset(30);
        let mut grades = vec![0; 30];
        for row in 6..30 {
            block.set(row, 0, (group * 7 + row * 13) as f32 % 30.0);
        }
        grades[..6].fill(1);
        rows.push_group(&block, &grades, 1.0);
    }
    for objective in [LAMBDARANK, Objective::Logistic] {
        let forest = Forest::train(&rows, None, &settings(objective)).forest;
        let scores = scores_of(&forest, &rows);
        assert_eq!(mean_ndcg(&rows, &scores, 6), 1.0, "{objective:?}");
    }
}

#[test]
fn constant_features_teach_nothing() {
    let mut rows = TrainingRows::new(3);
    let mut block = FeatureBlock::new(3);
    block.reset(40);
    block.column_mut(0).fill(1.5);
    block.column_mut(1).fill(0.0);
    rows.push_group(&block, &std::array::from_fn::<u8, 40, _>(|row| u8::from(row % 5 == 0)), 1.0);
    let ranked = Forest::train(&rows, None, &settings(LAMBDARANK));
    assert_eq!(ranked.forest.trees(), 0);
    assert_eq!(scores_of(&ranked.forest, &rows), vec![0.0; 40]);
    let logistic = Forest::train(&rows, None, &settings(Objective::Logistic));
    assert_eq!(logistic.forest.trees(), 0);
    assert_eq!(scores_of(&logistic.forest, &rows), vec![(8.5f64 / 32.5).ln() as f32; 40]);
}

#[test]
fn one_group_is_enough() {
    let rows = single_group();
    let settings = ForestSettings { min_rows_in_leaf: 5, ..settings(LAMBDARANK) };
    let trained = Forest::train(&rows, None, &settings);
    assert!(trained.forest.trees() > 0);
    assert_eq!(mean_ndcg(&rows, &scores_of(&trained.forest, &rows), 20), 1.0);
    assert!((trained.importance.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{:?}", trained.importance);
    assert!(trained.importance[0] > 0.9, "only the first feature matters: {:?}", trained.importance);
}

#[test]
fn nothing_to_learn_from_gives_a_forest_without_trees() {
    let none_good = {
        let mut rows = TrainingRows::new(2);
        let mut block = FeatureBlock::new(2);
        block.reset(20);
        rows.push_group(&block, &[0; 20], 1.0);
        rows
    };
    for rows in [TrainingRows::new(2), TrainingRows::new(0), none_good] {
        for objective in [LAMBDARANK, Objective::Logistic] {
            let trained = Forest::train(&rows, Some(&rows), &settings(objective));
            assert_eq!(trained.forest.trees(), 0);
            let mut block = FeatureBlock::new(rows.features());
            block.reset(33);
            let mut scores = vec![9.0; 33];
            trained.forest.score(&block, &mut scores);
            assert_eq!(scores, vec![trained.forest.average_score(); 33]);
        }
    }
}

#[test]
fn growing_ends_when_the_validation_rows_gain_nothing_more() {
    let (rows, unseen) = (planted(6, 40), planted(7, 60));
    let settings = ForestSettings {
        trees: MOST_TREES,
        learning_rate: 0.5,
        min_rows_in_leaf: 2,
        patience: Some(5),
        ndcg_at: 10,
        ..settings(LAMBDARANK)
    };
    let trained = Forest::train(&rows, Some(&unseen), &settings);
    let seen = &trained.validation_ndcg;
    let best = seen.iter().copied().fold(0.0, f64::max);
    let kept = trained.forest.trees();
    assert!(seen.len() < MOST_TREES, "it never ended");
    assert_eq!(seen.len(), kept + 5);
    assert_eq!(seen[kept - 1], best);
    let applied = mean_ndcg(&unseen, &scores_of(&trained.forest, &unseen), 10);
    assert!((applied - best).abs() < 1e-3, "applied {applied}, watched {best}");
}

#[test]
fn heavier_groups_have_more_say() {
    // Two kinds of groups want the opposite of the same feature.
    let learnt_with = |up: f32, down: f32| {
        let mut rows = TrainingRows::new(1);
        let mut block = FeatureBlock::new(1);
        for group in 0..40 {
            block.reset(20);
            for row in 0..20 {
                block.set(row, 0, row as f32);
            }
            let wants_up = group % 2 == 0;
            let grades: [u8; 20] = std::array::from_fn(|row| u8::from((row >= 10) == wants_up));
            rows.push_group(&block, &grades, if wants_up { up } else { down });
        }
        let forest = Forest::train(&rows, None, &settings(LAMBDARANK)).forest;
        block.reset(20);
        block.set(0, 0, 0.0);
        block.set(1, 0, 19.0);
        let mut scores = [0.0; 20];
        forest.score(&block, &mut scores);
        scores[1] - scores[0]
    };
    assert!(learnt_with(5.0, 1.0) > 0.1);
    assert!(learnt_with(1.0, 5.0) < -0.1);
}

#[test]
fn calibration_finds_the_chances_behind_the_margins() {
    let margins: Vec<f32> = (0..20_000).map(|at| (at % 200) as f32 / 20.0 - 5.0).collect();
    // 100 cases of each margin, of which the share that a sigmoid says happened.
    let share = |margin: f32| 1.0 / (1.0 + (-0.8 * f64::from(margin) + 1.0).exp());
    let happened: Vec<bool> = margins
        .iter()
        .enumerate()
        .map(|(at, &margin)| ((at / 200) as f64 + 0.5) / 100.0 < share(margin))
        .collect();
    let calibration = Calibration::fit(&margins, &happened).unwrap();
    for margin in [-3.0, 0.0, 2.0, 4.0] {
        let (found, true_share) = (f64::from(calibration.chance(margin)), share(margin));
        assert!((found - true_share).abs() < 0.01, "at {margin}: {found:.3}, not {true_share:.3}");
    }
}

#[test]
fn calibration_of_extremes_stays_a_chance() {
    assert_eq!(Calibration::fit(&[], &[]), None);
    assert_eq!(Calibration::fit(&[f32::NAN], &[true]), None);
    let cases: [(&[f32], &[bool]); 4] = [
        (&[1.0, 2.0, 3.0, 4.0], &[false, false, true, true]),
        (&[1.0, 1.0, 1.0], &[true, false, false]),
        (&[1.0, 2.0], &[true, true]),
        (&[-1e9, 1e9], &[false, true]),
    ];
    for (margins, happened) in cases {
        let calibration = Calibration::fit(margins, happened).unwrap();
        for margin in [f32::MIN, -3.0, 0.0, 3.0, f32::MAX] {
            let chance = calibration.chance(margin);
            assert!((0.0..=1.0).contains(&chance), "{margins:?}: {chance} at {margin}");
        }
        let all: f32 = margins.iter().map(|&margin| calibration.chance(margin)).sum();
        assert!(all > 0.0 && all < margins.len() as f32, "{margins:?}: no certainty from few cases");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn scoring_many_at_once_is_walking_each_tree(forest in any_forest(), block in any_block()) {
        let mut scores = vec![0.0; block.rows()];
        forest.score(&block, &mut scores);
        for (row, &score) in scores.iter().enumerate() {
            let walked = forest.trees.iter().fold(forest.bias, |sum, tree| sum + tree.value_of(|f| block.get(row, f)));
            prop_assert_eq!(score.to_bits(), walked.to_bits(), "row {}: {} is not {}", row, score, walked);
        }
    }

    #[test]
    fn contributions_add_up_to_the_score(forest in any_forest(), block in any_block()) {
        let mut scores = vec![0.0; block.rows()];
        forest.score(&block, &mut scores);
        let mut contributions = vec![0.0; forest.features()];
        for (row, &score) in scores.iter().enumerate() {
            forest.contributions(&block, row, &mut contributions);
            let sum = forest.average_score() + contributions.iter().sum::<f32>();
            prop_assert!((sum - score).abs() < 1e-4, "row {row}: {sum} is not {score}");
        }
    }
}
