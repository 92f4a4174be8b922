//! One row of each kind as a message of the contract. Only what cannot be written in the
//! message at all is refused here; the service judges everything else, so that there is
//! one place that knows the limits.

use larder_proto::larder::catalog::v1::{
    ActivityLevel, Budget, Customer, CustomerProfile, Interaction, InteractionKind, Nutrition, NutritionGoal,
    Product, Promotion, Sex,
};

use super::Kind;
use super::parse::{EnumChoices, Problem, Row};

/// The rows of a batch; all of one kind.
#[derive(Debug, Clone)]
pub(crate) enum Records {
    Products(Vec<Product>),
    Customers(Vec<Customer>),
    Interactions(Vec<Interaction>),
    Transactions(Vec<Interaction>),
    Promotions(Vec<Promotion>),
    Budgets(Vec<Budget>),
}

impl Records {
    /// No rows yet.
    pub(super) fn empty(kind: Kind) -> Self {
        match kind {
            Kind::Products => Self::Products(Vec::new()),
            Kind::Customers => Self::Customers(Vec::new()),
            Kind::Interactions => Self::Interactions(Vec::new()),
            Kind::Transactions => Self::Transactions(Vec::new()),
            Kind::Promotions => Self::Promotions(Vec::new()),
            Kind::Budgets => Self::Budgets(Vec::new()),
        }
    }

    /// Adds a row, or tells what keeps it from being a message.
    pub(super) fn push(&mut self, row: &Row<'_>) -> Result<(), Problem> {
        match self {
            Self::Products(products) => products.push(product(row)?),
            Self::Customers(customers) => customers.push(customer(row)?),
            Self::Interactions(interactions) => interactions.push(interaction(row)?),
            Self::Transactions(purchases) => purchases.push(purchase(row)?),
            Self::Promotions(promotions) => promotions.push(promotion(row)?),
            Self::Budgets(budgets) => budgets.push(budget(row)?),
        }
        Ok(())
    }
}

fn product(row: &Row<'_>) -> Result<Product, Problem> {
    Ok(Product {
        product_id: row.required_text("product_id")?,
        name: row.required_text("name")?,
        category: row.text("category"),
        brand: row.text("brand"),
        tags: row.texts("tags"),
        price: row.money("price")?,
        in_stock: row.boolean("in_stock")?,
        package_size: row.text("package_size"),
        nutrition_per_100g: nutrition(row)?,
        allergens: row.texts("allergens"),
        allergens_complete: row.boolean("allergens_complete")?.unwrap_or(false),
        diets: row.texts("diets"),
        attributes: row.attributes().into_iter().collect(),
        created_at: None,
        updated_at: None,
    })
}

/// `None` when no nutrient at all is told, so that an empty message is not stored.
fn nutrition(row: &Row<'_>) -> Result<Option<Nutrition>, Problem> {
    let nutrition = Nutrition {
        energy_kcal: row.number("energy_kcal")?,
        protein_g: row.number("protein_g")?,
        fat_g: row.number("fat_g")?,
        saturated_fat_g: row.number("saturated_fat_g")?,
        carbohydrate_g: row.number("carbohydrate_g")?,
        sugars_g: row.number("sugars_g")?,
        fibre_g: row.number("fibre_g")?,
        sodium_mg: row.number("sodium_mg")?,
    };
    Ok((nutrition != Nutrition::default()).then_some(nutrition))
}

fn customer(row: &Row<'_>) -> Result<Customer, Problem> {
    let profile = CustomerProfile {
        birth_date: row.day("birth_date")?,
        sex: row.one_of("sex", &SEXES)?,
        height_cm: row.number("height_cm")?,
        weight_kg: row.number("weight_kg")?,
        activity_level: row.one_of("activity_level", &ACTIVITY_LEVELS)?,
        goal: row.one_of("goal", &GOALS)?,
        diets: row.texts("diets"),
        allergens: row.texts("allergens"),
        ..CustomerProfile::default()
    };
    Ok(Customer {
        customer_id: row.required_text("customer_id")?,
        name: row.text("name"),
        profile: (profile != CustomerProfile::default()).then_some(profile),
        attributes: row.attributes().into_iter().collect(),
        created_at: None,
        updated_at: None,
    })
}

fn interaction(row: &Row<'_>) -> Result<Interaction, Problem> {
    row.required_text("kind")?;
    Ok(Interaction {
        event_id: row.required_text("event_id")?,
        customer_id: row.required_text("customer_id")?,
        product_id: row.required_text("product_id")?,
        kind: row.one_of("kind", &INTERACTION_KINDS)?,
        quantity: row.number("quantity")?.unwrap_or(0.0),
        value: row.number("value")?,
        occurred_at: row.instant("occurred_at")?,
        amount: row.money("amount")?,
        recommendation_id: row.text("recommendation_id"),
    })
}

/// A row as exports of transactions have it.
fn purchase(row: &Row<'_>) -> Result<Interaction, Problem> {
    Ok(Interaction {
        event_id: row.required_text("transaction_id")?,
        customer_id: row.required_text("customer_id")?,
        product_id: row.required_text("product_id")?,
        kind: InteractionKind::Purchase.into(),
        quantity: row.number("quantity")?.unwrap_or(0.0),
        value: None,
        occurred_at: row.instant("occurred_at")?,
        amount: row.money("amount")?,
        recommendation_id: String::new(),
    })
}

fn promotion(row: &Row<'_>) -> Result<Promotion, Problem> {
    Ok(Promotion {
        promotion_id: row.required_text("promotion_id")?,
        name: row.required_text("name")?,
        product_ids: row.texts("product_ids"),
        categories: row.texts("categories"),
        discount_percent: row.number("discount_percent")?.unwrap_or(0.0),
        starts_at: row.instant("starts_at")?,
        ends_at: row.instant("ends_at")?,
        created_at: None,
        updated_at: None,
    })
}

fn budget(row: &Row<'_>) -> Result<Budget, Problem> {
    Ok(Budget {
        budget_id: row.required_text("budget_id")?,
        name: row.required_text("name")?,
        customer_id: row.text("customer_id"),
        category: row.text("category"),
        amount: row.money("amount")?,
        starts_on: row.day("starts_on")?,
        ends_on: row.day("ends_on")?,
        created_at: None,
        updated_at: None,
    })
}

const INTERACTION_KINDS: EnumChoices = EnumChoices {
    prefix: "INTERACTION_KIND_",
    accepted: &["view", "cart", "purchase", "like", "dislike", "rating"],
    from_name: |name| InteractionKind::from_str_name(name).map(i32::from),
};

const SEXES: EnumChoices = EnumChoices {
    prefix: "SEX_",
    accepted: &["female", "male"],
    from_name: |name| Sex::from_str_name(name).map(i32::from),
};

const ACTIVITY_LEVELS: EnumChoices = EnumChoices {
    prefix: "ACTIVITY_LEVEL_",
    accepted: &["sedentary", "light", "moderate", "active", "very_active"],
    from_name: |name| ActivityLevel::from_str_name(name).map(i32::from),
};

const GOALS: EnumChoices = EnumChoices {
    prefix: "NUTRITION_GOAL_",
    accepted: &["lose_weight", "maintain", "gain_muscle"],
    from_name: |name| NutritionGoal::from_str_name(name).map(i32::from),
};
