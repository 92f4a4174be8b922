//! The energy an adult uses: at rest, by a formula, and in a day, with how much they move. A
//! formula used outside the people it was fitted to says so by name.

mod projection;
mod requirement;
mod resting;

#[cfg(test)]
mod tests;

pub use projection::{Projection, WeightModel};
pub use requirement::PalCategory;
pub use resting::{RestingFormula, resting_energy};

use crate::{Derivation, InvalidField, Person, Sex};

/// Formulas for adults begin at this age (NASEM 2023 tells children's needs up to 18 years).
pub(crate) const ADULT_FROM_YEARS: f64 = 19.0;

/// How total energy is worked out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnergyFormula {
    /// Resting energy of Mifflin-St Jeor times the activity level.
    #[default]
    MifflinStJeor,
    /// Resting energy of Katch-McArdle times the activity level; needs the body fat.
    KatchMcArdle,
    /// Resting energy of Cunningham times the activity level; needs the body fat.
    Cunningham,
    /// Estimated energy requirement of NASEM 2023, by category of activity.
    NasemEer2023,
}

/// A number with the band it is believed to lie in.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    /// The best guess, in kcal a day.
    pub kcal: f64,
    /// The lower end, in kcal a day.
    pub low_kcal: f64,
    /// The upper end, in kcal a day.
    pub high_kcal: f64,
    /// Where it comes from.
    pub derivation: Derivation,
}

/// A value that a formula was not fitted for, or advice that was not kept, told by name.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Notice {
    /// What kind of thing it is.
    pub kind: NoticeKind,
    /// The field it is about.
    pub field: &'static str,
    /// What the field held.
    pub value: f64,
    /// What would have been within, and by whose word.
    pub within: String,
}

/// What a [`Notice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// A value lies outside the people the formula was fitted to.
    OutsideValidatedRange,
    /// A sex was not told, so the middle of both formulas was taken.
    SexNotTold,
    /// The guideline's bound cannot be kept beside what the goal needs, and was left out.
    GuidelineBoundLeftOut,
    /// The energy asked for does not serve the goal.
    EnergyDoesNotServeGoal,
    /// The energy used in a day lies below the floor that is used for losing weight.
    ExpenditureBelowFloor,
}

/// What an adult uses, by one formula.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct EnergyNeed {
    /// Energy at rest.
    pub resting: Estimate,
    /// Energy of a day.
    pub total: Estimate,
    /// What the formulas were not fitted for.
    pub notices: Vec<Notice>,
}

/// What `person` uses by `formula`. The body must have been checked.
///
/// # Errors
/// The body fat, where the formula needs it and it is not known.
pub fn energy_need(person: &Person, formula: EnergyFormula) -> Result<EnergyNeed, InvalidField> {
    let resting_formula = match formula {
        EnergyFormula::MifflinStJeor | EnergyFormula::NasemEer2023 => RestingFormula::MifflinStJeor,
        EnergyFormula::KatchMcArdle => RestingFormula::KatchMcArdle,
        EnergyFormula::Cunningham => RestingFormula::Cunningham,
    };
    let resting = resting_energy(person, resting_formula)?;
    let total = match formula {
        EnergyFormula::NasemEer2023 => requirement::estimated_requirement(person),
        _ => times_activity(&resting, person),
    };
    let mut notices = resting_formula.notices(person);
    if formula == EnergyFormula::NasemEer2023 {
        notices.retain(|notice| notice.kind != NoticeKind::OutsideValidatedRange);
    }
    if person.sex == Sex::Unspecified && resting_formula == RestingFormula::MifflinStJeor {
        notices.push(Notice {
            kind: NoticeKind::SexNotTold,
            field: "person.sex",
            value: 0.0,
            within: "female or male; the middle of both was taken".to_owned(),
        });
    }
    Ok(EnergyNeed { resting, total, notices })
}

fn times_activity(resting: &Estimate, person: &Person) -> Estimate {
    let level = person.activity.level();
    let kcal = resting.kcal * level;
    Estimate {
        kcal,
        low_kcal: resting.low_kcal * level,
        high_kcal: resting.high_kcal * level,
        derivation: Derivation::of("total_kcal", kcal)
            .by("resting_kcal * activity_level", "multipliers in general use with resting energy, 1.2 to 1.9")
            .from("resting_kcal", resting.kcal)
            .from("activity_level", level),
    }
}
