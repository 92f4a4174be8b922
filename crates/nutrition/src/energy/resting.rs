//! Energy at rest. Weights in kg, heights in cm, ages in years, energy in kcal a day.

use super::{Estimate, Notice, NoticeKind};
use crate::{Derivation, InvalidField, Person, Sex};

/// A formula for energy at rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestingFormula {
    /// `10 W + 6.25 H - 5 A`, `+ 5` for men, `- 161` for women: Mifflin, St Jeor et al. 1990,
    /// Am J Clin Nutr 51:241-247; fitted to 498 people of 19 to 78 years. Within 10 % of the
    /// measured value in more people than its rivals (Frankenfield 2005, J Am Diet Assoc 105:775-789).
    #[default]
    MifflinStJeor,
    /// `370 + 21.6 LBM`: McArdle, Katch and Katch, Exercise Physiology.
    KatchMcArdle,
    /// `500 + 22 LBM`: Cunningham 1980, Am J Clin Nutr 33:2372-2374.
    Cunningham,
}

/// The ages of the people that Mifflin-St Jeor was fitted to.
const MIFFLIN_AGES: std::ops::RangeInclusive<f64> = 19.0..=78.0;

/// Energy of `person` at rest. The band is 10 % to each side, the accuracy by which these
/// formulas are compared (Frankenfield 2005).
///
/// # Errors
/// The body fat, where the formula needs it and it is not known.
pub fn resting_energy(person: &Person, formula: RestingFormula) -> Result<Estimate, InvalidField> {
    let derivation = match formula {
        RestingFormula::MifflinStJeor => mifflin_st_jeor(person),
        RestingFormula::KatchMcArdle => {
            let lean_kg = lean_mass(person)?;
            from_lean_mass(lean_kg, 370.0, 21.6)
                .by("Katch-McArdle: 370 + 21.6 lean_mass_kg", "McArdle, Katch and Katch, Exercise Physiology")
        }
        RestingFormula::Cunningham => {
            let lean_kg = lean_mass(person)?;
            from_lean_mass(lean_kg, 500.0, 22.0)
                .by("Cunningham: 500 + 22 lean_mass_kg", "Cunningham 1980, Am J Clin Nutr 33:2372-2374")
        }
    };
    let kcal = derivation.value;
    Ok(Estimate { kcal, low_kcal: 0.9 * kcal, high_kcal: 1.1 * kcal, derivation })
}

fn mifflin_st_jeor(person: &Person) -> Derivation {
    let (name, constant) = match person.sex {
        Sex::Female => ("Mifflin-St Jeor, female: 10 W + 6.25 H - 5 A - 161", -161.0),
        Sex::Male => ("Mifflin-St Jeor, male: 10 W + 6.25 H - 5 A + 5", 5.0),
        Sex::Unspecified => ("Mifflin-St Jeor, middle of both sexes: 10 W + 6.25 H - 5 A - 78", -78.0),
    };
    let kcal = 10.0 * person.weight_kg + 6.25 * person.height_cm - 5.0 * person.age_years + constant;
    Derivation::of("resting_kcal", kcal)
        .by(name, "Mifflin et al. 1990, Am J Clin Nutr 51:241-247")
        .from("weight_kg", person.weight_kg)
        .from("height_cm", person.height_cm)
        .from("age_years", person.age_years)
}

fn from_lean_mass(lean_kg: f64, constant: f64, per_kg: f64) -> Derivation {
    Derivation::of("resting_kcal", constant + per_kg * lean_kg).from("lean_mass_kg", lean_kg)
}

fn lean_mass(person: &Person) -> Result<f64, InvalidField> {
    person.lean_mass_kg().ok_or_else(|| {
        InvalidField::new("person.body_fat", "unknown", "0.03 to 0.7, since the formula needs the lean mass")
    })
}

impl RestingFormula {
    pub(super) fn notices(self, person: &Person) -> Vec<Notice> {
        if self != Self::MifflinStJeor || MIFFLIN_AGES.contains(&person.age_years) {
            return Vec::new();
        }
        vec![Notice {
            kind: NoticeKind::OutsideValidatedRange,
            field: "person.age_years",
            value: person.age_years,
            within: "19 to 78 years, the ages Mifflin-St Jeor was fitted to".to_owned(),
        }]
    }
}
