//! The proof that a single meal is the best there is: branch and bound over its foods, with
//! bounds that price nutrients.

use super::plate::Plate;
use super::state::State;

mod branch;
mod meal;
mod prices;

use branch::Branching;
use meal::Meal;

/// What branch and bound said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Proved {
    /// No meal has a smaller objective.
    pub(super) bound: f64,
    /// The meal that is given has it.
    pub(super) optimal: bool,
}

/// Effort of one proof: dishes priced, and meals tried out.
const MOST_WORK: u64 = 12_000_000;

/// Whether a plan is one meal of one person that is free to be chosen.
pub(super) fn is_single_meal(state: &State<'_>) -> bool {
    state.plan.plates() == 1 && state.plan.kept[0].is_none()
}

/// Makes a plan of one meal of one person the best there is as far as that is found within a fixed
/// effort, and tells what is proved of it. `None` when the plan is another, when it was stopped, or
/// when no meal was found.
pub(super) fn prove_single_meal(state: &mut State<'_>, stop: &dyn Fn() -> bool) -> Option<Proved> {
    if is_single_meal(state) { prove_within(state, MOST_WORK, stop) } else { None }
}

fn prove_within(state: &mut State<'_>, most_work: u64, stop: &dyn Fn() -> bool) -> Option<Proved> {
    let meal = Meal::of(state.plan);
    let known = if state.broken() > 0.0 { f64::INFINITY } else { state.objective() };
    let found = Branching::new(&meal, known, most_work, stop).run();
    if let Some(items) = found.items {
        let mut plate = Plate::default();
        items.iter().for_each(|&(dish, servings)| plate.set(meal.dishes[usize::from(dish)].food, servings));
        state.become_plates(&[plate]);
    }
    if found.stopped || state.broken() > 0.0 {
        return None;
    }
    let bound = found.open.min(state.objective());
    Some(Proved { bound, optimal: found.open == f64::INFINITY })
}

#[cfg(test)]
mod tests;
