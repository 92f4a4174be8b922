//! Refuses what cannot be meant, every field by name.

use std::collections::HashSet;

use super::request::{KeptMeal, PlanFood, PlanMember, PlanRequest};
use crate::{InvalidField, InvalidFields, NutrientTarget};

/// Most items of one meal of one person that a plan has room for.
pub(super) const MOST_ITEMS: u8 = 8;

/// Collects what is refused.
#[derive(Default)]
struct Refused(Vec<InvalidField>);

impl Refused {
    fn unless(
        &mut self,
        good: bool,
        field: impl Into<String>,
        value: impl std::fmt::Display,
        accepted: &str,
    ) {
        if !good {
            self.0.push(InvalidField::new(field, value, accepted));
        }
    }
}

/// # Errors
/// Every field that holds what cannot be planned with.
pub(super) fn check(request: &PlanRequest) -> Result<(), InvalidFields> {
    let mut refused = Refused::default();
    refused.unless((1..=14).contains(&request.days), "days", request.days, "1 to 14");
    refused.unless((1..=8).contains(&request.meals.len()), "meals", request.meals.len(), "1 to 8 meals");
    refused.unless(
        (1..=12).contains(&request.members.len()),
        "members",
        request.members.len(),
        "1 to 12 members",
    );
    refused.unless(!request.foods.is_empty(), "foods", 0, "at least one food");
    if let Some(budget) = request.budget_micros {
        refused.unless(budget >= 0, "budget_micros", budget, "0 or more");
    }
    check_meals(request, &mut refused);
    check_foods(request, &mut refused);
    for (number, member) in request.members.iter().enumerate() {
        check_member(&format!("members[{number}]"), member, &mut refused);
    }
    let ids = request.members.iter().map(|member| member.member_id.as_str()).collect::<HashSet<_>>();
    refused.unless(
        ids.len() == request.members.len(),
        "members",
        "the same id twice",
        "an id of one's own for each",
    );
    check_limits(request, &mut refused);
    check_pantry(request, &mut refused);
    for (number, kept) in request.kept.iter().enumerate() {
        check_kept(request, number, kept, &mut refused);
    }
    InvalidFields::none_of(refused.0)
}

fn check_meals(request: &PlanRequest, refused: &mut Refused) {
    for (number, meal) in request.meals.iter().enumerate() {
        let field = |name: &str| format!("meals[{number}].{name}");
        let good = meal.share > 0.0 && meal.share <= 1.0;
        refused.unless(good, field("share"), meal.share, "above 0 and at most 1");
        let good = (1..=meal.most_items).contains(&meal.fewest_items);
        refused.unless(good, field("fewest_items"), meal.fewest_items, "1 to most_items");
        let good = (1..=MOST_ITEMS).contains(&meal.most_items);
        refused.unless(good, field("most_items"), meal.most_items, "1 to 8");
    }
    let sum = request.meals.iter().map(|meal| meal.share).sum::<f64>();
    refused.unless(sum <= 1.0 + 1e-6, "meals.share", sum, "shares that add up to at most 1");
}

fn check_foods(request: &PlanRequest, refused: &mut Refused) {
    let mut ids = HashSet::new();
    for (number, food) in request.foods.iter().enumerate() {
        let field = |name: &str| format!("foods[{number}].{name}");
        if !ids.insert(food.food.food_id.as_str()) {
            refused.unless(false, field("food_id"), &food.food.food_id, "an id that no other food has");
        }
        if is_sound(food) {
            continue;
        }
        if let Some(serving_g) = food.food.serving_g {
            let good = serving_g > 0.0 && serving_g <= 5_000.0;
            refused.unless(good, field("serving_g"), serving_g, "above 0 and at most 5000 g");
        }
        if let Some(price) = food.price_micros {
            refused.unless(price > 0, field("price_micros"), price, "above 0, or none when it is not known");
        }
        if let Some(pack_g) = food.pack_g {
            let good = pack_g > 0.0 && pack_g <= 1_000_000.0;
            refused.unless(good, field("pack_g"), pack_g, "above 0 and at most 1000000 g");
        }
        refused.unless((0.0..=1.0).contains(&food.liking), field("liking"), food.liking, "0 to 1");
        refused.unless(
            food.keeps_days != Some(0),
            field("keeps_days"),
            0,
            "1 or more, or none when it keeps",
        );
        if let Some(most) = food.most_servings {
            refused.unless((1..=20).contains(&most), field("most_servings"), most, "1 to 20");
        }
        for (nutrient, amount) in crate::Nutrient::ALL.into_iter().zip(food.food.per_100g.amounts()) {
            if !amount.is_nan() {
                let most = most_per_100g(nutrient);
                let good = (0.0..=most).contains(amount);
                refused.unless(good, field(nutrient.field()), amount, &format!("0 to {most} per 100 g"));
            }
        }
    }
}

/// Whether nothing of a food will be refused; spares a large catalogue the naming of its fields.
fn is_sound(food: &PlanFood) -> bool {
    food.food.serving_g.is_none_or(|mass_g| mass_g > 0.0 && mass_g <= 5_000.0)
        && food.price_micros.is_none_or(|price| price > 0)
        && food.pack_g.is_none_or(|mass_g| mass_g > 0.0 && mass_g <= 1_000_000.0)
        && (0.0..=1.0).contains(&food.liking)
        && food.keeps_days != Some(0)
        && food.most_servings.is_none_or(|most| (1..=20).contains(&most))
        && (crate::Nutrient::ALL.into_iter().zip(food.food.per_100g.amounts()))
            .all(|(nutrient, amount)| amount.is_nan() || (0.0..=most_per_100g(nutrient)).contains(amount))
}

/// More than this 100 g of nothing hold: pure fat has 900 kcal, and 100 g have 100 g.
fn most_per_100g(nutrient: crate::Nutrient) -> f32 {
    let field = nutrient.field();
    match nutrient {
        crate::Nutrient::Energy => 910.0,
        _ if field.ends_with("_g") => 101.0,
        _ if field.ends_with("_mg") => 100_000.0,
        _ => 10_000_000.0,
    }
}

fn check_member(path: &str, member: &PlanMember, refused: &mut Refused) {
    let energy = member.energy_kcal;
    refused.unless(
        (500.0..=10_000.0).contains(&energy),
        format!("{path}.energy_kcal"),
        energy,
        "500 to 10000",
    );
    for (number, target) in member.targets.iter().enumerate() {
        check_target(&format!("{path}.targets[{number}]"), target, refused);
    }
}

fn check_target(path: &str, target: &NutrientTarget, refused: &mut Refused) {
    let bounds = [("at_least", target.at_least), ("ideal", target.ideal), ("at_most", target.at_most)];
    let mut below: Option<(&str, f64)> = None;
    for (name, bound) in bounds.into_iter().filter_map(|(name, bound)| Some((name, bound?))) {
        let good = bound.is_finite() && bound >= 0.0;
        refused.unless(good, format!("{path}.{name}"), bound, "0 or more");
        if let Some((lower, least)) = below {
            refused.unless(
                bound >= least,
                format!("{path}.{name}"),
                bound,
                &format!("not below {lower}, {least}"),
            );
        }
        below = Some((name, bound));
    }
}

fn check_limits(request: &PlanRequest, refused: &mut Refused) {
    let limits = &request.limits;
    let servings = limits.most_servings;
    refused.unless((1..=20).contains(&servings), "limits.most_servings", servings, "1 to 20");
    refused.unless(limits.uses_per_day >= 1, "limits.uses_per_day", limits.uses_per_day, "1 or more");
    refused.unless(limits.uses_per_week >= 1, "limits.uses_per_week", limits.uses_per_week, "1 or more");
    let category = limits.of_category_per_meal;
    refused.unless(category >= 1, "limits.of_category_per_meal", category, "1 or more");
    let considered = limits.foods_considered;
    refused.unless((1..=2_000).contains(&considered), "limits.foods_considered", considered, "1 to 2000");
    let weights = &request.weights;
    let named = [
        ("energy", weights.energy),
        ("meal_shares", weights.meal_shares),
        ("unknown", weights.unknown),
        ("cost", weights.cost),
        ("waste", weights.waste),
        ("disliking", weights.disliking),
        ("repetition", weights.repetition),
        ("dishes", weights.dishes),
    ];
    let nutrients = weights.nutrients.iter().map(|(nutrient, weight)| (nutrient.field(), *weight));
    for (name, weight) in named.into_iter().chain(nutrients) {
        refused.unless((0.0..=1_000.0).contains(&weight), format!("weights.{name}"), weight, "0 to 1000");
    }
}

fn check_pantry(request: &PlanRequest, refused: &mut Refused) {
    let known = request.foods.iter().map(|food| food.food.food_id.as_str()).collect::<HashSet<_>>();
    for (number, stock) in request.pantry.iter().enumerate() {
        let good = stock.mass_g.is_finite() && stock.mass_g >= 0.0;
        refused.unless(good, format!("pantry[{number}].mass_g"), stock.mass_g, "0 or more");
        let field = format!("pantry[{number}].food_id");
        refused.unless(
            known.contains(stock.food_id.as_str()),
            field,
            &stock.food_id,
            "the id of one of the foods",
        );
    }
}

fn check_kept(request: &PlanRequest, number: usize, kept: &KeptMeal, refused: &mut Refused) {
    let path = format!("kept[{number}]");
    refused.unless(kept.day < request.days, format!("{path}.day"), kept.day, "a day of the plan, from 0");
    let meals = request.meals.len();
    refused.unless(kept.meal < meals, format!("{path}.meal"), kept.meal, "a meal of the day, from 0");
    let twice = request.kept[..number].iter().any(|other| (other.day, other.meal) == (kept.day, kept.meal));
    refused.unless(!twice, path.clone(), "a meal that is kept already", "each meal once");
    for (place, dish) in kept.dishes.iter().enumerate() {
        let field = |name: &str| format!("{path}.dishes[{place}].{name}");
        let food = request.foods.iter().find(|food| food.food.food_id == dish.food_id);
        refused.unless(food.is_some(), field("food_id"), &dish.food_id, "the id of one of the foods");
        let servable = food.is_none_or(|food| food.food.serving_g.is_some());
        refused.unless(servable, field("food_id"), &dish.food_id, "a food whose serving is known");
        for portion in &dish.portions {
            let member = request.members.iter().find(|member| member.member_id == portion.member_id);
            refused.unless(member.is_some(), field("member_id"), &portion.member_id, "the id of a member");
            let good = (1..=20).contains(&portion.servings);
            refused.unless(good, field("servings"), portion.servings, "1 to 20");
            if let (Some(member), Some(food)) = (member, food) {
                let reason = super::compiled::unfit(member, &food.food);
                let accepted = format!("a food {} may eat", member.member_id);
                refused.unless(reason.is_none(), field("food_id"), &dish.food_id, &accepted);
            }
        }
    }
    for member in &request.members {
        let eats = |dish: &&super::request::KeptDish| {
            dish.portions.iter().any(|each| each.member_id == member.member_id)
        };
        let items = kept.dishes.iter().filter(eats).count();
        let good = items <= usize::from(MOST_ITEMS);
        refused.unless(good, format!("{path}.dishes"), items, "at most 8 for each member");
    }
}
