//! Meals that come nearest to what people should eat: one meal, a day or a week, for one person
//! or a household, in whole servings and whole packs.
//!
//! Targets are soft: each counts by its deviation as a part of the target, so that grams and
//! milligrams weigh alike (integer goal programming with inverse-target normalisation, as in
//! "Mixed Integer Goal Programming for Personalized Meal Optimization", arXiv 2605.13849).
//! Allergens, diets, exclusions, the budget, the pantry, repetition limits and kept meals are hard.
//! A single meal is proved best by branch and bound with prices of nutrients; days and weeks are searched by large
//! neighbourhoods (Shaw, "Using constraint programming and local search methods to solve vehicle
//! routing problems", CP 1998) for as long as the caller lets them.

mod answer;
mod binding;
mod check;
mod compiled;
mod dice;
mod exact;
mod goals;
mod infeasible;
mod inspect;
mod linear_program;
mod meal_program;
mod moves;
mod plate;
mod preselect;
mod request;
mod roles;
mod search;
mod shopping;
mod state;
mod stock;
mod substitute;

pub use answer::{
    Binding, Coverage, ObjectiveParts, Plan, PlannedDay, PlannedDish, PlannedMeal, Portion, Proof, TargetMet,
};
pub use inspect::broken_constraints;
pub use linear_program::LinearProgram;
pub use meal_program::{lower_bound, whole_program};
pub use request::{
    KeptDish, KeptMeal, KeptPortion, MealKind, MealSlot, PantryStock, PlanFood, PlanLimits, PlanMember,
    PlanRefusal, PlanRequest, PlanWeights, Relaxation,
};
pub use roles::{UsualRole, UsualRoles};
pub use shopping::{ShoppingItem, ShoppingList};
pub use substitute::{ItemPlace, Substitute, substitute_item};

#[cfg(test)]
mod tests;

/// Plans meals. `stop` is asked now and then and ends the search early when it says so; without
/// that, the same request gives the same plan.
///
/// # Errors
/// [`PlanRefusal::Invalid`] when fields are refused, [`PlanRefusal::Infeasible`] when no plan keeps
/// every hard constraint, with what to relax.
pub fn plan_meals(request: &PlanRequest, stop: &dyn Fn() -> bool) -> Result<Plan, PlanRefusal> {
    check::check(request)?;
    let Some(compiled) = compiled::Compiled::new(request) else {
        return Err(infeasible::refusal(request, stop));
    };
    let found = search::search(&compiled, request, stop);
    if !found.keeps_everything() {
        return Err(infeasible::refusal(request, stop));
    }
    Ok(answer::answer(request, &compiled, found, stop))
}
