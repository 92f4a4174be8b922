//! Looks a plan over from outside: every hard constraint is checked anew on what was answered, by
//! other code than that which planned it.

use std::collections::HashMap;

use super::answer::{Plan, PlannedMeal};
use super::request::{KeptMeal, PlanFood, PlanMember, PlanRequest};
use crate::{Diet, FoodKind, Presence, Suits};

/// Every hard constraint of the request that the plan breaks, each told in a sentence; empty for
/// every plan that [`super::plan_meals`] gives. What kept meals break is not counted.
#[must_use]
pub fn broken_constraints(request: &PlanRequest, plan: &Plan) -> Vec<String> {
    let foods =
        request.foods.iter().map(|food| (food.food.food_id.as_str(), food)).collect::<HashMap<_, _>>();
    let mut broken = Vec::new();
    if plan.days.len() != request.days || plan.days.iter().any(|day| day.meals.len() != request.meals.len()) {
        broken.push("a meal is missing".to_owned());
        return broken;
    }
    for day in &plan.days {
        for (number, meal) in day.meals.iter().enumerate() {
            let at = format!("day {} meal {number}", day.day);
            match request.kept.iter().find(|kept| (kept.day, kept.meal) == (day.day, number)) {
                Some(kept) => check_kept(&at, kept, meal, &mut broken),
                None => check_meal(request, &foods, (&at, number), meal, &mut broken),
            }
        }
    }
    check_uses(request, plan, &mut broken);
    check_stock(request, plan, &mut broken);
    if let Some(budget) = request.budget_micros
        && plan.shopping.cost_micros > budget
    {
        broken.push(format!("{} is paid of a budget of {budget}", plan.shopping.cost_micros));
    }
    broken
}

fn check_kept(at: &str, kept: &KeptMeal, meal: &PlannedMeal, broken: &mut Vec<String>) {
    let wanted = kept.dishes.iter().flat_map(|dish| {
        dish.portions.iter().map(|each| (dish.food_id.as_str(), each.member_id.as_str(), each.servings))
    });
    let given = meal.dishes.iter().flat_map(|dish| {
        dish.portions.iter().map(|each| (dish.food_id.as_str(), each.member_id.as_str(), each.servings))
    });
    let (mut wanted, mut given) = (wanted.collect::<Vec<_>>(), given.collect::<Vec<_>>());
    wanted.sort_unstable();
    given.sort_unstable();
    if wanted != given {
        broken.push(format!("{at} was to be kept"));
    }
}

fn check_meal(
    request: &PlanRequest,
    foods: &HashMap<&str, &PlanFood>,
    (at, number): (&str, usize),
    meal: &PlannedMeal,
    broken: &mut Vec<String>,
) {
    let slot = &request.meals[number];
    let mut kinds = Vec::new();
    for dish in &meal.dishes {
        let Some(food) = foods.get(dish.food_id.as_str()) else {
            broken.push(format!("{at}: {} is no food of the request", dish.food_id));
            continue;
        };
        kinds.push(food.food.kinds);
        if !food.meals.is_empty() && !food.meals.contains(&slot.kind) {
            broken.push(format!("{at}: {} does not suit the meal", dish.food_id));
        }
        let most = food.most_servings.unwrap_or(request.limits.most_servings);
        if dish.portions.iter().any(|portion| portion.servings == 0 || portion.servings > most) {
            broken.push(format!("{at}: {} in no or too many servings", dish.food_id));
        }
    }
    let kosher = request.members.iter().any(|member| member.diets.contains(&Diet::Kosher));
    let (meat, dairy) =
        (kinds.iter().any(|kinds| kinds.is_meat()), kinds.iter().any(|each| each.has(FoodKind::Dairy)));
    if kosher && meat && dairy {
        broken.push(format!("{at}: meat with milk at a kosher table"));
    }
    for member in &request.members {
        let eaten = meal
            .dishes
            .iter()
            .filter(|dish| dish.portions.iter().any(|each| each.member_id == member.member_id));
        let eaten = eaten.filter_map(|dish| foods.get(dish.food_id.as_str()).copied()).collect::<Vec<_>>();
        let within = usize::from(slot.fewest_items)..=usize::from(slot.most_items);
        if !within.contains(&eaten.len()) {
            broken.push(format!("{at}: {} eats {} foods", member.member_id, eaten.len()));
        }
        let mut categories: HashMap<&str, usize> = HashMap::new();
        for food in eaten {
            check_eater(at, member, food, broken);
            if !food.food.category.is_empty() {
                *categories.entry(food.food.category.as_str()).or_default() += 1;
            }
        }
        if categories.values().any(|&count| count > usize::from(request.limits.of_category_per_meal)) {
            broken.push(format!("{at}: {} eats too much of one category", member.member_id));
        }
    }
}

fn check_eater(at: &str, member: &PlanMember, food: &PlanFood, broken: &mut Vec<String>) {
    let (who, what) = (&member.member_id, &food.food.food_id);
    for allergen in &member.allergies {
        match food.food.allergens.get(*allergen) {
            Presence::Free => {}
            Presence::Unknown if member.accept_unknown_allergens => {}
            presence => {
                broken.push(format!("{at}: {who} is allergic to {allergen:?}, {what} is {presence:?}"))
            }
        }
    }
    for diet in &member.diets {
        if matches!(food.food.diets.get(*diet), Suits::Unknown | Suits::No) {
            broken.push(format!("{at}: {who} keeps {diet:?}, {what} does not suit"));
        }
    }
    if member.excluded_food_ids.contains(what) || member.excluded_categories.contains(&food.food.category) {
        broken.push(format!("{at}: {who} does not eat {what}"));
    }
}

fn check_uses(request: &PlanRequest, plan: &Plan, broken: &mut Vec<String>) {
    let mut by_day: HashMap<(&str, usize), (usize, bool)> = HashMap::new();
    let mut by_week: HashMap<(&str, usize), (usize, bool)> = HashMap::new();
    for day in &plan.days {
        for meal in &day.meals {
            for dish in &meal.dishes {
                for uses in [
                    by_day.entry((dish.food_id.as_str(), day.day)).or_default(),
                    by_week.entry((dish.food_id.as_str(), day.day / 7)).or_default(),
                ] {
                    *uses = (uses.0 + 1, uses.1 || !meal.kept);
                }
            }
        }
    }
    for (uses, most, span) in
        [(by_day, request.limits.uses_per_day, "day"), (by_week, request.limits.uses_per_week, "week")]
    {
        for ((food, number), (count, planned)) in uses {
            if planned && count > usize::from(most) {
                broken.push(format!("{food} is eaten {count} times in {span} {number}"));
            }
        }
    }
}

fn check_stock(request: &PlanRequest, plan: &Plan, broken: &mut Vec<String>) {
    for food in request.foods.iter().filter(|food| !food.can_be_bought) {
        let id = food.food.food_id.as_str();
        let at_home =
            request.pantry.iter().filter(|stock| stock.food_id == id).map(|stock| stock.mass_g).sum::<f64>();
        let dishes = plan
            .days
            .iter()
            .flat_map(|day| &day.meals)
            .filter(|meal| !meal.kept)
            .flat_map(|meal| &meal.dishes);
        let eaten_g = dishes.filter(|dish| dish.food_id == id).map(|dish| {
            dish.portions.iter().map(|portion| f64::from(portion.servings)).sum::<f64>() * dish.serving_g
        });
        let eaten_g = eaten_g.sum::<f64>();
        if eaten_g > at_home * (1.0 + 1e-6) {
            broken.push(format!(
                "{eaten_g} g of {id} are eaten, {at_home} g are at home and none can be bought"
            ));
        }
    }
}
