//! A single meal as what branch and bound needs: dishes whose costs do not depend on each other,
//! and targets that only ask for sums over them.

use std::ops::Range;

use crate::plan::compiled::{Compiled, FoodCard};
use crate::plan::goals::Goal;
use crate::plan::stock::provision;

/// One meal of one person.
pub(super) struct Meal {
    pub(super) fewest: usize,
    pub(super) most: usize,
    pub(super) of_category: usize,
    pub(super) kosher: bool,
    /// Most that may be paid, in millionths of the currency.
    pub(super) budget: f64,
    pub(super) targets: Targets,
    pub(super) dishes: Vec<Dish>,
    /// Most servings of any dish.
    pub(super) most_servings: usize,
}

/// A food that may be chosen.
pub(super) struct Dish {
    pub(super) food: u16,
    /// By servings, one first: everything that it costs but what it does to the targets.
    pub(super) costs: Vec<f64>,
    /// By servings: what is paid for packs of it.
    pub(super) paid: Vec<f64>,
    /// By target: what a serving holds.
    pub(super) amounts: Vec<f64>,
    pub(super) category: Option<u16>,
    pub(super) is_meat: bool,
    pub(super) is_dairy: bool,
}

impl Dish {
    /// How many servings are cheapest when the nutrients of one cost so much.
    pub(super) fn cheapest_servings(&self, nutrients: f64) -> u8 {
        let mut least = (f64::INFINITY, 0);
        for (servings, cost) in (1_u8..).zip(&self.costs) {
            let cost = cost + f64::from(servings) * nutrients;
            if cost < least.0 {
                least = (cost, servings);
            }
        }
        least.1
    }
}

/// Places that sums should not be above, below or off. A target with several places is several
/// of them; amounts are in parts of the target. Those with two sides stand first, since they tell
/// soonest that a meal is a bad one.
#[derive(Default)]
pub(super) struct Targets {
    /// How far sums of nothing are from their places; distances above 0 are too much.
    pub(super) start: Vec<f64>,
    /// The slope of the cost before each place, at most 0.
    pub(super) before: Vec<f64>,
    /// The slope after it, at least 0.
    pub(super) after: Vec<f64>,
    pub(super) two_sided: usize,
}

impl Targets {
    /// What these distances cost.
    pub(super) fn cost(&self, distances: &[f64]) -> f64 {
        let rows = distances.iter().zip(&self.before).zip(&self.after);
        rows.map(|((distance, before), after)| steeper(*distance, *before, *after)).sum()
    }

    /// What the distances from two-sided places cost when a dish is added.
    pub(super) fn cost_of_two_sided(&self, distances: &[f64], dish: &Dish, servings: f64) -> f64 {
        self.cost_of_part(0..self.two_sided, distances, dish, servings)
    }

    /// What the others cost.
    pub(super) fn cost_of_one_sided(&self, distances: &[f64], dish: &Dish, servings: f64) -> f64 {
        self.cost_of_part(self.two_sided..distances.len(), distances, dish, servings)
    }

    fn cost_of_part(&self, part: Range<usize>, distances: &[f64], dish: &Dish, servings: f64) -> f64 {
        let slopes = self.before[part.clone()].iter().zip(&self.after[part.clone()]);
        let amounts = dish.amounts[part.clone()].iter().zip(&distances[part]);
        let rows = amounts.zip(slopes);
        rows.map(|((amount, distance), (before, after))| {
            steeper(distance + servings * amount, *before, *after)
        })
        .sum()
    }

    /// What these distances cost at prices of what is missing. Sums only grow, so that what is too
    /// much stays too much.
    pub(super) fn priced(&self, distances: &[f64], prices: &[f64]) -> f64 {
        let rows = distances.iter().zip(prices).zip(&self.after);
        rows.map(|((distance, price), after)| distance * if *distance > 0.0 { *after } else { *price }).sum()
    }
}

/// A plain comparison, which is quicker than one that minds what is not a number.
fn steeper(distance: f64, before: f64, after: f64) -> f64 {
    let (below, above) = (distance * before, distance * after);
    if below > above { below } else { above }
}

impl Meal {
    /// The only meal of a plan for one person.
    pub(super) fn of(plan: &Compiled) -> Self {
        let (targets, rows) = targets(plan);
        let dishes = plan.choices[0][0].iter().map(|&food| dish(plan, food, &rows));
        let dishes = dishes.filter(|dish| !dish.costs.is_empty()).collect::<Vec<_>>();
        Self {
            fewest: usize::from(plan.fewest[0]),
            most: usize::from(plan.most[0]),
            of_category: usize::from(plan.of_category),
            kosher: plan.kosher,
            budget: plan.budget_micros.unwrap_or(f64::INFINITY),
            targets,
            most_servings: dishes.iter().map(|dish| dish.costs.len()).max().unwrap_or(0),
            dishes,
        }
    }
}

/// The targets that count, each with the number of its nutrient and what amounts are divided by.
fn targets(plan: &Compiled) -> (Targets, Vec<(usize, f64)>) {
    let eater = &plan.eaters[0];
    let mut goals = eater.goals.iter().copied().enumerate().collect::<Vec<_>>();
    let due = plan.shares[0] * eater.energy_kcal;
    let share = Goal { best: due, off: plan.share_weight / eater.energy_kcal, ..Goal::default() };
    // Energy is nutrient 0; what is due at the meal is what is due on a day that has no other.
    if goals[0].1.off > 0.0 && (goals[0].1.best - due).abs() < 1e-9 * due {
        goals[0].1.off += share.off;
    } else {
        goals.push((0, share));
    }
    let sides = |(nutrient, goal): (usize, Goal)| {
        let scale = goal.least.max(goal.best).max(goal.most).max(1e-9);
        let sides =
            [(goal.best, goal.off, goal.off), (goal.least, goal.below, 0.0), (goal.most, 0.0, goal.above)];
        sides.map(|(place, below, above)| (nutrient, scale, place / scale, -below * scale, above * scale))
    };
    let mut places = goals.into_iter().flat_map(sides).collect::<Vec<_>>();
    places.retain(|(_, _, _, before, after)| *before < 0.0 || *after > 0.0);
    places.sort_by_key(|(_, _, _, before, after)| !(*before < 0.0 && *after > 0.0));
    let targets = Targets {
        start: places.iter().map(|(_, _, place, _, _)| -place).collect(),
        before: places.iter().map(|(_, _, _, before, _)| *before).collect(),
        after: places.iter().map(|(_, _, _, _, after)| *after).collect(),
        two_sided: places.iter().filter(|(_, _, _, before, after)| *before < 0.0 && *after > 0.0).count(),
    };
    (targets, places.into_iter().map(|(nutrient, scale, ..)| (nutrient, scale)).collect())
}

fn dish(plan: &Compiled, food: u16, rows: &[(usize, f64)]) -> Dish {
    let card = plan.card(food);
    let (costs, paid) = (1..=most_servings(card)).map(|servings| costs(plan, food, servings)).unzip();
    let serving = plan.serving(food);
    Dish {
        food,
        costs,
        paid,
        amounts: rows.iter().map(|(nutrient, scale)| serving[*nutrient] / scale).collect(),
        category: card.category,
        is_meat: card.is_meat,
        is_dairy: card.is_dairy,
    }
}

/// As many as are at home, of what cannot be bought.
fn most_servings(card: &FoodCard) -> u8 {
    let at_home = |servings: &u8| f64::from(*servings) * card.serving_g <= card.pantry_g * (1.0 + 1e-9);
    if card.can_be_bought {
        return card.most_servings;
    }
    (1..=card.most_servings).take_while(at_home).last().unwrap_or(0)
}

/// What so many servings cost as a part of the objective, and what is paid for them.
fn costs(plan: &Compiled, food: u16, servings: u8) -> (f64, f64) {
    let card = plan.card(food);
    let provision = provision(card, &[u16::from(servings)]);
    let unknown = plan.eaters[0].unknown[usize::from(food)] * f64::from(servings);
    let cost = plan.money(card, &provision) + card.disliking + plan.dish + unknown;
    (cost, provision.packs * card.pack_micros)
}
