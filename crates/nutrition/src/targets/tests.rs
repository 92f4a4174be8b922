//! Targets by hand, refusals by name, and the laws that hold for everybody.

use super::*;
use crate::energy::NoticeKind;
use crate::{Activity, LifeStage, Sex};
use proptest::prelude::*;

fn man() -> Person {
    Person {
        sex: Sex::Male,
        age_years: 30.0,
        height_cm: 180.0,
        weight_kg: 80.0,
        body_fat: None,
        activity: Activity::Moderate,
        life_stage: LifeStage::Usual,
    }
}

fn woman() -> Person {
    Person { sex: Sex::Female, height_cm: 165.0, weight_kg: 65.0, activity: Activity::Sedentary, ..man() }
}

fn goal(kind: GoalKind) -> Goal {
    Goal { kind, ..Goal::default() }
}

fn targets_by(person: &Person, goal: &Goal, guideline: &str) -> Result<DailyTargets, TargetRefusal> {
    let guideline = Guideline::named(guideline).expect("it is there");
    let settings = GoalSettings::default();
    calculate_targets(&TargetRequest {
        person,
        goal,
        formula: EnergyFormula::MifflinStJeor,
        guideline: &guideline,
        settings: &settings,
        measured: None,
    })
}

fn targets(person: &Person, goal: &Goal) -> DailyTargets {
    targets_by(person, goal, "dga-2020").expect("they are asked soundly")
}

fn ideal(targets: &DailyTargets, nutrient: Nutrient) -> f64 {
    targets.get(nutrient).and_then(|target| target.ideal).expect("it has an ideal")
}

#[test]
fn the_default_settings_are_sound() {
    let text = serde_json::to_string(&GoalSettings::default()).expect("they are plain");
    assert_eq!(GoalSettings::from_json(&text), Ok(GoalSettings::default()));
    let lower = text.replace("\"floor_female_kcal\":1200.0", "\"floor_female_kcal\":900.0");
    let refused = GoalSettings::from_json(&lower).expect_err("a floor is not lowered").to_string();
    assert_eq!(refused, "goals.floor_female_kcal: 900 is refused; accepted: 1200 to 2500");
    let unknown = text.replace("\"version\"", "\"versoin\"");
    assert!(GoalSettings::from_json(&unknown).is_err());
}

#[test]
fn losing_takes_a_fifth_off_with_protein_and_fat_by_weight() {
    let targets = targets(&man(), &goal(GoalKind::Lose));
    // 1780 * 1.55 = 2759; 80 % of it is 2207.2.
    assert!((targets.expenditure.kcal - 2759.0).abs() < 1e-9);
    assert_eq!(targets.energy_kcal, 2207.0);
    assert_eq!(ideal(&targets, Nutrient::Protein), 144.0, "1.8 g for each of 80 kg");
    assert_eq!(ideal(&targets, Nutrient::Fat), 64.0, "0.8 g/kg is more than 20 % of the energy");
    assert_eq!(ideal(&targets, Nutrient::Carbohydrate), 264.0, "(2207 - 576 - 576) / 4 = 263.75");
    assert_eq!(targets.clamps, []);
    let fibre = targets.get(Nutrient::Fibre).expect("the guideline bounds it");
    assert!((fibre.at_least.expect("from below") - 14.0 * 2.207).abs() < 1e-9);
    assert_eq!(targets.get(Nutrient::Sodium).and_then(|sodium| sodium.at_most), Some(2300.0));
}

#[test]
fn keeping_and_gaining_have_shares_of_their_own() {
    let keep = targets(&man(), &goal(GoalKind::Maintain));
    assert_eq!(keep.energy_kcal, 2759.0);
    assert_eq!(ideal(&keep, Nutrient::Protein), 112.0);
    assert_eq!(ideal(&keep, Nutrient::Fat), 92.0, "30 % of 2759 kcal is 91.97 g");
    let gain = targets(&man(), &goal(GoalKind::GainMuscle));
    assert_eq!(gain.energy_kcal, 3090.0, "12 % more is 3090.08");
    assert_eq!(ideal(&gain, Nutrient::Protein), 144.0);
    assert_eq!(ideal(&gain, Nutrient::Fat), 86.0, "25 % of 3090 kcal is 85.8 g");
}

#[test]
fn protein_goes_by_the_reference_weight_where_there_is_much_fat() {
    let heavy = Person { weight_kg: 130.0, ..man() };
    let targets = targets(&heavy, &goal(GoalKind::Lose));
    assert_eq!(ideal(&targets, Nutrient::Protein), 146.0, "1.8 g for each of 81 kg is 145.8");
}

#[test]
fn each_bound_that_is_struck_is_told_with_both_values() {
    let fast = Goal { weekly_change_kg: Some(1.0), ..goal(GoalKind::Lose) };
    let active = Person { activity: Activity::VeryActive, ..man() };
    // 3382 kcal; a kilogram a week is 1100 kcal a day, 1 % of the weight 880, the cap 750.
    let clamps = targets(&active, &fast).clamps;
    let reasons: Vec<_> = clamps.iter().map(|clamp| clamp.reason).collect();
    assert_eq!(reasons, [ClampReason::WeeklyChangeCap, ClampReason::EnergyChangeCap]);
    assert!((clamps[0].wanted - 2282.0).abs() < 1e-9 && (clamps[1].given - 2632.0).abs() < 1e-9);
    // 1370.25 * 1.2 = 1644.3; a fifth less is 1315, below what she uses at rest.
    let resting = targets(&woman(), &goal(GoalKind::Lose));
    assert_eq!(resting.energy_kcal, 1371.0);
    assert_eq!(resting.clamps.len(), 1);
    assert_eq!(resting.clamps[0].reason, ClampReason::RestingFloor);
    let below = Goal { allow_below_resting: true, ..goal(GoalKind::Lose) };
    let below = targets(&woman(), &below);
    assert_eq!(below.energy_kcal, 1315.0);
    // 117 g of protein and 52 g of fat are 35.6 % of it each.
    let reasons: Vec<_> = below.clamps.iter().map(|clamp| clamp.reason).collect();
    assert_eq!(reasons, [ClampReason::ProteinCeiling, ClampReason::FatCeiling]);
    let small = Person { height_cm: 150.0, weight_kg: 48.0, age_years: 60.0, ..woman() };
    let floored = targets(&small, &Goal { allow_below_resting: true, ..goal(GoalKind::Lose) });
    // 956.5 * 1.2 = 1147.8 is below the floor already: she eats what she uses, not more.
    assert_eq!(floored.energy_kcal, 1148.0);
    assert_eq!(floored.clamps[0].reason, ClampReason::EnergyFloor);
    assert_eq!(floored.notices[0].kind, NoticeKind::ExpenditureBelowFloor);
}

#[test]
fn goals_that_would_starve_are_refused_with_the_floor() {
    let own = Goal { energy_kcal: Some(700.0), ..goal(GoalKind::Lose) };
    let refused = targets_by(&man(), &own, "efsa").expect_err("700 kcal starve a man");
    assert_eq!(refused, TargetRefusal::WouldStarve { asked_kcal: 700.0, floor_kcal: 1500.0 });
    assert_eq!(refused.to_string(), "goal: 700 kcal a day are refused; accepted: 1500 kcal or more");
    let own = Goal { energy_kcal: Some(1199.0), ..goal(GoalKind::Lose) };
    let refused = targets_by(&woman(), &own, "efsa").expect_err("below her floor");
    assert_eq!(refused, TargetRefusal::WouldStarve { asked_kcal: 1199.0, floor_kcal: 1200.0 });
    let fast = Goal { weekly_change_kg: Some(2.0), ..goal(GoalKind::Lose) };
    let refused = targets_by(&man(), &fast, "efsa").expect_err("2 kg a week leave 559 kcal");
    assert_eq!(refused, TargetRefusal::WouldStarve { asked_kcal: 559.0, floor_kcal: 1500.0 });
    let thin = Person { weight_kg: 55.0, ..man() };
    let refused = targets_by(&thin, &goal(GoalKind::Lose), "efsa").expect_err("BMI 17");
    assert!(matches!(refused, TargetRefusal::Underweight { bmi } if (16.9..17.0).contains(&bmi)));
    let own = Goal { energy_kcal: Some(1600.0), ..goal(GoalKind::Maintain) };
    assert!(matches!(targets_by(&thin, &own, "efsa"), Err(TargetRefusal::Underweight { .. })));
}

#[test]
fn people_whom_the_formulas_do_not_cover_are_refused_by_name() {
    let child = Person { age_years: 12.0, height_cm: 150.0, weight_kg: 40.0, ..woman() };
    let refused = targets_by(&child, &goal(GoalKind::Maintain), "efsa").expect_err("a child");
    assert_eq!(refused, TargetRefusal::Child { age_years: 12.0 });
    for life_stage in [LifeStage::Pregnant, LifeStage::Lactating] {
        let refused = targets_by(&Person { life_stage, ..woman() }, &goal(GoalKind::Maintain), "efsa")
            .expect_err("refused");
        assert_eq!(refused, TargetRefusal::PregnancyOrLactation { life_stage });
    }
    let absurd = Person { weight_kg: -1.0, ..woman() };
    assert!(matches!(targets_by(&absurd, &Goal::default(), "efsa"), Err(TargetRefusal::Invalid(_))));
    let old = targets(&Person { age_years: 90.0, ..woman() }, &Goal::default());
    assert!(old.notices.iter().any(|one| one.kind == NoticeKind::OutsideValidatedRange));
}

#[test]
fn goals_that_contradict_themselves_are_refused_by_field() {
    let refused = |goal: Goal| targets_by(&man(), &goal, "efsa").expect_err("a contradiction").to_string();
    let up = refused(Goal { weight_kg: Some(90.0), ..goal(GoalKind::Lose) });
    assert_eq!(
        up,
        "goal.weight_kg: 90 is refused; accepted: 59.9 to 80.0 kg for this goal, not below a BMI of 18.5"
    );
    assert!(
        refused(Goal { weekly_change_kg: Some(-0.5), ..goal(GoalKind::Lose) }).contains("-0.5 is refused")
    );
    let rate = Goal { weekly_change_kg: Some(0.5), ..goal(GoalKind::Maintain) };
    assert!(refused(rate).contains("none to maintain"));
    let both = Goal { weekly_change_kg: Some(0.5), energy_kcal: Some(2000.0), ..goal(GoalKind::Lose) };
    assert!(refused(both).contains("beside goal.energy_kcal"));
    assert!(refused(Goal { energy_kcal: Some(f64::NAN), ..Goal::default() }).contains("goal.energy_kcal"));
}

#[test]
fn an_energy_of_ones_own_is_taken_and_questioned() {
    let own = Goal { energy_kcal: Some(2000.0), ..goal(GoalKind::Lose) };
    let taken = targets_by(&man(), &own, "who-2023").expect("it is sound");
    assert_eq!((taken.energy_kcal, taken.clamps.len(), taken.notices.len()), (2000.0, 0, 0));
    let more = Goal { energy_kcal: Some(3500.0), ..goal(GoalKind::Lose) };
    let taken = targets_by(&man(), &more, "who-2023").expect("it is sound");
    assert_eq!(taken.notices[0].kind, NoticeKind::EnergyDoesNotServeGoal);
}

#[test]
fn keto_keeps_carbohydrate_low_and_says_which_advice_it_leaves() {
    let keto = Goal { carbohydrates: Carbohydrates::Keto, ..goal(GoalKind::Lose) };
    let targets = targets(&man(), &keto);
    assert!((28.0..=32.0).contains(&ideal(&targets, Nutrient::Carbohydrate)));
    let left_out: Vec<&str> = targets
        .notices
        .iter()
        .filter(|notice| notice.kind == NoticeKind::GuidelineBoundLeftOut)
        .map(|notice| notice.field)
        .collect();
    assert_eq!(left_out, ["fat_g", "carbohydrate_g"]);
}

#[test]
fn a_measured_total_drives_the_goal_as_far_as_it_is_believed() {
    let guideline = Guideline::named("who-2023").expect("it is there");
    let settings = GoalSettings::default();
    let with = |kcal: f64| {
        let derivation = Derivation::of("total_kcal", kcal);
        let measured = Estimate { kcal, low_kcal: kcal - 100.0, high_kcal: kcal + 100.0, derivation };
        calculate_targets(&TargetRequest {
            person: &man(),
            goal: &Goal::default(),
            formula: EnergyFormula::MifflinStJeor,
            guideline: &guideline,
            settings: &settings,
            measured: Some(&measured),
        })
        .expect("it is sound")
    };
    assert_eq!(with(2500.0).energy_kcal, 2500.0);
    let unbelievable = with(9000.0);
    assert_eq!(unbelievable.energy_kcal, (2759.0_f64 * 1.6).round());
    assert_eq!(unbelievable.clamps[0].reason, ClampReason::MeasuredFarFromFormula);
    assert_eq!(with(f64::NAN).energy_kcal, 2759.0, "what is no number is not taken");
}

#[test]
fn a_goal_weight_gets_a_date_that_a_smaller_deficit_puts_off() {
    let days = |weekly| {
        let goal = Goal { weight_kg: Some(72.0), weekly_change_kg: Some(weekly), ..goal(GoalKind::Lose) };
        targets(&man(), &goal).projection.expect("a weight is asked for").days.expect("it is reached")
    };
    assert!(days(0.3) > days(0.5));
    assert!(f64::from(days(0.5)) > 8.0 / 0.5 * 7.0, "later than the straight line");
}

fn people() -> impl Strategy<Value = Person> {
    let sexes = prop_oneof![Just(Sex::Female), Just(Sex::Male), Just(Sex::Unspecified)];
    (sexes, 19.0..100.0_f64, 140.0..210.0_f64, 18.6..55.0_f64, 1.0..2.5_f64).prop_map(
        |(sex, age_years, height_cm, bmi, level)| Person {
            sex,
            age_years,
            height_cm,
            weight_kg: bmi * (height_cm / 100.0).powi(2),
            activity: Activity::Level(level),
            ..man()
        },
    )
}

fn goals() -> impl Strategy<Value = Goal> {
    let kinds = prop_oneof![Just(GoalKind::Lose), Just(GoalKind::Maintain), Just(GoalKind::GainMuscle)];
    (kinds, prop::option::of(0.05..1.5_f64), any::<bool>(), any::<bool>()).prop_map(
        |(kind, change, keto, allow_below_resting)| Goal {
            kind,
            weekly_change_kg: change.filter(|_| kind != GoalKind::Maintain),
            carbohydrates: if keto { Carbohydrates::Keto } else { Carbohydrates::Usual },
            allow_below_resting,
            ..Goal::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn energy_is_never_below_a_floor_and_macros_add_up(
        person in people(), goal in goals(), guideline in prop::sample::select(Guideline::names().collect::<Vec<_>>())
    ) {
        let targets = match targets_by(&person, &goal, guideline) {
            Ok(targets) => targets,
            Err(refusal) => {
                let is_starving = matches!(refusal, TargetRefusal::WouldStarve { .. });
                prop_assert!(is_starving && goal.weekly_change_kg.is_some(), "{refusal}");
                return Ok(());
            }
        };
        let [protein, fat, carbohydrate] =
            [Nutrient::Protein, Nutrient::Fat, Nutrient::Carbohydrate].map(|one| ideal(&targets, one));
        let by_macros = 4.0 * protein + 4.0 * carbohydrate + 9.0 * fat;
        prop_assert!((by_macros - targets.energy_kcal).abs() <= 4.0, "{by_macros} {}", targets.energy_kcal);
        prop_assert!(protein > 0.0 && fat > 0.0 && carbohydrate > 0.0);
        let floor = if person.sex == Sex::Female { 1200.0 } else { 1500.0 };
        let total = targets.expenditure.kcal;
        prop_assert!(targets.energy_kcal + 0.5 >= f64::min(floor, total));
        if !goal.allow_below_resting {
            prop_assert!(targets.energy_kcal + 0.5 >= targets.need.resting.kcal);
        }
        prop_assert!(targets.energy_kcal >= total - 751.0 && targets.energy_kcal <= total + 501.0);
        for target in &targets.nutrients {
            let least = target.at_least.unwrap_or(0.0);
            let most = target.at_most.unwrap_or(f64::INFINITY);
            prop_assert!(least <= most, "{target:?}");
            prop_assert!(target.ideal.is_none_or(|ideal| (least..=most).contains(&ideal)), "{target:?}");
            let told = usize::from(target.at_least.is_some())
                + usize::from(target.ideal.is_some())
                + usize::from(target.at_most.is_some());
            prop_assert_eq!(target.derivations.len(), told);
        }
    }
}
