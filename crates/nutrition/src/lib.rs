//! Pure nutrition: what a person needs, what a food is worth, what it holds and whom it
//! suits, and which meals come nearest to a target. Nothing here knows a database, a wire
//! format or a clock; what is not known is never taken for zero.

mod adaptive;
mod allergen;
mod derivation;
mod derive;
mod diet;
mod energy;
mod food;
mod guideline;
mod invalid;
mod kinds;
mod nutrients;
mod person;
mod scores;
mod targets;

pub mod matching;
pub mod plan;

pub use adaptive::{AdaptiveExpenditure, Confidence, IntakeDay, Outlier, WeighIn, adaptive_expenditure};
pub use allergen::{Allergen, Allergens, Language, Member, Presence};
pub use derivation::{Derivation, Input};
pub use derive::{DerivedFood, Evidence, FoodWords};
pub use diet::{Diet, Diets, Suits};
pub use energy::{
    EnergyFormula, EnergyNeed, Estimate, Notice, NoticeKind, PalCategory, Projection, RestingFormula,
    WeightModel, energy_need, resting_energy,
};
pub use food::Food;
pub use guideline::{Amount, Bound, Guideline, GuidelineRule, Span};
pub use invalid::{InvalidField, InvalidFields};
pub use kinds::{FoodKind, FoodKinds, breaks_kosher_meal};
pub use nutrients::{Nutrient, Nutrients};
pub use person::{Activity, LifeStage, Person, Sex};
pub use scores::{
    Component, ComponentPoints, Contribution, DailyValue, DailyValues, Doubt, DoubtKind, Improvement, Letter,
    Measure, NrfScore, NrfTerm, NutriScore, NutriScoreCategory, NutriScoreInput, ProductScore, Range,
    ScoreColumns, ScoreInput, ScoreModel, ScoreTerm, Scored, doubts_of, nrf9_3, nutri_score,
    nutri_score_category,
};
pub use targets::{
    Carbohydrates, Clamp, ClampReason, DailyTargets, Goal, GoalKind, GoalSettings, KindSettings, MealShares,
    NutrientTarget, TargetRefusal, TargetRequest, calculate_targets, usual_meal_shares,
};
