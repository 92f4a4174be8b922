//! How long scoring takes, 100,000 products for one profile on one core, and how often an allergen
//! that is read from a name is there, a JSON object a row. The foods of the table are repeated, so that
//! real amounts and real gaps are scored.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the real clock")]

use std::time::{Duration, Instant};

use larder_nutrition::matching::FoodTable;
use larder_nutrition::{
    Allergen, DailyValues, FoodWords, Nutrients, Presence, ScoreColumns, ScoreInput, ScoreModel,
    nutri_score_category,
};

/// Foods with the allergens that a person read from their names.
const LABELLED: &str = include_str!("../src/derive/tests/labelled_foods.tsv");

const PRODUCTS: usize = 100_000;
const RUNS: usize = 50;

fn main() {
    let table = FoodTable::usda();
    let words = FoodWords::default();
    let daily_values = DailyValues::fda_2016();
    let began = Instant::now();
    let categories: Vec<_> = table
        .foods()
        .iter()
        .map(|food| {
            let food = &food.food;
            let derived = words.derive(&food.name, &food.category, &food.per_100g);
            nutri_score_category(&food.name, &food.category, derived.kinds).unwrap_or_default()
        })
        .collect();
    let derived = began.elapsed();
    let inputs = table.foods().iter().zip(categories).cycle().take(PRODUCTS).map(|(food, category)| {
        ScoreInput { per_100g: &food.food.per_100g, category, fruit_percent: None, has_sweetener: None }
    });
    let began = Instant::now();
    let columns = ScoreColumns::of(inputs, &daily_values);
    let measured = began.elapsed();
    row("derive-one-name", milliseconds(derived) * 1000.0 / table.foods().len() as f64, "us", None);
    let (told, right, there) = allergens_told(&words);
    row("allergens-contains-precision", right as f64 / told as f64, "share", Some(">= 0.98"));
    row("allergens-contains-recall", right as f64 / there as f64, "share", None);
    row("allergens-told", told as f64, "allergens", None);
    row("score-100k-columns", milliseconds(measured), "ms", None);
    for goal in ["balanced", "weight_loss", "muscle_gain"] {
        let model = ScoreModel::named(goal).expect("the crate brings it");
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| {
                let began = Instant::now();
                let scored = std::hint::black_box(columns.score(&model));
                assert_eq!(scored.len(), PRODUCTS);
                began.elapsed()
            })
            .collect();
        times.sort();
        row(&format!("score-100k-{goal}"), milliseconds(times[RUNS / 2]), "ms", Some("< 20"));
        row(&format!("score-100k-{goal}-slowest"), milliseconds(times[RUNS - 1]), "ms", None);
    }
}

/// One figure, as `cargo xtask bench` reads it.
fn row(id: &str, value: f64, unit: &str, target: Option<&str>) {
    println!("{}", serde_json::json!({ "id": id, "value": value, "unit": unit, "target": target }));
}

/// Of the sample that changed no words: allergens told, told and right, and there.
fn allergens_told(words: &FoodWords) -> (usize, usize, usize) {
    let (mut told, mut right, mut there) = (0, 0, 0);
    for line in LABELLED.lines().filter(|line| line.starts_with("2\t")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let labels: Vec<Allergen> = fields[3]
            .split_whitespace()
            .flat_map(|word| Allergen::named(word).expect("an allergen"))
            .copied()
            .collect();
        let allergens = words.derive(fields[1], fields[2], &Nutrients::UNKNOWN).allergens;
        there += labels.len();
        for allergen in Allergen::ALL.into_iter().filter(|one| allergens.get(*one) == Presence::Contains) {
            told += 1;
            right += usize::from(labels.contains(&allergen));
        }
    }
    (told, right, there)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
