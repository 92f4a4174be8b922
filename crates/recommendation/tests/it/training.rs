//! Models come, serve and go.

use std::path::PathBuf;

use larder_proto::larder::operation::v1::OperationState;
use larder_proto::larder::recommendation::v1::*;

use serde_json::json;

use crate::house::{House, eventually};
use crate::placements::house_with;

fn snapshot_files(house: &House) -> Vec<PathBuf> {
    let folder = house.folder.path().join("snapshots").join("shop");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|file| file.extension().is_some_and(|end| end == "snapshot")).collect();
    files.sort();
    files
}

#[tokio::test]
async fn a_trained_model_is_listed_promoted_and_serves() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let version = guest.train_well().await;
    assert_eq!(guest.recommend("ann").await.model_version, version);
    let listed = guest.recommendations.list_models(ListModelsRequest::default()).await.unwrap().into_inner();
    let model = &listed.models[0];
    assert_eq!((model.model_version.as_str(), model.promoted), (version.as_str(), true));
    assert_eq!((model.product_count, model.customer_count, model.interaction_count), (6, 2, 30));
    assert_eq!(model.checksum_sha256.len(), 64);
    assert_eq!(
        std::fs::metadata(snapshot_files(&house).last().unwrap()).unwrap().len(),
        model.size_bytes as u64
    );
}

#[tokio::test]
async fn only_the_newest_models_are_kept() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    for _ in 0..5 {
        guest.train_well().await;
    }
    assert_eq!(snapshot_files(&house).len(), 3);
    let listed = guest.recommendations.list_models(ListModelsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.models.len(), 3);
    assert_eq!(listed.models.iter().filter(|model| model.promoted).count(), 1);
}

#[tokio::test]
async fn two_trainings_at_once_come_one_after_the_other() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let mut other = guest.clone();
    let (one, two) = tokio::join!(guest.train(), other.train());
    for operation in [&one, &two] {
        assert_eq!(operation.state(), OperationState::Succeeded, "{operation:?}");
    }
    assert_ne!(one.result["model_version"], two.result["model_version"]);
}

#[tokio::test]
async fn a_first_model_is_trained_without_being_asked() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    for _ in 0..30 {
        if !guest.recommend("ann").await.model_version.is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("no model after fifteen seconds");
}

#[tokio::test]
async fn a_spoilt_snapshot_is_refused_and_an_older_one_serves() {
    let mut house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let first = guest.train_well().await;
    // Versions are told apart by the second.
    let second = guest.train_well().await;
    house.stop().await;
    let newest = house.folder.path().join("snapshots/shop").join(format!("{second}.snapshot"));
    let mut bytes = std::fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x20;
    std::fs::write(&newest, &bytes).unwrap();
    house.reopen().await;
    let guest = house.guest("shop").await;
    eventually("the older model answers and says so", || {
        let mut guest = guest.clone();
        let first = first.clone();
        async move {
            let answer = guest.recommend("ann").await;
            answer.model_version == first && answer.degraded && answer.degraded_reason.contains("refused")
        }
    })
    .await;
    // A new model heals it.
    let mut guest = house.guest("shop").await;
    guest.train_well().await;
    let answer = guest.recommend("ann").await;
    assert!(!answer.degraded, "{}", answer.degraded_reason);
}

/// Writes `count` purchases by one customer into the log: 4,000 products, day after day.
async fn buy_much(house: &House, customer_id: &str, count: i32) {
    let query = "insert into recommendation.interactions
                     (tenant_id, event_id, customer_id, product_id, kind, quantity, occurred_at)
                 select 'shop', $1 || n, $1, 'p' || n % 4000, 3, 1,
                        timestamptz '2026-02-28 12:00Z' - n / 4000 * interval '1 day'
                 from generate_series(0, $2 - 1) n";
    sqlx::query(query).bind(customer_id).bind(count).execute(&house.database.admin_pool()).await.unwrap();
}

#[tokio::test]
async fn what_a_training_remembers_of_any_number_of_events_is_bounded() {
    let house =
        house_with(json!({"training": {"log_limit_bytes": 1_048_576, "ranker": {"enabled": false}}})).await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    buy_much(&house, "hoarder", 160_000).await;
    let version = guest.train_well().await;
    let request = GetModelRequest { model_version: version };
    let answer = guest.recommendations.get_model(request.clone()).await.unwrap().into_inner();
    assert_eq!(answer.model.unwrap().interaction_count, 160_030, "sums count all of them");
    // The log has room for 131,072 days: 32 days of 4,000 products, and what ann and ben bought since.
    let said = &answer.card.unwrap().parts["days_logged_since"];
    assert!(said.starts_with("2026-01-28; older ones did not fit"), "{said}");
    assert_eq!(guest.recommend("ann").await.model_version, request.model_version);
}
