//! What each kind of goal means in figures, as versioned JSON that a tenant may change. Floors
//! may be raised by a tenant and never lowered.

use super::GoalKind;
use crate::{InvalidField, InvalidFields};

const DEFAULT: &str = include_str!("../../data/goals.json");

/// The floors of a prescription for losing weight: AHA/ACC/TOS 2013, Circulation 129 (25 Suppl 2):S102-S138.
const LOWEST_FLOOR_FEMALE_KCAL: f64 = 1200.0;
const LOWEST_FLOOR_MALE_KCAL: f64 = 1500.0;

/// Figures of every kind of goal.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoalSettings {
    /// Counts up whenever a figure changes.
    pub version: u32,
    /// For losing weight.
    pub lose: KindSettings,
    /// For keeping it.
    pub maintain: KindSettings,
    /// For gaining muscle.
    pub gain_muscle: KindSettings,
    /// Carbohydrate of a keto diet in g a day.
    pub keto_net_carbohydrate_g: f64,
    /// More protein than this share of the energy is not told.
    pub most_protein_percent_of_energy: f64,
    /// More fat than this share is not told, except for keto.
    pub most_fat_percent_of_energy: f64,
    /// No deficit goes below this for women, in kcal a day; 1,200 or more.
    pub floor_female_kcal: f64,
    /// The same for men, and where the sex is not told; 1,500 or more.
    pub floor_male_kcal: f64,
}

/// Figures of one kind of goal.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KindSettings {
    /// Change of energy against what is used, in percent; negative for losing.
    pub energy_change_percent: f64,
    /// The largest deficit or surplus, in kcal a day.
    pub most_change_kcal: f64,
    /// The fastest change of weight, in percent of the weight a week.
    pub most_weekly_change_percent: f64,
    /// Protein for each kilogram of reference weight.
    pub protein_g_per_kg: f64,
    /// Fat for each kilogram of reference weight at least,
    pub fat_g_per_kg: f64,
    /// and this share of the energy at least.
    pub fat_percent_of_energy: f64,
}

impl Default for GoalSettings {
    fn default() -> Self {
        serde_json::from_str(DEFAULT).expect("the file is part of the crate and a test reads it")
    }
}

impl GoalSettings {
    /// Reads settings of a tenant's own.
    ///
    /// # Errors
    /// Every figure that is refused, or what makes the text no settings.
    pub fn from_json(json: &str) -> Result<Self, InvalidFields> {
        let settings: Self = serde_json::from_str(json).map_err(|error| {
            InvalidFields(vec![InvalidField::new("goals", error, "every field of the default settings")])
        })?;
        InvalidFields::none_of(settings.refused())?;
        Ok(settings)
    }

    /// The figures of a kind.
    #[must_use]
    pub fn of(&self, kind: GoalKind) -> &KindSettings {
        match kind {
            GoalKind::Lose => &self.lose,
            GoalKind::Maintain => &self.maintain,
            GoalKind::GainMuscle => &self.gain_muscle,
        }
    }

    fn refused(&self) -> Vec<InvalidField> {
        let mut bounded = vec![
            ("goals.keto_net_carbohydrate_g".to_owned(), self.keto_net_carbohydrate_g, 10.0..=60.0),
            (
                "goals.most_protein_percent_of_energy".to_owned(),
                self.most_protein_percent_of_energy,
                15.0..=40.0,
            ),
            ("goals.most_fat_percent_of_energy".to_owned(), self.most_fat_percent_of_energy, 20.0..=50.0),
            ("goals.floor_female_kcal".to_owned(), self.floor_female_kcal, LOWEST_FLOOR_FEMALE_KCAL..=2500.0),
            ("goals.floor_male_kcal".to_owned(), self.floor_male_kcal, LOWEST_FLOOR_MALE_KCAL..=2500.0),
            ("goals.version".to_owned(), f64::from(self.version), 1.0..=f64::from(u32::MAX)),
        ];
        let kinds = [
            ("lose", self.lose, -40.0..=-1.0, 1.0),
            ("maintain", self.maintain, 0.0..=0.0, 0.0),
            ("gain_muscle", self.gain_muscle, 1.0..=30.0, 1.0),
        ];
        for (kind, own, change, most_weekly) in kinds {
            let field = |name: &str| format!("goals.{kind}.{name}");
            bounded.extend([
                (field("energy_change_percent"), own.energy_change_percent, change),
                (field("most_change_kcal"), own.most_change_kcal, 0.0..=1000.0),
                (field("most_weekly_change_percent"), own.most_weekly_change_percent, 0.0..=most_weekly),
                (field("protein_g_per_kg"), own.protein_g_per_kg, 0.6..=3.5),
                (field("fat_g_per_kg"), own.fat_g_per_kg, 0.0..=2.0),
                (field("fat_percent_of_energy"), own.fat_percent_of_energy, 15.0..=50.0),
            ]);
        }
        let refused =
            |(field, value, range): (String, f64, _)| InvalidField::unless_within(&field, value, range);
        bounded.into_iter().filter_map(refused).collect()
    }
}
