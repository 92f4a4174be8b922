//! What a planner answers: the meals, how far each target is met, what to buy and what bound it.

use super::binding::bindings;
use super::compiled::Compiled;
use super::goals::{counted_nutrients, target_of};
use super::request::{KeptDish, KeptMeal, KeptPortion, MealKind, PlanRequest};
use super::search::Found;
use super::shopping::{ShoppingList, shopping_list};
use super::state::State;
use crate::{Nutrient, NutrientTarget};

/// A plan that keeps every hard constraint.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Plan {
    /// The days, the first first.
    pub days: Vec<PlannedDay>,
    /// How far each target is met, by person and day.
    pub targets: Vec<TargetMet>,
    /// What to buy.
    pub shopping: ShoppingList,
    /// How far the plan is from one that meets everything wished, the lower the better: 1 is as
    /// far as if every target were missed by all of it.
    pub objective: f64,
    /// What the objective is made of.
    pub parts: ObjectiveParts,
    /// Constraints without which the plan would come nearer, when it was asked for.
    pub binding: Vec<Binding>,
    /// What is proved of the plan; only a single meal of one person is tried to be proved.
    pub proof: Option<Proof>,
    /// How many foods of the request were not considered, and why.
    pub left_out: Coverage,
    /// Changes that were tried.
    pub tried: u64,
    /// The caller ended the search early.
    pub stopped: bool,
}

/// A day of a plan.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PlannedDay {
    /// Which day, the first being 0.
    pub day: usize,
    /// Its meals, in the order of the request.
    pub meals: Vec<PlannedMeal>,
}

/// A meal of a plan.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PlannedMeal {
    /// Which meal.
    pub kind: MealKind,
    /// It was asked to stay as it is.
    pub kept: bool,
    /// What is on the table.
    pub dishes: Vec<PlannedDish>,
}

/// A food of a meal.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PlannedDish {
    /// Which food.
    pub food_id: String,
    /// What people call it.
    pub name: String,
    /// Mass of one serving in grams.
    pub serving_g: f64,
    /// Who eats how much of it.
    pub portions: Vec<Portion>,
}

/// What one person eats of a food at a meal.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Portion {
    /// Who.
    pub member_id: String,
    /// Whole servings, at least 1.
    pub servings: u8,
    /// Energy of them in kcal.
    pub energy_kcal: f64,
}

/// How far one target of one person is met on one day.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct TargetMet {
    /// Whose.
    pub member_id: String,
    /// On which day.
    pub day: usize,
    /// Of which nutrient.
    pub nutrient: Nutrient,
    /// What the foods hold of it as far as that is known, in the unit of the nutrient's field.
    pub amount: f64,
    /// The target over the planned meals.
    pub target: NutrientTarget,
    /// 1 when it is met, less by the part that is missing or too much, at least 0.
    pub met: f64,
    /// The part of the energy eaten that is from foods of which the amount is known, 0 to 1.
    pub coverage: f64,
}

/// What an objective is made of; they add up to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct ObjectiveParts {
    /// Deviation from targets, the mean over people and days.
    pub targets: f64,
    /// Deviation of meals from their shares of energy.
    pub meal_shares: f64,
    /// Amounts that are not known.
    pub unknown: f64,
    /// Money, with what is wasted.
    pub money: f64,
    /// What is less liked.
    pub disliking: f64,
    /// The same food again.
    pub repetition: f64,
    /// Dishes on the tables.
    pub dishes: f64,
}

/// A constraint without which a plan would come nearer.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Binding {
    /// The field of the request it is.
    pub constraint: String,
    /// The objective that was found without it.
    pub objective_without: f64,
}

/// What is proved of a plan.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Proof {
    /// No plan has a smaller objective than this.
    pub bound: f64,
    /// This plan has it.
    pub optimal: bool,
}

/// Foods that were not considered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Coverage {
    /// No serving of them is known.
    pub without_serving: usize,
    /// Their energy is not known.
    pub without_energy: usize,
    /// Their price is not known and there is a budget, or they are neither sold nor at home.
    pub without_price: usize,
    /// Nobody may eat them.
    pub not_allowed: usize,
    /// There were more promising ones.
    pub less_promising: usize,
}

impl Plan {
    /// The meals of the plan as meals that stay as they are, to plan others around them.
    #[must_use]
    pub fn kept_meals(&self) -> Vec<KeptMeal> {
        let portions = |dish: &PlannedDish| {
            let portion =
                |each: &Portion| KeptPortion { member_id: each.member_id.clone(), servings: each.servings };
            dish.portions.iter().map(portion).collect()
        };
        let dish = |dish: &PlannedDish| KeptDish { food_id: dish.food_id.clone(), portions: portions(dish) };
        (self.days.iter())
            .flat_map(|day| {
                let kept = move |(meal, planned): (usize, &PlannedMeal)| KeptMeal {
                    day: day.day,
                    meal,
                    dishes: planned.dishes.iter().map(dish).collect(),
                };
                day.meals.iter().enumerate().map(kept)
            })
            .collect()
    }
}

pub(super) fn answer(
    request: &PlanRequest,
    plan: &Compiled,
    found: Found<'_>,
    stop: &dyn Fn() -> bool,
) -> Plan {
    let state = &found.state;
    let objective = state.objective();
    let binding = if request.explain_binding { bindings(request, plan, state, stop) } else { Vec::new() };
    Plan {
        days: (0..plan.days).map(|day| planned_day(request, plan, state, day)).collect(),
        targets: targets_met(request, plan, state),
        shopping: shopping_list(request, plan, state),
        objective,
        parts: parts(plan, state),
        binding,
        proof: found.proved.map(|proved| Proof { bound: proved.bound, optimal: proved.optimal }),
        left_out: Coverage {
            without_serving: plan.left_out.no_serving,
            without_energy: plan.left_out.no_energy,
            without_price: plan.left_out.no_price,
            not_allowed: plan.left_out.not_allowed,
            less_promising: plan.left_out.less_promising,
        },
        tried: found.tried,
        stopped: found.stopped,
    }
}

fn planned_day(request: &PlanRequest, plan: &Compiled, state: &State<'_>, day: usize) -> PlannedDay {
    let meal = |(number, slot): (usize, &super::MealSlot)| {
        let slot_number = day * plan.meals + number;
        let dishes = (0..plan.foods.len() as u16).filter(|food| state.eaten_at(*food, slot_number));
        PlannedMeal {
            kind: slot.kind,
            kept: plan.kept[plan.plate(slot_number, 0)].is_some(),
            dishes: dishes.map(|food| planned_dish(request, plan, state, slot_number, food)).collect(),
        }
    };
    PlannedDay { day, meals: request.meals.iter().enumerate().map(meal).collect() }
}

fn planned_dish(
    request: &PlanRequest,
    plan: &Compiled,
    state: &State<'_>,
    slot: usize,
    food: u16,
) -> PlannedDish {
    let card = plan.card(food);
    let portion = |(eater, member): (usize, &super::PlanMember)| {
        let servings = state.plate(plan.plate(slot, eater)).servings_of(food);
        let energy_kcal = f64::from(servings) * card.serving_kcal;
        (servings > 0).then(|| Portion { member_id: member.member_id.clone(), servings, energy_kcal })
    };
    let source = &request.foods[card.place].food;
    PlannedDish {
        food_id: source.food_id.clone(),
        name: source.name.clone(),
        serving_g: card.serving_g,
        portions: request.members.iter().enumerate().filter_map(portion).collect(),
    }
}

fn targets_met(request: &PlanRequest, plan: &Compiled, state: &State<'_>) -> Vec<TargetMet> {
    let nutrients = counted_nutrients(&request.members);
    let mut met = Vec::new();
    for (eater, member) in request.members.iter().enumerate() {
        for day in 0..plan.days {
            let sums = state.sums_of(day * plan.eaters.len() + eater);
            for (number, nutrient) in nutrients.iter().enumerate() {
                let Some(target) = target_of(request, member, *nutrient) else { continue };
                met.push(TargetMet {
                    member_id: member.member_id.clone(),
                    day,
                    nutrient: *nutrient,
                    amount: sums[number],
                    met: part_met(&target, sums[number]),
                    coverage: coverage(request, plan, state, (day, eater), *nutrient),
                    target,
                });
            }
        }
    }
    met
}

fn part_met(target: &NutrientTarget, amount: f64) -> f64 {
    let part = |off: f64, bound: f64| 1.0 - off.max(0.0) / if bound > 0.0 { bound } else { 1.0 };
    let least = target.at_least.map_or(1.0, |least| part(least - amount, least));
    let ideal = target.ideal.map_or(1.0, |ideal| part((amount - ideal).abs(), ideal));
    let most = target.at_most.map_or(1.0, |most| part(amount - most, most));
    least.min(ideal).min(most).max(0.0)
}

fn coverage(
    request: &PlanRequest,
    plan: &Compiled,
    state: &State<'_>,
    (day, eater): (usize, usize),
    nutrient: Nutrient,
) -> f64 {
    let (mut all, mut known) = (0.0, 0.0);
    for meal in 0..plan.meals {
        for &(food, servings) in state.plate(plan.plate(day * plan.meals + meal, eater)).items() {
            let card = plan.card(food);
            let kcal = f64::from(servings) * card.serving_kcal.max(1.0);
            all += kcal;
            if request.foods[card.place].food.per_100g.get(nutrient).is_some() {
                known += kcal;
            }
        }
    }
    if all > 0.0 { known / all } else { 1.0 }
}

fn parts(plan: &Compiled, state: &State<'_>) -> ObjectiveParts {
    let mut parts = ObjectiveParts {
        targets: (0..plan.days * plan.eaters.len()).map(|person| state.person_cost(person)).sum(),
        dishes: f64::from(state.dishes()) * plan.dish,
        ..ObjectiveParts::default()
    };
    for plate in 0..plan.plates() {
        parts.meal_shares += state.share_cost(plate, state.kcal_of(plate));
        let eater = &plan.eaters[state.eater_of(plate)];
        for &(food, servings) in state.plate(plate).items() {
            parts.unknown += f64::from(servings) * eater.unknown[usize::from(food)];
            parts.disliking += plan.card(food).disliking;
        }
    }
    for food in 0..plan.foods.len() as u16 {
        parts.repetition += plan.repetition * f64::from(state.uses_of(food).saturating_sub(1));
    }
    let others =
        parts.targets + parts.dishes + parts.meal_shares + parts.unknown + parts.disliking + parts.repetition;
    parts.money = state.objective() - others;
    parts
}
