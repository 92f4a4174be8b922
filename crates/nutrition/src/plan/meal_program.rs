//! Meals as a linear program with whole variables: some plates free, the others as they are.

use std::collections::HashMap;

use super::compiled::Compiled;
use super::goals::Goal;
use super::linear_program::{LinearProgram, Sense};
use super::request::{PlanRefusal, PlanRequest};
use super::state::State;

/// The whole request as a program, for other solvers to be compared with; packs that do not keep
/// are counted as if they did, which can only make its best better.
///
/// # Errors
/// As [`super::plan_meals`].
pub fn whole_program(request: &PlanRequest) -> Result<LinearProgram, PlanRefusal> {
    super::check::check(request)?;
    let compiled = Compiled::new(request).ok_or(PlanRefusal::Infeasible { relax: Vec::new() })?;
    Ok(MealProgram::of_free_plates(&State::new(&compiled)).program)
}

/// No plan of the request has a smaller objective: each day by itself with broken servings.
///
/// # Errors
/// As [`super::plan_meals`]; a bound of negative infinity is given when the solver fails.
pub fn lower_bound(request: &PlanRequest) -> Result<f64, PlanRefusal> {
    super::check::check(request)?;
    let compiled = Compiled::new(request).ok_or(PlanRefusal::Infeasible { relax: Vec::new() })?;
    let state = State::new(&compiled);
    let mut days = Vec::new();
    for day in 0..compiled.days {
        let plates = (0..compiled.plates()).filter(|plate| state.day_of(*plate) == day);
        let free = plates.filter(|plate| compiled.kept[*plate].is_none()).collect::<Vec<_>>();
        // Days with the same meals free and nothing kept have the same bound.
        let known = (days.iter()).find(|(other, _): &&(Vec<usize>, f64)| {
            other.len() == free.len() && free.len() == compiled.meals * compiled.eaters.len()
        });
        let bound = match known {
            Some((_, bound)) => *bound,
            None => MealProgram::of_one_day(&state, &free).program.relaxed().unwrap_or(f64::NEG_INFINITY),
        };
        days.push((free, bound));
    }
    Ok(days.iter().map(|(_, bound)| bound).sum())
}

/// A program with the variables that stand for servings.
pub(super) struct MealProgram {
    pub(super) program: LinearProgram,
    /// By plate and food: the variables of servings and of being eaten at all.
    pub(super) servings: HashMap<(usize, u16), (usize, usize)>,
    /// By slot and food: the variable of being on the table.
    tables: HashMap<(usize, u16), usize>,
}

/// What a program includes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Span {
    /// Everything that couples days.
    Whole,
    /// One day by itself: what couples it with others is left out, so that sums of days are bounds.
    OneDay,
}

impl MealProgram {
    /// Every plate that is not kept.
    pub(super) fn of_free_plates(state: &State<'_>) -> Self {
        let free =
            (0..state.plan.plates()).filter(|plate| state.plan.kept[*plate].is_none()).collect::<Vec<_>>();
        Self::build(state, &free, Span::Whole)
    }

    fn of_one_day(state: &State<'_>, free: &[usize]) -> Self {
        Self::build(state, free, Span::OneDay)
    }

    fn build(state: &State<'_>, free: &[usize], span: Span) -> Self {
        let mut built =
            Self { program: LinearProgram::default(), servings: HashMap::new(), tables: HashMap::new() };
        for &plate in free {
            built.add_plate(state, plate);
        }
        built.add_tables(state, free);
        built.add_uses(state, span);
        built.add_money(state, span);
        for &plate in free {
            built.add_share(state, plate);
        }
        let mut people = free.iter().map(|plate| state.person_of(*plate)).collect::<Vec<_>>();
        people.sort_unstable();
        people.dedup();
        for &person in &people {
            built.add_goals(state, free, person);
        }
        if span == Span::Whole {
            built.program.constant += state.fixed_cost(free, &people);
        }
        built
    }

    fn add_plate(&mut self, state: &State<'_>, plate: usize) {
        let plan = state.plan;
        let (meal, eater) = (state.meal_of(plate), state.eater_of(plate));
        let mut eaten_terms = Vec::new();
        let mut categories: HashMap<u16, Vec<(usize, f64)>> = HashMap::new();
        for &food in &plan.choices[meal][eater] {
            let card = plan.card(food);
            let most = f64::from(card.most_servings);
            let servings = self.program.add(plan.eaters[eater].unknown[usize::from(food)], 0.0, most, true);
            let eaten = self.program.add(card.disliking, 0.0, 1.0, true);
            self.program.row(vec![(servings, 1.0), (eaten, -most)], Sense::AtMost, 0.0);
            self.program.row(vec![(servings, 1.0), (eaten, -1.0)], Sense::AtLeast, 0.0);
            self.servings.insert((plate, food), (servings, eaten));
            eaten_terms.push((eaten, 1.0));
            if let Some(category) = card.category {
                categories.entry(category).or_default().push((eaten, 1.0));
            }
        }
        self.program.row(eaten_terms.clone(), Sense::AtLeast, f64::from(plan.fewest[meal]));
        self.program.row(eaten_terms, Sense::AtMost, f64::from(plan.most[meal]));
        let mut categories = categories.into_iter().collect::<Vec<_>>();
        categories.sort_by_key(|(category, _)| *category);
        for (_, terms) in
            categories.into_iter().filter(|(_, terms)| terms.len() > usize::from(plan.of_category))
        {
            self.program.row(terms, Sense::AtMost, f64::from(plan.of_category));
        }
    }

    /// One variable for a food on a table, and meat or milk on it where that matters.
    fn add_tables(&mut self, state: &State<'_>, free: &[usize]) {
        let plan = state.plan;
        let mut slots: Vec<usize> = free.iter().map(|plate| state.slot_of(*plate)).collect();
        slots.dedup();
        for slot in slots {
            let mut meat = Vec::new();
            let mut dairy = Vec::new();
            for food in 0..plan.foods.len() as u16 {
                let eaten = (0..plan.eaters.len())
                    .filter_map(|eater| self.servings.get(&(plan.plate(slot, eater), food)))
                    .map(|columns| columns.1)
                    .collect::<Vec<_>>();
                if eaten.is_empty() || state.eaten_at(food, slot) {
                    continue;
                }
                let table = if eaten.len() == 1 {
                    self.program.columns[eaten[0]].cost += plan.dish;
                    eaten[0]
                } else {
                    let table = self.program.add(plan.dish, 0.0, 1.0, true);
                    for eaten in eaten {
                        self.program.row(vec![(eaten, 1.0), (table, -1.0)], Sense::AtMost, 0.0);
                    }
                    table
                };
                self.tables.insert((slot, food), table);
                if plan.card(food).is_meat {
                    meat.push(table);
                }
                if plan.card(food).is_dairy {
                    dairy.push(table);
                }
            }
            if plan.kosher {
                let with_meat = self.program.add(0.0, 0.0, 1.0, true);
                for table in meat {
                    self.program.row(vec![(table, 1.0), (with_meat, -1.0)], Sense::AtMost, 0.0);
                }
                for table in dairy {
                    self.program.row(vec![(table, 1.0), (with_meat, 1.0)], Sense::AtMost, 1.0);
                }
            }
        }
        self.program.constant += f64::from(state.dishes()) * plan.dish;
    }

    /// Limits of repetition by day and week, and what repetition costs.
    fn add_uses(&mut self, state: &State<'_>, span: Span) {
        let plan = state.plan;
        for food in 0..plan.foods.len() as u16 {
            let slots = (0..plan.slots()).filter_map(|slot| Some((slot, *self.tables.get(&(slot, food))?)));
            let slots = slots.collect::<Vec<_>>();
            if slots.is_empty() {
                let again = f64::from(state.uses_of(food).saturating_sub(1));
                self.program.constant += if span == Span::Whole { plan.repetition * again } else { 0.0 };
                continue;
            }
            let limit = |program: &mut LinearProgram, from: usize, to: usize, most: u8| {
                let terms = slots.iter().filter(|(slot, _)| (from..to).contains(slot));
                let terms = terms.map(|(_, table)| (*table, 1.0)).collect::<Vec<_>>();
                let used = (from..to.min(plan.slots())).filter(|slot| state.eaten_at(food, *slot)).count();
                if terms.len() + used > usize::from(most) && !terms.is_empty() {
                    let left = f64::from(most) - used as f64;
                    program.row(terms, Sense::AtMost, left.max(0.0));
                }
            };
            for day in 0..plan.days {
                limit(&mut self.program, day * plan.meals, (day + 1) * plan.meals, plan.uses_per_day);
            }
            if span == Span::OneDay {
                continue;
            }
            for week in 0..plan.days.div_ceil(7) {
                limit(
                    &mut self.program,
                    week * 7 * plan.meals,
                    (week + 1) * 7 * plan.meals,
                    plan.uses_per_week,
                );
            }
            let used = f64::from(state.uses_of(food));
            if slots.len() as f64 + used > 1.0 {
                let repeats = self.program.add(plan.repetition, 0.0, f64::INFINITY, false);
                let mut terms = slots.iter().map(|(_, table)| (*table, 1.0)).collect::<Vec<_>>();
                terms.push((repeats, -1.0));
                self.program.row(terms, Sense::AtMost, 1.0 - used);
            }
        }
    }

    /// What is bought, in packs where whole packs matter.
    fn add_money(&mut self, state: &State<'_>, span: Span) {
        let plan = state.plan;
        let mut budget_terms = Vec::new();
        for food in 0..plan.foods.len() as u16 {
            let card = plan.card(food);
            let mut terms = (0..plan.plates())
                .filter_map(|plate| {
                    Some((self.servings.get(&(plate, food))?.0, card.serving_g / card.pack_g))
                })
                .collect::<Vec<_>>();
            let kept = state.servings_by_day(food).iter().map(|&each| f64::from(each)).sum::<f64>();
            let kept_packs = kept * card.serving_g / card.pack_g;
            let pantry_packs = card.pantry_g / card.pack_g;
            if terms.is_empty() && kept == 0.0 {
                continue;
            }
            if !card.can_be_bought {
                self.program.row(terms, Sense::AtMost, (pantry_packs - kept_packs).max(0.0));
                continue;
            }
            if card.pack_micros == 0.0 {
                continue;
            }
            let pack_cost = card.gram_cost * card.pack_g;
            let perishes = card.keeps_days.is_some() && span == Span::Whole;
            let whole_packs = perishes || (plan.budget_micros.is_some() && span == Span::Whole);
            let waste = if perishes { plan.cost_weight + plan.waste_weight } else { 0.0 };
            let bought_cost = pack_cost * (plan.cost_weight - waste);
            let bought = self.program.add(bought_cost, 0.0, f64::INFINITY, false);
            terms.push((bought, -1.0));
            // What is free at home is eaten first; without any, what is eaten is bought exactly.
            let sense = if pantry_packs > 0.0 { Sense::AtMost } else { Sense::Equal };
            self.program.row(terms, sense, pantry_packs - kept_packs);
            let packs = whole_packs.then(|| {
                let packs = self.program.add(pack_cost * waste, 0.0, 10_000.0, true);
                self.program.row(vec![(packs, 1.0), (bought, -1.0)], Sense::AtLeast, 0.0);
                packs
            });
            if let (Some(packs), Some(budget)) = (packs, plan.budget_micros) {
                budget_terms.push((packs, card.pack_micros / budget.max(1.0)));
            }
        }
        if !budget_terms.is_empty() {
            self.program.row(budget_terms, Sense::AtMost, 1.0);
        }
    }

    fn add_share(&mut self, state: &State<'_>, plate: usize) {
        let plan = state.plan;
        let energy = plan.eaters[state.eater_of(plate)].energy_kcal;
        let goal = Goal {
            best: plan.shares[state.meal_of(plate)] * energy,
            off: plan.share_weight / energy,
            ..Goal::default()
        };
        let terms = self.terms_of(state, &[plate], |food| plan.card(food).serving_kcal);
        self.add_deviation(&goal, &terms, 0.0, energy);
    }

    fn add_goals(&mut self, state: &State<'_>, free: &[usize], person: usize) {
        let plates =
            free.iter().copied().filter(|plate| state.person_of(*plate) == person).collect::<Vec<_>>();
        let goals = state.goals_of(plates[0]);
        for (nutrient, goal) in goals.iter().enumerate() {
            let scale = goal.least.max(goal.best).max(goal.most).max(1e-9);
            let terms = self.terms_of(state, &plates, |food| state.plan.serving(food)[nutrient]);
            let fixed = state.sums_of(person)[nutrient];
            self.add_deviation(goal, &terms, fixed, scale);
        }
    }

    fn terms_of(
        &self,
        state: &State<'_>,
        plates: &[usize],
        amount: impl Fn(u16) -> f64,
    ) -> Vec<(usize, f64)> {
        let mut terms = Vec::new();
        for &plate in plates {
            for &food in &state.plan.choices[state.meal_of(plate)][state.eater_of(plate)] {
                let amount = amount(food);
                if amount != 0.0 {
                    terms.push((self.servings[&(plate, food)].0, amount));
                }
            }
        }
        terms
    }

    /// What the distance of a sum from a goal costs, in parts of `scale`.
    fn add_deviation(&mut self, goal: &Goal, terms: &[(usize, f64)], fixed: f64, scale: f64) {
        let scaled = terms.iter().map(|(column, amount)| (*column, amount / scale)).collect::<Vec<_>>();
        let sides =
            [(goal.best, [goal.off; 2]), (goal.least, [goal.below, 0.0]), (goal.most, [0.0, goal.above])];
        for (wanted, costs) in sides.into_iter().filter(|(_, costs)| costs[0] + costs[1] > 0.0) {
            let [below, above] = costs.map(|cost| self.program.add(cost * scale, 0.0, f64::INFINITY, false));
            let mut terms = scaled.clone();
            terms.extend([(below, 1.0), (above, -1.0)]);
            self.program.row(terms, Sense::Equal, (wanted - fixed) / scale);
        }
    }
}
