//! Nutri-Score as of 2023 (Scientific Committee of the Nutri-Score, reports of 2022 and 2023;
//! Santé publique France, usage regulation of 2024). Points of what to limit minus points of
//! what to favour; what is not known leaves a range of points and letters.

mod category;
mod improvement;
mod points;

#[cfg(test)]
mod tests;

pub use category::nutri_score_category;
pub use improvement::Improvement;
pub use points::Component;

use points::Amounts;

use super::ScoreInput;

/// Which table applies to a food.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NutriScoreCategory {
    /// Everything that has no table of its own.
    #[default]
    General,
    /// Meat of mammals and what is made of it: protein counts two points at most.
    RedMeat,
    /// Protein always counts.
    Cheese,
    /// Fats, oils, nuts and seeds.
    FatsOilsNutsSeeds,
    /// Drinks, milk and plant drinks included.
    Beverage,
    /// Water alone, which is always A.
    Water,
}

/// The letter on the package, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[expect(missing_docs, reason = "each is the letter of its name")]
pub enum Letter {
    A,
    B,
    C,
    D,
    E,
}

/// What Nutri-Score is worked out from; the same as every score's input.
pub type NutriScoreInput<'product> = ScoreInput<'product>;

/// Points, letter, and what they are made of.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NutriScore {
    /// The letter, where what is known decides it.
    pub letter: Option<Letter>,
    /// The best letter that is possible,
    pub best_letter: Letter,
    /// and the worst.
    pub worst_letter: Letter,
    /// The least points that are possible; fewer are better.
    pub points_low: i32,
    /// The most points that are possible.
    pub points_high: i32,
    /// The share of all points that hang on what is known, 0 to 1.
    pub confidence: f64,
    /// Points of each part. Those to limit count up, those to favour down; they add up to the points.
    pub components: Vec<ComponentPoints>,
    /// The smallest single changes that bring a better letter, where the letter is known.
    pub improvements: Vec<Improvement>,
}

/// Points of one part.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct ComponentPoints {
    /// Which part.
    pub component: Component,
    /// The amount, in the unit of the component; `None` is not known.
    pub amount: Option<f64>,
    /// The least it adds to the points (favoured parts add negative points),
    pub low: i32,
    /// and the most.
    pub high: i32,
}

/// Works out the Nutri-Score.
#[must_use]
pub fn nutri_score(input: &NutriScoreInput<'_>) -> NutriScore {
    let amounts = Amounts::of(input);
    let (best, worst) = amounts.bounds();
    let (low, high) = (best.total(), worst.total());
    let letter_at = |points| letter(input.category, points);
    let (best_letter, worst_letter) = (letter_at(low), letter_at(high));
    let known = (best_letter == worst_letter).then_some(best_letter);
    let components = best.parts.iter().zip(&worst.parts).map(|(best, worst)| ComponentPoints {
        component: best.component,
        amount: amounts.get(best.component),
        low: best.points,
        high: worst.points,
    });
    NutriScore {
        letter: known,
        best_letter,
        worst_letter,
        points_low: low,
        points_high: high,
        confidence: amounts.confidence(),
        components: components.collect(),
        improvements: known.map(|letter| improvement::find(&amounts, letter)).unwrap_or_default(),
    }
}

/// The least and the most points alone, for many products at once.
pub(super) fn points_of(input: &NutriScoreInput<'_>) -> (i32, i32) {
    let (best, worst) = Amounts::of(input).bounds();
    (best.total(), worst.total())
}

fn letter(category: NutriScoreCategory, points: i32) -> Letter {
    // The most points of A, B, C and D.
    let most = match category {
        NutriScoreCategory::Water => return Letter::A,
        NutriScoreCategory::Beverage => [i32::MIN, 2, 6, 9],
        NutriScoreCategory::FatsOilsNutsSeeds => [-6, 2, 10, 18],
        _ => [0, 2, 10, 18],
    };
    let letters = [Letter::A, Letter::B, Letter::C, Letter::D];
    let found = most.into_iter().zip(letters).find(|(most, _)| points <= *most);
    found.map_or(Letter::E, |(_, letter)| letter)
}
