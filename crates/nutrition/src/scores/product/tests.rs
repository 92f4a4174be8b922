//! Scores add up, keep to their range, move the right way, and are the same one by one as in columns.

use super::*;
use crate::scores::NutriScoreCategory;
use crate::{Nutrient, Nutrients};
use proptest::prelude::*;

fn input(per_100g: &Nutrients) -> ScoreInput<'_> {
    ScoreInput {
        per_100g,
        category: NutriScoreCategory::General,
        fruit_percent: Some(0.0),
        has_sweetener: Some(false),
    }
}

fn model(name: &str) -> ScoreModel {
    ScoreModel::named(name).expect("it is there")
}

fn whole_food(amounts: [f32; 13]) -> Nutrients {
    let nutrients = [
        Nutrient::Energy,
        Nutrient::Protein,
        Nutrient::Fat,
        Nutrient::SaturatedFat,
        Nutrient::Carbohydrate,
        Nutrient::Sugars,
        Nutrient::AddedSugars,
        Nutrient::Fibre,
        Nutrient::Sodium,
        Nutrient::VitaminA,
        Nutrient::VitaminC,
        Nutrient::Calcium,
        Nutrient::Iron,
    ];
    let minor = [Nutrient::VitaminE, Nutrient::Potassium, Nutrient::Magnesium];
    let food = nutrients
        .into_iter()
        .zip(amounts)
        .fold(Nutrients::UNKNOWN, |all, (one, amount)| all.with(one, amount));
    minor.into_iter().fold(food, |all, one| all.with(one, 5.0))
}

#[test]
fn a_score_is_worked_out_by_hand() {
    let json = r#"{"name": "own", "terms": [
        {"measure": "protein_per_100g", "worst": 0, "best": 20, "weight": 3},
        {"measure": "sugars_per_100g", "worst": 40, "best": 0, "weight": 1}]}"#;
    let own = ScoreModel::from_json(json).expect("it is sound");
    let food = Nutrients::UNKNOWN.with(Nutrient::Protein, 10.0).with(Nutrient::Sugars, 30.0);
    let score = own.score(&input(&food), &DailyValues::fda_2016());
    // 75 * 0.5 + 25 * 0.25 = 43.75.
    assert_eq!(score.score, Some(43.75));
    assert_eq!((score.low, score.high, score.confidence), (43.75, 43.75, 1.0));
    assert_eq!(score.improvements, ["more protein: up to 38 points", "less sugar: up to 19 points"]);
}

#[test]
fn what_is_not_known_lowers_the_confidence_and_not_the_score() {
    let json = r#"{"name": "own", "terms": [
        {"measure": "protein_per_100g", "worst": 0, "best": 20, "weight": 3},
        {"measure": "sugars_per_100g", "worst": 40, "best": 0, "weight": 1}]}"#;
    let own = ScoreModel::from_json(json).expect("it is sound");
    let food = Nutrients::UNKNOWN.with(Nutrient::Protein, 10.0);
    let score = own.score(&input(&food), &DailyValues::fda_2016());
    assert_eq!((score.score, score.confidence), (Some(50.0), 0.75));
    assert_eq!((score.low, score.high), (37.5, 62.5));
    let nothing = own.score(&input(&Nutrients::UNKNOWN), &DailyValues::fda_2016());
    assert_eq!((nothing.score, nothing.low, nothing.high, nothing.confidence), (None, 0.0, 100.0, 0.0));
}

#[test]
fn goals_rank_foods_as_people_would() {
    let table = crate::matching::FoodTable::usda();
    let daily_values = DailyValues::fda_2016();
    let score = |name: &str, goal: &str| {
        let food =
            table.foods().iter().find(|food| food.food.name == name).unwrap_or_else(|| panic!("no {name}"));
        model(goal).score(&input(&food.food.per_100g), &daily_values).score.expect("it is measured")
    };
    let spinach = "Spinach, raw";
    let tuna = "Fish, tuna, fresh, bluefin, raw";
    let butter = "Butter, salted";
    assert!(score(spinach, "weight_loss") > 80.0, "{}", score(spinach, "weight_loss"));
    assert!(score(butter, "weight_loss") < 15.0, "{}", score(butter, "weight_loss"));
    assert!(score(tuna, "muscle_gain") > score(spinach, "muscle_gain"));
    assert!(score(spinach, "balanced") > score(butter, "balanced") + 50.0);
}

#[test]
fn unsound_models_are_refused_by_field() {
    let refused = |json: &str| ScoreModel::from_json(json).expect_err("it is unsound").to_string();
    let term = |text: &str| refused(&format!(r#"{{"name": "own", "terms": [{text}]}}"#));
    let sugar = r#"{"measure": "sugars_per_100g", "worst": 40, "best": 0, "weight": 1}"#;
    assert!(term("").contains("score_model.terms: 0 is refused"));
    assert!(term(&sugar.replace("1}", "-1}")).contains("score_model.terms[0].weight: -1"));
    assert!(term(&sugar.replace("40", "0")).contains("another value than worst"));
    assert!(term(&format!("{sugar}, {sugar}")).contains("each measure once"));
    assert!(term(&sugar.replace("sugars", "tastiness")).contains("tastiness"));
    assert!(refused(r#"{"name": "Own goal", "terms": []}"#).contains("score_model.name"));
    let names = ScoreModel::named("tasty").expect_err("there is none").to_string();
    assert!(names.contains("balanced, weight_loss, muscle_gain"), "{names}");
    for name in ["balanced", "weight_loss", "muscle_gain"] {
        let json = serde_json::to_string(&model(name)).expect("it is plain");
        assert_eq!(ScoreModel::from_json(&json), Ok(model(name)));
    }
}

fn amounts() -> impl Strategy<Value = [f32; 13]> {
    let macros = (20.0..900.0_f32, 0.0..40.0_f32, 0.0..90.0_f32, 0.0..40.0_f32, 0.0..90.0_f32);
    let rest = (0.0..60.0_f32, 0.0..50.0_f32, 0.0..20.0_f32, 0.0..3000.0_f32);
    let minor = (0.0..900.0_f32, 0.0..90.0_f32, 0.0..1000.0_f32, 0.0..20.0_f32);
    (macros, rest, minor).prop_map(|(one, two, three)| {
        [one.0, one.1, one.2, one.3, one.4, two.0, two.1, two.2, two.3, three.0, three.1, three.2, three.3]
    })
}

proptest! {
    #[test]
    fn better_amounts_never_lower_a_score(
        amounts in amounts(), more in 0.5..30.0_f32,
        goal in prop::sample::select(vec!["balanced", "weight_loss", "muscle_gain"]),
        (place, is_better) in prop::sample::select(vec![
            (1_usize, true), (7, true), (9, true), (10, true), (11, true), (12, true),
            (3, false), (5, false), (6, false), (8, false),
        ])
    ) {
        let daily_values = DailyValues::fda_2016();
        let score = |amounts: [f32; 13]| {
            let food = whole_food(amounts);
            model(goal).score(&input(&food), &daily_values).score.expect("all is known")
        };
        let mut changed = amounts;
        changed[place] += more;
        let (before, after) = (score(amounts), score(changed));
        prop_assert!(if is_better { after >= before - 1e-9 } else { after <= before + 1e-9 }, "{before} {after}");
    }

    #[test]
    fn contributions_add_up_and_columns_agree(
        amounts in amounts(), hidden in 0..8192_u32, fruit in prop::option::of(0.0..100.0_f64),
        goal in prop::sample::select(vec!["balanced", "weight_loss", "muscle_gain"])
    ) {
        let mut food = whole_food(amounts);
        for (place, nutrient) in Nutrient::ALL.into_iter().take(13).enumerate() {
            if hidden & (1 << place) != 0 {
                food = food.with(nutrient, None);
            }
        }
        let daily_values = DailyValues::fda_2016();
        let input = ScoreInput { fruit_percent: fruit, ..input(&food) };
        let score = model(goal).score(&input, &daily_values);
        let columns = ScoreColumns::of([input].into_iter(), &daily_values);
        let scored = columns.score(&model(goal))[0];
        prop_assert!((f64::from(scored.confidence) - score.confidence).abs() < 1e-4);
        prop_assert!(score.low <= score.high + 1e-9);
        if let Some(value) = score.score {
            let sum: f64 = score.contributions.iter().map(|one| one.points).sum();
            prop_assert!((sum - value).abs() < 1e-9 && (-1e-9..=100.0 + 1e-9).contains(&value));
            if score.confidence > 0.01 {
                prop_assert!((f64::from(scored.score) - value).abs() < 0.05, "{} {value}", scored.score);
            }
        }
    }
}
