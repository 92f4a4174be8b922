//! The tour's week of meals: for a vegetarian who is allergic to nuts and is losing weight, made
//! of what the shop sells. What the shop never told of its products is estimated by their names.

use larder_proto::google::r#type::Date;
use larder_proto::larder::catalog::v1::{ActivityLevel, CustomerProfile, NutritionGoal, Sex};
use larder_proto::larder::nutrition::v1::{
    ListFoodMatchesRequest, MatchCatalogRequest, MealKind, PlanMealsRequest, PlanMealsResponse, PlanMember,
    PlannedMeal,
};
use serde_json::{Value, json};

use crate::client::{Client, call_refused};
use crate::commands::operations;
use crate::console::{Align, Columns, fit, heading, price};
use crate::error::CommandError;

const DAYS: i32 = 7;
const MEALS_WIDTH: usize = 96;

/// The week and what it was asked for.
pub(super) struct Week {
    plan: PlanMealsResponse,
}

/// Estimates the nutrients of the shop's products, unless that was done, and plans the week.
pub(super) async fn plan(client: &Client) -> Result<Week, CommandError> {
    let mut nutrition = client.nutrition.clone();
    let known = ListFoodMatchesRequest { page_size: 1, ..ListFoodMatchesRequest::default() };
    let known = nutrition.list_food_matches(known).await.map_err(call_refused("ListFoodMatches"))?;
    if known.into_inner().food_matches.is_empty() {
        let request = MatchCatalogRequest::default();
        let stream = nutrition.match_catalog(request).await.map_err(call_refused("MatchCatalog"))?;
        operations::follow("matching", stream.into_inner(), |answer| answer.operation.clone())
            .await
            .map_err(call_refused("MatchCatalog"))?;
    }
    let profile = CustomerProfile {
        birth_date: Some(Date { year: 1990, month: 2, day: 28 }),
        sex: Sex::Female.into(),
        height_cm: Some(168.0),
        weight_kg: Some(74.0),
        activity_level: ActivityLevel::Light.into(),
        goal: NutritionGoal::LoseWeight.into(),
        diets: vec!["vegetarian".into()],
        allergens: vec!["nuts".into()],
        ..CustomerProfile::default()
    };
    let request = PlanMealsRequest {
        days: DAYS,
        members: vec![PlanMember { profile: Some(profile), ..PlanMember::default() }],
        effort_ms: 1_000,
        ..PlanMealsRequest::default()
    };
    let answer = nutrition.plan_meals(request).await.map_err(call_refused("PlanMeals"))?;
    Ok(Week { plan: answer.into_inner() })
}

impl Week {
    /// The week for a person.
    pub(super) fn lines(&self) -> Vec<String> {
        let title = "A week for a vegetarian customer who is allergic to nuts and losing weight";
        let mut columns = Columns::new(&[
            ("day", Align::Right),
            ("meal", Align::Left),
            ("what", Align::Left),
            ("kcal", Align::Right),
        ]);
        for meal in &self.plan.meals {
            let day = if meal.meal == 0 { (meal.day + 1).to_string() } else { String::new() };
            let kcal = format!("{:.0}", kcal_of(meal));
            columns.push(vec![day, kind_word(meal.kind()).into(), fit(&dishes(meal), MEALS_WIDTH), kcal]);
        }
        let mut lines = vec![String::new(), heading(title)];
        lines.extend(columns.lines());
        lines.push(String::new());
        lines.push(format!("  {}", self.sentence()));
        lines
    }

    fn sentence(&self) -> String {
        let of_energy = self.plan.targets.iter().filter(|target| target.nutrient == "energy_kcal");
        let (mut amount, mut ideal) = (0.0, 0.0);
        for target in of_energy {
            amount += target.amount / f64::from(DAYS);
            ideal = target.ideal.unwrap_or(ideal);
        }
        let cost = self.plan.cost.as_ref().map(|cost| format!(" for {}", price(cost))).unwrap_or_default();
        format!(
            "{amount:.0} kcal a day beside a target of {ideal:.0}; {} things to buy{cost}.",
            self.plan.shopping_items.len()
        )
    }

    /// The week for a program.
    pub(super) fn json(&self) -> Value {
        let meal = |meal: &PlannedMeal| {
            let dish = |dish: &larder_proto::larder::nutrition::v1::PlannedDish| {
                let servings: i32 = dish.portions.iter().map(|portion| portion.servings).sum();
                json!({"foodId": dish.food_id, "name": dish.name, "servingG": dish.serving_g, "servings": servings})
            };
            json!({
                "day": meal.day,
                "kind": meal.kind().as_str_name(),
                "energyKcal": kcal_of(meal),
                "dishes": meal.dishes.iter().map(dish).collect::<Vec<_>>(),
            })
        };
        json!({
            "meals": self.plan.meals.iter().map(meal).collect::<Vec<_>>(),
            "shoppingItemCount": self.plan.shopping_items.len(),
            "cost": self.plan.cost.as_ref().map(price),
        })
    }
}

fn dishes(meal: &PlannedMeal) -> String {
    let dish = |dish: &larder_proto::larder::nutrition::v1::PlannedDish| {
        let servings: i32 = dish.portions.iter().map(|portion| portion.servings).sum();
        let times = if servings > 1 { format!("{servings} x ") } else { String::new() };
        format!("{times}{:.0} g {}", dish.serving_g, dish.name)
    };
    meal.dishes.iter().map(dish).collect::<Vec<_>>().join("; ")
}

fn kcal_of(meal: &PlannedMeal) -> f64 {
    meal.dishes.iter().flat_map(|dish| &dish.portions).map(|portion| portion.energy_kcal).sum()
}

fn kind_word(kind: MealKind) -> &'static str {
    match kind {
        MealKind::Breakfast => "breakfast",
        MealKind::Lunch => "lunch",
        MealKind::Dinner => "dinner",
        MealKind::Snack => "snack",
        MealKind::Unspecified => "",
    }
}
