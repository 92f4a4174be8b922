//! The Nutrient Rich Foods index 9.3 of 100 kcal: nine nutrients to encourage, each up to 100 %
//! of its daily value, minus three to limit (Fulgoni, Keast and Drewnowski 2009, J Nutr
//! 139:1549-1554; Drewnowski 2010, Am J Clin Nutr 91:1095S-1101S), by the daily values of 2016.

use super::{DailyValues, Range, as_written};
use crate::{Nutrient, Nutrients};

const ENCOURAGED: [Nutrient; 9] = [
    Nutrient::Protein,
    Nutrient::Fibre,
    Nutrient::VitaminA,
    Nutrient::VitaminC,
    Nutrient::VitaminE,
    Nutrient::Calcium,
    Nutrient::Iron,
    Nutrient::Potassium,
    Nutrient::Magnesium,
];
const LIMITED: [Nutrient; 3] = [Nutrient::SaturatedFat, Nutrient::AddedSugars, Nutrient::Sodium];
/// Less energy than this in 100 g, and nothing can be told of 100 kcal.
const LEAST_KCAL: f64 = 1.0;

/// The index of a food.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NrfScore {
    /// The index, where all twelve nutrients and the energy are known.
    pub score: Option<f64>,
    /// The least it can be; `None` where an unknown amount has no bound.
    pub low: Option<f64>,
    /// The most it can be; `None` where the energy is not known.
    pub high: Option<f64>,
    /// What the known nutrients add up to.
    pub known_part: f64,
    /// The share of the twelve nutrients that is known, 0 to 1; 0 without the energy.
    pub confidence: f64,
    /// Every nutrient, those to limit below 0; the known ones add up to `known_part`.
    pub terms: Vec<NrfTerm>,
}

/// What one nutrient adds.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct NrfTerm {
    /// Which one.
    pub nutrient: Nutrient,
    /// Percent of the daily value in 100 kcal, below 0 for those to limit; `None` is not known.
    pub percent: Option<f64>,
}

/// Works out the index of a food of which 100 g hold `per_100g`.
#[must_use]
pub fn nrf9_3(per_100g: &Nutrients, daily_values: &DailyValues) -> NrfScore {
    let amount = |nutrient| per_100g.get(nutrient).and_then(as_written);
    let energy = amount(Nutrient::Energy).filter(|kcal| *kcal >= LEAST_KCAL);
    let percent = |nutrient, amount: f64| {
        let daily = daily_values.of(nutrient)?;
        Some(100.0 * amount / daily * 100.0 / energy?)
    };
    let mut terms = Vec::with_capacity(12);
    let (mut low, mut high) = (energy.map(|_| 0.0), energy.map(|_| 0.0));
    for nutrient in ENCOURAGED {
        let known =
            amount(nutrient).and_then(|amount| percent(nutrient, amount)).map(|known| known.min(100.0));
        terms.push(NrfTerm { nutrient, percent: known });
        low = add(low, Some(known.unwrap_or(0.0)));
        high = add(high, Some(known.unwrap_or(100.0)));
    }
    for nutrient in LIMITED {
        let known = amount(nutrient).and_then(|amount| percent(nutrient, amount));
        terms.push(NrfTerm { nutrient, percent: known.map(|known| -known) });
        let most = known.or_else(|| percent(nutrient, most_of(nutrient, &amount)?));
        low = add(low, most.map(|most| -most));
        high = add(high, Some(-known.unwrap_or(0.0)));
    }
    let known_part: f64 = terms.iter().filter_map(|term| term.percent).sum();
    let known = terms.iter().filter(|term| term.percent.is_some()).count();
    NrfScore {
        score: (known == terms.len()).then_some(known_part),
        low,
        high,
        known_part,
        confidence: known as f64 / terms.len() as f64,
        terms,
    }
}

/// The index as a range, where it has two ends.
pub(super) fn nrf_range(per_100g: &Nutrients, daily_values: &DailyValues) -> Option<Range> {
    let score = nrf9_3(per_100g, daily_values);
    Some(Range { low: score.low?, high: score.high? })
}

/// The most that an amount that is not known can be: no more of a part than of the whole.
fn most_of(nutrient: Nutrient, amount: &impl Fn(Nutrient) -> Option<f64>) -> Option<f64> {
    match nutrient {
        Nutrient::SaturatedFat => amount(Nutrient::Fat),
        Nutrient::AddedSugars => amount(Nutrient::Sugars).or_else(|| amount(Nutrient::Carbohydrate)),
        _ => None,
    }
}

fn add(sum: Option<f64>, term: Option<f64>) -> Option<f64> {
    Some(sum? + term?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn food() -> Nutrients {
        // Of 200 kcal, so that 100 kcal hold half of each.
        Nutrients::UNKNOWN
            .with(Nutrient::Energy, 200.0)
            .with(Nutrient::Protein, 10.0)
            .with(Nutrient::Fibre, 5.6)
            .with(Nutrient::VitaminA, 90.0)
            .with(Nutrient::VitaminC, 360.0)
            .with(Nutrient::VitaminE, 3.0)
            .with(Nutrient::Calcium, 130.0)
            .with(Nutrient::Iron, 3.6)
            .with(Nutrient::Potassium, 470.0)
            .with(Nutrient::Magnesium, 42.0)
            .with(Nutrient::SaturatedFat, 4.0)
            .with(Nutrient::AddedSugars, 5.0)
            .with(Nutrient::Sodium, 230.0)
    }

    #[test]
    fn the_index_is_exact_and_caps_what_is_encouraged() {
        let nrf = nrf9_3(&food(), &DailyValues::fda_2016());
        // 10 + 10 + 5 + 100 (200 capped) + 10 + 5 + 10 + 5 + 5 = 160; minus 10 + 5 + 5 = 20.
        let score = nrf.score.expect("all is known");
        assert!((score - 140.0).abs() < 1e-9, "{score}");
        assert!((nrf.confidence - 1.0).abs() < 1e-9);
        let sum: f64 = nrf.terms.iter().filter_map(|term| term.percent).sum();
        assert!((sum - score).abs() < 1e-9);
        assert_eq!(nrf.low.map(|low| low.round()), Some(140.0));
        assert_eq!(nrf.high, nrf.low);
    }

    #[test]
    fn what_is_limited_is_not_capped() {
        let salty = food().with(Nutrient::Sodium, 9200.0);
        let score = nrf9_3(&salty, &DailyValues::fda_2016()).score.expect("all is known");
        assert!((score - (160.0 - 10.0 - 5.0 - 200.0)).abs() < 1e-9, "{score}");
    }

    #[test]
    fn what_is_not_known_leaves_a_range_and_never_counts_as_zero() {
        let open = food().with(Nutrient::VitaminE, None).with(Nutrient::AddedSugars, None);
        let open = open.with(Nutrient::Sugars, 20.0);
        let nrf = nrf9_3(&open, &DailyValues::fda_2016());
        assert_eq!(nrf.score, None);
        assert!((nrf.confidence - 10.0 / 12.0).abs() < 1e-9);
        // Vitamin E between 0 and 100, added sugars between none and the 20 g of all sugars.
        assert!((nrf.low.expect("sugars bound it") - (135.0 - 20.0)).abs() < 1e-9);
        assert!((nrf.high.expect("it is bounded") - 235.0).abs() < 1e-9);
        let salt = nrf9_3(&food().with(Nutrient::Sodium, None), &DailyValues::fda_2016());
        assert_eq!(salt.low, None, "nothing bounds salt");
        let no_energy = nrf9_3(&food().with(Nutrient::Energy, None), &DailyValues::fda_2016());
        assert_eq!((no_energy.score, no_energy.high, no_energy.confidence), (None, None, 0.0));
        let water = nrf9_3(&food().with(Nutrient::Energy, 0.0), &DailyValues::fda_2016());
        assert_eq!(water.score, None, "there are no 100 kcal of water");
    }
}
