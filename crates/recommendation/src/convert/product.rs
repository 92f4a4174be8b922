//! Products in and out. What a product may look like is decided here.

use larder_proto::larder::catalog::v1::{Nutrition, Product};
use larder_ranking::{NutritionPer100g, ProductRecord};

use crate::convert::{optional_money, timestamp};
use crate::error::Error;
use crate::nutrition::labels;
use crate::profile::Declaration;
use crate::store::products::{NewProduct, ProductRow, StoredNutrition};
use crate::validate::Fields;

/// Checks a product and makes the row of it.
pub(crate) fn from_wire(product: Product) -> Result<NewProduct, Error> {
    let mut fields = Fields::default();
    fields.id("product_id", &product.product_id);
    fields.text("name", &product.name, 1, 256);
    fields.text("category", &product.category, 0, 128);
    fields.text("brand", &product.brand, 0, 128);
    fields.texts("tags", &product.tags, 32, 64);
    fields.text("package_size", &product.package_size, 0, 64);
    fields.texts("allergens", &product.allergens, 32, 64);
    fields.texts("diets", &product.diets, 32, 64);
    fields.attributes("attributes", &product.attributes);
    let price = product.price.as_ref().and_then(|price| fields.amount("price", price));
    let nutrition = product.nutrition_per_100g.map(|nutrition| nutrition_from_wire(&mut fields, &nutrition));
    fields.finish(NewProduct {
        product_id: product.product_id,
        name: product.name,
        category: product.category,
        brand: product.brand,
        tags: product.tags,
        price_micros: price.as_ref().map(|price| price.micros),
        price_currency: price.map(|price| price.currency),
        in_stock: product.in_stock.unwrap_or(true),
        package_size: product.package_size,
        nutrition,
        allergens: product.allergens,
        allergens_complete: product.allergens_complete,
        diets: product.diets,
        attributes: product.attributes,
    })
}

fn nutrition_from_wire(fields: &mut Fields, nutrition: &Nutrition) -> StoredNutrition {
    // 100 g hold at most 100 g of anything, 900 kcal of pure fat (902 with rounding) and
    // 39.3 g of sodium, which is what pure salt has.
    let grams = [
        ("protein_g", nutrition.protein_g),
        ("fat_g", nutrition.fat_g),
        ("saturated_fat_g", nutrition.saturated_fat_g),
        ("carbohydrate_g", nutrition.carbohydrate_g),
        ("sugars_g", nutrition.sugars_g),
        ("fibre_g", nutrition.fibre_g),
    ];
    fields.optional_number("nutrition_per_100g.energy_kcal", nutrition.energy_kcal, 0.0, 950.0);
    fields.optional_number("nutrition_per_100g.sodium_mg", nutrition.sodium_mg, 0.0, 40_000.0);
    for (name, value) in grams {
        fields.optional_number(&format!("nutrition_per_100g.{name}"), value, 0.0, 100.0);
    }
    StoredNutrition {
        energy_kcal: nutrition.energy_kcal,
        protein_g: nutrition.protein_g,
        fat_g: nutrition.fat_g,
        saturated_fat_g: nutrition.saturated_fat_g,
        carbohydrate_g: nutrition.carbohydrate_g,
        sugars_g: nutrition.sugars_g,
        fibre_g: nutrition.fibre_g,
        sodium_mg: nutrition.sodium_mg,
    }
}

/// The message of a stored product.
pub(crate) fn to_wire(row: ProductRow) -> Product {
    Product {
        product_id: row.product_id,
        name: row.name,
        category: row.category,
        brand: row.brand,
        tags: row.tags,
        price: optional_money(row.price_micros, row.price_currency.as_deref()),
        in_stock: Some(row.in_stock),
        package_size: row.package_size,
        nutrition_per_100g: row.nutrition.map(|nutrition| nutrition_to_wire(&nutrition.0)),
        allergens: row.allergens,
        allergens_complete: row.allergens_complete,
        diets: row.diets,
        attributes: row.attributes.0,
        created_at: Some(timestamp(row.created_at_us)),
        updated_at: Some(timestamp(row.updated_at_us)),
    }
}

fn nutrition_to_wire(nutrition: &StoredNutrition) -> Nutrition {
    Nutrition {
        energy_kcal: nutrition.energy_kcal,
        protein_g: nutrition.protein_g,
        fat_g: nutrition.fat_g,
        saturated_fat_g: nutrition.saturated_fat_g,
        carbohydrate_g: nutrition.carbohydrate_g,
        sugars_g: nutrition.sugars_g,
        fibre_g: nutrition.fibre_g,
        sodium_mg: nutrition.sodium_mg,
    }
}

/// What ranking needs to know of a product that was just written.
pub(crate) fn to_record(product: &NewProduct, hidden: bool) -> ProductRecord {
    let mut record = ProductRecord {
        product_id: product.product_id.clone(),
        name: product.name.clone(),
        category: product.category.clone(),
        brand: product.brand.clone(),
        tags: product.tags.clone(),
        price_micros: product.price_micros,
        currency: product.price_currency.clone().unwrap_or_default(),
        allergens: product.allergens.clone(),
        allergens_complete: product.allergens_complete,
        diets: product.diets.clone(),
        nutrition: product.nutrition.as_ref().map(nutrition_to_ranking).unwrap_or_default(),
        attributes: product.attributes.clone(),
        in_stock: product.in_stock,
        hidden,
    };
    labels::widen(&mut record);
    record
}

/// What nutrition alone needs to know of a product that was just written.
pub(crate) fn to_declaration(product: &NewProduct) -> Declaration {
    Declaration { package_size: product.package_size.clone(), allergens: product.allergens.clone() }
}

/// Values that are too large for ranking's numbers count as not known.
pub(crate) fn nutrition_to_ranking(nutrition: &StoredNutrition) -> NutritionPer100g {
    let narrow = |value: Option<f64>| value.map(|value| value as f32).filter(|value| value.is_finite());
    NutritionPer100g {
        energy_kcal: narrow(nutrition.energy_kcal),
        protein_g: narrow(nutrition.protein_g),
        fat_g: narrow(nutrition.fat_g),
        saturated_fat_g: narrow(nutrition.saturated_fat_g),
        carbohydrate_g: narrow(nutrition.carbohydrate_g),
        sugars_g: narrow(nutrition.sugars_g),
        fibre_g: narrow(nutrition.fibre_g),
        sodium_mg: narrow(nutrition.sodium_mg),
    }
}

#[cfg(test)]
mod tests {
    use larder_proto::google::r#type::Money;

    use super::*;

    #[test]
    fn every_bad_field_is_named_at_once() {
        let product = Product {
            product_id: "no spaces please".into(),
            price: Some(Money { currency_code: "USD".into(), units: -1, nanos: 0 }),
            nutrition_per_100g: Some(Nutrition { protein_g: Some(f64::NAN), ..Nutrition::default() }),
            ..Product::default()
        };
        let Err(Error::Invalid(violations)) = from_wire(product) else { panic!("must be refused") };
        let names: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(names, ["product_id", "name", "price.units", "nutrition_per_100g.protein_g"]);
    }

    #[test]
    fn a_product_is_in_stock_unless_told_otherwise() {
        let product = Product { product_id: "p".into(), name: "Bread".into(), ..Product::default() };
        assert!(from_wire(product.clone()).unwrap().in_stock);
        assert!(!from_wire(Product { in_stock: Some(false), ..product }).unwrap().in_stock);
    }
}
