//! What a person should eat in a day, as a client hears it: from the customer's profile or the
//! request, by the tenant's rules, refused by name where no target would be right.

use larder_proto::google::r#type::Date;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::nutrition::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::house::{Guest, House};

/// A man of 30 years and 80 kg; services here believe that it is March 2026.
pub(super) fn profile() -> CustomerProfile {
    CustomerProfile {
        birth_date: Some(Date { year: 1996, month: 3, day: 1 }),
        sex: Sex::Male.into(),
        height_cm: Some(180.0),
        weight_kg: Some(80.0),
        activity_level: ActivityLevel::Moderate.into(),
        goal: NutritionGoal::Maintain.into(),
        ..CustomerProfile::default()
    }
}

pub(super) async fn know(guest: &mut Guest, customer_id: &str, profile: CustomerProfile) {
    let customer =
        Customer { customer_id: customer_id.into(), profile: Some(profile), ..Customer::default() };
    let request = BatchUpsertCustomersRequest { customers: vec![customer] };
    let answer = guest.catalog.batch_upsert_customers(request).await.unwrap().into_inner();
    assert_eq!(answer.rejected_count, 0, "{answer:?}");
}

async fn calculate(guest: &mut Guest, request: CalculateTargetsRequest) -> DailyTargets {
    guest.nutrition.calculate_targets(request).await.unwrap().into_inner().targets.unwrap()
}

fn of(customer_id: &str) -> CalculateTargetsRequest {
    CalculateTargetsRequest { customer_id: customer_id.into(), ..CalculateTargetsRequest::default() }
}

fn told(profile: CustomerProfile) -> CalculateTargetsRequest {
    CalculateTargetsRequest { profile: Some(profile), ..CalculateTargetsRequest::default() }
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[tokio::test]
async fn targets_of_a_known_customer_tell_where_they_come_from() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    know(&mut guest, "ann", profile()).await;
    let targets = calculate(&mut guest, of("ann")).await;
    let resting = targets.resting.unwrap();
    assert!((resting.kcal - 1_780.0).abs() < 0.5, "Mifflin-St Jeor: {resting:?}");
    let derivation = resting.derivation.unwrap();
    assert!(derivation.inputs.iter().any(|input| input.name == "weight_kg" && input.value == 80.0));
    assert!(!derivation.source.is_empty() && !derivation.formula.is_empty());
    assert_eq!(targets.energy_kcal, targets.expenditure.unwrap().kcal.round());
    let sum = |part: fn(&MealTarget) -> f64| targets.meals.iter().map(part).sum::<f64>();
    assert_eq!((targets.meals.len(), sum(|meal| meal.energy_kcal)), (3, targets.energy_kcal));
    let sodium = targets.nutrients.iter().find(|target| target.nutrient == "sodium_mg").unwrap();
    assert_eq!((targets.guideline.as_str(), sodium.at_most), ("who-2023", Some(2_000.0)));
    let foreign = other.nutrition.calculate_targets(of("ann")).await.unwrap_err();
    let missing = other.nutrition.calculate_targets(of("nobody")).await.unwrap_err();
    assert_eq!(foreign.message(), missing.message());
    assert!(foreign.message().contains("profile.birth_date: must be told"), "{foreign}");
}

#[tokio::test]
async fn what_a_request_tells_is_laid_over_the_profile() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    know(&mut guest, "ann", profile()).await;
    let lighter = CustomerProfile {
        weight_kg: Some(70.0),
        goal: NutritionGoal::LoseWeight.into(),
        ..CustomerProfile::default()
    };
    let wishes = TargetWishes { weight_kg: Some(68.0), ..TargetWishes::default() };
    let request = CalculateTargetsRequest {
        profile: Some(lighter),
        wishes: Some(wishes),
        guideline: "dga-2020".into(),
        meal_shares: vec![0.5, 0.5],
        ..of("ann")
    };
    let targets = calculate(&mut guest, request).await;
    assert!((targets.resting.unwrap().kcal - 1_680.0).abs() < 0.5, "of 70 kg");
    assert!(targets.energy_kcal < targets.expenditure.unwrap().kcal, "a deficit");
    assert_eq!((targets.guideline.as_str(), targets.meals.len()), ("dga-2020", 2));
    let projection = targets.projection.unwrap();
    assert!(projection.days.unwrap() > 7 && projection.reached_on.is_some(), "{projection:?}");
}

#[tokio::test]
async fn whom_no_target_is_worked_out_for_is_refused_by_name() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let child = CustomerProfile { birth_date: Some(Date { year: 2015, month: 1, day: 1 }), ..profile() };
    let pregnant =
        CustomerProfile { sex: Sex::Female.into(), life_stage: LifeStage::Pregnant.into(), ..profile() };
    let thin = CustomerProfile { weight_kg: Some(55.0), goal: NutritionGoal::LoseWeight.into(), ..profile() };
    let hasty = CustomerProfile {
        goal: NutritionGoal::LoseWeight.into(),
        goal_rate_kg_per_week: Some(2.0),
        activity_level: ActivityLevel::Sedentary.into(),
        ..profile()
    };
    let cases = [
        (child, "CHILD", "profile.birth_date: "),
        (pregnant, "PREGNANCY_OR_LACTATION", "profile.life_stage: "),
        (thin, "UNDERWEIGHT", "profile.goal: "),
        (hasty, "WOULD_STARVE", "profile.goal_rate_kg_per_week: "),
    ];
    for (profile, expected, start) in cases {
        let refused = guest.nutrition.calculate_targets(told(profile)).await.unwrap_err();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::InvalidArgument, expected));
        assert!(refused.message().starts_with(start), "{refused}");
    }
    let starving = CalculateTargetsRequest {
        wishes: Some(TargetWishes { energy_kcal: Some(600.0), ..TargetWishes::default() }),
        ..told(profile())
    };
    let refused = guest.nutrition.calculate_targets(starving).await.unwrap_err();
    assert!(refused.message().starts_with("wishes.energy_kcal: 600 kcal"), "{refused}");
    assert!(refused.message().contains("accepted: 1500 kcal or more"), "it tells the floor: {refused}");
}

#[tokio::test]
async fn slips_are_named_all_at_once() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let request = CalculateTargetsRequest {
        formula: 99,
        meal_count: 40,
        ..told(CustomerProfile { weight_kg: Some(f64::NAN), sex: 7, ..profile() })
    };
    let refused = guest.nutrition.calculate_targets(request).await.unwrap_err();
    for field in ["formula: ", "meal_count: ", "profile.weight_kg: ", "profile.sex: "] {
        assert!(refused.message().contains(field), "{field}: {refused}");
    }
    let request = CalculateTargetsRequest { guideline: "who-1990".into(), ..told(profile()) };
    let refused = guest.nutrition.calculate_targets(request).await.unwrap_err();
    assert!(refused.message().starts_with("guideline: must be one of "), "{refused}");
    assert!(refused.message().contains("who-2023"), "{refused}");
    let request = CalculateTargetsRequest { formula: EnergyFormula::KatchMcardle.into(), ..told(profile()) };
    let refused = guest.nutrition.calculate_targets(request).await.unwrap_err();
    assert!(refused.message().starts_with("profile.body_fat_percent: "), "{refused}");
}

#[tokio::test]
async fn a_tenant_brings_guidelines_and_goals_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model-settings.json");
    let settings = serde_json::json!({"tenants": {"clinic": {"nutrition": {
        "guideline": "clinic",
        "guidelines": [{
            "name": "clinic", "version": 3, "title": "Clinic", "source": "our dietitian", "extends": "who-2023",
            "rules": [{"nutrient": "sodium", "bound": "at_most", "amount": {"per_day": 1500}}],
        }],
        "goals": {"lose": {"energy_change_percent": -10}},
    }}}});
    std::fs::write(&file, settings.to_string()).unwrap();
    let database = larder_testkit::TestDatabase::create(&[(
        larder_recommendation::SCHEMA,
        &larder_recommendation::migrator(),
    )])
    .await;
    let house = House::open_with(database, |settings| {
        settings.recommendation.model_settings_file = Some(file.clone());
    })
    .await;
    let (mut clinic, mut other) = (house.guest("clinic").await, house.guest("other").await);
    let lose = CustomerProfile { goal: NutritionGoal::LoseWeight.into(), ..profile() };
    let of_clinic = calculate(&mut clinic, told(lose.clone())).await;
    let of_other = calculate(&mut other, told(lose)).await;
    let sodium = |targets: &DailyTargets| {
        targets.nutrients.iter().find(|target| target.nutrient == "sodium_mg").unwrap().at_most
    };
    assert_eq!((sodium(&of_clinic), sodium(&of_other)), (Some(1_500.0), Some(2_000.0)));
    let share = |targets: &DailyTargets| targets.energy_kcal / targets.expenditure.as_ref().unwrap().kcal;
    assert!((share(&of_clinic) - 0.9).abs() < 0.001 && (share(&of_other) - 0.8).abs() < 0.001);
    let listed = clinic.nutrition.list_guidelines(ListGuidelinesRequest {}).await.unwrap().into_inner();
    let own: Vec<_> = listed.guidelines.iter().filter(|one| one.own).collect();
    assert_eq!((own.len(), own[0].name.as_str(), own[0].preset), (1, "clinic", true));
    let listed = other.nutrition.list_guidelines(ListGuidelinesRequest {}).await.unwrap().into_inner();
    assert!(listed.guidelines.iter().all(|one| one.name != "clinic"), "another tenant's");
}

#[tokio::test]
async fn what_is_logged_takes_the_place_of_the_formula_once_it_tells_enough() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    know(&mut guest, "ann", profile()).await;
    know(&mut other, "ann", profile()).await;
    let by_formula = calculate(&mut guest, of("ann")).await;
    // Services here believe that it is 1 March 2026: six weeks of 3,200 kcal and a weight that stays.
    let day = |back: i32| {
        let date = jiff::civil::date(2026, 3, 1).saturating_sub(jiff::Span::new().days(back));
        Some(Date { year: date.year().into(), month: date.month().into(), day: date.day().into() })
    };
    let weights = (0..42).map(|back| BodyMeasurement {
        customer_id: "ann".into(),
        measured_on: day(back),
        weight_kg: 80.0 + f64::from(back % 3 - 1) * 0.3,
        body_fat_percent: None,
    });
    let eaten = (1..42).map(|back| Intake {
        customer_id: "ann".into(),
        eaten_on: day(back),
        energy_kcal: 3_200.0,
        ..Intake::default()
    });
    let request = BatchLogBodyMeasurementsRequest { body_measurements: weights.collect() };
    guest.nutrition.batch_log_body_measurements(request).await.unwrap();
    guest.nutrition.batch_log_intakes(BatchLogIntakesRequest { intakes: eaten.collect() }).await.unwrap();
    let answer = guest.nutrition.calculate_targets(of("ann")).await.unwrap().into_inner();
    let (learned, targets) = (answer.learned.unwrap(), answer.targets.unwrap());
    assert!(learned.used && learned.confidence != "low", "{learned:?}");
    let band = learned.expenditure.unwrap();
    assert!(
        band.low_kcal < 3_200.0 && 3_200.0 < band.high_kcal && (band.kcal - 3_200.0).abs() < 150.0,
        "{band:?}"
    );
    assert_eq!(targets.expenditure.unwrap().kcal, band.kcal);
    assert!(targets.energy_kcal > by_formula.energy_kcal + 200.0);
    let ignoring = CalculateTargetsRequest { ignore_logs: true, ..of("ann") };
    assert_eq!(calculate(&mut guest, ignoring).await.energy_kcal, by_formula.energy_kcal);
    let energy_of_plan = async |guest: &mut Guest, ignore_logs| {
        let member = PlanMember { customer_id: "ann".into(), ignore_logs, ..PlanMember::default() };
        let plan = guest.nutrition.plan_meals(super::plans::day_of(member)).await.unwrap().into_inner();
        plan.targets.iter().find(|met| met.nutrient == "energy_kcal").and_then(|met| met.ideal).unwrap()
    };
    super::plans::stock(&mut guest).await;
    assert_eq!(energy_of_plan(&mut guest, false).await, targets.energy_kcal, "plans follow the logs too");
    assert_eq!(energy_of_plan(&mut guest, true).await, by_formula.energy_kcal);
    let foreign = other.nutrition.calculate_targets(of("ann")).await.unwrap().into_inner();
    assert!(foreign.learned.is_none(), "another tenant's ann logged nothing");
}
