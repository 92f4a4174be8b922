//! How long scoring takes: 100,000 products for one profile on one core, printed as JSON. The
//! foods of the table are repeated, so that real amounts and real gaps are scored.
#![expect(clippy::disallowed_methods, reason = "a measurement reads the real clock")]

use std::time::{Duration, Instant};

use larder_nutrition::matching::FoodTable;
use larder_nutrition::{DailyValues, FoodWords, ScoreColumns, ScoreInput, ScoreModel, nutri_score_category};

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
    println!("{{");
    println!("  \"derive_names\": {}, \"derive_ms\": {:.1},", table.foods().len(), milliseconds(derived));
    println!("  \"products\": {PRODUCTS}, \"build_columns_ms\": {:.1},", milliseconds(measured));
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
        let (median, slowest) = (times[RUNS / 2], times[RUNS - 1]);
        let end = if goal == "muscle_gain" { "" } else { "," };
        println!(
            "  \"score_{goal}_ms\": {{\"median\": {:.2}, \"slowest\": {:.2}}}{end}",
            milliseconds(median),
            milliseconds(slowest)
        );
    }
    println!("}}");
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
