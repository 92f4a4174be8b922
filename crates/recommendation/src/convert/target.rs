//! What a person should eat in a day: the question checked, and the answer with where each of its
//! numbers comes from.

use larder_nutrition as nutrition;
use larder_nutrition::{Carbohydrates, Goal, GoalKind, InvalidFields, Nutrient, Person, TargetRefusal};
use larder_proto::larder::catalog::v1::{ActivityLevel, LifeStage, NutritionGoal, Sex};
use larder_proto::larder::nutrition::v1::*;

use crate::convert::date;
use crate::error::{Error, Violation};
use crate::model_settings::rules::ListedGuideline;
use crate::profile::Profile;
use crate::validate::Fields;

/// Days of a year of the Gregorian calendar, on average.
const YEAR_DAYS: f64 = 365.2425;

/// How the energy of a person is to be worked out.
pub(crate) fn formula(fields: &mut Fields, field: &str, formula: i32) -> nutrition::EnergyFormula {
    match EnergyFormula::try_from(formula) {
        Ok(EnergyFormula::Unspecified | EnergyFormula::MifflinStJeor) => {
            nutrition::EnergyFormula::MifflinStJeor
        }
        Ok(EnergyFormula::KatchMcardle) => nutrition::EnergyFormula::KatchMcArdle,
        Ok(EnergyFormula::Cunningham) => nutrition::EnergyFormula::Cunningham,
        Ok(EnergyFormula::NasemEer2023) => nutrition::EnergyFormula::NasemEer2023,
        Err(_) => {
            let accepted = "ENERGY_FORMULA_MIFFLIN_ST_JEOR, _KATCH_MCARDLE, _CUNNINGHAM, _NASEM_EER_2023";
            fields.refuse(field, format!("must be one of {accepted}"));
            nutrition::EnergyFormula::MifflinStJeor
        }
    }
}

/// The person that a profile at `at` describes; what formulas cannot do without is refused by name
/// where it is not told. The day counts from 1970.
pub(crate) fn person(fields: &mut Fields, at: &str, profile: &Profile, today: i32) -> Option<Person> {
    let mut told = |name: &str, value: Option<f64>| {
        if value.is_none() {
            fields.refuse(&format!("{at}.{name}"), "must be told, here or in the customer's profile");
        }
        value
    };
    let age = profile.birth_day.map(|born| f64::from(today - born) / YEAR_DAYS);
    let age_years = told("birth_date", age);
    let (height_cm, weight_kg) =
        (told("height_cm", profile.body.height_cm), told("weight_kg", profile.body.weight_kg));
    Some(Person {
        sex: match Sex::try_from(i32::from(profile.sex)) {
            Ok(Sex::Female) => nutrition::Sex::Female,
            Ok(Sex::Male) => nutrition::Sex::Male,
            _ => nutrition::Sex::Unspecified,
        },
        age_years: age_years?,
        height_cm: height_cm?,
        weight_kg: weight_kg?,
        body_fat: profile.body.body_fat_percent.map(|percent| percent / 100.0),
        activity: match ActivityLevel::try_from(i32::from(profile.body.activity_level)) {
            Ok(ActivityLevel::Light) => nutrition::Activity::Light,
            Ok(ActivityLevel::Moderate) => nutrition::Activity::Moderate,
            Ok(ActivityLevel::Active) => nutrition::Activity::Active,
            Ok(ActivityLevel::VeryActive) => nutrition::Activity::VeryActive,
            _ => nutrition::Activity::Sedentary,
        },
        life_stage: match LifeStage::try_from(i32::from(profile.body.life_stage)) {
            Ok(LifeStage::Pregnant) => nutrition::LifeStage::Pregnant,
            Ok(LifeStage::Lactating) => nutrition::LifeStage::Lactating,
            _ => nutrition::LifeStage::Usual,
        },
    })
}

/// What the person wants: the direction of the profile, and the wishes of the request.
pub(crate) fn goal(profile: &Profile, wishes: Option<&TargetWishes>) -> Goal {
    let wishes = wishes.cloned().unwrap_or_default();
    let kind = goal_kind(profile.goal);
    // A rate stays in the profile of somebody who maintains for a while.
    let rate = profile.body.goal_rate_kg_per_week.filter(|rate| kind != GoalKind::Maintain && *rate > 0.0);
    Goal {
        kind,
        weekly_change_kg: rate.filter(|_| wishes.energy_kcal.is_none()),
        energy_kcal: wishes.energy_kcal,
        weight_kg: wishes.weight_kg,
        carbohydrates: if wishes.keto { Carbohydrates::Keto } else { Carbohydrates::Usual },
        allow_below_resting: wishes.allow_below_resting,
    }
}

fn goal_kind(goal: i16) -> GoalKind {
    match NutritionGoal::try_from(i32::from(goal)) {
        Ok(NutritionGoal::LoseWeight) => GoalKind::Lose,
        Ok(NutritionGoal::GainMuscle) => GoalKind::GainMuscle,
        _ => GoalKind::Maintain,
    }
}

/// A refusal with the fields of the contract in the place of those of the formulas; `at` is where the
/// profile stands, `wishes` where the wishes do, and `goal` is what was wanted.
pub(crate) fn refusal(refusal: TargetRefusal, at: &str, wishes: &str, goal: &Goal) -> Error {
    let (reason, field) = match &refusal {
        TargetRefusal::Invalid(InvalidFields(refused)) => {
            let violation = |one: &nutrition::InvalidField| Violation {
                field: wire_field(&one.field, at, wishes),
                description: in_wire_units(one),
            };
            return Error::Invalid(refused.iter().map(violation).collect());
        }
        TargetRefusal::Child { .. } => ("CHILD", format!("{at}.birth_date")),
        TargetRefusal::PregnancyOrLactation { .. } => ("PREGNANCY_OR_LACTATION", format!("{at}.life_stage")),
        TargetRefusal::Underweight { .. } => ("UNDERWEIGHT", format!("{at}.goal")),
        TargetRefusal::WouldStarve { .. } => ("WOULD_STARVE", starving_field(at, wishes, goal)),
    };
    let text = refusal.to_string();
    let description = text.split_once(": ").map_or(text.as_str(), |(_, rest)| rest).to_owned();
    Error::TargetRefused { reason, violation: Violation { field, description } }
}

/// The field that asks for so little energy.
fn starving_field(at: &str, wishes: &str, goal: &Goal) -> String {
    if goal.energy_kcal.is_some() {
        return format!("{wishes}.energy_kcal");
    }
    if goal.weekly_change_kg.is_some() { format!("{at}.goal_rate_kg_per_week") } else { format!("{at}.goal") }
}

/// What was refused and what would be accepted, as the contract counts it: a birth date is refused
/// for an age, and body fat is told in percent.
fn in_wire_units(one: &nutrition::InvalidField) -> String {
    match (one.field.as_str(), one.value.parse::<f64>()) {
        ("person.age_years", Ok(age)) => {
            format!("an age of {age:.1} is refused; accepted: {} years", one.accepted)
        }
        ("person.body_fat", Ok(part)) => format!("{} is refused; accepted: 3 to 70 percent", part * 100.0),
        ("person.body_fat", Err(_)) => {
            "must be told, here or in the customer's profile, since the formula needs the lean mass; accepted: 3 to 70 percent".to_owned()
        }
        _ => format!("{} is refused; accepted: {}", one.value, one.accepted),
    }
}

fn wire_field(field: &str, at: &str, wishes: &str) -> String {
    match field {
        "person.age_years" => format!("{at}.birth_date"),
        "person.body_fat" => format!("{at}.body_fat_percent"),
        "person.activity.level" => format!("{at}.activity_level"),
        "goal.weekly_change_kg" => format!("{at}.goal_rate_kg_per_week"),
        _ => match field.split_once('.') {
            Some(("person", name)) => format!("{at}.{name}"),
            Some(("goal", name)) => format!("{wishes}.{name}"),
            _ => field.to_owned(),
        },
    }
}

/// The message of a day's targets; `today` counts from 1970.
pub(crate) fn to_wire(
    targets: nutrition::DailyTargets,
    shares: &nutrition::MealShares,
    today: i32,
) -> DailyTargets {
    DailyTargets {
        meals: meals(&targets, shares),
        energy_kcal: targets.energy_kcal,
        energy_derivation: Some(derivation(targets.energy_derivation)),
        nutrients: targets.nutrients.into_iter().map(nutrient_target).collect(),
        nutrients_per_meal: targets.per_meal.into_iter().map(nutrient_target).collect(),
        resting: Some(estimate(targets.need.resting)),
        total: Some(estimate(targets.need.total)),
        expenditure: Some(estimate(targets.expenditure)),
        clamps: targets.clamps.into_iter().map(clamp).collect(),
        notices: targets.notices.into_iter().map(notice).collect(),
        projection: targets.projection.map(|of| projection(of, today)),
        guideline: targets.guideline,
        guideline_version: i32::try_from(targets.guideline_version).unwrap_or(i32::MAX),
    }
}

fn meals(targets: &nutrition::DailyTargets, shares: &nutrition::MealShares) -> Vec<MealTarget> {
    let ideal = |nutrient| targets.get(nutrient).and_then(|target| target.ideal).unwrap_or(0.0);
    let split = |nutrient| shares.split(ideal(nutrient));
    let (energy, protein) = (shares.split(targets.energy_kcal), split(Nutrient::Protein));
    let (fat, carbohydrate) = (split(Nutrient::Fat), split(Nutrient::Carbohydrate));
    let meal = |(place, share): (usize, &f64)| MealTarget {
        share: *share,
        energy_kcal: energy[place],
        protein_g: protein[place],
        fat_g: fat[place],
        carbohydrate_g: carbohydrate[place],
    };
    shares.shares().iter().enumerate().map(meal).collect()
}

fn nutrient_target(target: nutrition::NutrientTarget) -> NutrientTarget {
    NutrientTarget {
        nutrient: target.nutrient.field().to_owned(),
        at_least: target.at_least,
        ideal: target.ideal,
        at_most: target.at_most,
        derivations: target.derivations.into_iter().map(derivation).collect(),
    }
}

/// The message of how a number was worked out.
pub(crate) fn derivation(of: nutrition::Derivation) -> Derivation {
    let input = |input: nutrition::Input| FormulaInput { name: input.name.into_owned(), value: input.value };
    Derivation {
        gives: of.gives.into_owned(),
        value: of.value,
        formula: of.formula.into_owned(),
        inputs: of.inputs.into_iter().map(input).collect(),
        source: of.source.into_owned(),
    }
}

/// The message of an energy with its band.
pub(crate) fn estimate(of: nutrition::Estimate) -> EnergyEstimate {
    EnergyEstimate {
        kcal: of.kcal,
        low_kcal: of.low_kcal,
        high_kcal: of.high_kcal,
        derivation: Some(derivation(of.derivation)),
    }
}

fn clamp(of: nutrition::Clamp) -> TargetClamp {
    TargetClamp { reason: word(&of.reason), wanted: of.wanted, given: of.given }
}

fn notice(of: nutrition::Notice) -> TargetNotice {
    let field = wire_field(of.field, "profile", "wishes");
    TargetNotice { kind: word(&of.kind), field, value: of.value, within: of.within }
}

/// The word that stands for a plain variant in JSON.
pub(crate) fn word(of: &impl serde::Serialize) -> String {
    match serde_json::to_value(of) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn projection(of: nutrition::Projection, today: i32) -> WeightProjection {
    let days = of.days.and_then(|days| i32::try_from(days).ok());
    WeightProjection {
        goal_weight_kg: of.goal_weight_kg,
        days,
        reached_on: days.map(|days| date(today.saturating_add(days))),
        plateau_weight_kg: of.plateau_weight_kg,
        weekly_weight_kg: of.weekly_weight_kg,
        derivation: Some(derivation(of.derivation)),
    }
}

/// The message of what the logs tell.
pub(crate) fn learned(of: nutrition::AdaptiveExpenditure) -> LearnedExpenditure {
    let number = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    LearnedExpenditure {
        used: of.confidence > nutrition::Confidence::Low,
        confidence: word(&of.confidence),
        expenditure: Some(estimate(of.expenditure)),
        trend_weight_kg: of.trend_weight_kg,
        weekly_change_kg: of.weekly_change_kg,
        day_count: number(of.days),
        weigh_in_count: number(of.weigh_ins),
        intake_day_count: number(of.intake_days),
        outliers: of.outliers.into_iter().map(outlier).collect(),
    }
}

fn outlier(of: nutrition::Outlier) -> LogOutlier {
    let (day, kind, value) = match of {
        nutrition::Outlier::Weight { day, weight_kg, .. } => (day, "weight", weight_kg),
        nutrition::Outlier::Intake { day, energy_kcal } => (day, "intake", energy_kcal),
    };
    LogOutlier { logged_on: i32::try_from(day).ok().map(date), kind: kind.to_owned(), value }
}

/// The message of a guideline.
pub(crate) fn guideline(listed: ListedGuideline) -> Guideline {
    let ListedGuideline { guideline, is_own, is_preset } = listed;
    Guideline {
        name: guideline.name,
        version: i32::try_from(guideline.version).unwrap_or(i32::MAX),
        title: guideline.title,
        source: guideline.source,
        own: is_own,
        preset: is_preset,
    }
}

#[cfg(test)]
mod tests {
    use larder_nutrition::InvalidField;

    use super::*;
    use crate::profile::Body;

    #[test]
    fn what_a_formula_needs_and_nobody_told_is_named() {
        let mut fields = Fields::default();
        let body = Body { height_cm: Some(170.0), ..Body::default() };
        assert_eq!(person(&mut fields, "profile", &Profile { body, ..Profile::default() }, 20_000), None);
        let refused = fields.finish(()).unwrap_err().to_string();
        for field in ["profile.birth_date: must be told", "profile.weight_kg: must be told"] {
            assert!(refused.contains(field), "{refused}");
        }
        assert!(!refused.contains("height"), "{refused}");
    }

    #[test]
    fn refusals_speak_of_the_fields_of_the_contract() {
        let one = |field: &str| InvalidField { field: field.into(), value: "1".into(), accepted: "2".into() };
        let refused = ["person.age_years", "person.body_fat", "person.height_cm", "goal.weekly_change_kg"];
        let invalid = TargetRefusal::Invalid(InvalidFields(refused.map(one).into()));
        let goal = Goal::default();
        let Error::Invalid(violations) = refusal(invalid, "profile", "wishes", &goal) else {
            panic!("a refusal")
        };
        let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        let expected = ["birth_date", "body_fat_percent", "height_cm", "goal_rate_kg_per_week"];
        assert_eq!(fields, expected.map(|name| format!("profile.{name}")));
        let starving = TargetRefusal::WouldStarve { asked_kcal: 500.0, floor_kcal: 1_200.0 };
        assert_eq!(
            refusal(starving.clone(), "profile", "wishes", &goal).to_string(),
            "profile.goal: 500 kcal a day are refused; accepted: 1200 kcal or more"
        );
        let wished = Goal { energy_kcal: Some(500.0), ..Goal::default() };
        let refused = refusal(starving.clone(), "profile", "wishes", &wished).to_string();
        assert!(refused.starts_with("wishes.energy_kcal: 500 kcal"), "{refused}");
        let fast = Goal { weekly_change_kg: Some(2.0), ..Goal::default() };
        let refused = refusal(starving, "profile", "wishes", &fast).to_string();
        assert!(refused.starts_with("profile.goal_rate_kg_per_week: 500 kcal"), "{refused}");
    }

    #[test]
    fn refusals_count_as_the_contract_does() {
        let told = |field: &str, value: &str, accepted: &str| {
            in_wire_units(&InvalidField {
                field: field.into(),
                value: value.into(),
                accepted: accepted.into(),
            })
        };
        let born_later = told("person.age_years", "-63.1087565110851", "0 to 120");
        assert_eq!(born_later, "an age of -63.1 is refused; accepted: 0 to 120 years");
        let lean = told("person.body_fat", "0.02", "0.03 to 0.7");
        assert_eq!(lean, "2 is refused; accepted: 3 to 70 percent");
        assert!(told("person.body_fat", "unknown", "0.03 to 0.7").starts_with("must be told"));
        let child = TargetRefusal::Child { age_years: 11.893468 };
        assert_eq!(
            refusal(child, "profile", "wishes", &Goal::default()).to_string(),
            "profile.birth_date: an age of 11.9 is refused; accepted: 19 or more, since the formulas are for adults"
        );
    }
}
