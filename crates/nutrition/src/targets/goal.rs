//! What a person wants of their weight, and which wishes contradict themselves.

use super::TargetRefusal;
use crate::{InvalidField, InvalidFields, Person};

/// Below this body mass index a body is underweight (WHO).
pub(super) const UNDERWEIGHT_BMI: f64 = 18.5;

/// What a person wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Goal {
    /// The direction.
    #[serde(default)]
    pub kind: GoalKind,
    /// How fast, in kg a week to either side; the settings' share of the energy when left out.
    #[serde(default)]
    pub weekly_change_kg: Option<f64>,
    /// An energy target of one's own, in kcal a day, in the place of the one worked out.
    #[serde(default)]
    pub energy_kcal: Option<f64>,
    /// The weight wished for, in kg; its date is projected.
    #[serde(default)]
    pub weight_kg: Option<f64>,
    /// How much carbohydrate.
    #[serde(default)]
    pub carbohydrates: Carbohydrates,
    /// Eat less than the body uses at rest if the goal needs it, though never below the floor.
    #[serde(default)]
    pub allow_below_resting: bool,
}

/// The direction of a goal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the goal of its name")]
pub enum GoalKind {
    Lose,
    #[default]
    Maintain,
    GainMuscle,
}

/// How carbohydrate is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carbohydrates {
    /// What protein and fat leave.
    #[default]
    Usual,
    /// Few enough for ketosis; fat takes the rest.
    Keto,
}

impl Goal {
    /// Refuses wishes out of range, and those that contradict the direction.
    pub(super) fn check(&self, person: &Person) -> Result<(), TargetRefusal> {
        let bounded = [
            ("goal.weekly_change_kg", self.weekly_change_kg, 0.01..=10.0),
            ("goal.energy_kcal", self.energy_kcal, 0.0..=15_000.0),
        ];
        let mut refused: Vec<InvalidField> = bounded
            .into_iter()
            .filter_map(|(field, value, range)| InvalidField::unless_within(field, value?, range))
            .collect();
        refused.extend(self.refused_change());
        refused.extend(self.refused_weight(person));
        InvalidFields::none_of(refused)?;
        if self.kind == GoalKind::Lose && person.bmi() < UNDERWEIGHT_BMI {
            return Err(TargetRefusal::Underweight { bmi: person.bmi() });
        }
        Ok(())
    }

    fn refused_change(&self) -> Option<InvalidField> {
        let change = self.weekly_change_kg?;
        if self.kind == GoalKind::Maintain {
            let accepted = "none to maintain a weight, or the goal lose or gain_muscle";
            return Some(InvalidField::new("goal.weekly_change_kg", change, accepted));
        }
        self.energy_kcal.map(|_| {
            let accepted = "none beside goal.energy_kcal, which decides the rate";
            InvalidField::new("goal.weekly_change_kg", change, accepted)
        })
    }

    fn refused_weight(&self, person: &Person) -> Option<InvalidField> {
        let weight_kg = self.weight_kg?;
        let square_m = (person.height_cm / 100.0).powi(2);
        let (least, most) = (UNDERWEIGHT_BMI * square_m, 60.0 * square_m);
        let (least, most) = match self.kind {
            GoalKind::Lose => (least, person.weight_kg),
            GoalKind::Maintain => (person.weight_kg, person.weight_kg),
            GoalKind::GainMuscle => (person.weight_kg, most),
        };
        (!(least..=most).contains(&weight_kg)).then(|| {
            let accepted = format!("{least:.1} to {most:.1} kg for this goal, not below a BMI of 18.5");
            InvalidField::new("goal.weight_kg", weight_kg, accepted)
        })
    }
}
