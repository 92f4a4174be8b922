//! The inventory: every table that has rows about a customer, column by column, and every other place that knows of one. Exports,
//! erasures, holds, periods and documents are made of it and of nothing else; a test compares it with the real schema.

/// A table with rows about customers.
#[derive(Debug)]
pub(crate) struct PersonalTable {
    pub(crate) name: &'static str,
    /// The column that says about whom a row is. `import_undo` has none and keeps it within its rows.
    pub(crate) customer_column: Option<&'static str>,
    /// What it is, in words for the people it is about.
    pub(crate) about: &'static str,
    /// What it is for.
    pub(crate) purpose: &'static str,
    /// On what ground it is usually kept.
    pub(crate) basis: &'static str,
    /// Whether it tells of health: Article 9 of the GDPR asks for more then.
    pub(crate) is_health: bool,
    /// Every column but the tenant's, with what stands in it.
    pub(crate) columns: &'static [(&'static str, &'static str)],
    pub(crate) period: Option<Period>,
}

/// From when on the days of a row are counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    pub(crate) setting: &'static str,
    /// The column that has the instant or the day.
    pub(crate) counted_from: &'static str,
    pub(crate) is_day: bool,
}

/// Another place that knows of customers.
pub(crate) struct OtherPlace {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// What becomes of it when a customer is erased.
    pub(crate) on_erasure: &'static str,
}

const CONTRACT: &str = "contract with the customer, Article 6(1)(b)";
const CONSENT: &str = "consent of the customer, Articles 6(1)(a) and 9(2)(a)";
const INTEREST: &str = "legitimate interest in a useful assortment, Article 6(1)(f)";
const OBLIGATION: &str = "legal obligation or claims, Articles 6(1)(c) and 17(3)";

const CHANGED: [(&str, &str); 2] =
    [("changed_xid", "the place in the order of changes"), ("changed_sequence", "the same")];

/// Every table with rows about customers, in the order in which they are exported and erased.
pub(crate) static TABLES: [PersonalTable; 8] = [
    PersonalTable {
        name: "customers",
        customer_column: Some("customer_id"),
        about: "who the customer is and what they told of themselves: body, diets, allergens, goals",
        purpose: "recommending what suits them, and nothing they must stay away from",
        basis: CONSENT,
        is_health: true,
        columns: &[
            ("customer_id", "the shop's id of the customer"),
            ("name", "the name"),
            ("birth_date", "the date of birth"),
            ("sex", "the sex, as energy formulas need it"),
            ("height_cm", "the height"),
            ("weight_kg", "the weight"),
            ("activity_level", "how much they move"),
            ("goal", "what they want of their food"),
            ("diets", "diets they keep"),
            ("allergens", "allergens they must stay away from"),
            ("attributes", "whatever else the shop keeps, by key"),
            ("created_at", "when the row came"),
            ("updated_at", "when it was changed last"),
            ("deleted_at", "when it was hidden"),
            CHANGED[0],
            CHANGED[1],
            ("body_fat_percent", "the part of the body that is fat"),
            ("guideline", "the nutrition guideline they follow"),
            ("life_stage", "pregnancy or lactation"),
            ("goal_rate_kg_per_week", "how fast they want to change their weight"),
            ("score_goal", "by which goal foods are scored for them"),
        ],
        period: Some(Period { setting: "deleted_customers_days", counted_from: "deleted_at", is_day: false }),
    },
    PersonalTable {
        name: "interactions",
        customer_column: Some("customer_id"),
        about: "what the customer looked at, bought, rated or disliked, and when",
        purpose: "learning what they want next",
        basis: CONTRACT,
        is_health: false,
        columns: &[
            ("event_id", "the id of the event"),
            ("customer_id", "the shop's id of the customer"),
            ("product_id", "the product"),
            ("kind", "whether it was seen, bought, rated and so on"),
            ("quantity", "how much"),
            ("value", "the rating, where there is one"),
            ("amount_micros", "what was paid, in millionths"),
            ("amount_currency", "the currency"),
            ("recommendation_id", "the recommendation it followed, if any"),
            ("occurred_at", "when it happened"),
            ("recorded_at", "when it was recorded"),
            ("recorded_xid", "the place in the log"),
            ("recorded_sequence", "the same"),
        ],
        period: Some(Period { setting: "interactions_days", counted_from: "occurred_at", is_day: false }),
    },
    PersonalTable {
        name: "budgets",
        customer_column: Some("customer_id"),
        about: "how much the customer means to spend on what",
        purpose: "keeping recommendations and plans of meals within it",
        basis: CONTRACT,
        is_health: false,
        columns: &[
            ("budget_id", "the id of the budget"),
            ("name", "its name"),
            ("customer_id", "the shop's id of the customer"),
            ("category", "what it is for"),
            ("amount_micros", "how much, in millionths"),
            ("amount_currency", "the currency"),
            ("starts_on", "the first day"),
            ("ends_on", "the last day"),
            ("created_at", "when the row came"),
            ("updated_at", "when it was changed last"),
            ("deleted_at", "when it was hidden"),
        ],
        period: Some(Period { setting: "budgets_days", counted_from: "ends_on", is_day: true }),
    },
    PersonalTable {
        name: "body_measurements",
        customer_column: Some("customer_id"),
        about: "weights and body fat that the customer logged",
        purpose: "working out how much energy they use",
        basis: CONSENT,
        is_health: true,
        columns: &[
            ("customer_id", "the shop's id of the customer"),
            ("measured_on", "the day"),
            ("weight_kg", "the weight"),
            ("body_fat_percent", "the part of the body that is fat"),
            ("updated_at", "when it was changed last"),
        ],
        period: Some(Period { setting: "body_measurements_days", counted_from: "measured_on", is_day: true }),
    },
    PersonalTable {
        name: "intakes",
        customer_column: Some("customer_id"),
        about: "what the customer logged to have eaten on a day, as energy and nutrients",
        purpose: "working out how much energy they use",
        basis: CONSENT,
        is_health: true,
        columns: &[
            ("customer_id", "the shop's id of the customer"),
            ("eaten_on", "the day"),
            ("energy_kcal", "the energy"),
            ("protein_g", "the protein"),
            ("fat_g", "the fat"),
            ("carbohydrate_g", "the carbohydrates"),
            ("updated_at", "when it was changed last"),
        ],
        period: Some(Period { setting: "intakes_days", counted_from: "eaten_on", is_day: true }),
    },
    PersonalTable {
        name: "exposures",
        customer_column: Some("subject"),
        about: "what was recommended to the customer and with which chances",
        purpose: "finding out which way of recommending helps more",
        basis: INTEREST,
        is_health: false,
        columns: &[
            ("recommendation_id", "the id of the recommendation"),
            ("subject", "the shop's id of the customer, or what stands for a visitor nobody knows"),
            ("placement", "where it was shown"),
            ("experiment_id", "the experiment, if any"),
            ("arm", "its arm"),
            ("model_version", "the model that answered"),
            ("shown_at", "when"),
            ("exploration", "the chance of something new"),
            ("fixed_places", "places that could not explore"),
            ("shown_positions", "which products of the pool stood where"),
            ("propensities", "with which chances"),
            ("product_ids", "the products shown"),
            ("pool_product_ids", "the products it drew from"),
            ("pool_scores", "their scores"),
            ("pool_relevances", "how relevant they are"),
            ("pool_repeats", "whether the customer had bought them before"),
        ],
        period: Some(Period { setting: "exposures_days", counted_from: "shown_at", is_day: false }),
    },
    PersonalTable {
        name: "import_undo",
        customer_column: None,
        about: "what rows about the customer were before an import changed them; for seven days",
        purpose: "taking an import back",
        basis: INTEREST,
        is_health: true,
        columns: &[
            ("import_id", "the import"),
            ("row_id", "the id of the row"),
            ("before", "the row as it was; none when it was not there"),
        ],
        period: None,
    },
    PersonalTable {
        name: "legal_holds",
        customer_column: Some("customer_id"),
        about: "why nothing about the customer may be deleted for the time being",
        purpose: "keeping evidence",
        basis: OBLIGATION,
        is_health: false,
        columns: &[
            ("hold_id", "the id of the hold"),
            ("customer_id", "the shop's id of the customer"),
            ("reason", "why"),
            ("set_by", "who put it on"),
            ("set_at", "when"),
            ("released_by", "who ended it"),
            ("release_reason", "why"),
            ("released_at", "when"),
        ],
        period: None,
    },
];

/// Places beside the tables.
pub(crate) static OTHER_PLACES: [OtherPlace; 7] = [
    OtherPlace {
        name: "snapshots of models",
        about: "the interactions again, as models serve from them, and patterns learnt from all customers together",
        on_erasure: "rewritten without the customer at once; patterns forget with the next training, which follows by itself",
    },
    OtherPlace {
        name: "profiles beside the snapshots",
        about: "what customers must stay away from, for a start without the database",
        on_erasure: "rewritten without the customer at once",
    },
    OtherPlace {
        name: "memory of the services, kept answers in Redis",
        about: "the same, and answers of the last minutes",
        on_erasure: "forgotten at once; other replicas follow within seconds",
    },
    OtherPlace {
        name: "files of imports",
        about: "files on their way in, which may name anybody; for a day",
        on_erasure: "every waiting file of the tenant is removed",
    },
    OtherPlace {
        name: "backups",
        about: "the tables as they were",
        on_erasure: "stay until their period is over; a restore to before the erasure has to be followed by erasing again",
    },
    OtherPlace {
        name: "audit log",
        about: "who called what when, with the ids that calls were about, no contents; it cannot be changed",
        on_erasure: "stays, as the account of who asked for the export, the hold and the erasure",
    },
    OtherPlace {
        name: "hash of the erased",
        about: "SHA-256 of tenant and id, by which replicas and restored snapshots know whom to forget, and the salted one of the report",
        on_erasure: "comes with the erasure and stays",
    },
];
