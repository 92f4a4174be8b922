//! What customers log of themselves: once a day, theirs alone, and gone when they are erased.

use larder_proto::google::r#type::Date;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::nutrition::v1::*;
use tonic::Code;

use crate::house::{Guest, House};

fn february(day: i32) -> Option<Date> {
    Some(Date { year: 2026, month: 2, day })
}

fn weighed(customer_id: &str, day: i32, weight_kg: f64) -> BodyMeasurement {
    let customer_id = customer_id.to_owned();
    BodyMeasurement { customer_id, measured_on: february(day), weight_kg, body_fat_percent: None }
}

fn ate(customer_id: &str, day: i32, energy_kcal: f64) -> Intake {
    let customer_id = customer_id.to_owned();
    Intake { customer_id, eaten_on: february(day), energy_kcal, ..Intake::default() }
}

async fn weigh(guest: &mut Guest, rows: Vec<BodyMeasurement>) -> BatchLogBodyMeasurementsResponse {
    let request = BatchLogBodyMeasurementsRequest { body_measurements: rows };
    guest.nutrition.batch_log_body_measurements(request).await.unwrap().into_inner()
}

async fn weights(guest: &mut Guest, customer_id: &str) -> Vec<(i32, f64)> {
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListBodyMeasurementsRequest {
            customer_id: customer_id.into(),
            page_size: 2,
            page_token,
            from_on: february(2),
        };
        let page = guest.nutrition.list_body_measurements(request).await.unwrap().into_inner();
        found.extend(page.body_measurements.iter().map(|row| (row.measured_on.unwrap().day, row.weight_kg)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return found;
        }
    }
}

#[tokio::test]
async fn a_later_measurement_of_a_day_replaces_the_earlier_one() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let rows = vec![
        weighed("ann", 1, 80.0),
        weighed("ann", 2, 79.9),
        weighed("ann", 3, 999.0),
        weighed("ann", 2, 79.5),
        weighed("ben", 2, 60.0),
    ];
    let answer = weigh(&mut guest, rows).await;
    assert_eq!((answer.accepted_count, answer.rejected_count), (4, 1));
    let refused = answer.verdicts[2].status.as_ref().unwrap();
    assert_eq!(refused.message, "weight_kg: must be a number from 1 to 700");
    weigh(&mut guest, (3..=5).map(|day| weighed("ann", day, 79.0)).collect()).await;
    assert_eq!(weights(&mut guest, "ann").await, [(5, 79.0), (4, 79.0), (3, 79.0), (2, 79.5)]);
}

#[tokio::test]
async fn logs_are_the_tenants_own_and_go_with_the_customer() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    weigh(&mut guest, vec![weighed("ann", 2, 80.0), weighed("ben", 2, 60.0)]).await;
    let request = BatchLogIntakesRequest { intakes: vec![ate("ann", 2, 2_000.0), ate("ann", 3, 1_900.0)] };
    guest.nutrition.batch_log_intakes(request).await.unwrap();
    let list = ListIntakesRequest { customer_id: "ann".into(), ..ListIntakesRequest::default() };
    let eaten = guest.nutrition.list_intakes(list.clone()).await.unwrap().into_inner().intakes;
    assert_eq!(eaten.iter().map(|row| row.energy_kcal).collect::<Vec<_>>(), [1_900.0, 2_000.0]);
    assert!(other.nutrition.list_intakes(list.clone()).await.unwrap().into_inner().intakes.is_empty());
    assert!(weights(&mut other, "ann").await.is_empty());
    let erase = EraseCustomerRequest { customer_id: "ann".into() };
    let foreign = other.catalog.erase_customer(erase.clone()).await.unwrap().into_inner();
    assert_eq!((foreign.body_measurement_count, foreign.intake_count), (0, 0));
    let report = guest.catalog.erase_customer(erase).await.unwrap().into_inner();
    assert_eq!((report.body_measurement_count, report.intake_count), (1, 2));
    assert!(weights(&mut guest, "ann").await.is_empty());
    assert!(guest.nutrition.list_intakes(list).await.unwrap().into_inner().intakes.is_empty());
    assert_eq!(weights(&mut guest, "ben").await, [(2, 60.0)]);
}

#[tokio::test]
async fn a_page_of_one_customer_opens_no_list_of_another() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    weigh(&mut guest, (1..=3).map(|day| weighed("ann", day, 80.0)).collect()).await;
    let request =
        ListBodyMeasurementsRequest { customer_id: "ann".into(), page_size: 1, ..Default::default() };
    let page = guest.nutrition.list_body_measurements(request.clone()).await.unwrap().into_inner();
    let foreign = ListBodyMeasurementsRequest {
        customer_id: "ben".into(),
        page_token: page.next_page_token,
        ..request
    };
    let refused = guest.nutrition.list_body_measurements(foreign).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("page_token: "));
}

#[tokio::test]
async fn a_profile_keeps_all_that_targets_need() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let profile = CustomerProfile {
        body_fat_percent: Some(22.5),
        guideline: "who-2023".into(),
        life_stage: LifeStage::Lactating.into(),
        goal_rate_kg_per_week: Some(0.5),
        score_goal: "own-goal".into(),
        ..CustomerProfile::default()
    };
    let ann = Customer { customer_id: "ann".into(), profile: Some(profile.clone()), ..Customer::default() };
    let slip = CustomerProfile { body_fat_percent: Some(0.2), goal_rate_kg_per_week: Some(9.0), ..profile };
    let ben = Customer { customer_id: "ben".into(), profile: Some(slip), ..Customer::default() };
    let request = BatchUpsertCustomersRequest { customers: vec![ann.clone(), ben] };
    let answer = guest.catalog.batch_upsert_customers(request).await.unwrap().into_inner();
    let refused = answer.verdicts[1].status.as_ref().unwrap().message.clone();
    assert!(refused.contains("profile.body_fat_percent: must be a number from 2 to 75"), "{refused}");
    assert!(refused.contains("profile.goal_rate_kg_per_week: must be a number from 0 to 2"), "{refused}");
    let get = GetCustomerRequest { customer_id: "ann".into() };
    let found = guest.catalog.get_customer(get).await.unwrap().into_inner().customer.unwrap();
    assert_eq!(found.profile, ann.profile);
}
