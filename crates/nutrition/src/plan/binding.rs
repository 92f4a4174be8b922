//! Which constraints keep a plan from coming nearer: it is planned on a little without each.

use super::answer::Binding;
use super::compiled::Compiled;
use super::infeasible::relaxations;
use super::request::PlanRequest;
use super::search::improve;
use super::state::State;

/// Part of the effort of a plan that is spent without each constraint.
const PART: u64 = 8;

/// Least part of the objective that has to be gained.
const WORTH_TELLING: f64 = 0.01;

pub(super) fn bindings(
    request: &PlanRequest,
    plan: &Compiled,
    state: &State<'_>,
    stop: &dyn Fn() -> bool,
) -> Vec<Binding> {
    let considered = plan.foods.iter().map(|card| request.foods[card.place].clone()).collect::<Vec<_>>();
    let request = PlanRequest { foods: considered, kept: request.kept.clone(), ..request.clone() };
    let effort = request.effort / PART;
    // What as much more search finds with every constraint is no constraint's doing.
    let (with_all, _) = improve(state.clone(), request.seed, effort, stop);
    let before = with_all.objective().min(state.objective());
    let mut binding = Vec::new();
    for relaxed in relaxations(&request) {
        // Who may not eat what they eat for their faith or body is not told that it would be easier.
        if stop() || relaxed.constraint.starts_with("members[") && !relaxed.constraint.contains("excluded") {
            continue;
        }
        let Some(without) = Compiled::at_cost_of(&relaxed.request, plan) else { continue };
        let mut start = State::new(&without);
        if !start.take_over(state) {
            continue;
        }
        let (better, _) = improve(start, request.seed, effort, stop);
        let gained = before - better.objective();
        if better.broken() <= 0.0 && gained > WORTH_TELLING * before {
            binding.push(Binding { constraint: relaxed.constraint, objective_without: better.objective() });
        }
    }
    binding.sort_by(|one, two| one.objective_without.total_cmp(&two.objective_without));
    binding
}
