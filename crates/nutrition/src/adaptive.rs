//! What a person uses in a day, learned from their own logged weights and intakes: energy that
//! was eaten and not stored was used. A Kalman filter follows two numbers, the trend of the
//! weight and the expenditure, through missing days, water and slips of the keyboard.

mod filter;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use filter::Filter;

use crate::{Derivation, Estimate, InvalidField, InvalidFields};

/// Days further back than this say little of today.
const LOOKS_BACK_DAYS: i64 = 365;
/// An intake below or above these shares of what the formula says is a day logged in part or amiss.
const BELIEVED_INTAKE: std::ops::RangeInclusive<f64> = 0.3..=3.0;
/// 90 % of a normal distribution lie within so many standard deviations.
const NINETY_PERCENT: f64 = 1.645;

/// A weight somebody logged.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct WeighIn {
    /// The day, counted from any day, such as 1970-01-01.
    pub day: i64,
    /// What the scale showed that morning, in kg.
    pub weight_kg: f64,
}

/// What somebody logged to have eaten in a day.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct IntakeDay {
    /// The day, counted like those of the weights.
    pub day: i64,
    /// All of the day, in kcal.
    pub energy_kcal: f64,
}

/// What was learned.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct AdaptiveExpenditure {
    /// What is used in a day, with the band that holds it in 90 of 100 cases.
    pub expenditure: Estimate,
    /// The weight without its daily ups and downs, in kg; `None` without a weigh-in.
    pub trend_weight_kg: Option<f64>,
    /// How the trend changed over the last seven days, in kg.
    pub weekly_change_kg: Option<f64>,
    /// From the first to the last day that was logged.
    pub days: usize,
    /// How many weigh-ins were used,
    pub weigh_ins: usize,
    /// and how many days with an intake.
    pub intake_days: usize,
    /// How much there is behind it.
    pub confidence: Confidence,
    /// What was logged and hardly believed.
    pub outliers: Vec<Outlier>,
}

/// How much there is behind an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Little more than the formula.
    Low,
    /// Two weeks or more, and a band of 250 kcal to each side.
    Medium,
    /// Four weeks or more, and a band of 175 kcal to each side.
    High,
}

/// Something that was logged and hardly believed.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outlier {
    /// A weight far from the trend; it counts for little.
    Weight {
        /// When.
        day: i64,
        /// What was logged, in kg.
        weight_kg: f64,
        /// What was expected, in kg.
        expected_kg: f64,
    },
    /// An intake that hardly is all of a day; the day counts as not logged.
    Intake {
        /// When.
        day: i64,
        /// What was logged, in kcal.
        energy_kcal: f64,
    },
}

/// Learns what a person uses from what they logged, in any order. `formula` is what a formula
/// says of them, which is believed until the logs know better.
///
/// # Errors
/// Every weight and intake that nobody has, and days logged twice, by place and field.
pub fn adaptive_expenditure(
    formula: &Estimate,
    weights: &[WeighIn],
    intakes: &[IntakeDay],
) -> Result<AdaptiveExpenditure, InvalidFields> {
    InvalidFields::none_of(refused(formula, weights, intakes))?;
    let days = weights.iter().map(|one| one.day).chain(intakes.iter().map(|one| one.day));
    let last = days.clone().max().unwrap_or(0);
    let from = days.filter(|day| *day > last - LOOKS_BACK_DAYS).min().unwrap_or(last);
    let mut logs = Logs::from(from, weights, intakes);
    let outliers = logs.drop_unbelievable_intakes(formula.kcal);
    let mut filter = Filter::new(formula.kcal, outliers);
    let mut trends = Vec::new();
    for day in from..=last {
        for weight_kg in logs.weights.get(&day).into_iter().flatten() {
            filter.weigh(day, *weight_kg);
        }
        trends.push(filter.trend_weight_kg());
        // What is eaten on a day shows on the scale of the next.
        if day < last {
            filter.live_a_day(logs.intakes.get(&day).copied());
        }
    }
    Ok(told(filter, &trends, &logs, formula))
}

fn told(filter: Filter, trends: &[Option<f64>], logs: &Logs, formula: &Estimate) -> AdaptiveExpenditure {
    let (kcal, deviation) = filter.expenditure();
    let half = NINETY_PERCENT * deviation;
    let (weigh_ins, intake_days) = (logs.weights.values().map(Vec::len).sum(), logs.intakes.len());
    let days = trends.len();
    let confidence = match days.min(intake_days) {
        28.. if half <= 175.0 => Confidence::High,
        14.. if half <= 250.0 => Confidence::Medium,
        _ => Confidence::Low,
    };
    let derivation = Derivation::of("total_kcal", kcal)
        .by(
            "Kalman filter of trend weight and expenditure: intake - stored energy",
            "energy balance, 7,700 kcal/kg (Wishnofsky 1958); Kalman 1960, J Basic Eng 82:35-45",
        )
        .from("formula_kcal", formula.kcal)
        .from("days", days as f64)
        .from("weigh_ins", weigh_ins as f64)
        .from("intake_days", intake_days as f64);
    let trend_weight_kg = filter.trend_weight_kg();
    let week_ago = days.checked_sub(8).and_then(|place| trends[place]);
    AdaptiveExpenditure {
        expenditure: Estimate { kcal, low_kcal: kcal - half, high_kcal: kcal + half, derivation },
        trend_weight_kg,
        weekly_change_kg: trend_weight_kg.zip(week_ago).map(|(now, then)| now - then),
        days,
        weigh_ins,
        intake_days,
        confidence,
        outliers: filter.outliers,
    }
}

/// What was logged, by day.
struct Logs {
    weights: BTreeMap<i64, Vec<f64>>,
    intakes: BTreeMap<i64, f64>,
}

impl Logs {
    fn from(first: i64, weights: &[WeighIn], intakes: &[IntakeDay]) -> Self {
        let mut logs = Self { weights: BTreeMap::new(), intakes: BTreeMap::new() };
        for one in weights.iter().filter(|one| one.day >= first) {
            logs.weights.entry(one.day).or_default().push(one.weight_kg);
        }
        for of_day in logs.weights.values_mut() {
            // The order of one day's weigh-ins must not matter.
            of_day.sort_by(f64::total_cmp);
        }
        logs.intakes =
            intakes.iter().filter(|one| one.day >= first).map(|one| (one.day, one.energy_kcal)).collect();
        logs
    }

    fn drop_unbelievable_intakes(&mut self, formula_kcal: f64) -> Vec<Outlier> {
        let mut outliers = Vec::new();
        self.intakes.retain(|day, energy_kcal| {
            let is_believed = BELIEVED_INTAKE.contains(&(*energy_kcal / formula_kcal));
            if !is_believed {
                outliers.push(Outlier::Intake { day: *day, energy_kcal: *energy_kcal });
            }
            is_believed
        });
        outliers
    }
}

fn refused(formula: &Estimate, weights: &[WeighIn], intakes: &[IntakeDay]) -> Vec<InvalidField> {
    const DAYS: std::ops::RangeInclusive<f64> = -1e7..=1e7;
    let mut refused = Vec::new();
    refused.extend(InvalidField::unless_within("formula.kcal", formula.kcal, 300.0..=15_000.0));
    for (index, one) in weights.iter().enumerate() {
        let field = |part: &str| format!("weights[{index}].{part}");
        refused.extend(InvalidField::unless_within(&field("day"), one.day as f64, DAYS));
        refused.extend(InvalidField::unless_within(&field("weight_kg"), one.weight_kg, 20.0..=500.0));
    }
    let mut seen = BTreeMap::new();
    for (index, one) in intakes.iter().enumerate() {
        let field = |part: &str| format!("intakes[{index}].{part}");
        refused.extend(InvalidField::unless_within(&field("day"), one.day as f64, DAYS));
        refused.extend(InvalidField::unless_within(&field("energy_kcal"), one.energy_kcal, 0.0..=20_000.0));
        if let Some(first) = seen.insert(one.day, index) {
            let accepted = format!("each day once; intakes[{first}] has it already");
            refused.push(InvalidField::new(field("day"), one.day, accepted));
        }
    }
    refused
}
