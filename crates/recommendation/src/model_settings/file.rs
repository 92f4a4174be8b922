//! What stands in the model settings file, field by field with its range. The JSON Schema in
//! `docs/reference/` is made of these types, so their comments are what its readers see.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The model settings of Larder: what is trained, and how answers are arranged in each place
/// of an app. What is left out keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ModelSettingsFile {
    /// Where the schema of this file is, for editors.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub(crate) schema: Option<String>,
    /// What is trained, of every tenant.
    pub(crate) training: Training,
    /// Settings by place in the app. Each place has what `default` says, but for what it says
    /// itself; requests that name no place get `default`. Once any place but `default` is named here,
    /// requests that name yet another one are refused.
    pub(crate) placements: BTreeMap<String, Placement>,
    /// What nutrition follows, of every tenant.
    pub(crate) nutrition: Nutrition,
    /// What is different for single tenants, by tenant id; laid over the rest, field by field.
    pub(crate) tenants: BTreeMap<String, TenantFile>,
}

/// What is different for one tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TenantFile {
    /// What is trained.
    pub(crate) training: Training,
    /// Settings by place in the app.
    pub(crate) placements: BTreeMap<String, Placement>,
    /// What nutrition follows.
    pub(crate) nutrition: Nutrition,
}

/// What nutrition follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Nutrition {
    /// The guideline of people whose profile names none: one that Larder brings ("who-2023",
    /// "dga-2025", "dga-2020", "efsa", "dri") or one of `guidelines`.
    #[schemars(length(min = 1, max = 64))]
    pub(crate) guideline: String,
    /// Guidelines of one's own: name, version, title, source, the name of the one it `extends`, and
    /// rules. Each rule bounds a nutrient from a side (`at_least`, `ideal`, `at_most`) by an amount
    /// (`per_day`, `per_kg`, `per_1000_kcal` or `percent_of_energy`).
    #[schemars(length(max = 20))]
    pub(crate) guidelines: Vec<Map<String, Value>>,
    /// What goals mean in figures, such as `{"version": 2, "lose": {"energy_change_percent": -15}}`; what
    /// is left out keeps its default. The safe floors can be raised and never lowered.
    pub(crate) goals: Map<String, Value>,
    /// Scores of products for goals of one's own, or in the place of "balanced", "weight_loss" and
    /// "muscle_gain": a name, and terms with a measure, the values that are worth nothing (`worst`) and
    /// everything (`best`), and a weight.
    #[schemars(length(max = 20))]
    pub(crate) score_models: Vec<Map<String, Value>>,
}

/// What is trained and how it is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Training {
    /// After how many days an event counts half for what is popular.
    #[schemars(range(min = 0.1, max = 3650.0))]
    pub(crate) popularity_half_life_days: f64,
    /// After how many days an event counts half for what one customer likes.
    #[schemars(range(min = 0.1, max = 3650.0))]
    pub(crate) personal_half_life_days: f64,
    /// How many neighbours are kept of each product.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) neighbours_per_product: u32,
    /// The length of the vectors of products and customers; 0 trains none.
    #[schemars(range(min = 0, max = 256))]
    pub(crate) factors: u32,
    /// While training, the days on which customers did something with a product may take so many
    /// bytes; beyond it the oldest days of all customers are left out, and the model card says so.
    #[schemars(range(min = 1_048_576, max = 1_099_511_627_776_u64))]
    pub(crate) log_limit_bytes: u64,
    /// The learned ranker that scores the candidates of all models.
    pub(crate) ranker: Ranker,
    /// How a new model is measured against the one that serves.
    pub(crate) evaluation: Evaluation,
}

/// The learned ranker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Ranker {
    /// Whether one is trained.
    pub(crate) enabled: bool,
    /// The most trees it may have.
    #[schemars(range(min = 1, max = 150))]
    pub(crate) trees: u32,
    /// The most leaves a tree may have.
    #[schemars(range(min = 2, max = 31))]
    pub(crate) leaves: u32,
    /// What it learns to foretell.
    pub(crate) target: Target,
    /// The days after now whose purchases it foretells, when the target is `horizon`.
    #[schemars(range(min = 1, max = 365))]
    pub(crate) horizon_days: u32,
}

/// What the learned ranker foretells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Target {
    /// What is bought within the horizon.
    #[default]
    Horizon,
    /// What is in the next basket.
    NextBasket,
    /// What customers would like of what they have not had yet, for goods that are hardly bought twice.
    Unseen,
}

/// How a new model is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Evaluation {
    /// Whether a new model is measured before it is promoted.
    pub(crate) enabled: bool,
    /// The days at the end of the history that are held out.
    #[schemars(range(min = 1, max = 365))]
    pub(crate) horizon_days: u32,
    /// The length of the lists that are measured.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) list_length: u32,
    /// How many times customers are drawn anew for the interval.
    #[schemars(range(min = 100, max = 10000))]
    pub(crate) bootstrap_samples: u32,
}

/// How answers are arranged in one place of an app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Placement {
    /// How many products an answer has when the request does not say.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) limit: u32,
    /// 0 is the plain ranking, 1 the most varied list.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) diversity: f64,
    /// At most so many products of a category.
    #[schemars(length(max = 100))]
    pub(crate) category_caps: Vec<CategoryCap>,
    /// How strongly products that were shown and ignored fade.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) rotation: f64,
    /// Products less relevant than this are left out.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) min_relevance: f64,
    /// Added to the score of products in a running promotion, in units of the spread of the
    /// scores.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub(crate) promotion_strength: f64,
    /// How strongly the goal of a customer counts: added to the score of products that fit it best, taken
    /// from those that fit it worst, in units of the spread of the scores. Customers without a goal
    /// are not concerned.
    #[schemars(range(min = 0.0, max = 10.0))]
    pub(crate) nutrition_strength: f64,
    /// The chance that a place of the list shows a product drawn from the next best ones.
    #[schemars(range(min = 0.0, max = 0.5))]
    pub(crate) exploration: f64,
    /// Whether the learned ranker scores, where one is trained.
    pub(crate) use_ranker: bool,
    /// Whether what is shown is logged with its propensities.
    pub(crate) log_exposures: bool,
    /// Raises or lowers the products an expression selects.
    #[schemars(length(max = 20))]
    pub(crate) boosts: Vec<Boost>,
}

/// A cap on one category.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryCap {
    /// Left out or empty: every category that has no cap of its own.
    #[serde(default)]
    pub(crate) category: String,
    /// How many of its products a list may have.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) max_count: u32,
}

/// A boost of the products an expression selects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Boost {
    /// In the Common Expression Language over `product`, such as `product.brand == "Hill Farm"`. One
    /// that does not compile has the whole file refused.
    #[schemars(length(min = 1, max = 2048))]
    pub(crate) expression: String,
    /// Added to the score, in units of the spread of the scores.
    #[schemars(range(min = -10.0, max = 10.0))]
    pub(crate) strength: f64,
}

impl Placement {
    /// What orders the products here.
    pub(crate) fn ranker(&self) -> larder_ranking::Ranker {
        if self.use_ranker { larder_ranking::Ranker::Learned } else { larder_ranking::Ranker::Linear }
    }
}

impl Default for Training {
    fn default() -> Self {
        Self {
            popularity_half_life_days: 14.0,
            personal_half_life_days: 120.0,
            neighbours_per_product: 50,
            factors: 64,
            log_limit_bytes: 1 << 30,
            ranker: Ranker::default(),
            evaluation: Evaluation::default(),
        }
    }
}

impl Default for Nutrition {
    fn default() -> Self {
        Self {
            guideline: "who-2023".to_owned(),
            guidelines: Vec::new(),
            goals: Map::new(),
            score_models: Vec::new(),
        }
    }
}

impl Default for Ranker {
    fn default() -> Self {
        Self { enabled: true, trees: 150, leaves: 31, target: Target::Horizon, horizon_days: 30 }
    }
}

impl Default for Evaluation {
    fn default() -> Self {
        Self { enabled: true, horizon_days: 30, list_length: 20, bootstrap_samples: 1_000 }
    }
}

impl Default for Placement {
    fn default() -> Self {
        Self {
            limit: 10,
            diversity: 0.0,
            category_caps: Vec::new(),
            rotation: 0.0,
            min_relevance: 0.0,
            promotion_strength: 0.0,
            nutrition_strength: 0.25,
            exploration: 0.0,
            use_ranker: true,
            log_exposures: false,
            boosts: Vec::new(),
        }
    }
}
