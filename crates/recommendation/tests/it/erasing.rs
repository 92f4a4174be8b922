//! Erasure removes every trace, and only of the one customer.

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::RecommendationSource;

use crate::house::{House, eventually, purchase};

fn files_that_name(folder: &std::path::Path, name: &str) -> usize {
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found += files_that_name(&path, name);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found += usize::from(bytes.windows(name.len()).any(|window| window == name.as_bytes()));
        }
    }
    found
}

#[tokio::test]
async fn no_trace_of_an_erased_customer_is_left() {
    let mut house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let customer = Customer { customer_id: "zoe-the-erased".into(), ..Customer::default() };
    guest
        .catalog
        .batch_upsert_customers(BatchUpsertCustomersRequest { customers: vec![customer] })
        .await
        .unwrap();
    guest.record((0..5).map(|week| purchase("zoe-the-erased", "cheese", week * 7)).collect()).await;
    guest.train_well().await;
    guest.record(vec![purchase("zoe-the-erased", "rolls", 0)]).await;
    assert_eq!(files_that_name(house.folder.path(), "zoe-the-erased"), 1, "the model knows her");

    let request = EraseCustomerRequest { customer_id: "zoe-the-erased".into() };
    let report = guest.catalog.erase_customer(request.clone()).await.unwrap().into_inner();
    assert_eq!((report.customer_count, report.interaction_count, report.snapshot_count), (1, 6, 1));
    assert!(report.erased_at.is_some());

    let answer = guest.recommend("zoe-the-erased").await;
    assert!(answer.recommendations.iter().all(|item| item.source() != RecommendationSource::Personal));
    assert_eq!(files_that_name(house.folder.path(), "zoe-the-erased"), 0);
    let admin = house.database.admin_pool();
    for table in ["customers", "interactions", "budgets", "idempotency_keys", "erasures"] {
        let query =
            format!("select count(*) from recommendation.{table} t where t::text like '%zoe-the-erased%'");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&admin).await.unwrap();
        assert_eq!(left, 0, "{table}");
    }
    let again = guest.catalog.erase_customer(request).await.unwrap().into_inner();
    assert_eq!((again.customer_count, again.interaction_count, again.snapshot_count), (0, 0, 0));
    assert_eq!(guest.recommend("ann").await.recommendations[0].source(), RecommendationSource::Personal);

    house.reopen().await;
    let mut guest = house.guest("shop").await;
    let answer = guest.recommend("zoe-the-erased").await;
    assert!(answer.recommendations.iter().all(|item| item.source() != RecommendationSource::Personal));
    assert!(!answer.degraded, "the rewritten snapshot is registered: {}", answer.degraded_reason);
}

#[tokio::test]
async fn the_profile_that_is_kept_on_disk_goes_too() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let profile = CustomerProfile { allergens: vec!["milk".into()], ..CustomerProfile::default() };
    let zoe =
        Customer { customer_id: "zoe-the-erased".into(), profile: Some(profile), ..Customer::default() };
    let request = BatchUpsertCustomersRequest { customers: vec![zoe] };
    guest.catalog.batch_upsert_customers(request).await.unwrap();
    eventually("her profile is kept", || async {
        files_that_name(house.folder.path(), "zoe-the-erased") == 1
    })
    .await;
    let request = EraseCustomerRequest { customer_id: "zoe-the-erased".into() };
    guest.catalog.erase_customer(request).await.unwrap();
    assert_eq!(files_that_name(house.folder.path(), "zoe-the-erased"), 0);
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert_eq!(files_that_name(house.folder.path(), "zoe-the-erased"), 0, "nothing writes her down again");
}
