//! Foods on the wire: nutrients with a field each, and what is known of allergens and diets.

use larder_nutrition as nutrition;
use larder_nutrition::{Allergen, Diet, Food as PureFood, Nutrient, Presence, Suits};
use larder_proto::larder::nutrition::v1::*;

use crate::convert::target::word;
use crate::convert::timestamp;
use crate::nutrition::food_match::{FoodMatch as KnownMatch, MatchState};
use crate::nutrition::foods;
use crate::nutrition::generic_foods::Candidate;
use crate::nutrition::labels::{self, allergen_name, diet_name};
use crate::store::food_matches::FoodMatchRow;
use crate::validate::Fields;

/// The message of amounts; what is not known is absent.
pub(crate) fn nutrients(amounts: &nutrition::Nutrients) -> Nutrients {
    let amount = |nutrient| amounts.get(nutrient).map(shortest);
    Nutrients {
        energy_kcal: amount(Nutrient::Energy),
        protein_g: amount(Nutrient::Protein),
        fat_g: amount(Nutrient::Fat),
        saturated_fat_g: amount(Nutrient::SaturatedFat),
        carbohydrate_g: amount(Nutrient::Carbohydrate),
        sugars_g: amount(Nutrient::Sugars),
        added_sugars_g: amount(Nutrient::AddedSugars),
        fibre_g: amount(Nutrient::Fibre),
        sodium_mg: amount(Nutrient::Sodium),
        cholesterol_mg: amount(Nutrient::Cholesterol),
        calcium_mg: amount(Nutrient::Calcium),
        iron_mg: amount(Nutrient::Iron),
        potassium_mg: amount(Nutrient::Potassium),
        magnesium_mg: amount(Nutrient::Magnesium),
        zinc_mg: amount(Nutrient::Zinc),
        vitamin_a_rae_ug: amount(Nutrient::VitaminA),
        vitamin_c_mg: amount(Nutrient::VitaminC),
        vitamin_d_ug: amount(Nutrient::VitaminD),
        vitamin_e_mg: amount(Nutrient::VitaminE),
        vitamin_b12_ug: amount(Nutrient::VitaminB12),
        folate_dfe_ug: amount(Nutrient::Folate),
    }
}

/// The number that was meant: 1.1 and not 1.100000023841858.
pub(crate) fn shortest(amount: f32) -> f64 {
    amount.to_string().parse().unwrap_or_else(|_| f64::from(amount))
}

/// The message of a generic food that a name may stand for.
pub(crate) fn candidate(candidate: Candidate) -> FoodCandidate {
    FoodCandidate {
        nutrients_per_100g: Some(nutrients(&candidate.food.per_100g)),
        food_id: candidate.food.food_id,
        name: candidate.food.name,
        category: candidate.food.category,
        confidence: candidate.confidence,
        matched_words: candidate.matched_words,
    }
}

/// The message of a match as it is stored; `food` is the generic food it names.
pub(crate) fn stored_match(row: FoodMatchRow, food: Option<&PureFood>) -> FoodMatch {
    let found = food.map(|food| {
        candidate(Candidate {
            food: food.clone(),
            confidence: row.confidence,
            matched_words: row.matched_words,
        })
    });
    FoodMatch {
        product_id: row.product_id,
        product_name: row.product_name,
        state: match_state(MatchState::named(&row.state)).into(),
        food: found,
        updated_at: Some(timestamp(row.updated_at_us)),
    }
}

/// The message of a match as it is known in memory.
pub(crate) fn known_match(product: &PureFood, known: &KnownMatch, food: Option<&PureFood>) -> FoodMatch {
    let found = food.map(|food| {
        candidate(Candidate { food: food.clone(), confidence: known.confidence, matched_words: Vec::new() })
    });
    FoodMatch {
        product_id: product.food_id.clone(),
        product_name: product.name.clone(),
        state: match_state(known.state).into(),
        food: found,
        updated_at: None,
    }
}

fn match_state(state: MatchState) -> FoodMatchState {
    match state {
        MatchState::Estimated => FoodMatchState::Estimated,
        MatchState::Confirmed => FoodMatchState::Confirmed,
        MatchState::Rejected => FoodMatchState::Rejected,
    }
}

/// The state a list is asked for; `None` means all.
pub(crate) fn asked_state(fields: &mut Fields, field: &str, state: i32) -> Option<MatchState> {
    match FoodMatchState::try_from(state) {
        Ok(FoodMatchState::Unspecified) => None,
        Ok(FoodMatchState::Estimated) => Some(MatchState::Estimated),
        Ok(FoodMatchState::Confirmed) => Some(MatchState::Confirmed),
        Ok(FoodMatchState::Rejected) => Some(MatchState::Rejected),
        Err(_) => {
            let accepted = "FOOD_MATCH_STATE_ESTIMATED, _CONFIRMED, _REJECTED";
            fields.refuse(field, format!("must be one of {accepted}"));
            None
        }
    }
}

/// Where nutrients come from, on the wire.
pub(crate) fn source(source: foods::NutrientSource) -> NutrientSource {
    match source {
        foods::NutrientSource::Unknown => NutrientSource::Unspecified,
        foods::NutrientSource::Declared => NutrientSource::Declared,
        foods::NutrientSource::Confirmed => NutrientSource::Confirmed,
        foods::NutrientSource::Estimated => NutrientSource::Estimated,
    }
}

/// What is known of every allergen; `declared` is what the catalogue says alone.
pub(crate) fn allergen_findings(
    all: &nutrition::Allergens,
    declared: &nutrition::Allergens,
) -> Vec<AllergenFinding> {
    let finding = |allergen: Allergen| AllergenFinding {
        allergen: allergen_name(allergen).to_owned(),
        presence: match all.get(allergen) {
            Presence::Unknown => AllergenPresence::Unspecified,
            Presence::Contains => AllergenPresence::Contains,
            Presence::MayContain => AllergenPresence::MayContain,
            Presence::Free => AllergenPresence::Free,
        }
        .into(),
        derived: all.get(allergen) != declared.get(allergen),
    };
    Allergen::ALL.into_iter().map(finding).collect()
}

/// What is known of every diet; `declared` is what the catalogue says alone.
pub(crate) fn diet_findings(all: &nutrition::Diets, declared: &nutrition::Diets) -> Vec<DietFinding> {
    let finding = |diet: Diet| DietFinding {
        diet: diet_name(diet).to_owned(),
        verdict: match all.get(diet) {
            Suits::Unknown => DietVerdict::Unspecified,
            Suits::Declared | Suits::Derived => DietVerdict::Suits,
            Suits::No => DietVerdict::DoesNotSuit,
        }
        .into(),
        derived: all.get(diet) != declared.get(diet),
    };
    Diet::ALL.into_iter().map(finding).collect()
}

/// Checks a food that is no product and stands at `at`. Amounts that cannot be are refused, an energy that must be kJ as
/// such.
pub(crate) fn from_wire(fields: &mut Fields, at: &str, food: &Food) -> PureFood {
    let field = |name: &str| format!("{at}.{name}");
    fields.id(&field("food_id"), &food.food_id);
    fields.text(&field("name"), &food.name, 1, 256);
    fields.text(&field("category"), &food.category, 0, 128);
    fields.texts(&field("allergens"), &food.allergens, 32, 64);
    fields.texts(&field("diets"), &food.diets, 32, 64);
    fields.optional_number(&field("serving_g"), food.serving_g, 0.1, 5_000.0);
    let told = food.nutrients_per_100g.unwrap_or_default();
    let per_100g = amounts(fields, &field("nutrients_per_100g"), &told);
    let doubts = nutrition::doubts_of(&per_100g).into_iter().filter(|doubt| doubt.kind.is_refused());
    for doubt in doubts {
        let why = format!("{}; accepted: {}", word(&doubt.kind).replace('_', " "), doubt.accepted);
        fields.refuse(&format!("{}.{}", field("nutrients_per_100g"), doubt.field), why);
    }
    let mut pure = PureFood {
        food_id: food.food_id.clone(),
        name: food.name.clone(),
        category: food.category.clone(),
        per_100g,
        serving_g: food.serving_g.map(|mass_g| mass_g as f32),
        allergens: labels::allergens(&food.allergens, food.allergens_complete),
        diets: labels::diets(&food.diets),
        ..PureFood::default()
    };
    labels::complete(&mut pure);
    pure
}

/// No amount of 100 g is more, in whatever unit it is told.
const MOST_UG_OF_100_G: f64 = 100_000_000.0;

/// Amounts of 100 g.
fn amounts(fields: &mut Fields, at: &str, told: &Nutrients) -> nutrition::Nutrients {
    let all = [
        (Nutrient::Energy, told.energy_kcal),
        (Nutrient::Protein, told.protein_g),
        (Nutrient::Fat, told.fat_g),
        (Nutrient::SaturatedFat, told.saturated_fat_g),
        (Nutrient::Carbohydrate, told.carbohydrate_g),
        (Nutrient::Sugars, told.sugars_g),
        (Nutrient::AddedSugars, told.added_sugars_g),
        (Nutrient::Fibre, told.fibre_g),
        (Nutrient::Sodium, told.sodium_mg),
        (Nutrient::Cholesterol, told.cholesterol_mg),
        (Nutrient::Calcium, told.calcium_mg),
        (Nutrient::Iron, told.iron_mg),
        (Nutrient::Potassium, told.potassium_mg),
        (Nutrient::Magnesium, told.magnesium_mg),
        (Nutrient::Zinc, told.zinc_mg),
        (Nutrient::VitaminA, told.vitamin_a_rae_ug),
        (Nutrient::VitaminC, told.vitamin_c_mg),
        (Nutrient::VitaminD, told.vitamin_d_ug),
        (Nutrient::VitaminE, told.vitamin_e_mg),
        (Nutrient::VitaminB12, told.vitamin_b12_ug),
        (Nutrient::Folate, told.folate_dfe_ug),
    ];
    let mut amounts = nutrition::Nutrients::UNKNOWN;
    for (nutrient, amount) in all {
        if let Some(amount) = amount {
            fields.number(&format!("{at}.{}", nutrient.field()), amount, 0.0, MOST_UG_OF_100_G);
            // What is refused already is not doubted once more.
            if (0.0..=MOST_UG_OF_100_G).contains(&amount) {
                amounts = amounts.with(nutrient, amount as f32);
            }
        }
    }
    amounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_they_were_told_and_the_unknown_is_absent() {
        let amounts = nutrition::Nutrients::UNKNOWN.with(Nutrient::Fat, 1.1).with(Nutrient::Sugars, 0.0);
        let wire = nutrients(&amounts);
        assert_eq!((wire.fat_g, wire.sugars_g, wire.energy_kcal), (Some(1.1), Some(0.0), None));
    }

    #[test]
    fn a_food_that_cannot_be_is_refused_by_field_and_kj_are_told() {
        let bread = |energy_kcal| Food {
            food_id: "bread".into(),
            name: "Bread".into(),
            nutrients_per_100g: Some(Nutrients {
                energy_kcal: Some(energy_kcal),
                protein_g: Some(8.0),
                carbohydrate_g: Some(40.0),
                fat_g: Some(2.0),
                ..Nutrients::default()
            }),
            ..Food::default()
        };
        let refused = |food: &Food| {
            let mut fields = Fields::default();
            from_wire(&mut fields, "foods[0]", food);
            fields.finish(()).map_err(|error| error.to_string())
        };
        assert_eq!(refused(&bread(210.0)), Ok(()));
        assert!(refused(&bread(880.0)).unwrap_err().contains("energy_kcal: kilojoules as kilocalories"));
        let absurd = refused(&bread(2_000.0)).unwrap_err();
        assert!(absurd.starts_with("foods[0].nutrients_per_100g.energy_kcal: impossible"), "{absurd}");
        let mut fields = Fields::default();
        let food = from_wire(&mut fields, "f", &bread(210.0));
        assert_eq!(food.allergens.get(Allergen::Gluten), Presence::Contains, "bread says so");
    }

    #[test]
    fn what_the_catalogue_does_not_say_is_marked_derived() {
        let declared = nutrition::Allergens::default().with(Allergen::Milk, Presence::Contains);
        let all = declared.with(Allergen::Nuts, Presence::Contains);
        let findings = allergen_findings(&all, &declared);
        let of = |name: &str| findings.iter().find(|finding| finding.allergen == name).unwrap();
        assert!(of("nuts").derived && !of("milk").derived && !of("eggs").derived);
        assert_eq!(of("eggs").presence(), AllergenPresence::Unspecified);
    }
}
