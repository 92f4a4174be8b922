//! Whom and what this crate refuses to work out a target for.

use crate::energy::ADULT_FROM_YEARS;
use crate::{InvalidField, InvalidFields, LifeStage, Person};

/// Why no target was worked out.
#[derive(Clone, Debug, PartialEq, serde::Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum TargetRefusal {
    /// Values that nobody has, or that contradict each other.
    #[error(transparent)]
    Invalid(#[from] InvalidFields),
    /// The formulas are for adults; children's needs follow their growth.
    #[error(
        "person.age_years: an age of {age_years:.1} is refused; accepted: 19 or more, since the formulas are for adults"
    )]
    Child {
        /// The age told.
        age_years: f64,
    },
    /// The formulas do not know what a pregnancy or lactation needs.
    #[error(
        "person.life_stage: {life_stage:?} is refused; accepted: usual, since pregnancy and lactation need a clinician's advice"
    )]
    PregnancyOrLactation {
        /// The stage told.
        life_stage: LifeStage,
    },
    /// Somebody underweight may not lose more.
    #[error("goal: a deficit is refused at a BMI of {bmi:.1}; accepted: maintain or gain_muscle below 18.5")]
    Underweight {
        /// The body mass index in kg/m².
        bmi: f64,
    },
    /// The goal would starve the person.
    #[error("goal: {asked_kcal:.0} kcal a day are refused; accepted: {floor_kcal:.0} kcal or more")]
    WouldStarve {
        /// What the goal comes to, in kcal a day.
        asked_kcal: f64,
        /// The least that is accepted, in kcal a day.
        floor_kcal: f64,
    },
}

impl From<InvalidField> for TargetRefusal {
    fn from(field: InvalidField) -> Self {
        Self::Invalid(InvalidFields(vec![field]))
    }
}

/// Refuses bodies that nobody has, and people whom the formulas do not cover.
pub(super) fn refuse_person(person: &Person) -> Result<(), TargetRefusal> {
    person.check()?;
    if person.age_years < ADULT_FROM_YEARS {
        return Err(TargetRefusal::Child { age_years: person.age_years });
    }
    if person.life_stage != LifeStage::Usual {
        return Err(TargetRefusal::PregnancyOrLactation { life_stage: person.life_stage });
    }
    Ok(())
}
