//! The estimated energy requirement of adults in the Dietary Reference Intakes for Energy
//! (National Academies of Sciences, Engineering, and Medicine 2023, adults of 19 years and more).

use super::Estimate;
use crate::{Derivation, Person, Sex};

const SOURCE: &str = "NASEM 2023, Dietary Reference Intakes for Energy, doi 10.17226/26818";

/// The categories of physical activity level that the equations were fitted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PalCategory {
    /// A level from 1.00 to below 1.53.
    Inactive,
    /// From 1.53 to below 1.68.
    LowActive,
    /// From 1.68 to below 1.85.
    Active,
    /// From 1.85.
    VeryActive,
}

impl PalCategory {
    /// The category of a physical activity level.
    #[must_use]
    pub fn of(level: f64) -> Self {
        match level {
            ..1.53 => Self::Inactive,
            1.53..1.68 => Self::LowActive,
            1.68..1.85 => Self::Active,
            _ => Self::VeryActive,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::LowActive => "low active",
            Self::Active => "active",
            Self::VeryActive => "very active",
        }
    }
}

/// `constant + per_year A + per_cm H + per_kg W`.
struct Equation {
    constant: f64,
    per_year: f64,
    per_cm: f64,
    per_kg: f64,
}

const fn equation(constant: f64, per_year: f64, per_cm: f64, per_kg: f64) -> Equation {
    Equation { constant, per_year, per_cm, per_kg }
}

fn of_men(category: PalCategory) -> Equation {
    match category {
        PalCategory::Inactive => equation(753.07, -10.83, 6.50, 14.10),
        PalCategory::LowActive => equation(581.47, -10.83, 8.30, 14.94),
        PalCategory::Active => equation(1004.82, -10.83, 6.52, 15.91),
        PalCategory::VeryActive => equation(-517.88, -10.83, 15.61, 19.11),
    }
}

fn of_women(category: PalCategory) -> Equation {
    match category {
        PalCategory::Inactive => equation(584.90, -7.01, 5.72, 11.71),
        PalCategory::LowActive => equation(575.77, -7.01, 6.60, 12.14),
        PalCategory::Active => equation(710.25, -7.01, 6.54, 12.34),
        PalCategory::VeryActive => equation(511.83, -7.01, 9.07, 12.56),
    }
}

impl Equation {
    fn kcal(&self, person: &Person) -> f64 {
        self.constant
            + self.per_year * person.age_years
            + self.per_cm * person.height_cm
            + self.per_kg * person.weight_kg
    }
}

/// The requirement of `person`; a sex that is not told takes the mean of both. The band is 10 %
/// to each side, as for the other formulas.
pub(super) fn estimated_requirement(person: &Person) -> Estimate {
    let category = PalCategory::of(person.activity.level());
    let (sex, kcal) = match person.sex {
        Sex::Female => ("female", of_women(category).kcal(person)),
        Sex::Male => ("male", of_men(category).kcal(person)),
        Sex::Unspecified => (
            "mean of both sexes",
            f64::midpoint(of_women(category).kcal(person), of_men(category).kcal(person)),
        ),
    };
    let derivation = Derivation::of("total_kcal", kcal)
        .by(format!("NASEM 2023 EER, {sex}, {}", category.word()), SOURCE)
        .from("age_years", person.age_years)
        .from("height_cm", person.height_cm)
        .from("weight_kg", person.weight_kg)
        .from("activity_level", person.activity.level());
    Estimate { kcal, low_kcal: 0.9 * kcal, high_kcal: 1.1 * kcal, derivation }
}
