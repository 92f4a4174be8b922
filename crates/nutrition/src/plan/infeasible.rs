//! What to relax when no plan keeps every constraint: each constraint is dropped alone, and those
//! without which a plan is found are told. An allergy is never among them.

use super::compiled::Compiled;
use super::preselect::preselected;
use super::request::{PlanRefusal, PlanRequest, PlanWeights, Relaxation};
use super::search::{Found, search};
use super::state::State;

/// Changes that are tried for each constraint that is dropped.
const EFFORT: u64 = 40_000;

/// A constraint, and the request without it.
pub(super) struct Relaxed {
    pub(super) constraint: String,
    pub(super) request: PlanRequest,
}

pub(super) fn refusal(request: &PlanRequest, stop: &dyn Fn() -> bool) -> PlanRefusal {
    let effort = EFFORT.min(request.effort.max(1_000));
    let mut relax = Vec::new();
    for relaxed in relaxations(request) {
        if stop() {
            break;
        }
        let request_without = PlanRequest { effort, explain_binding: false, ..relaxed.request };
        let Some(plan) = Compiled::new(&request_without) else { continue };
        let found = search(&plan, &request_without, stop);
        if found.keeps_everything() {
            let detail = detail(&relaxed.constraint, request, &request_without, &found, stop);
            relax.push(Relaxation { constraint: relaxed.constraint, detail });
        }
    }
    if relax.is_empty() {
        relax.extend(nothing_to_plan(request));
    }
    PlanRefusal::Infeasible { relax }
}

/// Why none of the foods can be planned, when that is so for want of knowledge.
fn nothing_to_plan(request: &PlanRequest) -> Option<Relaxation> {
    let chosen = preselected(request);
    let left_out = chosen.left_out;
    // Where nobody may eat any of them, that is what the other relaxations were tried for.
    if !chosen.places.is_empty() || left_out.not_allowed == request.foods.len() {
        return None;
    }
    let reasons = [
        (left_out.no_energy, "have no known energy"),
        (left_out.no_serving, "have no known serving"),
        (left_out.no_price, "have no known price, or are neither sold nor at home"),
        (left_out.not_allowed, "may be eaten by nobody"),
    ];
    let told = reasons.iter().filter(|(count, _)| *count > 0).map(|(count, why)| format!("{count} {why}"));
    let told = told.collect::<Vec<_>>().join(", ");
    let detail = format!("none of the {} foods can be planned: {told}", request.foods.len());
    Some(Relaxation { constraint: "foods".to_owned(), detail })
}

/// The request without each of its constraints that could be lifted.
pub(super) fn relaxations(request: &PlanRequest) -> Vec<Relaxed> {
    let mut relaxed = Vec::new();
    let mut without = |constraint: String, lift: &dyn Fn(&mut PlanRequest)| {
        let mut lifted = request.clone();
        lift(&mut lifted);
        if lifted != *request {
            relaxed.push(Relaxed { constraint, request: lifted });
        }
    };
    without("budget_micros".into(), &|lifted| lifted.budget_micros = None);
    without("limits.uses_per_day".into(), &|lifted| lifted.limits.uses_per_day = u8::MAX);
    without("limits.uses_per_week".into(), &|lifted| lifted.limits.uses_per_week = u8::MAX);
    without("limits.of_category_per_meal".into(), &|lifted| lifted.limits.of_category_per_meal = u8::MAX);
    without("limits.most_servings".into(), &|lifted| {
        lifted.limits.most_servings = 20;
        lifted.foods.iter_mut().for_each(|food| food.most_servings = None);
    });
    without("meals.fewest_items".into(), &|lifted| {
        lifted.meals.iter_mut().for_each(|meal| meal.fewest_items = 1)
    });
    without("meals.most_items".into(), &|lifted| {
        lifted.meals.iter_mut().for_each(|meal| meal.most_items = 8)
    });
    without("foods.meals".into(), &|lifted| lifted.foods.iter_mut().for_each(|food| food.meals.clear()));
    without("foods.can_be_bought".into(), &|lifted| {
        lifted.foods.iter_mut().for_each(|food| food.can_be_bought = true);
    });
    for place in 0..request.members.len() {
        without(format!("members[{place}].diets"), &|lifted| lifted.members[place].diets.clear());
        without(format!("members[{place}].excluded_food_ids"), &|lifted| {
            lifted.members[place].excluded_food_ids.clear();
        });
        without(format!("members[{place}].excluded_categories"), &|lifted| {
            lifted.members[place].excluded_categories.clear();
        });
        if !request.members[place].allergies.is_empty() {
            without(format!("members[{place}].accept_unknown_allergens"), &|lifted| {
                lifted.members[place].accept_unknown_allergens = true;
            });
        }
    }
    relaxed
}

/// What would be enough, as far as the plan that was found tells.
fn detail(
    constraint: &str,
    request: &PlanRequest,
    without: &PlanRequest,
    found: &Found<'_>,
    stop: &dyn Fn() -> bool,
) -> String {
    let limits = &request.limits;
    match constraint {
        "budget_micros" => cheapest(request, without, stop),
        "limits.uses_per_day" => {
            format!("{} would be enough, {} is asked", most_uses(&found.state, 1), limits.uses_per_day)
        }
        "limits.uses_per_week" => {
            format!("{} would be enough, {} is asked", most_uses(&found.state, 7), limits.uses_per_week)
        }
        "foods.meals" => "a plan is possible when every food suits every meal".to_owned(),
        _ if constraint.ends_with("accept_unknown_allergens") => {
            "a plan is possible with foods of which nobody said whether the allergen is in them".to_owned()
        }
        _ => "a plan is possible without it".to_owned(),
    }
}

/// The least that was found to be enough money.
fn cheapest(request: &PlanRequest, without: &PlanRequest, stop: &dyn Fn() -> bool) -> String {
    let mut cheap = without.clone();
    // Foods without a price would be free of charge, and not of cost.
    cheap.foods.retain(|food| food.price_micros.is_some() || !food.can_be_bought);
    // Nothing counts but money.
    cheap.weights = PlanWeights {
        energy: 0.0,
        nutrients: Vec::new(),
        meal_shares: 0.0,
        unknown: 0.0,
        cost: 1.0,
        waste: 0.0,
        disliking: 0.0,
        repetition: 0.0,
        dishes: 0.0,
    };
    cheap.members.iter_mut().for_each(|member| member.targets.clear());
    for food in &mut cheap.foods {
        // Every pack has to be paid, whether or not it keeps.
        food.keeps_days = food.keeps_days.or(Some(u16::MAX));
    }
    let asked = money(request.budget_micros.unwrap_or(0));
    let plan = Compiled::new(&cheap);
    let paid = plan.as_ref().map(|plan| search(plan, &cheap, stop)).filter(Found::keeps_everything);
    paid.map_or_else(
        || "prices are missing".to_owned(),
        |found| format!("{} would be enough, {asked} is asked", money(found.state.paid_micros() as i64)),
    )
}

fn money(micros: i64) -> String {
    // Rounded up to a hundredth: less would not be enough.
    let cents = micros.div_euclid(10_000) + i64::from(micros.rem_euclid(10_000) > 0);
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// The most meals of so many days that have the same food.
fn most_uses(state: &State<'_>, days: usize) -> usize {
    let plan = state.plan;
    let uses = |food: u16, span: usize| {
        let (from, to) = (span * days * plan.meals, ((span + 1) * days * plan.meals).min(plan.slots()));
        (from..to).filter(|slot| state.eaten_at(food, *slot)).count()
    };
    let foods = 0..plan.foods.len() as u16;
    foods.flat_map(|food| (0..plan.days.div_ceil(days)).map(move |span| uses(food, span))).max().unwrap_or(0)
}
