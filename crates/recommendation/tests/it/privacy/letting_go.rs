//! Periods: what a preview counts is what goes, what is held stays, and it happens by itself once a day.

use larder_recommendation::{SCHEMA, migrator};
use larder_settings::Settings;
use larder_testkit::TestDatabase;

use super::*;
use crate::house::{eventually, pass_s};

fn a_month(settings: &mut Settings) {
    settings.privacy.interactions_days = 30;
    settings.privacy.exposures_days = 30;
    settings.privacy.body_measurements_days = 30;
    settings.privacy.intakes_days = 30;
    settings.privacy.budgets_days = 30;
    settings.privacy.deleted_customers_days = 30;
}

async fn house_of_a_month() -> House {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    House::open_with(database, a_month).await
}

async fn rows(house: &House, tenant: &str) -> Vec<i64> {
    let mut counted = Vec::new();
    for table in ["customers", "interactions", "budgets", "body_measurements", "intakes", "exposures"] {
        let query = format!("select count(*) from recommendation.{table} where tenant_id = $1");
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).bind(tenant.to_owned());
        counted.push(query.fetch_one(&house.database.admin_pool()).await.unwrap());
    }
    counted
}

#[tokio::test]
async fn what_a_preview_counts_goes_and_nothing_else() {
    let house = house_of_a_month().await;
    let mut guest = house.guest("shop").await;
    for (customer, age_days) in [("old-one", 40), ("old-two", 31), ("held", 40), ("young", 29)] {
        seed(&house, "shop", customer, age_days).await;
    }
    seed(&house, "other", "old-one", 40).await;
    hold(&mut guest, "held").await;
    let preview =
        guest.privacy.preview_data_retention(PreviewDataRetentionRequest {}).await.unwrap().into_inner();
    assert_eq!(preview.periods.len(), 6);
    for period in &preview.periods {
        assert_eq!((period.row_count, period.held_count, period.days), (2, 1, 30), "{period:?}");
    }
    assert_eq!(rows(&house, "shop").await, [4; 6], "a preview deletes nothing");
    let applied =
        guest.privacy.apply_data_retention(ApplyDataRetentionRequest {}).await.unwrap().into_inner();
    for (seen, gone) in preview.periods.iter().zip(&applied.periods) {
        assert_eq!(
            (&seen.kind, seen.row_count, seen.held_count),
            (&gone.kind, gone.row_count, gone.held_count)
        );
    }
    assert_eq!(rows(&house, "shop").await, [2; 6]);
    assert_eq!(rows(&house, "other").await, [1; 6], "another tenant's rows stay");
    let preview =
        guest.privacy.preview_data_retention(PreviewDataRetentionRequest {}).await.unwrap().into_inner();
    assert!(preview.periods.iter().all(|period| (period.row_count, period.held_count) == (0, 1)));
    let whole = export(&mut guest, "held").await;
    assert_eq!(whole["rowCounts"]["interactions"], 1);
}

#[tokio::test]
async fn nothing_goes_where_no_period_is_set() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    seed(&house, "shop", "old-one", 10_000).await;
    let preview =
        guest.privacy.preview_data_retention(PreviewDataRetentionRequest {}).await.unwrap().into_inner();
    let counted: Vec<_> = preview.periods.iter().filter(|period| period.days > 0).collect();
    assert_eq!((counted.len(), counted[0].kind.as_str(), counted[0].row_count), (1, "exposures", 1));
    guest.privacy.apply_data_retention(ApplyDataRetentionRequest {}).await.unwrap();
    assert_eq!(rows(&house, "shop").await, [1, 1, 1, 1, 1, 0]);
}

#[tokio::test]
async fn it_happens_by_itself_once_a_day() {
    let mut house = house_of_a_month().await;
    house.stop().await;
    seed(&house, "shop", "old-one", 40).await;
    house.start_with(a_month).await;
    eventually("what is old goes", || async { rows(&house, "shop").await == [0; 6] }).await;
    let admin = house.database.admin_pool();
    let applied = "select count(*) from recommendation.retention_runs where applied_at is not null and leased_until is null";
    eventually("the turn is given back", || async {
        sqlx::query_scalar::<_, i64>(applied).fetch_one(&admin).await.unwrap() == 1
    })
    .await;
    let mut guest = house.guest("shop").await;
    let preview =
        guest.privacy.preview_data_retention(PreviewDataRetentionRequest {}).await.unwrap().into_inner();
    assert!(preview.last_applied_at.is_some());
    house.stop().await;
    seed(&house, "shop", "old-two", 40).await;
    house.start_with(a_month).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert_eq!(rows(&house, "shop").await, [1; 6], "its turn was today");
    house.stop().await;
    pass_s(DAY_S + 1);
    house.start_with(a_month).await;
    eventually("the next day they go", || async { rows(&house, "shop").await == [0; 6] }).await;
}
