//! Plans of meals as a client hears them: whole servings, packs and prices, never an allergen, kept
//! meals kept, and refusals that say what to relax.

use std::collections::BTreeSet;

use larder_proto::google::r#type::Money;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::nutrition::v1::*;
use tonic::Code;
use tonic_types::StatusExt;

use super::targets::{know, profile};
use crate::house::{Guest, House};

/// Kcal, protein, fat and carbohydrate of 100 g, the price of a package in cents, and the diet.
const PANTRY: [(&str, &str, [f64; 4], i32, &str); 14] = [
    ("oats", "Rolled Oats, 500 g", [370.0, 13.0, 7.0, 60.0], 150, "vegan"),
    ("milk", "Whole Milk, 1 L", [64.0, 3.3, 3.6, 4.7], 110, "vegetarian"),
    ("eggs", "Eggs, 600 g", [143.0, 12.6, 9.5, 0.7], 300, "vegetarian"),
    ("bread", "Wheat Bread, 500 g", [250.0, 9.0, 3.0, 47.0], 200, "vegan"),
    ("chicken", "Chicken Breast, 500 g", [110.0, 23.0, 1.5, 0.0], 600, ""),
    ("rice", "Cooked Rice, 1 KG", [130.0, 2.7, 0.3, 28.0], 250, "vegan"),
    ("beans", "Cooked Beans, 400 g", [120.0, 8.0, 0.5, 21.0], 120, "vegan"),
    ("tofu", "Tofu, 400 g", [120.0, 13.0, 7.0, 2.0], 250, "vegan"),
    ("apples", "Apples, 1 KG", [52.0, 0.3, 0.2, 14.0], 250, "vegan"),
    ("carrots", "Carrots, 1 KG", [41.0, 0.9, 0.2, 10.0], 120, "vegan"),
    ("potatoes", "Boiled Potatoes, 2 KG", [87.0, 1.9, 0.1, 20.0], 300, "vegan"),
    ("cheese", "Gouda, 400 g", [356.0, 25.0, 27.0, 2.0], 400, "vegetarian"),
    ("walnuts", "Walnuts, 200 g", [654.0, 15.0, 65.0, 14.0], 400, "vegan"),
    ("oil", "Olive Oil, 500 ml", [884.0, 0.0, 100.0, 0.0], 700, "vegan"),
];

pub(super) async fn stock(guest: &mut Guest) {
    let products = PANTRY.map(|(id, name, [kcal, protein, fat, carbohydrate], cents, diet)| Product {
        product_id: id.into(),
        name: name.into(),
        category: id.into(),
        price: Some(Money {
            currency_code: "EUR".into(),
            units: i64::from(cents / 100),
            nanos: cents % 100 * 10_000_000,
        }),
        nutrition_per_100g: Some(Nutrition {
            energy_kcal: Some(kcal),
            protein_g: Some(protein),
            fat_g: Some(fat),
            carbohydrate_g: Some(carbohydrate),
            ..Nutrition::default()
        }),
        allergens: match id {
            "walnuts" => vec!["Walnuts".into()],
            "milk" | "cheese" => vec!["Milk".into()],
            _ => Vec::new(),
        },
        allergens_complete: true,
        diets: match diet {
            "" => Vec::new(),
            "vegan" => vec!["vegan".into(), "vegetarian".into()],
            other => vec![other.into()],
        },
        attributes: [("serving_g".to_owned(), if id == "oil" { "10" } else { "120" }.to_owned())].into(),
        ..Product::default()
    });
    guest.upsert(products.into()).await;
}

fn vegetarian() -> CustomerProfile {
    CustomerProfile {
        goal: NutritionGoal::LoseWeight.into(),
        diets: vec!["vegetarian".into()],
        allergens: vec!["nuts".into()],
        ..profile()
    }
}

fn week_of(customer_id: &str) -> PlanMealsRequest {
    let member = PlanMember { customer_id: customer_id.into(), ..PlanMember::default() };
    PlanMealsRequest {
        days: 7,
        members: vec![member],
        limits: Some(PlanLimits { max_uses_per_week: 14, ..PlanLimits::default() }),
        effort_ms: 200,
        ..PlanMealsRequest::default()
    }
}

/// A day of somebody who eats everything.
pub(super) fn day_of(member: PlanMember) -> PlanMealsRequest {
    PlanMealsRequest { members: vec![member], effort_ms: 100, ..PlanMealsRequest::default() }
}

async fn plan(guest: &mut Guest, request: PlanMealsRequest) -> PlanMealsResponse {
    guest.nutrition.plan_meals(request).await.unwrap().into_inner()
}

fn foods(plan: &PlanMealsResponse) -> BTreeSet<&str> {
    plan.meals.iter().flat_map(|meal| &meal.dishes).map(|dish| dish.food_id.as_str()).collect()
}

#[tokio::test]
async fn a_week_keeps_what_must_be_kept_and_adds_up() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    stock(&mut guest).await;
    know(&mut guest, "ann", vegetarian()).await;
    let week = plan(&mut guest, week_of("ann")).await;
    assert_eq!(week.meals.len(), 28);
    assert!(week.meals.iter().all(|meal| !meal.dishes.is_empty()));
    let eaten = foods(&week);
    assert!(!eaten.contains("walnuts") && !eaten.contains("chicken"), "{eaten:?}");
    for day in 0..7 {
        let of_day = week.meals.iter().filter(|meal| meal.day == day).flat_map(|meal| &meal.dishes);
        let kcal: f64 = of_day.flat_map(|dish| &dish.portions).map(|portion| portion.energy_kcal).sum();
        let told = week.targets.iter().find(|one| one.day == day && one.nutrient == "energy_kcal").unwrap();
        assert!((kcal - told.amount).abs() < 0.5, "day {day}: {kcal} beside {told:?}");
        assert!(told.met > 0.8, "{told:?}");
    }
    let cost = |money: &Money| money.units as f64 + f64::from(money.nanos) / 1e9;
    let sum: f64 = week.shopping_items.iter().filter_map(|item| item.cost.as_ref()).map(cost).sum();
    assert!((sum - cost(week.cost.as_ref().unwrap())).abs() < 1e-6);
    for item in &week.shopping_items {
        let bought = f64::from(item.packs) * item.pack_g + item.from_pantry_g;
        assert!((bought - item.eaten_g - item.left_g - item.wasted_g).abs() < 1e-3, "{item:?}");
    }
    assert_eq!(plan(&mut guest, week_of("ann")).await.meals, week.meals, "the same request, the same plan");
    let foreign = other.nutrition.plan_meals(week_of("ann")).await.unwrap_err();
    assert_eq!(foreign.code(), Code::InvalidArgument, "another tenant has no such foods: {foreign}");
}

#[tokio::test]
async fn a_budget_a_pantry_and_kept_meals_are_kept() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    know(&mut guest, "ann", vegetarian()).await;
    let free = plan(&mut guest, PlanMealsRequest { days: 2, ..week_of("ann") }).await;
    let dinner =
        free.meals.iter().find(|meal| meal.day == 1 && meal.kind() == MealKind::Dinner).unwrap().clone();
    let request = PlanMealsRequest {
        days: 2,
        seed: 7,
        kept_meals: vec![dinner.clone()],
        pantry: vec![PantryStock { food_id: "rice".into(), mass_g: 600.0 }],
        budget: Some(Money { currency_code: "EUR".into(), units: 15, nanos: 0 }),
        ..week_of("ann")
    };
    let bound = plan(&mut guest, request.clone()).await;
    let kept = bound.meals.iter().find(|meal| meal.day == 1 && meal.kind() == MealKind::Dinner).unwrap();
    let eaten = |meal: &PlannedMeal| {
        meal.dishes
            .iter()
            .map(|dish| (dish.food_id.clone(), dish.portions[0].servings))
            .collect::<BTreeSet<_>>()
    };
    assert!(kept.kept && eaten(kept) == eaten(&dinner));
    let cost = bound.cost.as_ref().unwrap();
    assert!(cost.units < 15 || (cost.units == 15 && cost.nanos == 0), "{cost:?}");
    let broke = PlanMealsRequest {
        budget: Some(Money { currency_code: "EUR".into(), units: 0, nanos: 10_000_000 }),
        kept_meals: Vec::new(),
        pantry: Vec::new(),
        ..request
    };
    let refused = guest.nutrition.plan_meals(broke).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused}");
    assert!(refused.message().contains("budget"), "it says what to relax: {refused}");
    assert!(refused.get_error_details().precondition_failure().is_some());
}

#[tokio::test]
async fn one_item_is_substituted_and_the_rest_stays() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    know(&mut guest, "ann", vegetarian()).await;
    let asked = PlanMealsRequest { days: 1, ..week_of("ann") };
    let day = plan(&mut guest, asked.clone()).await;
    let old = day.meals[1].dishes[0].food_id.clone();
    let request = SubstituteItemRequest {
        plan: Some(asked.clone()),
        meals: day.meals.clone(),
        day: 0,
        meal: 1,
        food_id: old.clone(),
        limit: 3,
    };
    let answer = guest.nutrition.substitute_item(request.clone()).await.unwrap().into_inner();
    assert!((1..=3).contains(&answer.substitutes.len()));
    for substitute in &answer.substitutes {
        assert!(substitute.food_id != old && !["walnuts", "chicken"].contains(&substitute.food_id.as_str()));
        assert_eq!(substitute.meals.len(), day.meals.len());
        let ids =
            |meal: &PlannedMeal| meal.dishes.iter().map(|dish| dish.food_id.clone()).collect::<BTreeSet<_>>();
        assert_eq!(ids(&substitute.meals[2]), ids(&day.meals[2]), "the rest stays");
        assert!(ids(&substitute.meals[1]).contains(&substitute.food_id));
        let told = |meal: &PlannedMeal| {
            let dish = |dish: &PlannedDish| {
                !dish.name.is_empty() && dish.serving_g > 0.0 && dish.portions[0].energy_kcal > 0.0
            };
            meal.kind() != MealKind::Unspecified && meal.dishes.iter().all(dish)
        };
        assert!(substitute.meals.iter().all(told), "as a plan tells its meals: {substitute:?}");
        assert_eq!(substitute.meals[2].dishes, day.meals[2].dishes);
        assert!(substitute.portions.iter().all(|portion| portion.energy_kcal > 0.0));
    }
    let slip = SubstituteItemRequest { food_id: "soap".into(), ..request };
    let refused = guest.nutrition.substitute_item(slip).await.unwrap_err();
    assert!(refused.message().starts_with("food_id: "), "{refused}");
}

#[tokio::test]
async fn what_nobody_eats_by_itself_is_planned_only_when_it_is_named() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    let nutrition = Nutrition {
        energy_kcal: Some(364.0),
        protein_g: Some(10.0),
        fat_g: Some(1.0),
        carbohydrate_g: Some(76.0),
        ..Nutrition::default()
    };
    let flour = Product {
        product_id: "flour".into(),
        name: "All Purpose Flour, 1 KG".into(),
        nutrition_per_100g: Some(nutrition),
        allergens_complete: true,
        ..Product::default()
    };
    let soup = Product { product_id: "soup".into(), name: "Tomato Soup".into(), ..flour.clone() };
    guest.upsert(vec![flour, soup]).await;
    let member = PlanMember { profile: Some(profile()), ..PlanMember::default() };
    let usual = plan(&mut guest, day_of(member.clone())).await;
    assert_eq!(usual.left_out.unwrap().not_planned_count, 1);
    assert!(!foods(&usual).contains("flour"));
    let breakfasts = usual.meals.iter().filter(|meal| meal.kind() == MealKind::Breakfast);
    let at_breakfast: BTreeSet<_> =
        breakfasts.flat_map(|meal| &meal.dishes).map(|dish| dish.food_id.as_str()).collect();
    assert!(!at_breakfast.contains("chicken") && !at_breakfast.contains("soup"), "{at_breakfast:?}");
    let only = PlanFoods { product_ids: vec!["flour".into(), "soup".into()], ..PlanFoods::default() };
    let named = PlanMealsRequest {
        meals: vec![MealSlot { kind: MealKind::Lunch.into(), ..MealSlot::default() }],
        foods: Some(only),
        ..day_of(member)
    };
    let named = plan(&mut guest, named).await;
    assert!(foods(&named).contains("flour"), "{:?}", foods(&named));
    assert_eq!(named.left_out.unwrap().not_planned_count, 0);
}

#[tokio::test]
async fn a_household_eats_together_and_each_is_kept_safe() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    know(&mut guest, "ann", vegetarian()).await;
    let milk = CustomerProfile { allergens: vec!["milk".into(), "Kiwi".into()], ..profile() };
    let ben = PlanMember { member_id: "ben".into(), profile: Some(milk), ..PlanMember::default() };
    let mut request = PlanMealsRequest { days: 2, ..week_of("ann") };
    request.members.push(ben);
    let planned = plan(&mut guest, request).await;
    let eaten_by = |member: &str| -> BTreeSet<&str> {
        let dishes = planned.meals.iter().flat_map(|meal| &meal.dishes);
        dishes
            .filter(|dish| dish.portions.iter().any(|portion| portion.member_id == member))
            .map(|dish| dish.food_id.as_str())
            .collect()
    };
    assert!(!eaten_by("ben").contains("milk") && !eaten_by("ben").contains("cheese"));
    assert!(!eaten_by("ann").contains("chicken") && !eaten_by("ann").contains("walnuts"));
    assert!(!eaten_by("ben").is_empty() && !eaten_by("ann").is_empty());
}

#[tokio::test]
async fn own_foods_are_planned_and_slips_are_named_all_at_once() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let food = |number: usize| Food {
        food_id: format!("food-{number}"),
        name: format!("Dish {number}"),
        nutrients_per_100g: Some(Nutrients {
            energy_kcal: Some(100.0 + 10.0 * number as f64),
            protein_g: Some(8.0),
            fat_g: Some(4.0),
            carbohydrate_g: Some((68.0 + 10.0 * number as f64 - 36.0) / 4.0),
            ..Nutrients::default()
        }),
        serving_g: Some(150.0),
        ..Food::default()
    };
    let foods = PlanFoods { foods: (0..8).map(food).collect(), foods_only: true, ..PlanFoods::default() };
    let member = PlanMember { profile: Some(profile()), ..PlanMember::default() };
    let request = PlanMealsRequest {
        members: vec![member],
        foods: Some(foods),
        limits: Some(PlanLimits { max_uses_per_day: 3, max_uses_per_week: 20, ..PlanLimits::default() }),
        effort_ms: 100,
        ..PlanMealsRequest::default()
    };
    let day = plan(&mut guest, request.clone()).await;
    assert_eq!((day.meals.len(), day.cost), (4, None), "a plan without prices");
    let bad = PlanMealsRequest {
        days: 99,
        effort_ms: -4,
        members: vec![PlanMember::default(); 13],
        weights: Some(PlanWeights { energy: Some(f64::NAN), ..PlanWeights::default() }),
        pantry: vec![PantryStock { food_id: "a b".into(), mass_g: -1.0 }],
        ..request.clone()
    };
    let refused = guest.nutrition.plan_meals(bad).await.unwrap_err();
    for field in [
        "days: ",
        "effort_ms: ",
        "members: ",
        "weights.energy: ",
        "pantry[0].food_id: ",
        "pantry[0].mass_g: ",
    ] {
        assert!(refused.message().contains(field), "{field}: {refused}");
    }
    let nobody = PlanMealsRequest { members: vec![PlanMember::default()], ..request.clone() };
    let refused = guest.nutrition.plan_meals(nobody).await.unwrap_err();
    assert!(refused.message().contains("members[0].profile.weight_kg: must be told"), "{refused}");
    let empty = PlanMealsRequest { foods: None, ..request };
    let refused = guest.nutrition.plan_meals(empty).await.unwrap_err();
    assert!(refused.message().starts_with("foods: no product may be planned"), "{refused}");
}
