//! A food as every part of this crate sees it: a product of a catalogue, a generic food of
//! a table, or a dish.

use crate::{Allergens, Diets, FoodKinds, Nutrients};

/// Something to eat or drink.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Food {
    /// The caller's id of it.
    pub food_id: String,
    /// What people call it.
    pub name: String,
    /// The shelf or group it belongs to; empty when it has none.
    pub category: String,
    /// What 100 g of it hold.
    pub per_100g: Nutrients,
    /// Mass of one serving, piece or slice that is not divided, in grams; `None` is not known.
    pub serving_g: Option<f32>,
    /// What is known of allergens in it.
    pub allergens: Allergens,
    /// Which diets it suits.
    pub diets: Diets,
    /// The animals and drinks it is known to be made of.
    pub kinds: FoodKinds,
    /// Fruit, vegetables and legumes in it, in percent of its mass; `None` is not known.
    pub fruit_percent: Option<f32>,
    /// Whether it is sweetened with something that is no sugar; `None` is not known.
    pub has_sweetener: Option<bool>,
}
