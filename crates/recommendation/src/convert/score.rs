//! Scores of foods on their way out.

use larder_nutrition as nutrition;
use larder_nutrition::{DailyValues, Food as PureFood, ScoreInput, ScoreModel};
use larder_proto::larder::nutrition::v1::*;

use crate::convert::target::word;
use crate::nutrition::scoring::score_input;

/// Every score of a food, explained.
pub(crate) fn food_score(
    food: &PureFood,
    source: NutrientSource,
    model: &ScoreModel,
    daily_values: &DailyValues,
) -> FoodScore {
    let input = score_input(food);
    FoodScore {
        food_id: food.food_id.clone(),
        name: food.name.clone(),
        nutrient_source: source.into(),
        goal: Some(goal_score(model.score(&input, daily_values))),
        nutri_score: Some(nutri_score(&input)),
        nrf: Some(nrf(nutrition::nrf9_3(&food.per_100g, daily_values))),
        doubts: nutrition::doubts_of(&food.per_100g).into_iter().map(doubt).collect(),
    }
}

fn goal_score(of: nutrition::ProductScore) -> GoalScore {
    let term = |one: &nutrition::Contribution| GoalScoreTerm {
        measure: word(&one.measure),
        value: one.value.map(range),
        points: one.points,
        max_points: one.most_points,
    };
    GoalScore {
        score: of.score,
        range: Some(ScoreRange { low: of.low, high: of.high }),
        confidence: of.confidence,
        terms: of.contributions.iter().map(term).collect(),
        improvements: of.improvements,
    }
}

fn range(of: nutrition::Range) -> ScoreRange {
    ScoreRange { low: of.low, high: of.high }
}

fn nutri_score(input: &ScoreInput<'_>) -> NutriScore {
    let of = nutrition::nutri_score(input);
    let part = |one: nutrition::ComponentPoints| NutriScorePart {
        component: word(&one.component),
        amount: one.amount,
        low: one.low,
        high: one.high,
    };
    NutriScore {
        letter: of.letter.map(|letter| word(&letter)).unwrap_or_default(),
        best_letter: word(&of.best_letter),
        worst_letter: word(&of.worst_letter),
        points_low: of.points_low,
        points_high: of.points_high,
        confidence: of.confidence,
        parts: of.components.into_iter().map(part).collect(),
        improvements: of.improvements.into_iter().map(|one| one.text).collect(),
        category: word(&input.category),
    }
}

fn nrf(of: nutrition::NrfScore) -> NrfScore {
    let term =
        |one: nutrition::NrfTerm| NrfTerm { nutrient: one.nutrient.field().to_owned(), percent: one.percent };
    NrfScore {
        score: of.score,
        known_part: of.known_part,
        confidence: of.confidence,
        terms: of.terms.into_iter().map(term).collect(),
    }
}

fn doubt(of: nutrition::Doubt) -> NutrientDoubt {
    NutrientDoubt { field: of.field.to_owned(), value: of.value, kind: word(&of.kind), accepted: of.accepted }
}
