//! Models come, serve and go.

use std::path::PathBuf;

use larder_proto::larder::operation::v1::OperationState;
use larder_proto::larder::recommendation::v1::*;

use crate::house::{House, eventually};

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
