//! What the ranking needs to know of a product.

/// A product of the catalogue, as far as ranking and filtering need it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductRecord {
    /// The tenant's id of it.
    pub product_id: String,
    /// What reasons call it.
    pub name: String,
    /// Empty when it has none.
    pub category: String,
    /// Price of one unit in millionths of the currency; `None` when it is not known.
    pub price_micros: Option<i64>,
    /// ISO 4217 code of the price; empty without a price.
    pub currency: String,
    /// Whether it can be bought now.
    pub in_stock: bool,
    /// A hidden product is never recommended; its history still teaches the models.
    pub hidden: bool,
}
