//! How a score for a goal weighs what is measured of a food: terms with weights, as versioned
//! JSON that a tenant may extend by goals of its own.

use super::Range;
use super::nrf::nrf_range;
use super::nutri_score::points_of;
use super::{DailyValues, ScoreInput, as_written};
use crate::{InvalidField, InvalidFields, Nutrient};

const BUILT_IN: &str = include_str!("../../data/score_models.json");

/// Something that is measured of a food.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Measure {
    /// kcal.
    #[serde(rename = "energy_per_100g")]
    EnergyPer100g,
    /// g.
    #[serde(rename = "protein_per_100g")]
    ProteinPer100g,
    /// g in 100 kcal.
    #[serde(rename = "protein_per_100_kcal")]
    ProteinPer100Kcal,
    /// g in 100 kcal.
    #[serde(rename = "fibre_per_100_kcal")]
    FibrePer100Kcal,
    /// g.
    #[serde(rename = "fibre_per_100g")]
    FibrePer100g,
    /// g.
    #[serde(rename = "sugars_per_100g")]
    SugarsPer100g,
    /// g.
    #[serde(rename = "added_sugars_per_100g")]
    AddedSugarsPer100g,
    /// g.
    #[serde(rename = "saturated_fat_per_100g")]
    SaturatedFatPer100g,
    /// mg.
    #[serde(rename = "sodium_per_100g")]
    SodiumPer100g,
    /// g, without fibre.
    #[serde(rename = "net_carbohydrate_per_100g")]
    NetCarbohydratePer100g,
    /// Points, fewer are better.
    NutriScorePoints,
    /// The index of 100 kcal.
    #[serde(rename = "nrf9_3")]
    Nrf93,
}

impl Measure {
    /// Every measure, in the order columns of them are kept.
    pub const ALL: [Self; 12] = [
        Self::EnergyPer100g,
        Self::ProteinPer100g,
        Self::ProteinPer100Kcal,
        Self::FibrePer100Kcal,
        Self::FibrePer100g,
        Self::SugarsPer100g,
        Self::AddedSugarsPer100g,
        Self::SaturatedFatPer100g,
        Self::SodiumPer100g,
        Self::NetCarbohydratePer100g,
        Self::NutriScorePoints,
        Self::Nrf93,
    ];

    /// What people call it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::EnergyPer100g => "energy density",
            Self::ProteinPer100g => "protein",
            Self::ProteinPer100Kcal => "protein for its energy",
            Self::FibrePer100Kcal => "fibre for its energy",
            Self::FibrePer100g => "fibre",
            Self::SugarsPer100g => "sugar",
            Self::AddedSugarsPer100g => "added sugar",
            Self::SaturatedFatPer100g => "saturated fat",
            Self::SodiumPer100g => "sodium",
            Self::NetCarbohydratePer100g => "carbohydrate without fibre",
            Self::NutriScorePoints => "Nutri-Score points",
            Self::Nrf93 => "nutrients for its energy (NRF9.3)",
        }
    }

    /// Between which values it lies for a food; `None` where nothing bounds it.
    pub(super) fn of(self, input: &ScoreInput<'_>, daily_values: &DailyValues) -> Option<Range> {
        let amount = |nutrient| input.per_100g.get(nutrient).and_then(as_written);
        let exactly = |value: Option<f64>| value.map(Range::exactly);
        let for_energy = |value: Option<f64>| {
            let energy = amount(Nutrient::Energy).filter(|kcal| *kcal >= 1.0);
            exactly(value.zip(energy).map(|(value, energy)| 100.0 * value / energy))
        };
        match self {
            Self::EnergyPer100g => exactly(amount(Nutrient::Energy)),
            Self::ProteinPer100g => exactly(amount(Nutrient::Protein)),
            Self::ProteinPer100Kcal => for_energy(amount(Nutrient::Protein)),
            Self::FibrePer100Kcal => for_energy(amount(Nutrient::Fibre)),
            Self::FibrePer100g => exactly(amount(Nutrient::Fibre)),
            Self::SugarsPer100g => exactly(amount(Nutrient::Sugars)),
            Self::AddedSugarsPer100g => exactly(amount(Nutrient::AddedSugars))
                .or_else(|| amount(Nutrient::Sugars).map(|high| Range { low: 0.0, high })),
            Self::SaturatedFatPer100g => exactly(amount(Nutrient::SaturatedFat)),
            Self::SodiumPer100g => exactly(amount(Nutrient::Sodium)),
            Self::NetCarbohydratePer100g => {
                let carbohydrate = amount(Nutrient::Carbohydrate)?;
                let sugars = amount(Nutrient::Sugars).unwrap_or(0.0).min(carbohydrate);
                Some(match amount(Nutrient::Fibre) {
                    Some(fibre) => Range::exactly((carbohydrate - fibre).max(sugars)),
                    None => Range { low: sugars, high: carbohydrate },
                })
            }
            Self::NutriScorePoints => {
                let (low, high) = points_of(input);
                Some(Range { low: f64::from(low), high: f64::from(high) })
            }
            Self::Nrf93 => nrf_range(input.per_100g, daily_values),
        }
    }
}

/// A score for a goal.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreModel {
    /// Lower-case letters, digits and `_`.
    pub name: String,
    /// What is weighed; the weights are taken as shares of their sum.
    pub terms: Vec<ScoreTerm>,
}

/// One measure of a score.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScoreTerm {
    /// What is measured.
    pub measure: Measure,
    /// Worth nothing from here on,
    pub worst: f64,
    /// and worth everything from here on; between the two in a straight line.
    pub best: f64,
    /// Its weight beside the other terms.
    pub weight: f64,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the version is for people who read the file")]
struct File {
    version: u32,
    models: Vec<ScoreModel>,
}

impl ScoreModel {
    /// The models this crate brings: `balanced`, `weight_loss` and `muscle_gain`.
    ///
    /// # Errors
    /// The names there are, when it is none of them.
    pub fn named(name: &str) -> Result<Self, InvalidFields> {
        let file: File =
            serde_json::from_str(BUILT_IN).expect("the file is part of the crate and a test reads it");
        let names: Vec<String> = file.models.iter().map(|model| model.name.clone()).collect();
        let found = file.models.into_iter().find(|model| model.name == name);
        found.ok_or_else(|| InvalidFields(vec![InvalidField::new("score_model", name, names.join(", "))]))
    }

    /// Reads a model of a tenant's own.
    ///
    /// # Errors
    /// Every field that is refused, or what makes the text no model.
    pub fn from_json(json: &str) -> Result<Self, InvalidFields> {
        let model: Self = serde_json::from_str(json).map_err(|error| {
            InvalidFields(vec![InvalidField::new("score_model", error, "a name and terms of known measures")])
        })?;
        InvalidFields::none_of(model.refused())?;
        Ok(model)
    }

    /// Every field that is refused.
    fn refused(&self) -> Vec<InvalidField> {
        let mut refused = Vec::new();
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(is_plain) {
            let accepted = "1 to 64 lower-case letters, digits and _";
            refused.push(InvalidField::new("score_model.name", &self.name, accepted));
        }
        if self.terms.is_empty() || self.terms.len() > Measure::ALL.len() {
            let accepted = format!("1 to {} terms", Measure::ALL.len());
            refused.push(InvalidField::new("score_model.terms", self.terms.len(), accepted));
        }
        for (index, term) in self.terms.iter().enumerate() {
            let field = |part: &str| format!("score_model.terms[{index}].{part}");
            refused.extend(InvalidField::unless_within(&field("weight"), term.weight, 1e-3..=1000.0));
            refused.extend(InvalidField::unless_within(&field("worst"), term.worst, -1e6..=1e6));
            refused.extend(InvalidField::unless_within(&field("best"), term.best, -1e6..=1e6));
            if (term.best - term.worst).abs() < 1e-9 {
                refused.push(InvalidField::new(field("best"), term.best, "another value than worst"));
            }
            if self.terms[..index].iter().any(|other| other.measure == term.measure) {
                let name = format!("{:?}", term.measure);
                refused.push(InvalidField::new(field("measure"), name, "each measure once"));
            }
        }
        refused
    }

    /// The terms with weights that add up to 1.
    pub(super) fn shares(&self) -> impl Iterator<Item = ScoreTerm> {
        let sum: f64 = self.terms.iter().map(|term| term.weight).sum();
        self.terms.iter().map(move |term| ScoreTerm { weight: term.weight / sum, ..*term })
    }
}

impl ScoreTerm {
    /// What a value is worth, 0 to 1.
    pub(super) fn worth(&self, value: f64) -> f64 {
        ((value - self.worst) / (self.best - self.worst)).clamp(0.0, 1.0)
    }

    /// What a range is worth, the lower end first; all that is possible where nothing is known.
    pub(super) fn worth_of(&self, range: Option<Range>) -> Range {
        let Some(range) = range else { return Range { low: 0.0, high: 1.0 } };
        let (one, two) = (self.worth(range.low), self.worth(range.high));
        Range { low: one.min(two), high: one.max(two) }
    }
}
