//! The tables of the catalogue.

use crate::table::{Column, ColumnKind, Table};

use ColumnKind::{Bool, Date, Decimal, Instant, List, Money, Percent, Text};

const CURRENCY: &str = "Three capital letters of ISO 4217, such as ZAR.";
const ID: &str = "Unique; 1 to 128 characters of A-Z a-z 0-9 . _ ~ -";

/// Who buys.
pub(super) fn customers() -> Table {
    let columns = vec![
        Column::new("customer_id", Text, ID, "anna-1").required(),
        Column::new("name", Text, "Up to 256 characters.", "Anna Example"),
        Column::new("birth_date", Date, "The day of birth.", "1990-05-17"),
        Column::new("sex", Text, "As the energy formulas need it.", "female").one_of(&["female", "male"]),
        Column::new("height_cm", Decimal, "30 to 300.", "170"),
        Column::new("weight_kg", Decimal, "1 to 700.", "65.5"),
        Column::new("body_fat_percent", Decimal, "2 to 75, in hundredths of the weight.", ""),
        Column::new("activity_level", Text, "How much the person moves.", "moderate").one_of(&[
            "sedentary",
            "light",
            "moderate",
            "active",
            "very_active",
        ]),
        Column::new("goal", Text, "What the person wants of food.", "maintain").one_of(&[
            "lose_weight",
            "maintain",
            "gain_muscle",
        ]),
        Column::new("goal_rate_kg_per_week", Decimal, "How fast to lose or gain, 0 to 2.", ""),
        Column::new("life_stage", Text, "What a body carries beside itself.", "")
            .one_of(&["pregnant", "lactating"]),
        Column::new("diets", List, "Diets to keep, parted by ;", "vegetarian"),
        Column::new("allergens", List, "Allergens to stay away from, parted by ;", "peanuts; milk"),
        Column::new("guideline", Text, "The guideline of targets; empty means the usual one.", ""),
        Column::new("score_goal", Text, "The goal by which products are scored.", ""),
    ];
    Table { kind: "customers", title: "Customers", columns, has_attributes: true, is_imported: true }
}

/// What is sold.
pub(super) fn products() -> Table {
    let nutrient = |name, help| Column::new(name, Decimal, help, "");
    let columns = vec![
        Column::new("product_id", Text, ID, "apples-1kg").required(),
        Column::new("name", Text, "1 to 256 characters.", "Apples, 1 kg").required(),
        Column::new("category", Text, "Up to 128 characters.", "Fruit"),
        Column::new("brand", Text, "Up to 128 characters.", "Orchard"),
        Column::new("tags", List, "Up to 32, parted by ;", "fresh; local"),
        Column::new("price", Money { currency: "currency" }, "What one unit costs.", "24.99"),
        Column::new("currency", Text, CURRENCY, "ZAR"),
        Column::new("in_stock", Bool, "Whether it can be bought now; empty means yes.", "yes"),
        Column::new("package_size", Text, "As printed on the package.", "1 kg"),
        Column::new("allergens", List, "Allergens it contains, parted by ;", ""),
        Column::new("allergens_complete", Bool, "Whether that list is complete; empty means no.", "yes"),
        Column::new("diets", List, "Diets it suits, parted by ;", "vegan"),
        nutrient("energy_kcal", "Per 100 g, in kcal."),
        nutrient("protein_g", "Per 100 g, in g."),
        nutrient("fat_g", "Per 100 g, in g."),
        nutrient("saturated_fat_g", "Per 100 g, in g."),
        nutrient("carbohydrate_g", "Per 100 g, in g."),
        nutrient("sugars_g", "Per 100 g, in g."),
        nutrient("fibre_g", "Per 100 g, in g."),
        nutrient("sodium_mg", "Per 100 g, in mg."),
    ];
    Table { kind: "products", title: "Products", columns, has_attributes: true, is_imported: true }
}

/// Price cuts.
pub(super) fn promotions() -> Table {
    let columns = vec![
        Column::new("promotion_id", Text, ID, "spring-apples").required(),
        Column::new("name", Text, "1 to 256 characters.", "Apples in spring").required(),
        Column::new("product_ids", List, "The products it is for, parted by ;", "apples-1kg"),
        Column::new("categories", List, "The categories it is for, parted by ;", ""),
        Column::new("discount_percent", Percent, "Above 0 %, up to 100 %.", "15").required(),
        Column::new("starts_at", Instant, "From when, in UTC.", "2026-09-01T06:00:00Z").required(),
        Column::new("ends_at", Instant, "Until when, in UTC.", "2026-09-08T06:00:00Z").required(),
    ];
    Table { kind: "promotions", title: "Promotions", columns, has_attributes: false, is_imported: true }
}

/// What is to be spent.
pub(super) fn budgets() -> Table {
    let columns = vec![
        Column::new("budget_id", Text, ID, "september-fruit").required(),
        Column::new("name", Text, "1 to 256 characters.", "Fruit in September").required(),
        Column::new("customer_id", Text, "Whose budget; empty means everybody's.", ""),
        Column::new("category", Text, "Only this category; empty means all.", "Fruit"),
        Column::new("amount", Money { currency: "currency" }, "Never below 0.", "1500.00").required(),
        Column::new("currency", Text, CURRENCY, "ZAR"),
        Column::new("starts_on", Date, "The first day.", "2026-09-01").required(),
        Column::new("ends_on", Date, "The last day.", "2026-09-30").required(),
    ];
    Table { kind: "budgets", title: "Budgets", columns, has_attributes: false, is_imported: true }
}

/// What was bought.
pub(super) fn transactions() -> Table {
    let columns = vec![
        Column::new("transaction_id", Text, ID, "till-1-000042").required(),
        Column::new("customer_id", Text, "Who bought.", "anna-1").required(),
        Column::new("product_id", Text, "What was bought.", "apples-1kg").required(),
        Column::new("quantity", Decimal, "Above 0, up to 1,000,000; empty means 1.", "2"),
        Column::new("amount", Money { currency: "currency" }, "What was paid for the line.", "49.98"),
        Column::new("currency", Text, CURRENCY, "ZAR"),
        Column::new("occurred_at", Instant, "When, in UTC.", "2026-09-05T10:15:00Z").required(),
    ];
    Table { kind: "transactions", title: "Transactions", columns, has_attributes: false, is_imported: true }
}
