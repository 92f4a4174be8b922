//! Golden values of the formulas, and what the weight model's own paper says of it.

use super::*;
use crate::{Activity, LifeStage};

fn person(sex: Sex, age_years: f64, height_cm: f64, weight_kg: f64, activity: Activity) -> Person {
    Person { sex, age_years, height_cm, weight_kg, body_fat: None, activity, life_stage: LifeStage::Usual }
}

fn near(one: f64, two: f64) -> bool {
    (one - two).abs() < 1e-9
}

#[test]
fn mifflin_st_jeor_gives_its_golden_values() {
    let resting = |sex, age, height, weight| {
        let person = person(sex, age, height, weight, Activity::Sedentary);
        resting_energy(&person, RestingFormula::MifflinStJeor).expect("it needs nothing else").kcal
    };
    assert!(near(resting(Sex::Male, 30.0, 180.0, 80.0), 1780.0));
    assert!(near(resting(Sex::Female, 30.0, 165.0, 65.0), 1370.25));
    assert!(near(resting(Sex::Unspecified, 30.0, 165.0, 65.0), 1453.25));
    assert!(near(resting(Sex::Male, 19.0, 160.0, 50.0), 1410.0));
    assert!(near(resting(Sex::Female, 78.0, 150.0, 45.0), 836.5));
}

#[test]
fn lean_mass_formulas_give_their_golden_values_and_need_the_body_fat() {
    let mut somebody = person(Sex::Male, 30.0, 180.0, 80.0, Activity::Moderate);
    let refused = resting_energy(&somebody, RestingFormula::KatchMcArdle).expect_err("no body fat");
    assert_eq!(refused.field, "person.body_fat");
    somebody.body_fat = Some(0.15);
    let kcal = |formula| resting_energy(&somebody, formula).expect("the body fat is known").kcal;
    assert!(near(kcal(RestingFormula::KatchMcArdle), 370.0 + 21.6 * 68.0), "1838.8");
    assert!(near(kcal(RestingFormula::Cunningham), 1996.0));
    let need = energy_need(&somebody, EnergyFormula::KatchMcArdle).expect("the body fat is known");
    assert!(near(need.total.kcal, 1838.8 * 1.55));
}

#[test]
fn the_requirement_of_nasem_gives_its_golden_values_in_every_category() {
    let total = |sex, level| {
        let person = person(sex, 30.0, 170.0, 70.0, Activity::Level(level));
        energy_need(&person, EnergyFormula::NasemEer2023).expect("it needs nothing else").total.kcal
    };
    // By hand: constant - per_year * 30 + per_cm * 170 + per_kg * 70.
    for (level, male, female) in
        [(1.2, 2520.17, 2166.70), (1.6, 2713.37, 2337.27), (1.7, 2902.02, 2475.55), (2.0, 3148.62, 2722.63)]
    {
        assert!(near(total(Sex::Male, level), male), "male {level}: {}", total(Sex::Male, level));
        assert!(near(total(Sex::Female, level), female), "female {level}: {}", total(Sex::Female, level));
    }
    assert!(near(total(Sex::Unspecified, 1.2), f64::midpoint(2520.17, 2166.70)));
}

#[test]
fn activity_levels_fall_into_their_category_up_to_the_bound() {
    let categories = [1.0, 1.5299, 1.53, 1.6799, 1.68, 1.8499, 1.85, 2.5].map(PalCategory::of);
    use PalCategory::{Active, Inactive, LowActive, VeryActive};
    assert_eq!(
        categories,
        [Inactive, Inactive, LowActive, LowActive, Active, Active, VeryActive, VeryActive]
    );
}

#[test]
fn ages_that_a_formula_was_not_fitted_to_are_told_by_name() {
    let old = person(Sex::Female, 85.0, 160.0, 60.0, Activity::Light);
    let need = energy_need(&old, EnergyFormula::MifflinStJeor).expect("it needs nothing else");
    assert_eq!(need.notices.len(), 1);
    assert_eq!(need.notices[0].kind, NoticeKind::OutsideValidatedRange);
    assert_eq!(need.notices[0].field, "person.age_years");
    let need = energy_need(&old, EnergyFormula::NasemEer2023).expect("it needs nothing else");
    assert!(need.notices.is_empty(), "it was fitted to all adults: {:?}", need.notices);
}

#[test]
fn every_estimate_tells_its_formula_inputs_and_source() {
    let somebody = person(Sex::Male, 30.0, 180.0, 80.0, Activity::Moderate);
    let need = energy_need(&somebody, EnergyFormula::MifflinStJeor).expect("it needs nothing else");
    let Derivation { formula, inputs, source, .. } = &need.resting.derivation;
    assert!(formula.starts_with("Mifflin-St Jeor, male"));
    assert!(source.contains("51:241-247"));
    let named: Vec<(&str, f64)> = inputs.iter().map(|input| (&*input.name, input.value)).collect();
    assert_eq!(named, [("weight_kg", 80.0), ("height_cm", 180.0), ("age_years", 30.0)]);
    assert!(near(need.total.kcal, 1780.0 * 1.55) && near(need.total.low_kcal, 0.9 * 1780.0 * 1.55));
}

/// "Every change of energy intake of 100 kJ per day leads to an eventual change of about 1 kg, with
/// half of it achieved in about 1 year and 95 % in about 3 years" (Hall et al. 2011, of an average
/// overweight adult).
#[test]
fn weight_answers_a_lasting_change_as_the_paper_says() {
    let adult = person(Sex::Male, 40.0, 178.0, 90.0, Activity::Moderate);
    let need = energy_need(&adult, EnergyFormula::MifflinStJeor).expect("it needs nothing else");
    let model = WeightModel::new(&adult, need.resting.kcal, need.total.kcal);
    let lost = |days| 90.0 - model.weight_after(need.total.kcal - 10.0 * 24.0, days);
    let in_the_end = lost(30 * 365);
    assert!((7.5..12.5).contains(&in_the_end), "about 10 kg, got {in_the_end}");
    assert!((0.42..0.62).contains(&(lost(365) / in_the_end)), "{}", lost(365) / in_the_end);
    assert!((0.85..0.98).contains(&(lost(3 * 365) / in_the_end)), "{}", lost(3 * 365) / in_the_end);
    assert!(near(model.weight_after(need.total.kcal, 3650), 90.0), "balance stays balance");
}

#[test]
fn a_goal_is_later_than_the_rule_of_3500_kcal_promises_and_may_never_come() {
    let adult = person(Sex::Female, 35.0, 165.0, 80.0, Activity::Light);
    let need = energy_need(&adult, EnergyFormula::MifflinStJeor).expect("it needs nothing else");
    let model = WeightModel::new(&adult, need.resting.kcal, need.total.kcal);
    let projection = model.project(need.total.kcal - 500.0, 70.0);
    let days = projection.days.expect("500 kcal less take 10 kg off");
    let by_the_rule = 10.0 * 7700.0 / 500.0;
    assert!(f64::from(days) > 1.15 * by_the_rule && days < 365, "{days} days against {by_the_rule}");
    assert!(projection.weekly_weight_kg.windows(2).all(|weeks| weeks[1] < weeks[0]));
    assert!(model.weight_after(need.total.kcal - 500.0, days) <= 70.0);
    assert!(model.weight_after(need.total.kcal - 500.0, days - 1) > 70.0);
    let never = model.project(need.total.kcal - 50.0, 60.0);
    assert_eq!(never.days, None);
    assert!(never.plateau_weight_kg > 75.0, "{}", never.plateau_weight_kg);
}
