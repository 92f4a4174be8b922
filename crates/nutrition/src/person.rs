//! A person as formulas of energy see one, and which bodies are believed.

use crate::{InvalidField, InvalidFields};

/// The sex a formula was fitted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the sex of its name")]
pub enum Sex {
    Female,
    Male,
    /// Not told: formulas take the middle of both, floors the higher of both.
    Unspecified,
}

/// Whether a body feeds another one, which the formulas here do not cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the stage of its name")]
pub enum LifeStage {
    #[default]
    Usual,
    Pregnant,
    Lactating,
}

/// How much a person moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Desk work and little else: 1.2 times resting energy.
    #[default]
    Sedentary,
    /// Light exercise on one to three days a week: 1.375.
    Light,
    /// Moderate exercise on three to five days a week: 1.55.
    Moderate,
    /// Hard exercise on six or seven days a week: 1.725.
    Active,
    /// Hard physical work or training twice a day: 1.9.
    VeryActive,
    /// A physical activity level of one's own, 1.0 to 2.5 times resting energy.
    Level(f64),
}

impl Activity {
    /// Total energy over resting energy (PAL). The five named levels are the multipliers in
    /// general use with resting energy formulas.
    #[must_use]
    pub fn level(self) -> f64 {
        match self {
            Self::Sedentary => 1.2,
            Self::Light => 1.375,
            Self::Moderate => 1.55,
            Self::Active => 1.725,
            Self::VeryActive => 1.9,
            Self::Level(level) => level,
        }
    }
}

/// Somebody who eats.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Person {
    /// The sex formulas shall take.
    pub sex: Sex,
    /// Age in years.
    pub age_years: f64,
    /// Height in centimetres.
    pub height_cm: f64,
    /// Weight in kilograms.
    pub weight_kg: f64,
    /// Fat as a share of the weight, 0.03 to 0.7; `None` is not known.
    #[serde(default)]
    pub body_fat: Option<f64>,
    /// How much they move.
    #[serde(default)]
    pub activity: Activity,
    /// Whether they are pregnant or lactating.
    #[serde(default)]
    pub life_stage: LifeStage,
}

impl Person {
    /// Weight over height squared, in kg/m².
    #[must_use]
    pub fn bmi(&self) -> f64 {
        self.weight_kg / self.height_m_squared()
    }

    /// The weight that amounts per kilogram are told for: the own weight, but that of a BMI of
    /// 25 for a BMI above 30, since fat needs little protein.
    #[must_use]
    pub fn reference_weight_kg(&self) -> f64 {
        if self.bmi() > 30.0 { self.weight_kg.min(25.0 * self.height_m_squared()) } else { self.weight_kg }
    }

    /// Weight without fat, in kilograms, where the body fat is known.
    #[must_use]
    pub fn lean_mass_kg(&self) -> Option<f64> {
        self.body_fat.map(|share| self.weight_kg * (1.0 - share))
    }

    fn height_m_squared(&self) -> f64 {
        (self.height_cm / 100.0).powi(2)
    }

    /// Refuses a body that nobody has, naming each field and what would be accepted.
    ///
    /// # Errors
    /// Every field that is out of range, or a weight that no body of this height has.
    pub fn check(&self) -> Result<(), InvalidFields> {
        let mut refused: Vec<InvalidField> = [
            ("person.age_years", self.age_years, 0.0..=120.0),
            ("person.height_cm", self.height_cm, 50.0..=260.0),
            ("person.weight_kg", self.weight_kg, 2.0..=500.0),
            ("person.body_fat", self.body_fat.unwrap_or(0.2), 0.03..=0.7),
            ("person.activity.level", self.activity.level(), 1.0..=2.5),
        ]
        .into_iter()
        .filter_map(|(field, value, range)| InvalidField::unless_within(field, value, range))
        .collect();
        let is_adult = self.age_years >= crate::energy::ADULT_FROM_YEARS;
        if refused.is_empty() && is_adult && !(10.0..=100.0).contains(&self.bmi()) {
            let (low, high) = (10.0 * self.height_m_squared(), 100.0 * self.height_m_squared());
            let accepted = format!("{low:.1} to {high:.1} kg for a height of {} cm", self.height_cm);
            refused.push(InvalidField::new("person.weight_kg", self.weight_kg, accepted));
        }
        InvalidFields::none_of(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn somebody() -> Person {
        Person {
            sex: Sex::Male,
            age_years: 30.0,
            height_cm: 180.0,
            weight_kg: 80.0,
            body_fat: None,
            activity: Activity::Sedentary,
            life_stage: LifeStage::Usual,
        }
    }

    #[test]
    fn bodies_that_nobody_has_are_refused_by_field() {
        let refused = |person: Person| {
            let InvalidFields(fields) = person.check().expect_err("it is absurd");
            fields.into_iter().map(|field| field.to_string()).collect::<Vec<_>>()
        };
        assert_eq!(
            refused(Person { weight_kg: -80.0, age_years: 400.0, ..somebody() }),
            [
                "person.age_years: 400 is refused; accepted: 0 to 120",
                "person.weight_kg: -80 is refused; accepted: 2 to 500"
            ]
        );
        assert_eq!(
            refused(Person { height_cm: f64::NAN, ..somebody() }),
            ["person.height_cm: NaN is refused; accepted: 50 to 260"]
        );
        assert_eq!(
            refused(Person { body_fat: Some(1.2), ..somebody() }),
            ["person.body_fat: 1.2 is refused; accepted: 0.03 to 0.7"]
        );
        assert_eq!(
            refused(Person { activity: Activity::Level(f64::INFINITY), ..somebody() }),
            ["person.activity.level: inf is refused; accepted: 1 to 2.5"]
        );
        assert_eq!(
            refused(Person { weight_kg: 20.0, ..somebody() }),
            ["person.weight_kg: 20 is refused; accepted: 32.4 to 324.0 kg for a height of 180 cm"]
        );
    }

    proptest! {
        #[test]
        fn the_reference_weight_is_never_more_than_the_own(weight in 32.5..320.0_f64) {
            let person = Person { weight_kg: weight, ..somebody() };
            prop_assert!(person.reference_weight_kg() <= weight);
            if person.bmi() > 30.0 {
                prop_assert!((person.reference_weight_kg() - 81.0).abs() < 1e-9);
            }
        }
    }
}
