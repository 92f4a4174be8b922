//! Rows of the catalogue's tables.

use larder_exchange::{Row, Table, Value};
use larder_proto::larder::catalog::v1::{ActivityLevel, LifeStage, NutritionGoal, Sex};

use super::{Filled, short};
use crate::store::budgets::BudgetRow;
use crate::store::customers::CustomerRow;
use crate::store::interactions::TransactionRow;
use crate::store::products::ProductRow;
use crate::store::promotions::PromotionRow;

/// A row of customers.
pub(crate) fn customer(table: &Table, row: &CustomerRow) -> Row {
    let sex = Sex::try_from(i32::from(row.sex)).unwrap_or_default();
    let activity = ActivityLevel::try_from(i32::from(row.activity_level)).unwrap_or_default();
    let goal = NutritionGoal::try_from(i32::from(row.goal)).unwrap_or_default();
    let stage = LifeStage::try_from(i32::from(row.life_stage)).unwrap_or_default();
    let mut filled = Filled::new(table)
        .text("customer_id", &row.customer_id)
        .text("name", &row.name)
        .put("birth_date", Value::maybe(row.birth_day, Value::Date))
        .text("sex", short(sex.as_str_name(), "SEX_"))
        .number("height_cm", row.height_cm)
        .number("weight_kg", row.weight_kg)
        .number("body_fat_percent", row.body_fat_percent)
        .text("activity_level", short(activity.as_str_name(), "ACTIVITY_LEVEL_"))
        .text("goal", short(goal.as_str_name(), "NUTRITION_GOAL_"))
        .number("goal_rate_kg_per_week", row.goal_rate_kg_per_week)
        .text("life_stage", short(stage.as_str_name(), "LIFE_STAGE_"))
        .put("diets", Value::list(row.diets.clone()))
        .put("allergens", Value::list(row.allergens.clone()))
        .text("guideline", &row.guideline)
        .text("score_goal", &row.score_goal);
    for (place, key) in table.attributes() {
        filled.row[place] = Value::maybe(row.attributes.0.get(key), Value::text);
    }
    filled.row
}

/// A row of products.
pub(crate) fn product(table: &Table, row: &ProductRow) -> Row {
    let nutrition = row.nutrition.as_ref().map(|nutrition| nutrition.0.clone()).unwrap_or_default();
    let mut filled = Filled::new(table)
        .text("product_id", &row.product_id)
        .text("name", &row.name)
        .text("category", &row.category)
        .text("brand", &row.brand)
        .put("tags", Value::list(row.tags.clone()))
        .put("price", Value::maybe(row.price_micros, Value::Money))
        .text("currency", row.price_currency.clone().unwrap_or_default())
        .put("in_stock", Value::Bool(row.in_stock))
        .text("package_size", &row.package_size)
        .put("allergens", Value::list(row.allergens.clone()))
        .put("allergens_complete", Value::Bool(row.allergens_complete))
        .put("diets", Value::list(row.diets.clone()))
        .number("energy_kcal", nutrition.energy_kcal)
        .number("protein_g", nutrition.protein_g)
        .number("fat_g", nutrition.fat_g)
        .number("saturated_fat_g", nutrition.saturated_fat_g)
        .number("carbohydrate_g", nutrition.carbohydrate_g)
        .number("sugars_g", nutrition.sugars_g)
        .number("fibre_g", nutrition.fibre_g)
        .number("sodium_mg", nutrition.sodium_mg);
    for (place, key) in table.attributes() {
        filled.row[place] = Value::maybe(row.attributes.0.get(key), Value::text);
    }
    filled.row
}

/// A row of promotions.
pub(crate) fn promotion(table: &Table, row: &PromotionRow) -> Row {
    Filled::new(table)
        .text("promotion_id", &row.promotion_id)
        .text("name", &row.name)
        .put("product_ids", Value::list(row.product_ids.clone()))
        .put("categories", Value::list(row.categories.clone()))
        .put("discount_percent", Value::Percent(row.discount_percent))
        .put("starts_at", Value::Instant(row.starts_at_us))
        .put("ends_at", Value::Instant(row.ends_at_us))
        .row
}

/// A row of budgets.
pub(crate) fn budget(table: &Table, row: &BudgetRow) -> Row {
    Filled::new(table)
        .text("budget_id", &row.budget_id)
        .text("name", &row.name)
        .text("customer_id", &row.customer_id)
        .text("category", &row.category)
        .put("amount", Value::Money(row.amount_micros))
        .text("currency", &row.amount_currency)
        .put("starts_on", Value::Date(row.starts_on_day))
        .put("ends_on", Value::Date(row.ends_on_day))
        .row
}

/// A row of transactions.
pub(crate) fn transaction(table: &Table, row: &TransactionRow) -> Row {
    Filled::new(table)
        .text("transaction_id", &row.event_id)
        .text("customer_id", &row.customer_id)
        .text("product_id", &row.product_id)
        .number("quantity", Some(row.quantity))
        .put("amount", Value::maybe(row.amount_micros, Value::Money))
        .text("currency", row.amount_currency.clone().unwrap_or_default())
        .put("occurred_at", Value::Instant(row.occurred_at_us))
        .row
}
