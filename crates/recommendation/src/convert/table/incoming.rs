//! Rows of files as checked rows of tables. What may stand in a field is decided where messages are checked;
//! here a row becomes the message that a client would have sent.

use std::collections::BTreeMap;

use larder_exchange::{CellProblem, Row, Table, Value};
use larder_proto::google::r#type::Date;
use larder_proto::larder::catalog::v1::*;

use crate::convert::{budget, customer, interaction, money, product, promotion, timestamp};
use crate::days::date_of;
use crate::error::Error;
use crate::store::budgets::NewBudget;
use crate::store::customers::NewCustomer;
use crate::store::interactions::NewInteraction;
use crate::store::products::NewProduct;
use crate::store::promotions::NewPromotion;

/// A row that may be written.
#[derive(Clone, Debug)]
pub(crate) enum Record {
    Customer(NewCustomer),
    Product(NewProduct),
    Promotion(NewPromotion),
    Budget(NewBudget),
    Transaction(NewInteraction),
}

impl Record {
    /// The id of what it is.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Customer(row) => &row.customer_id,
            Self::Product(row) => &row.product_id,
            Self::Promotion(row) => &row.promotion_id,
            Self::Budget(row) => &row.budget_id,
            Self::Transaction(row) => &row.event_id,
        }
    }

    /// The products it speaks of.
    pub(crate) fn products(&self) -> &[String] {
        match self {
            Self::Promotion(row) => &row.product_ids,
            Self::Transaction(row) => std::slice::from_ref(&row.product_id),
            _ => &[],
        }
    }
}

/// The checked row of a table.
pub(crate) fn record(table: &Table, row: Row, now_us: i64) -> Result<Record, Vec<CellProblem>> {
    let mut cells = Cells { table, row };
    let checked = match table.kind {
        "customers" => customer::from_wire(cells.customer()).map(Record::Customer),
        "products" => product::from_wire(cells.product()).map(Record::Product),
        "promotions" => promotion::from_wire(cells.promotion()).map(Record::Promotion),
        "budgets" => budget::from_wire(cells.budget()).map(Record::Budget),
        _ => interaction::from_wire(cells.purchase(), now_us).map(Record::Transaction),
    };
    checked.map_err(|error| problems(table, error))
}

/// The violations of a message as problems of the columns that its fields came from.
fn problems(table: &Table, error: Error) -> Vec<CellProblem> {
    let Error::Invalid(violations) = error else {
        return vec![CellProblem { column: String::new(), reason: error.to_string() }];
    };
    let of = |violation: crate::error::Violation| {
        let parts = violation.field.split(['.', '[']);
        let renamed = |part: &str| match (part, table.kind) {
            ("event_id", "transactions") => "transaction_id".to_owned(),
            ("currency_code", _) => "currency".to_owned(),
            (part, _) => part.to_owned(),
        };
        // The last part that is a column: `price.currency_code` is the currency, `profile.sex` the sex.
        match parts.map(renamed).rfind(|part| table.position(part).is_some()) {
            Some(column) => CellProblem { column, reason: violation.description },
            None => CellProblem {
                column: String::new(),
                reason: format!("has {}, which {}", violation.field, violation.description),
            },
        }
    };
    violations.into_iter().map(of).collect()
}

/// The cells of a row, taken by name.
struct Cells<'a> {
    table: &'a Table,
    row: Row,
}

impl Cells<'_> {
    fn take(&mut self, name: &str) -> Value {
        let place = self.table.position(name);
        place.map_or(Value::Absent, |place| std::mem::replace(&mut self.row[place], Value::Absent))
    }

    fn text(&mut self, name: &str) -> String {
        match self.take(name) {
            Value::Text(text) => text,
            _ => String::new(),
        }
    }

    fn texts(&mut self, name: &str) -> Vec<String> {
        match self.take(name) {
            Value::List(texts) => texts,
            _ => Vec::new(),
        }
    }

    fn number(&mut self, name: &str) -> Option<f64> {
        match self.take(name) {
            Value::Decimal(number) | Value::Percent(number) => Some(number),
            _ => None,
        }
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name) {
            Value::Bool(yes) => Some(yes),
            _ => None,
        }
    }

    fn date(&mut self, name: &str) -> Option<Date> {
        match self.take(name) {
            Value::Date(day) => {
                let date = date_of(day);
                Some(Date { year: date.year().into(), month: date.month().into(), day: date.day().into() })
            }
            _ => None,
        }
    }

    fn instant(&mut self, name: &str) -> Option<prost_types::Timestamp> {
        match self.take(name) {
            Value::Instant(at_us) => Some(timestamp(at_us)),
            _ => None,
        }
    }

    fn amount(&mut self, name: &str, currency: &str) -> Option<larder_proto::google::r#type::Money> {
        match self.take(name) {
            Value::Money(micros) => Some(money(micros, currency)),
            _ => None,
        }
    }

    fn attributes(&self) -> BTreeMap<String, String> {
        let told = self.table.attributes().filter_map(|(place, key)| match &self.row[place] {
            Value::Text(text) => Some((key.to_owned(), text.clone())),
            _ => None,
        });
        told.collect()
    }

    fn customer(&mut self) -> Customer {
        let named = |prefix: &str, name: String| format!("{prefix}{}", name.to_ascii_uppercase());
        let sex = Sex::from_str_name(&named("SEX_", self.text("sex"))).unwrap_or_default();
        let activity = named("ACTIVITY_LEVEL_", self.text("activity_level"));
        let goal = named("NUTRITION_GOAL_", self.text("goal"));
        let stage = named("LIFE_STAGE_", self.text("life_stage"));
        let profile = CustomerProfile {
            birth_date: self.date("birth_date"),
            sex: sex.into(),
            height_cm: self.number("height_cm"),
            weight_kg: self.number("weight_kg"),
            activity_level: ActivityLevel::from_str_name(&activity).unwrap_or_default().into(),
            goal: NutritionGoal::from_str_name(&goal).unwrap_or_default().into(),
            diets: self.texts("diets"),
            allergens: self.texts("allergens"),
            body_fat_percent: self.number("body_fat_percent"),
            guideline: self.text("guideline"),
            life_stage: LifeStage::from_str_name(&stage).unwrap_or_default().into(),
            goal_rate_kg_per_week: self.number("goal_rate_kg_per_week"),
            score_goal: self.text("score_goal"),
        };
        Customer {
            customer_id: self.text("customer_id"),
            name: self.text("name"),
            profile: (profile != CustomerProfile::default()).then_some(profile),
            attributes: self.attributes(),
            ..Customer::default()
        }
    }

    fn product(&mut self) -> Product {
        let nutrition = Nutrition {
            energy_kcal: self.number("energy_kcal"),
            protein_g: self.number("protein_g"),
            fat_g: self.number("fat_g"),
            saturated_fat_g: self.number("saturated_fat_g"),
            carbohydrate_g: self.number("carbohydrate_g"),
            sugars_g: self.number("sugars_g"),
            fibre_g: self.number("fibre_g"),
            sodium_mg: self.number("sodium_mg"),
        };
        let currency = self.text("currency");
        Product {
            product_id: self.text("product_id"),
            name: self.text("name"),
            category: self.text("category"),
            brand: self.text("brand"),
            tags: self.texts("tags"),
            price: self.amount("price", &currency),
            in_stock: self.flag("in_stock"),
            package_size: self.text("package_size"),
            nutrition_per_100g: (nutrition != Nutrition::default()).then_some(nutrition),
            allergens: self.texts("allergens"),
            allergens_complete: self.flag("allergens_complete").unwrap_or(false),
            diets: self.texts("diets"),
            attributes: self.attributes(),
            ..Product::default()
        }
    }

    fn promotion(&mut self) -> Promotion {
        Promotion {
            promotion_id: self.text("promotion_id"),
            name: self.text("name"),
            product_ids: self.texts("product_ids"),
            categories: self.texts("categories"),
            discount_percent: self.number("discount_percent").unwrap_or_default(),
            starts_at: self.instant("starts_at"),
            ends_at: self.instant("ends_at"),
            ..Promotion::default()
        }
    }

    fn budget(&mut self) -> Budget {
        let currency = self.text("currency");
        Budget {
            budget_id: self.text("budget_id"),
            name: self.text("name"),
            customer_id: self.text("customer_id"),
            category: self.text("category"),
            amount: self.amount("amount", &currency),
            starts_on: self.date("starts_on"),
            ends_on: self.date("ends_on"),
            ..Budget::default()
        }
    }

    fn purchase(&mut self) -> Interaction {
        let currency = self.text("currency");
        Interaction {
            event_id: self.text("transaction_id"),
            customer_id: self.text("customer_id"),
            product_id: self.text("product_id"),
            kind: InteractionKind::Purchase.into(),
            // Of a message 0 means nothing was said; in a cell it is a number, and below what is accepted.
            quantity: self.number("quantity").map_or(1.0, |number| if number == 0.0 { -1.0 } else { number }),
            amount: self.amount("amount", &currency),
            occurred_at: self.instant("occurred_at"),
            ..Interaction::default()
        }
    }
}
