//! What there is of a product, by the names expressions use.

use crate::{NutritionPer100g, ProductRecord};

/// A text of a product; empty when there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextField {
    Id,
    Name,
    Category,
    Brand,
    Currency,
}

impl TextField {
    pub(super) fn of(self, product: &ProductRecord) -> &str {
        match self {
            Self::Id => &product.product_id,
            Self::Name => &product.name,
            Self::Category => &product.category,
            Self::Brand => &product.brand,
            Self::Currency => &product.currency,
        }
    }
}

/// A list of texts of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListField {
    Tags,
    Allergens,
    Diets,
}

impl ListField {
    pub(super) fn of(self, product: &ProductRecord) -> &[String] {
        match self {
            Self::Tags => &product.tags,
            Self::Allergens => &product.allergens,
            Self::Diets => &product.diets,
        }
    }
}

/// A field of `product`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Text(TextField),
    List(ListField),
    Price,
    InStock,
    Attributes,
    Nutrition,
}

const FIELDS: [(&str, Field); 12] = [
    ("id", Field::Text(TextField::Id)),
    ("name", Field::Text(TextField::Name)),
    ("category", Field::Text(TextField::Category)),
    ("brand", Field::Text(TextField::Brand)),
    ("currency", Field::Text(TextField::Currency)),
    ("tags", Field::List(ListField::Tags)),
    ("allergens", Field::List(ListField::Allergens)),
    ("diets", Field::List(ListField::Diets)),
    ("price", Field::Price),
    ("in_stock", Field::InStock),
    ("attributes", Field::Attributes),
    ("nutrition", Field::Nutrition),
];

/// The nutrients in the order of [`NutritionPer100g::values`].
pub(super) const NUTRIENTS: [&str; 8] = [
    "energy_kcal",
    "protein_g",
    "fat_g",
    "saturated_fat_g",
    "carbohydrate_g",
    "sugars_g",
    "fibre_g",
    "sodium_mg",
];

pub(super) fn field(name: &str) -> Option<Field> {
    FIELDS.iter().find(|(known, _)| *known == name).map(|&(_, field)| field)
}

pub(super) fn field_names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|&(name, _)| name)
}

pub(super) fn nutrient(name: &str) -> Option<usize> {
    NUTRIENTS.iter().position(|&known| known == name)
}

/// The price of one unit; the nearest number to what is printed.
pub(super) fn price_of(product: &ProductRecord) -> Option<f64> {
    product.price_micros.map(|micros| micros as f64 / 1e6)
}

pub(super) fn nutrient_of(nutrition: &NutritionPer100g, nutrient: usize) -> Option<f64> {
    nutrition.values()[nutrient].map(as_printed)
}

/// The decimal number that was meant: kept in 32 bits, 5.1 would not be equal to 5.1.
fn as_printed(value: f32) -> f64 {
    let wide = f64::from(value);
    let decimals = if wide.abs() < 500.0 { 1e4 } else { 1e2 };
    (wide * decimals).round() / decimals
}

/// The known name that is written most alike, if one is near enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = 1 + name.chars().count() / 3;
    let told = known.map(|candidate| (edits_between(name, candidate), candidate));
    told.filter(|&(edits, _)| edits <= most).min_by_key(|&(edits, _)| edits).map(|(_, candidate)| candidate)
}

/// How many letters to add, drop or replace to make one word the other (Levenshtein 1966).
fn edits_between(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, &against) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != against);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}
