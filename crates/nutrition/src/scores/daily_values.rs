//! The daily values of food labels in the United States, as a table of facts.

use crate::Nutrient;

const TABLE: &str = include_str!("../../data/daily_values.json");

/// Every daily value.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailyValues {
    /// Counts up whenever a value changes.
    pub version: u32,
    /// The rule that sets them.
    pub source: String,
    /// The values, in the order of the label.
    pub values: Vec<DailyValue>,
}

/// The daily value of one nutrient.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DailyValue {
    /// Such as `vitamin_k`.
    pub name: String,
    /// The nutrient, where this crate counts it.
    #[serde(default)]
    pub nutrient: Option<Nutrient>,
    /// How much, in its unit.
    pub amount: f64,
    /// `g`, `mg`, `ug`, `ug_rae` or `ug_dfe`.
    pub unit: String,
}

impl DailyValues {
    /// The daily values of adults and children of four years and more: FDA, 21 CFR 101.9, rule
    /// of 2016.
    #[must_use]
    pub fn fda_2016() -> Self {
        serde_json::from_str(TABLE).expect("the file is part of the crate and a test reads it")
    }

    /// The daily value of `nutrient`, in the unit of its field.
    #[must_use]
    pub fn of(&self, nutrient: Nutrient) -> Option<f64> {
        self.values.iter().find(|value| value.nutrient == Some(nutrient)).map(|value| value.amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_the_values_of_the_rule() {
        let table = DailyValues::fda_2016();
        assert_eq!(table.values.len(), 35);
        let named = |name: &str| {
            let value = table.values.iter().find(|value| value.name == name).expect("it is there");
            (value.amount, value.unit.as_str())
        };
        for (name, amount, unit) in [
            ("fat", 78.0, "g"),
            ("saturated_fat", 20.0, "g"),
            ("cholesterol", 300.0, "mg"),
            ("carbohydrate", 275.0, "g"),
            ("sodium", 2300.0, "mg"),
            ("fibre", 28.0, "g"),
            ("protein", 50.0, "g"),
            ("added_sugars", 50.0, "g"),
            ("vitamin_a", 900.0, "ug_rae"),
            ("vitamin_c", 90.0, "mg"),
            ("calcium", 1300.0, "mg"),
            ("iron", 18.0, "mg"),
            ("vitamin_d", 20.0, "ug"),
            ("vitamin_e", 15.0, "mg"),
            ("vitamin_k", 120.0, "ug"),
            ("thiamin", 1.2, "mg"),
            ("riboflavin", 1.3, "mg"),
            ("niacin", 16.0, "mg"),
            ("vitamin_b6", 1.7, "mg"),
            ("folate", 400.0, "ug_dfe"),
            ("vitamin_b12", 2.4, "ug"),
            ("biotin", 30.0, "ug"),
            ("pantothenic_acid", 5.0, "mg"),
            ("phosphorus", 1250.0, "mg"),
            ("iodine", 150.0, "ug"),
            ("magnesium", 420.0, "mg"),
            ("zinc", 11.0, "mg"),
            ("selenium", 55.0, "ug"),
            ("copper", 0.9, "mg"),
            ("manganese", 2.3, "mg"),
            ("chromium", 35.0, "ug"),
            ("molybdenum", 45.0, "ug"),
            ("chloride", 2300.0, "mg"),
            ("potassium", 4700.0, "mg"),
            ("choline", 550.0, "mg"),
        ] {
            assert_eq!(named(name), (amount, unit), "{name}");
        }
        assert_eq!(table.of(Nutrient::Potassium), Some(4700.0));
        assert_eq!(table.of(Nutrient::Energy), None);
        assert_eq!(table.of(Nutrient::Sugars), None, "only added sugars have one");
    }
}
