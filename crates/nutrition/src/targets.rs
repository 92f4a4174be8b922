//! What a person should eat in a day: energy by body, activity and goal, kept within safe
//! bounds, then protein, fat and carbohydrate, then the bounds of a guideline. Every number
//! tells its formula, inputs and source; every bound that was struck is told by name.

mod bounds;
mod daily_energy;
mod goal;
mod macros;
mod meal_shares;
mod refusal;
mod settings;

#[cfg(test)]
mod tests;

pub use goal::{Carbohydrates, Goal, GoalKind};
pub use meal_shares::{MealShares, usual_meal_shares};
pub use refusal::TargetRefusal;
pub use settings::{GoalSettings, KindSettings};

use crate::energy::{EnergyFormula, EnergyNeed, Estimate, Notice, Projection, WeightModel, energy_need};
use crate::{Derivation, Guideline, Nutrient, Person};

/// Whose targets are asked for, and by which rules.
#[derive(Clone, Copy, Debug)]
pub struct TargetRequest<'request> {
    /// Whose.
    pub person: &'request Person,
    /// What they want.
    pub goal: &'request Goal,
    /// How their energy is worked out.
    pub formula: EnergyFormula,
    /// Whose advice bounds the nutrients.
    pub guideline: &'request Guideline,
    /// What each kind of goal means.
    pub settings: &'request GoalSettings,
    /// What they use by their own logged weights and intakes, where that is known; it takes the
    /// place of the formula's total.
    pub measured: Option<&'request Estimate>,
}

/// What one person should eat in a day.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct DailyTargets {
    /// Energy in kcal, a whole number.
    pub energy_kcal: f64,
    /// Where the energy comes from.
    pub energy_derivation: Derivation,
    /// Protein, fat and carbohydrate in whole grams: `4 P + 4 C + 9 F` is within 4 kcal of the energy.
    pub nutrients: Vec<NutrientTarget>,
    /// Bounds of each single meal.
    pub per_meal: Vec<NutrientTarget>,
    /// What the formula says that the person uses.
    pub need: EnergyNeed,
    /// The total that the goal started from: the measured one where there is one.
    pub expenditure: Estimate,
    /// Safe bounds that were struck.
    pub clamps: Vec<Clamp>,
    /// Values a formula was not fitted for, and advice that was not kept.
    pub notices: Vec<Notice>,
    /// When the goal's weight is reached at this energy, where the goal names one.
    pub projection: Option<Projection>,
    /// The guideline's name,
    pub guideline: String,
    /// and its version.
    pub guideline_version: u32,
}

impl DailyTargets {
    /// The target of one nutrient.
    #[must_use]
    pub fn get(&self, nutrient: Nutrient) -> Option<&NutrientTarget> {
        self.nutrients.iter().find(|target| target.nutrient == nutrient)
    }
}

/// How much of one nutrient, in the unit of its field.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct NutrientTarget {
    /// Which one.
    pub nutrient: Nutrient,
    /// Not less than this.
    pub at_least: Option<f64>,
    /// Best this.
    pub ideal: Option<f64>,
    /// Not more than this.
    pub at_most: Option<f64>,
    /// Where each of the three comes from.
    pub derivations: Vec<Derivation>,
}

impl NutrientTarget {
    /// Nothing is asked of it yet.
    #[must_use]
    pub fn new(nutrient: Nutrient) -> Self {
        Self { nutrient, at_least: None, ideal: None, at_most: None, derivations: Vec::new() }
    }
}

/// A safe bound that was struck.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Clamp {
    /// Which one.
    pub reason: ClampReason,
    /// What would have been without it, in kcal or g a day.
    pub wanted: f64,
    /// What is with it.
    pub given: f64,
}

/// The name of a safe bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClampReason {
    /// Faster than the largest share of the weight a week, 1 % for losing.
    WeeklyChangeCap,
    /// More than the largest deficit or surplus of energy a day.
    EnergyChangeCap,
    /// Below the floor of the sex.
    EnergyFloor,
    /// Below the energy used at rest.
    RestingFloor,
    /// The measured total lies far from what the formula says.
    MeasuredFarFromFormula,
    /// More protein than the largest share of the energy.
    ProteinCeiling,
    /// Less protein than the guideline asks for.
    ProteinFloor,
    /// More fat than the largest share of the energy.
    FatCeiling,
    /// Less fat than the guideline asks for.
    FatFloor,
}

/// Works out what a person should eat in a day.
///
/// # Errors
/// Bodies and goals that are refused, by name: what was refused and what would be accepted.
pub fn calculate_targets(request: &TargetRequest<'_>) -> Result<DailyTargets, TargetRefusal> {
    let TargetRequest { person, goal, settings, .. } = *request;
    refusal::refuse_person(person)?;
    goal.check(person)?;
    let need = energy_need(person, request.formula)?;
    let mut clamps = Vec::new();
    let expenditure = daily_energy::expenditure(&need, request.measured, &mut clamps);
    let body =
        daily_energy::BodyEnergy { person, resting_kcal: need.resting.kcal, total_kcal: expenditure.kcal };
    let mut notices = need.notices.clone();
    let energy = daily_energy::target(&body, goal, settings, (&mut clamps, &mut notices))?;
    let energy_kcal = energy.value;
    let rules = request.guideline.resolve(person, energy_kcal, crate::Span::Day);
    let macros = macros::Macros::of(energy_kcal, person, (goal, settings), (&rules, &mut clamps));
    let nutrients = bounds::day(&energy, &macros, rules, &mut notices);
    let of_meals = request.guideline.resolve(person, energy_kcal, crate::Span::Meal);
    let projection = goal.weight_kg.map(|weight_kg| {
        WeightModel::new(person, need.resting.kcal, expenditure.kcal).project(energy_kcal, weight_kg)
    });
    Ok(DailyTargets {
        energy_kcal,
        energy_derivation: energy,
        nutrients,
        per_meal: bounds::meal(of_meals),
        need,
        expenditure,
        clamps,
        notices,
        projection,
        guideline: request.guideline.name.clone(),
        guideline_version: request.guideline.version,
    })
}
