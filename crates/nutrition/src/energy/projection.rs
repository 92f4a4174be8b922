//! How a weight answers a change of intake: Hall et al. 2011, Lancet 378:826-837 (model in the
//! web appendix), two compartments, fat and lean. The rule of 3,500 kcal a pound forgets that
//! a lighter body uses less, and promises too much; it is not used.

use crate::{Derivation, Person, Sex};

/// Energy of a kilogram of fat and of lean tissue, in kcal (39.5 and 7.6 MJ).
const FAT_KCAL_PER_KG: f64 = 9441.0;
const LEAN_KCAL_PER_KG: f64 = 1816.0;
/// What a kilogram of each uses in a day, in kcal (13 and 92 kJ).
const FAT_USES_KCAL: f64 = 3.1;
const LEAN_USES_KCAL: f64 = 22.0;
/// What laying down a kilogram of each costs, in kcal (750 and 960 kJ).
const FAT_COSTS_KCAL: f64 = 180.0;
const LEAN_COSTS_KCAL: f64 = 230.0;
/// Shares of a change of intake that go into digesting it and into adapting to it.
const THERMIC_SHARE: f64 = 0.1;
const ADAPTIVE_SHARE: f64 = 0.14;
/// Days in which the body adapts.
const ADAPTS_IN_DAYS: f64 = 14.0;
/// Forbes's constant: how lean and fat tissue share a change, in kg of fat.
const FORBES_KG: f64 = 10.4;
/// Less fat than this is not simulated.
const LEAST_FAT_KG: f64 = 1.0;
/// A goal further off than ten years has no date.
const HORIZON_DAYS: u32 = 3_653;
/// After thirty years the weight has long settled.
const SETTLED_DAYS: u32 = 10_958;

/// A body at its present balance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WeightModel {
    fat_kg: f64,
    lean_kg: f64,
    /// Energy used in a day at the present weight and intake.
    total_kcal: f64,
    /// What a kilogram of body uses through movement.
    moving_kcal_per_kg: f64,
}

/// When a weight is reached at an intake that stays the same.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Projection {
    /// The weight asked for.
    pub goal_weight_kg: f64,
    /// Days until it is reached; `None` when it is not within ten years.
    pub days: Option<u32>,
    /// Where the weight settles if this intake goes on.
    pub plateau_weight_kg: f64,
    /// The weight after each of the first weeks until the goal, two years at most.
    pub weekly_weight_kg: Vec<f64>,
    /// Where it comes from.
    pub derivation: Derivation,
}

impl WeightModel {
    /// A checked body that uses `resting_kcal` at rest and `total_kcal` in a day, and is in
    /// balance. An unknown body fat is taken from the BMI by Jackson 2002 (Int J Obes 26:789-796).
    #[must_use]
    pub fn new(person: &Person, resting_kcal: f64, total_kcal: f64) -> Self {
        let share = person.body_fat.unwrap_or_else(|| body_fat_from_bmi(person));
        let fat_kg = (share * person.weight_kg).max(LEAST_FAT_KG);
        let moving_kcal = (1.0 - THERMIC_SHARE) * total_kcal - resting_kcal;
        Self {
            fat_kg,
            lean_kg: person.weight_kg - fat_kg,
            total_kcal,
            moving_kcal_per_kg: moving_kcal.max(0.0) / person.weight_kg,
        }
    }

    /// The weight in kg after so many days of eating `intake_kcal` a day.
    #[must_use]
    pub fn weight_after(&self, intake_kcal: f64, days: u32) -> f64 {
        let mut body = Body::at_balance(self);
        for _ in 0..days {
            body.live_a_day(self, intake_kcal);
        }
        body.weight_kg()
    }

    /// When `goal_weight_kg` is reached with `intake_kcal` a day.
    #[must_use]
    pub fn project(&self, intake_kcal: f64, goal_weight_kg: f64) -> Projection {
        let mut body = Body::at_balance(self);
        let start_kg = body.weight_kg();
        let is_there = |weight_kg: f64| {
            if goal_weight_kg < start_kg { weight_kg <= goal_weight_kg } else { weight_kg >= goal_weight_kg }
        };
        let mut days = is_there(start_kg).then_some(0);
        let mut weekly_weight_kg = Vec::new();
        for day in 1..=HORIZON_DAYS {
            if days.is_some() {
                break;
            }
            body.live_a_day(self, intake_kcal);
            days = is_there(body.weight_kg()).then_some(day);
            if day % 7 == 0 && weekly_weight_kg.len() < 104 {
                weekly_weight_kg.push(body.weight_kg());
            }
        }
        let derivation = Derivation::of("goal.days", days.map_or(f64::NAN, f64::from))
            .by("two-compartment energy balance, day by day", "Hall et al. 2011, Lancet 378:826-837")
            .from("intake_kcal", intake_kcal)
            .from("total_kcal", self.total_kcal)
            .from("fat_kg", self.fat_kg)
            .from("lean_kg", self.lean_kg);
        let plateau_weight_kg = self.weight_after(intake_kcal, SETTLED_DAYS);
        Projection { goal_weight_kg, days, plateau_weight_kg, weekly_weight_kg, derivation }
    }
}

/// Fat as a share of the weight (Jackson et al. 2002, as the model of Hall et al. takes it).
fn body_fat_from_bmi(person: &Person) -> f64 {
    let percent = |slope: f64, constant: f64| 0.14 * person.age_years + slope * person.bmi().ln() - constant;
    let (male, female) = (percent(37.31, 103.94), percent(39.96, 102.01));
    let percent = match person.sex {
        Sex::Male => male,
        Sex::Female => female,
        Sex::Unspecified => f64::midpoint(male, female),
    };
    (percent / 100.0).clamp(0.05, 0.6)
}

struct Body {
    fat_kg: f64,
    lean_kg: f64,
    adaptive_kcal: f64,
}

impl Body {
    fn at_balance(model: &WeightModel) -> Self {
        Self { fat_kg: model.fat_kg, lean_kg: model.lean_kg, adaptive_kcal: 0.0 }
    }

    fn weight_kg(&self) -> f64 {
        self.fat_kg + self.lean_kg
    }

    fn live_a_day(&mut self, model: &WeightModel, intake_kcal: f64) {
        let change_kcal = intake_kcal - model.total_kcal;
        let (more_fat, more_lean) = (self.fat_kg - model.fat_kg, self.lean_kg - model.lean_kg);
        let used_kcal = model.total_kcal
            + FAT_USES_KCAL * more_fat
            + LEAN_USES_KCAL * more_lean
            + model.moving_kcal_per_kg * (more_fat + more_lean)
            + THERMIC_SHARE * change_kcal
            + self.adaptive_kcal;
        let forbes_kg = FORBES_KG * LEAN_KCAL_PER_KG / FAT_KCAL_PER_KG;
        let lean_share = forbes_kg / (forbes_kg + self.fat_kg);
        let fat_per_kcal = (1.0 - lean_share) / FAT_KCAL_PER_KG;
        let lean_per_kcal = lean_share / LEAN_KCAL_PER_KG;
        let building = FAT_COSTS_KCAL * fat_per_kcal + LEAN_COSTS_KCAL * lean_per_kcal;
        let stored_kcal = (intake_kcal - used_kcal) / (1.0 + building);
        self.fat_kg = (self.fat_kg + stored_kcal * fat_per_kcal).max(LEAST_FAT_KG);
        self.lean_kg = (self.lean_kg + stored_kcal * lean_per_kcal).max(1.0);
        self.adaptive_kcal += (ADAPTIVE_SHARE * change_kcal - self.adaptive_kcal) / ADAPTS_IN_DAYS;
    }
}
