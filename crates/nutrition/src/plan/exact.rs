//! The proof that a single meal is the best there is, as far as branch and bound comes.

use super::meal_program::MealProgram;
use super::plate::Plate;
use super::state::State;

/// Nodes of branch and bound, times foods, that are worth their time for one meal: a node of
/// fewer foods is sooner solved.
const NODES_BY_FOODS: u64 = 7_000;

/// Foods that a meal may choose from for branch and bound to be tried; of more, only the bound of
/// broken servings is told.
const MOST_BRANCHED: usize = 40;

/// Foods that a meal may choose from for a bound to be told.
const MOST_BOUNDED: usize = 120;

/// What branch and bound said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Proved {
    /// No meal has a smaller objective.
    pub(super) bound: f64,
    /// The meal that is given has it.
    pub(super) optimal: bool,
}

/// Makes a plan of one meal of one person the best there is, when that can be proved in time.
pub(super) fn prove_single_meal(state: &mut State<'_>) -> Option<Proved> {
    let plan = state.plan;
    if plan.plates() != 1 || plan.kept[0].is_some() || plan.choices[0][0].len() > MOST_BOUNDED {
        return None;
    }
    let empty = State::new(plan);
    let built = MealProgram::of_free_plates(&empty);
    if plan.choices[0][0].len() > MOST_BRANCHED {
        let bound = built.program.relaxed()?;
        return Some(Proved { bound: bound.min(state.value()), optimal: false });
    }
    let most_nodes = NODES_BY_FOODS / plan.choices[0][0].len().max(1) as u64;
    let solved = built.program.solve(most_nodes, &built.start_from(state))?;
    if solved.objective < state.value() - 1e-9 {
        state.become_plates(&[Plate::default()]);
        for (&(plate, food), &(servings, _)) in &built.servings {
            state.set(plate, food, solved.values[servings].round() as u8);
        }
        state.settle();
        state.accept();
        state.recount();
    }
    Some(Proved { bound: solved.bound.min(state.value()), optimal: solved.optimal })
}
