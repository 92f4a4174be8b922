//! The model settings in force: read from one JSON file, checked whole, swapped at once. A
//! file that is refused leaves the settings before it in force and says so.

pub(crate) mod file;
mod ranges;
pub(crate) mod rules;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use larder_settings::RecommendationSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use self::file::{ModelSettingsFile, Nutrition, Placement, Training};
use self::rules::NutritionRules;
use crate::validate::Fields;

/// The placement of requests that name none.
pub(crate) const DEFAULT_PLACEMENT: &str = "default";

/// A refusal names so many placements.
const NAMES_TOLD: usize = 20;

/// The settings of one tenant, with every default and override in its place.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct TenantSettings {
    pub(crate) training: Training,
    /// Always has [`DEFAULT_PLACEMENT`].
    pub(crate) placements: BTreeMap<String, Placement>,
    pub(crate) nutrition: Nutrition,
    /// What `nutrition` comes to.
    #[serde(skip)]
    pub(crate) rules: NutritionRules,
}

/// What a file says, worked out for every tenant.
struct Loaded {
    everybody: Arc<TenantSettings>,
    tenants: HashMap<String, Arc<TenantSettings>>,
    /// SHA-256 of the file in hexadecimal; empty for the built-in settings.
    checksum_sha256: String,
    /// Since when these are in force, in microseconds since 1970.
    loaded_at_us: i64,
}

/// The settings in force and what became of the newest file.
pub(crate) struct ModelSettings {
    /// What holds where the file says nothing; it looks like a file.
    below: Value,
    loaded: ArcSwap<Loaded>,
    /// Checksum and cause of the file that was refused last; `None` when the newest one serves.
    refused: ArcSwap<Option<(String, String)>>,
}

/// What is in force for one tenant, as it is told to whoever asks.
pub(crate) struct InForce {
    pub(crate) settings: Arc<TenantSettings>,
    pub(crate) checksum_sha256: String,
    pub(crate) loaded_at_us: i64,
    pub(crate) refused_because: Option<String>,
}

/// What a reading of the file brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The file is the one that was read before.
    Unchanged,
    /// Its settings are in force from now on.
    TakenUp,
    /// It is refused, for this cause; the settings before it stay in force.
    Refused(String),
}

impl ModelSettings {
    /// The built-in settings, but for what the settings of the service say.
    pub(crate) fn built_in(service: &RecommendationSettings, now_us: i64) -> Self {
        let below = json!({"training": {
            "popularity_half_life_days": service.popularity_half_life_days,
            "personal_half_life_days": service.personal_half_life_days,
            "neighbours_per_product": service.neighbours_per_product,
        }});
        let loaded = Loaded {
            everybody: Arc::new(resolve(&[&below]).expect("the defaults are settings")),
            tenants: HashMap::new(),
            checksum_sha256: String::new(),
            loaded_at_us: now_us,
        };
        Self { below, loaded: ArcSwap::from_pointee(loaded), refused: ArcSwap::from_pointee(None) }
    }

    /// The settings of a tenant.
    pub(crate) fn of(&self, tenant: &str) -> Arc<TenantSettings> {
        self.loaded.load().of(tenant)
    }

    /// The settings of a tenant and where they come from.
    pub(crate) fn in_force(&self, tenant: &str) -> InForce {
        let loaded = self.loaded.load();
        InForce {
            settings: loaded.of(tenant),
            checksum_sha256: loaded.checksum_sha256.clone(),
            loaded_at_us: loaded.loaded_at_us,
            refused_because: self.refused_because(),
        }
    }

    /// Why the newest file is not in force, if it is not.
    pub(crate) fn refused_because(&self) -> Option<String> {
        self.refused.load().as_ref().as_ref().map(|(_, cause)| cause.clone())
    }

    /// Takes up what was just read of the file, or refuses it.
    pub(crate) fn take(&self, read: std::io::Result<Vec<u8>>, now_us: i64) -> Reading {
        let (checksum, parsed) = match read {
            Ok(bytes) => {
                let checksum = hexadecimal(digest(&SHA256, &bytes).as_ref());
                if self.is_known(&checksum) {
                    return Reading::Unchanged;
                }
                let parsed = Loaded::parse(&bytes, &self.below, checksum.clone(), now_us);
                (checksum, parsed)
            }
            Err(error) => (error.kind().to_string(), Err(format!("the file cannot be read: {error}"))),
        };
        match parsed {
            Ok(loaded) => {
                self.loaded.store(Arc::new(loaded));
                self.refused.store(Arc::new(None));
                Reading::TakenUp
            }
            Err(_) if self.is_refused(&checksum) => Reading::Unchanged,
            Err(cause) => {
                self.refused.store(Arc::new(Some((checksum, cause.clone()))));
                Reading::Refused(cause)
            }
        }
    }

    /// Whether a file was read before: it is in force and nothing was refused since, or it was
    /// refused.
    fn is_known(&self, checksum: &str) -> bool {
        let is_in_force = self.refused.load().is_none() && self.loaded.load().checksum_sha256 == checksum;
        is_in_force || self.is_refused(checksum)
    }

    fn is_refused(&self, checksum: &str) -> bool {
        self.refused.load().as_ref().as_ref().is_some_and(|(refused, _)| refused == checksum)
    }
}

impl TenantSettings {
    /// The settings of a place in the app that a request names in `field`; an empty name means the
    /// default ones. Where places are configured, any other name is a slip and refused; where none
    /// are, names only tell answers apart in the exposure log, and all have the default settings.
    pub(crate) fn placement(&self, fields: &mut Fields, field: &str, name: &str) -> &Placement {
        let default = &self.placements[DEFAULT_PLACEMENT];
        if name.is_empty() {
            return default;
        }
        let found = self.placements.get(name);
        if found.is_none() && self.placements.len() > 1 {
            fields.refuse(field, format!("must be a placement of the model settings: {}", self.names()));
        }
        found.unwrap_or(default)
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.placements.keys().take(NAMES_TOLD).map(String::as_str).collect();
        let more = self.placements.len().saturating_sub(NAMES_TOLD);
        let names = names.join(", ");
        if more > 0 { format!("{names} and {more} more") } else { names }
    }
}

impl Loaded {
    /// Reads and checks a whole file; the error names the field and what would be accepted.
    fn parse(
        bytes: &[u8],
        below: &Value,
        checksum_sha256: String,
        loaded_at_us: i64,
    ) -> Result<Self, String> {
        let file: ModelSettingsFile = from_json(&mut serde_json::Deserializer::from_slice(bytes))?;
        let mut fields = Fields::default();
        ranges::check(&mut fields, &file);
        fields.finish(()).map_err(|error| error.to_string())?;
        let raw: Value = from_json(&mut serde_json::Deserializer::from_slice(bytes))?;
        let mut tenants = HashMap::new();
        for (tenant, layer) in raw.get("tenants").and_then(Value::as_object).into_iter().flatten() {
            tenants.insert(tenant.clone(), Arc::new(resolve(&[below, &raw, layer])?));
        }
        Ok(Self { everybody: Arc::new(resolve(&[below, &raw])?), tenants, checksum_sha256, loaded_at_us })
    }

    fn of(&self, tenant: &str) -> Arc<TenantSettings> {
        self.tenants.get(tenant).unwrap_or(&self.everybody).clone()
    }
}

/// Checks what would be a settings file and says what is wrong with it.
///
/// # Errors
///
/// The field that is refused and what would be accepted.
pub fn check_model_settings(bytes: &[u8]) -> Result<(), String> {
    Loaded::parse(bytes, &Value::Null, String::new(), 0).map(drop)
}

/// The JSON Schema (2020-12) of the settings file.
#[cfg(test)]
fn schema() -> Value {
    let mut schema = schemars::schema_for!(ModelSettingsFile).to_value();
    schema["title"] = "Larder model settings".into();
    schema
}

/// Lays layers over one another, the later ones on top, and fills in the defaults.
fn resolve(layers: &[&Value]) -> Result<TenantSettings, String> {
    let mut training = Value::Object(Map::new());
    let mut nutrition = Value::Object(Map::new());
    let mut named: BTreeMap<&str, Value> = BTreeMap::new();
    named.insert(DEFAULT_PLACEMENT, Value::Object(Map::new()));
    for layer in layers {
        lay_over(&mut training, layer.get("training").unwrap_or(&Value::Null));
        lay_over(&mut nutrition, layer.get("nutrition").unwrap_or(&Value::Null));
        for (name, placement) in layer.get("placements").and_then(Value::as_object).into_iter().flatten() {
            lay_over(named.entry(name).or_insert_with(|| Value::Object(Map::new())), placement);
        }
    }
    let default = named[DEFAULT_PLACEMENT].clone();
    let mut placements = BTreeMap::new();
    for (name, own) in named {
        let mut whole = default.clone();
        lay_over(&mut whole, &own);
        placements.insert(name.to_owned(), from_json(whole)?);
    }
    let nutrition: Nutrition = from_json(nutrition)?;
    let rules = NutritionRules::of(&nutrition)?;
    Ok(TenantSettings { training: from_json(training)?, placements, nutrition, rules })
}

/// Lays `upper` over `lower`: objects field by field, everything else as a whole.
fn lay_over(lower: &mut Value, upper: &Value) {
    match (lower, upper) {
        (_, Value::Null) => {}
        (Value::Object(lower), Value::Object(upper)) => {
            for (key, value) in upper {
                lay_over(lower.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (lower, upper) => *lower = upper.clone(),
    }
}

/// Reads a value and names the field that is in the way.
fn from_json<'de, T: DeserializeOwned>(
    source: impl serde::Deserializer<'de, Error = serde_json::Error>,
) -> Result<T, String> {
    serde_path_to_error::deserialize(source).map_err(|error| match error.path().to_string() {
        root if root == "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    })
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
