//! The profiles are read, extended and refused as they say.

use super::*;
use crate::{Activity, LifeStage, Person};

fn woman(age_years: f64) -> Person {
    Person {
        sex: Sex::Female,
        age_years,
        height_cm: 165.0,
        weight_kg: 60.0,
        body_fat: None,
        activity: Activity::Light,
        life_stage: LifeStage::Usual,
    }
}

fn bound(guideline: &Guideline, person: &Person, nutrient: Nutrient, bound: Bound) -> Option<f64> {
    let resolved = guideline.resolve(person, 2000.0, Span::Day);
    resolved.into_iter().find(|one| one.nutrient == nutrient && one.bound == bound).map(|one| one.value)
}

#[test]
fn every_profile_is_sound_and_bears_its_name() {
    for name in Guideline::names() {
        let profile = Guideline::named(name).expect("it is checked");
        assert_eq!(profile.name, name);
        assert!(profile.version >= 1 && !profile.rules.is_empty());
    }
    let refused = Guideline::named("who-1990").expect_err("there is none").to_string();
    assert!(refused.contains("who-1990") && refused.contains("who-2023"), "{refused}");
}

#[test]
fn profiles_say_what_their_authors_say() {
    let who = Guideline::named("who-2023").expect("it is there");
    let somebody = woman(30.0);
    assert_eq!(bound(&who, &somebody, Nutrient::Sodium, Bound::AtMost), Some(2000.0));
    assert_eq!(bound(&who, &somebody, Nutrient::AddedSugars, Bound::AtMost), Some(50.0));
    assert_eq!(bound(&who, &somebody, Nutrient::Fibre, Bound::AtLeast), Some(25.0));
    let saturated = bound(&who, &somebody, Nutrient::SaturatedFat, Bound::AtMost).expect("it is bounded");
    assert!((saturated - 200.0 / 9.0).abs() < 1e-9);
    let dga = Guideline::named("dga-2020").expect("it is there");
    assert_eq!(bound(&dga, &somebody, Nutrient::Fibre, Bound::AtLeast), Some(28.0), "of the profile below");
    assert_eq!(bound(&dga, &somebody, Nutrient::Iron, Bound::AtLeast), Some(18.0));
    assert_eq!(bound(&dga, &woman(51.0), Nutrient::Iron, Bound::AtLeast), Some(8.0));
    let newer = Guideline::named("dga-2025").expect("it is there");
    assert_eq!(bound(&newer, &somebody, Nutrient::Protein, Bound::AtLeast), Some(72.0), "1.2 over 0.8");
    assert_eq!(bound(&newer, &somebody, Nutrient::AddedSugars, Bound::AtMost), None, "it is of a meal");
    let of_meal = newer.resolve(&somebody, 2000.0, Span::Meal);
    assert_eq!(of_meal.len(), 1);
    assert!((of_meal[0].value - 10.0).abs() < 1e-9);
}

#[test]
fn a_sex_that_is_not_told_gets_the_stricter_bound() {
    let dri = Guideline::named("dri").expect("it is there");
    let somebody = Person { sex: Sex::Unspecified, ..woman(30.0) };
    assert_eq!(bound(&dri, &somebody, Nutrient::Iron, Bound::AtLeast), Some(18.0));
    assert_eq!(bound(&dri, &somebody, Nutrient::Zinc, Bound::AtLeast), Some(11.0));
}

#[test]
fn a_tenant_extends_a_profile_and_its_rules_hold() {
    let own = r#"{"name": "clinic", "version": 3, "title": "Clinic", "source": "our dietitian",
        "extends": "who-2023",
        "rules": [{"nutrient": "sodium", "bound": "at_most", "amount": {"per_day": 1500}}]}"#;
    let clinic = Guideline::from_json(own).expect("it is sound");
    assert_eq!(bound(&clinic, &woman(30.0), Nutrient::Sodium, Bound::AtMost), Some(1500.0));
    assert_eq!(bound(&clinic, &woman(30.0), Nutrient::Fibre, Bound::AtLeast), Some(25.0));
    let resolved = clinic.resolve(&woman(30.0), 2000.0, Span::Day);
    let sodium = resolved.iter().find(|one| one.nutrient == Nutrient::Sodium).expect("it is bounded");
    assert_eq!(sodium.derivation.source, "our dietitian");
}

#[test]
fn unsound_profiles_are_refused_by_field() {
    let with_rule = |rule: &str| {
        let json = format!(
            r#"{{"name": "own", "version": 1, "title": "", "source": "", "extends": "dri", "rules": [{rule}]}}"#
        );
        Guideline::from_json(&json).expect_err("it is unsound").to_string()
    };
    let refused = with_rule(r#"{"nutrient": "fibre", "bound": "at_least", "amount": {"per_day": -3}}"#);
    assert!(refused.starts_with("guideline.rules[0].amount.per_day: -3"), "{refused}");
    let refused =
        with_rule(r#"{"nutrient": "iron", "bound": "at_most", "amount": {"percent_of_energy": 3}}"#);
    assert!(refused.contains("carries energy"), "{refused}");
    let refused = with_rule(r#"{"nutrient": "sugar", "bound": "at_most", "amount": {"per_day": 3}}"#);
    assert!(refused.contains("sugar"), "{refused}");
    let refused =
        with_rule(r#"{"nutrient": "fat", "bound": "at_most", "amount": {"percent_of_energy": 10}}"#);
    assert!(refused.contains("fat_g") && refused.contains("lower bound below"), "{refused}");
    let refused = with_rule(
        r#"{"nutrient": "iron", "bound": "at_most", "amount": {"per_day": 40}, "from_age": 50, "below_age": 20}"#,
    );
    assert!(refused.contains("below_age"), "{refused}");
    let refused = Guideline::from_json(
        r#"{"name": "Own!", "version": 0, "title": "", "source": "", "extends": "none", "rules": []}"#,
    );
    let refused = refused.expect_err("it is unsound").to_string();
    assert!(refused.contains("guideline.name") && refused.contains("guideline.version"), "{refused}");
}
