//! Which foods of a catalogue are considered: all that can be planned, or the most promising of
//! too many. What somebody keeps, has at home or likes stays in.

use std::collections::{HashMap, HashSet};

use super::compiled::{LeftOut, unfit};
use super::goals::{counted_nutrients, goal, planned_part, target_of, weight_of};
use super::request::{MealKind, PlanFood, PlanMember, PlanRequest};
use crate::Nutrient;

/// The places of the foods that are considered, in the order of the request.
pub(super) struct Preselected {
    pub(super) places: Vec<usize>,
    pub(super) left_out: LeftOut,
}

pub(super) fn preselected(request: &PlanRequest) -> Preselected {
    let kept = request.kept.iter().flat_map(|meal| &meal.dishes).map(|dish| dish.food_id.as_str());
    let kept = kept.collect::<HashSet<_>>();
    let stocked =
        request.pantry.iter().filter(|stock| stock.mass_g > 0.0).map(|stock| stock.food_id.as_str());
    let stocked = stocked.collect::<HashSet<_>>();
    let mut left_out = LeftOut::default();
    let mut must = Vec::new();
    let mut may = Vec::new();
    for (place, food) in request.foods.iter().enumerate() {
        let id = food.food.food_id.as_str();
        if kept.contains(id) {
            must.push(place);
        } else if let Some(reason) = reason_against(request, food, stocked.contains(id), &mut left_out) {
            *reason += 1;
        } else if stocked.contains(id) {
            must.push(place);
        } else {
            may.push(place);
        }
    }
    let room = request.limits.foods_considered.saturating_sub(must.len());
    if may.len() > room {
        left_out.less_promising = may.len() - room;
        may = most_promising(request, &may, room);
    }
    must.extend(may);
    must.sort_unstable();
    Preselected { places: must, left_out }
}

/// Where a food that cannot be planned is counted.
fn reason_against<'count>(
    request: &PlanRequest,
    food: &PlanFood,
    stocked: bool,
    left_out: &'count mut LeftOut,
) -> Option<&'count mut usize> {
    if food.food.serving_g.is_none() {
        return Some(&mut left_out.no_serving);
    }
    if food.food.per_100g.get(Nutrient::Energy).is_none() {
        return Some(&mut left_out.no_energy);
    }
    if request.members.iter().all(|member| unfit(member, &food.food).is_some()) {
        return Some(&mut left_out.not_allowed);
    }
    let unpriced = food.can_be_bought && food.price_micros.is_none() && request.budget_micros.is_some();
    (unpriced || (!food.can_be_bought && !stocked)).then_some(&mut left_out.no_price)
}

/// A category and a meal; no meal when its foods suit all.
type Shelf<'food> = (&'food str, Option<MealKind>);

/// Foods by how near a day of them alone would come, how liked and how cheap they are, one meal
/// and category after the other, so that a plan keeps something to vary; and for every nutrient
/// that has a floor the foods that are richest in it.
fn most_promising(request: &PlanRequest, places: &[usize], room: usize) -> Vec<usize> {
    let nutrients = counted_nutrients(&request.members);
    let scores =
        places.iter().map(|place| (*place, promise(request, &nutrients, *place))).collect::<Vec<_>>();
    let mut chosen = HashSet::new();
    let floors = nutrients.iter().filter(|nutrient| {
        let floor = |member: &PlanMember| {
            target_of(request, member, **nutrient).is_some_and(|target| target.at_least.is_some())
        };
        request.members.iter().any(floor)
    });
    let floors = floors.collect::<Vec<_>>();
    let rich = room / 4 / floors.len().max(1);
    for nutrient in floors {
        let density = |place: usize| {
            let per_100g = &request.foods[place].food.per_100g;
            let kcal = per_100g.get(Nutrient::Energy).map_or(f32::INFINITY, |kcal| kcal.max(20.0));
            per_100g.get(*nutrient).map_or(0.0, |amount| amount / kcal)
        };
        let mut densest = places.to_vec();
        densest.sort_by(|one, two| density(*two).total_cmp(&density(*one)));
        chosen.extend(densest.into_iter().take(rich));
    }
    let mut shelves: HashMap<Shelf<'_>, Vec<(usize, f64)>> = HashMap::new();
    for (place, score) in scores {
        let food = &request.foods[place];
        let meals =
            if food.meals.is_empty() { vec![None] } else { food.meals.iter().copied().map(Some).collect() };
        for meal in meals {
            shelves.entry((food.food.category.as_str(), meal)).or_default().push((place, score));
        }
    }
    let mut ranked = Vec::new();
    for shelf in shelves.into_values() {
        let mut shelf = shelf;
        shelf.sort_by(|one, two| one.1.total_cmp(&two.1).then(one.0.cmp(&two.0)));
        // The second of a shelf waits for the first of the others.
        ranked.extend(
            shelf.into_iter().enumerate().map(|(rank, (place, score))| (place, score + 0.15 * rank as f64)),
        );
    }
    ranked.sort_by(|one, two| one.1.total_cmp(&two.1).then(one.0.cmp(&two.0)));
    for (place, _) in ranked {
        if chosen.len() >= room {
            break;
        }
        chosen.insert(place);
    }
    chosen.into_iter().collect()
}

/// How far a day of this food alone would be from the targets, the lower the better, with what is
/// not known of it, how little it is liked and what it costs.
fn promise(request: &PlanRequest, nutrients: &[Nutrient], place: usize) -> f64 {
    let food = &request.foods[place];
    let kcal = food.food.per_100g.get(Nutrient::Energy).map_or(1.0, |kcal| f64::from(kcal).max(1.0));
    let mut sum = 0.0;
    let mut weights = 0.0;
    for member in &request.members {
        let energy_kcal = member.energy_kcal * planned_part(request);
        for nutrient in &nutrients[1..] {
            let Some(target) = target_of(request, member, *nutrient) else { continue };
            let weight = weight_of(request, *nutrient);
            let amount =
                food.food.per_100g.get(*nutrient).map(|amount| f64::from(amount) * energy_kcal / kcal);
            // A food may be far from a target that others make up for: beyond twice it is only far.
            sum += weight * amount.map_or(1.5, |amount| goal(&target, 1.0).cost(amount).min(2.0));
            weights += weight;
        }
    }
    let kcal_price = food.price_micros.map_or(0.0, |micros| {
        micros as f64 / (food.pack_g.or(food.food.serving_g.map(f64::from)).unwrap_or(100.0) * kcal / 100.0)
    });
    sum / f64::max(weights, 1.0) + 0.5 * (1.0 - food.liking) + request.weights.cost * kcal_price / 10_000.0
}
