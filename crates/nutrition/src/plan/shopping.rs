//! What has to be bought for a plan, in whole packs, with what is at home deducted.

use super::compiled::Compiled;
use super::request::PlanRequest;
use super::state::State;
use super::stock::provision;

/// A food of a shopping list.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ShoppingItem {
    /// Which food.
    pub food_id: String,
    /// What people call it.
    pub name: String,
    /// Whole packs to buy; 0 when enough is at home.
    pub packs: u32,
    /// Mass of a pack in grams.
    pub pack_g: f64,
    /// What the packs cost, in millionths of the currency; `None` when the price is not known.
    pub cost_micros: Option<i64>,
    /// What is eaten over the plan, in grams,
    pub eaten_g: f64,
    /// of which this is from the pantry.
    pub from_pantry_g: f64,
    /// What is left of the packs and keeps, in grams.
    pub left_g: f64,
    /// What is left of the packs and does not keep until it is eaten, in grams.
    pub wasted_g: f64,
}

/// What has to be bought.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct ShoppingList {
    /// Every food of the plan, in the order of the request, also those that are at home.
    pub items: Vec<ShoppingItem>,
    /// What all packs with a known price cost, in millionths of the currency.
    pub cost_micros: i64,
    /// Foods that are to be bought and whose price is not known.
    pub without_price: usize,
}

pub(super) fn shopping_list(request: &PlanRequest, plan: &Compiled, state: &State<'_>) -> ShoppingList {
    let mut list = ShoppingList::default();
    for (number, card) in plan.foods.iter().enumerate() {
        let servings = state.servings_by_day(number as u16);
        if servings.iter().all(|&servings| servings == 0) {
            continue;
        }
        let food = &request.foods[card.place];
        let provision = provision(card, servings);
        let packs = provision.packs as u32;
        let cost_micros = food.price_micros.map(|price| price.saturating_mul(i64::from(packs)));
        let left_g = (provision.packs * card.pack_g - provision.bought_g - provision.wasted_g).max(0.0);
        // What an opened pack leaves after the plan keeps only as long as the pack does.
        list.cost_micros = list.cost_micros.saturating_add(cost_micros.unwrap_or(0));
        list.without_price += usize::from(packs > 0 && cost_micros.is_none());
        list.items.push(ShoppingItem {
            food_id: food.food.food_id.clone(),
            name: food.food.name.clone(),
            packs,
            pack_g: card.pack_g,
            cost_micros,
            eaten_g: provision.bought_g + provision.pantry_g,
            from_pantry_g: provision.pantry_g,
            left_g,
            wasted_g: provision.wasted_g,
        });
    }
    list
}
