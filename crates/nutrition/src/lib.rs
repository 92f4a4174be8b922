//! Pure nutrition: what a person needs, what a food is worth, what it holds and whom it
//! suits, and which meals come nearest to a target. Nothing here knows a database, a wire
//! format or a clock; what is not known is never taken for zero.

mod allergen;
mod diet;
mod food;
mod nutrients;

pub use allergen::{Allergen, Allergens, Presence};
pub use diet::{Diet, Diets, Suits};
pub use food::Food;
pub use nutrients::{Nutrient, Nutrients};
