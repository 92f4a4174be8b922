//! How often the matcher is right on the labelled names, and how long a name takes.

use std::time::Instant;

use larder_nutrition::matching::{FoodMatcher, FoodTable, JudgedName, judge};

use crate::rows::Rows;

const SAMPLE: &str = include_str!("../../src/matching/tests/sample.tsv");

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub(crate) fn measure(rows: &mut Rows) {
    let start = Instant::now();
    let table = FoodTable::usda();
    let matcher = FoodMatcher::new(&table);
    rows.row("nutrition.match.ready", start.elapsed().as_secs_f64() * 1e3, "ms", None);
    let names = JudgedName::parse(SAMPLE).expect("the sample can be read");
    let judgement = judge(&table, &matcher, &names);
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    rows.row(
        "nutrition.match.right_in_three",
        share(judgement.right_in_three, judgement.names),
        "",
        Some(">= 0.9"),
    );
    rows.row("nutrition.match.right_first", share(judgement.right_first, judgement.names), "", None);
    rows.row("nutrition.match.mean_confidence", judgement.mean_confidence, "", None);
    rows.row("nutrition.match.brier", judgement.brier, "", None);
    let mut times = Vec::new();
    for _ in 0..5 {
        for each in &names {
            let start = Instant::now();
            std::hint::black_box(matcher.find(&each.name, &each.category));
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    rows.row("nutrition.match.name.p50", crate::rows::quantile(&mut times, 0.5), "ms", None);
    rows.row("nutrition.match.name.p99", crate::rows::quantile(&mut times, 0.99), "ms", Some("< 5"));
}
