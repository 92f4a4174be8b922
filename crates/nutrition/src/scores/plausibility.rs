//! Which amounts of a food cannot be, or can hardly be: told by field, with what would be
//! accepted, so that whoever typed kJ for kcal finds it out before a plan is made of it.

use super::as_written;
use crate::{Nutrient, Nutrients};

/// More energy than this has nothing: 100 g of fat.
const MOST_KCAL: f64 = 902.0;
/// Rounding of labels and ash let the parts add up to a little more than the whole.
const TOLERANCE_G: f64 = 5.0;
const KJ_PER_KCAL: f64 = 4.184;
const CORE: [Nutrient; 7] = [
    Nutrient::Energy,
    Nutrient::Protein,
    Nutrient::Fat,
    Nutrient::SaturatedFat,
    Nutrient::Carbohydrate,
    Nutrient::Sugars,
    Nutrient::Sodium,
];

/// Something that is wrong or hard to believe.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Doubt {
    /// The field, such as `energy_kcal`.
    pub field: &'static str,
    /// What it holds; `None` where it is missing.
    pub value: Option<f64>,
    /// What is wrong with it.
    pub kind: DoubtKind,
    /// What would be accepted.
    pub accepted: String,
}

/// What is wrong with an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DoubtKind {
    /// It is not known, and labels must tell it.
    Missing,
    /// No 100 g of anything hold so much, or less than nothing.
    Impossible,
    /// There is more of a part than of the whole.
    PartAboveWhole,
    /// Protein, fat and carbohydrate are more than 100 g.
    SumAboveMass,
    /// The energy is not that of protein, fat and carbohydrate.
    EnergyMismatch,
    /// The energy is that of protein, fat and carbohydrate in kJ, given as kcal.
    KilojoulesAsKilocalories,
}

impl DoubtKind {
    /// Whether the food must not be used as it stands.
    #[must_use]
    pub fn is_refused(self) -> bool {
        !matches!(self, Self::Missing | Self::EnergyMismatch)
    }
}

/// Every doubt of what 100 g are said to hold.
#[must_use]
pub fn doubts_of(per_100g: &Nutrients) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for nutrient in CORE.into_iter().filter(|nutrient| per_100g.get(*nutrient).is_none()) {
        let accepted = "an amount of 100 g, 0 only where there is none".to_owned();
        doubts.push(Doubt { field: nutrient.field(), value: None, kind: DoubtKind::Missing, accepted });
    }
    let kilojoules = kilojoules(per_100g);
    let is_kilojoules = kilojoules.is_some();
    doubts.extend(kilojoules);
    let skips = |nutrient: Nutrient| is_kilojoules && nutrient == Nutrient::Energy;
    doubts.extend(
        Nutrient::ALL
            .into_iter()
            .filter(|nutrient| !skips(*nutrient))
            .filter_map(|one| impossible(per_100g, one)),
    );
    doubts.extend(parts_above_wholes(per_100g));
    doubts.extend(sum_above_mass(per_100g));
    if !is_kilojoules {
        doubts.extend(energy_mismatch(per_100g));
    }
    doubts
}

fn impossible(per_100g: &Nutrients, nutrient: Nutrient) -> Option<Doubt> {
    let value = f64::from(per_100g.get(nutrient)?);
    let most = most_of(nutrient);
    // Infinite amounts are in no range either.
    (!(0.0..=most).contains(&value)).then(|| Doubt {
        field: nutrient.field(),
        value: Some(value),
        kind: DoubtKind::Impossible,
        accepted: format!("0 to {most} of 100 g"),
    })
}

/// The most of a nutrient that 100 g of anything hold, in its unit: pure fat, salt, supplements.
fn most_of(nutrient: Nutrient) -> f64 {
    match nutrient {
        Nutrient::Energy => MOST_KCAL,
        Nutrient::Protein
        | Nutrient::Fat
        | Nutrient::SaturatedFat
        | Nutrient::Carbohydrate
        | Nutrient::Sugars
        | Nutrient::AddedSugars
        | Nutrient::Fibre => 100.0 + 0.5,
        // 100 g of each, in mg.
        Nutrient::Sodium
        | Nutrient::Cholesterol
        | Nutrient::Calcium
        | Nutrient::Iron
        | Nutrient::Potassium
        | Nutrient::Magnesium
        | Nutrient::Zinc
        | Nutrient::VitaminC
        | Nutrient::VitaminE => 100_000.0,
        // And in micrograms.
        Nutrient::VitaminA | Nutrient::VitaminD | Nutrient::VitaminB12 | Nutrient::Folate => 100_000_000.0,
    }
}

fn parts_above_wholes(per_100g: &Nutrients) -> impl Iterator<Item = Doubt> {
    let pairs = [
        (Nutrient::Sugars, Nutrient::Carbohydrate),
        (Nutrient::AddedSugars, Nutrient::Sugars),
        (Nutrient::SaturatedFat, Nutrient::Fat),
    ];
    pairs.into_iter().filter_map(|(part, whole)| {
        let written = |nutrient| per_100g.get(nutrient).and_then(as_written);
        let (own, most) = (written(part)?, written(whole)?);
        // Laboratories measure both for themselves: a tenth and half a gram are noise.
        (own > most * 1.1 + 0.5).then(|| Doubt {
            field: part.field(),
            value: Some(own),
            kind: DoubtKind::PartAboveWhole,
            accepted: format!("at most the {most} of {}", whole.field()),
        })
    })
}

/// Protein, fat and carbohydrate, where all are known, in g.
fn macros(per_100g: &Nutrients) -> Option<[f64; 3]> {
    let amount = |nutrient| per_100g.get(nutrient).and_then(as_written);
    Some([amount(Nutrient::Protein)?, amount(Nutrient::Fat)?, amount(Nutrient::Carbohydrate)?])
}

fn sum_above_mass(per_100g: &Nutrients) -> Option<Doubt> {
    let [protein, fat, carbohydrate] = macros(per_100g)?;
    let sum = protein + fat + carbohydrate;
    (sum > 100.0 + TOLERANCE_G).then(|| Doubt {
        field: "protein_g + fat_g + carbohydrate_g",
        value: Some(sum),
        kind: DoubtKind::SumAboveMass,
        accepted: format!("at most 100 g, and {TOLERANCE_G} for rounding"),
    })
}

/// The energy of the macronutrients by 4, 9 and 4 kcal of a gram, in kcal.
fn atwater(per_100g: &Nutrients) -> Option<f64> {
    let [protein, fat, carbohydrate] = macros(per_100g)?;
    Some(4.0 * protein + 9.0 * fat + 4.0 * carbohydrate)
}

fn kilojoules(per_100g: &Nutrients) -> Option<Doubt> {
    let (energy, by_macros) = (f64::from(per_100g.get(Nutrient::Energy)?), atwater(per_100g)?);
    // A food of little energy may owe it to alcohol or acids, and four times little is little.
    let is_fourfold = by_macros >= 25.0 && (3.6..=4.8).contains(&(energy / by_macros));
    is_fourfold.then(|| Doubt {
        field: Nutrient::Energy.field(),
        value: Some(energy),
        kind: DoubtKind::KilojoulesAsKilocalories,
        accepted: format!("{:.0} kcal, if {energy} are kJ", energy / KJ_PER_KCAL),
    })
}

fn energy_mismatch(per_100g: &Nutrients) -> Option<Doubt> {
    let energy = per_100g.get(Nutrient::Energy).and_then(as_written)?;
    let [protein, fat, carbohydrate] = macros(per_100g)?;
    let most = atwater(per_100g)?;
    // What is counted as carbohydrate may be fibre, polyols or acids, of 0 to 3 kcal.
    let fibre = per_100g.get(Nutrient::Fibre).and_then(as_written);
    let open = fibre.map_or(0.3 * carbohydrate, |fibre| fibre.min(carbohydrate));
    let least = 3.0 * protein + 8.3 * fat + 3.4 * (carbohydrate - open).max(0.0);
    let alcohol = 7.0 * (100.0 - protein - fat - carbohydrate).clamp(0.0, 45.0);
    let is_drink_like = protein < 1.0 && fat < 1.0;
    let most = most * 1.15 + 25.0 + if is_drink_like { alcohol } else { 0.0 };
    let least = (least * 0.85 - 25.0).max(0.0);
    (!(least..=most).contains(&energy)).then(|| Doubt {
        field: Nutrient::Energy.field(),
        value: Some(energy),
        kind: DoubtKind::EnergyMismatch,
        accepted: format!("{least:.0} to {most:.0} kcal by protein, fat and carbohydrate"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::FoodTable;

    fn cheese() -> Nutrients {
        Nutrients::UNKNOWN
            .with(Nutrient::Energy, 400.0)
            .with(Nutrient::Protein, 25.0)
            .with(Nutrient::Fat, 33.0)
            .with(Nutrient::SaturatedFat, 20.0)
            .with(Nutrient::Carbohydrate, 1.0)
            .with(Nutrient::Sugars, 0.5)
            .with(Nutrient::Sodium, 650.0)
    }

    fn kinds(per_100g: &Nutrients) -> Vec<(&'static str, DoubtKind)> {
        doubts_of(per_100g).into_iter().map(|doubt| (doubt.field, doubt.kind)).collect()
    }

    #[test]
    fn a_sound_food_has_no_doubts() {
        assert_eq!(kinds(&cheese()), []);
    }

    #[test]
    fn what_cannot_be_is_told_by_field() {
        assert_eq!(
            kinds(&cheese().with(Nutrient::Energy, 2000.0)),
            [("energy_kcal", DoubtKind::Impossible), ("energy_kcal", DoubtKind::EnergyMismatch)]
        );
        assert_eq!(kinds(&cheese().with(Nutrient::Sodium, -1.0)), [("sodium_mg", DoubtKind::Impossible)]);
        assert_eq!(kinds(&cheese().with(Nutrient::Sugars, 9.0)), [("sugars_g", DoubtKind::PartAboveWhole)]);
        let odd = cheese().with(Nutrient::Carbohydrate, 4.7).with(Nutrient::Sugars, 12.0);
        let told = doubts_of(&odd).into_iter().find(|doubt| doubt.field == "sugars_g").unwrap();
        assert_eq!(told.accepted, "at most the 4.7 of carbohydrate_g", "as it was written");
        assert_eq!(
            kinds(&cheese().with(Nutrient::SaturatedFat, 40.0)),
            [("saturated_fat_g", DoubtKind::PartAboveWhole)]
        );
        let heavy = cheese().with(Nutrient::Protein, 90.0).with(Nutrient::Energy, 660.0);
        assert_eq!(kinds(&heavy), [("protein_g + fat_g + carbohydrate_g", DoubtKind::SumAboveMass)]);
        assert_eq!(
            kinds(&cheese().with(Nutrient::Energy, 100.0)),
            [("energy_kcal", DoubtKind::EnergyMismatch)]
        );
        let infinite = cheese().with(Nutrient::Sodium, f32::INFINITY);
        assert_eq!(kinds(&infinite), [("sodium_mg", DoubtKind::Impossible)]);
    }

    #[test]
    fn kilojoules_given_as_kilocalories_are_found_and_the_kilocalories_told() {
        let doubts = doubts_of(&cheese().with(Nutrient::Energy, 1674.0));
        assert_eq!(doubts.len(), 1);
        assert_eq!(doubts[0].kind, DoubtKind::KilojoulesAsKilocalories);
        assert_eq!(doubts[0].accepted, "400 kcal, if 1674 are kJ");
        assert!(doubts[0].kind.is_refused());
    }

    #[test]
    fn what_is_missing_is_told_and_not_taken_for_zero() {
        let open = cheese().with(Nutrient::Sugars, None).with(Nutrient::Fat, None);
        assert_eq!(kinds(&open), [("fat_g", DoubtKind::Missing), ("sugars_g", DoubtKind::Missing)]);
        assert_eq!(kinds(&Nutrients::UNKNOWN).len(), CORE.len());
    }

    #[test]
    fn a_measured_table_has_few_doubts_and_every_food_of_it_in_kilojoules_is_found() {
        let table = FoodTable::usda();
        let (mut refused, mut mismatched, mut found, mut possible) = (0, 0, 0, 0);
        for food in table.foods() {
            let doubts = doubts_of(&food.food.per_100g);
            refused += usize::from(doubts.iter().any(|doubt| doubt.kind.is_refused()));
            mismatched += usize::from(doubts.iter().any(|doubt| doubt.kind == DoubtKind::EnergyMismatch));
            let energy = food.food.per_100g.get(Nutrient::Energy).unwrap_or(0.0);
            if doubts.iter().all(|doubt| doubt.kind == DoubtKind::Missing)
                && energy > 30.0
                && macros(&food.food.per_100g).is_some()
            {
                possible += 1;
                let in_kj = food.food.per_100g.with(Nutrient::Energy, energy * 4.184);
                let is_found = |doubt: &Doubt| {
                    matches!(
                        doubt.kind,
                        DoubtKind::KilojoulesAsKilocalories
                            | DoubtKind::Impossible
                            | DoubtKind::EnergyMismatch
                    )
                };
                found += usize::from(doubts_of(&in_kj).iter().any(is_found));
            }
        }
        assert!(refused * 100 < table.foods().len(), "{refused} refused");
        assert!(mismatched * 100 < 2 * table.foods().len(), "{mismatched} mismatched");
        assert!(found * 100 > 98 * possible, "{found} of {possible}");
    }
}
