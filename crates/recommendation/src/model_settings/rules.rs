//! What nutrition follows for one tenant: guidelines and the figures of goals, read and checked
//! once when the settings file is taken up.

use std::collections::BTreeMap;

use larder_nutrition::{GoalSettings, Guideline, InvalidFields, ScoreModel};
use serde_json::{Map, Value};

use crate::model_settings::file::Nutrition;
use crate::validate::Fields;

/// The rules of one tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NutritionRules {
    /// The tenant's own guidelines, by name.
    own_guidelines: BTreeMap<String, Guideline>,
    /// The guideline of profiles that name none.
    preset_guideline: String,
    /// What goals mean in figures.
    pub(crate) goals: GoalSettings,
    /// The tenant's own scores of products for goals, by name.
    own_score_models: BTreeMap<String, ScoreModel>,
}

/// A guideline and where it comes from.
pub(crate) struct ListedGuideline {
    pub(crate) guideline: Guideline,
    pub(crate) is_own: bool,
    pub(crate) is_preset: bool,
}

impl NutritionRules {
    /// Reads the rules of a settings file that was checked.
    pub(crate) fn of(nutrition: &Nutrition) -> Result<Self, String> {
        let mut own_guidelines = BTreeMap::new();
        for guideline in &nutrition.guidelines {
            let guideline = own_guideline(guideline).map_err(|refused| refused.to_string())?;
            own_guidelines.insert(guideline.name.clone(), guideline);
        }
        let goals = goals(&nutrition.goals).map_err(|refused| refused.to_string())?;
        let mut own_score_models = BTreeMap::new();
        for model in &nutrition.score_models {
            let model = own_score_model(model).map_err(|refused| refused.to_string())?;
            own_score_models.insert(model.name.clone(), model);
        }
        let preset_guideline = nutrition.guideline.clone();
        Ok(Self { own_guidelines, preset_guideline, goals, own_score_models })
    }

    /// The score of products for a goal.
    pub(crate) fn score_model(&self, fields: &mut Fields, field: &str, name: &str) -> Option<ScoreModel> {
        let found = self.find_score_model(name);
        if found.is_none() {
            let own = self.own_score_models.keys().map(String::as_str);
            let names: Vec<_> = own.chain(["balanced", "weight_loss", "muscle_gain"]).collect();
            fields.refuse(field, format!("must be one of {}", names.join(", ")));
        }
        found
    }

    /// The score of this name, the tenant's own before those that Larder brings.
    pub(crate) fn find_score_model(&self, name: &str) -> Option<ScoreModel> {
        self.own_score_models.get(name).cloned().or_else(|| ScoreModel::named(name).ok())
    }

    /// The guideline that a request or a profile names; an empty name means the tenant's.
    pub(crate) fn guideline(&self, fields: &mut Fields, field: &str, name: &str) -> Option<Guideline> {
        let name = if name.is_empty() { &self.preset_guideline } else { name };
        let found = self.find(name);
        if found.is_none() {
            fields.refuse(field, format!("must be one of {}", self.names().join(", ")));
        }
        found
    }

    /// Every guideline there is, the tenant's own first.
    pub(crate) fn guidelines(&self) -> Vec<ListedGuideline> {
        let listed = self.names().into_iter().filter_map(|name| {
            let guideline = self.find(&name)?;
            let is_own = self.own_guidelines.contains_key(&name);
            Some(ListedGuideline { guideline, is_own, is_preset: name == self.preset_guideline })
        });
        listed.collect()
    }

    fn find(&self, name: &str) -> Option<Guideline> {
        self.own_guidelines.get(name).cloned().or_else(|| Guideline::named(name).ok())
    }

    fn names(&self) -> Vec<String> {
        let brought = Guideline::names().filter(|name| !self.own_guidelines.contains_key(*name));
        self.own_guidelines.keys().cloned().chain(brought.map(str::to_owned)).collect()
    }
}

/// Checks what a file says of nutrition.
///
/// `below` are the guidelines of the layer below, which it may name as well.
pub(super) fn check(fields: &mut Fields, at: &str, nutrition: &Nutrition, below: &[Map<String, Value>]) {
    if nutrition.guidelines.len() > 20 {
        fields.refuse(&format!("{at}.guidelines"), "must have at most 20 entries");
    }
    let mut names: Vec<String> = Guideline::names().map(str::to_owned).collect();
    names.extend(below.iter().filter_map(|guideline| own_guideline(guideline).ok()).map(|own| own.name));
    for (index, guideline) in nutrition.guidelines.iter().enumerate() {
        match own_guideline(guideline) {
            Ok(guideline) => names.push(guideline.name),
            Err(InvalidFields(refused)) => {
                for one in refused {
                    let field = one.field.replacen("guideline", &format!("{at}.guidelines[{index}]"), 1);
                    fields.refuse(&field, format!("{} is refused; accepted: {}", one.value, one.accepted));
                }
            }
        }
    }
    if nutrition.score_models.len() > 20 {
        fields.refuse(&format!("{at}.score_models"), "must have at most 20 entries");
    }
    for (index, model) in nutrition.score_models.iter().enumerate() {
        if let Err(InvalidFields(refused)) = own_score_model(model) {
            for one in refused {
                let field = one.field.replacen("score_model", &format!("{at}.score_models[{index}]"), 1);
                fields.refuse(&field, format!("{} is refused; accepted: {}", one.value, one.accepted));
            }
        }
    }
    if !names.contains(&nutrition.guideline) {
        fields.refuse(&format!("{at}.guideline"), format!("must be one of {}", names.join(", ")));
    }
    if let Err(InvalidFields(refused)) = goals(&nutrition.goals) {
        for one in refused {
            let field = one.field.replacen("goals", &format!("{at}.goals"), 1);
            fields.refuse(&field, format!("{} is refused; accepted: {}", one.value, one.accepted));
        }
    }
}

fn own_guideline(guideline: &Map<String, Value>) -> Result<Guideline, InvalidFields> {
    Guideline::from_json(&Value::Object(guideline.clone()).to_string())
}

fn own_score_model(model: &Map<String, Value>) -> Result<ScoreModel, InvalidFields> {
    ScoreModel::from_json(&Value::Object(model.clone()).to_string())
}

/// The built-in figures with those of a tenant laid over them.
fn goals(own: &Map<String, Value>) -> Result<GoalSettings, InvalidFields> {
    if own.is_empty() {
        return Ok(GoalSettings::default());
    }
    let mut whole = serde_json::to_value(GoalSettings::default()).unwrap_or_default();
    super::lay_over(&mut whole, &Value::Object(own.clone()));
    GoalSettings::from_json(&whole.to_string())
}
