//! Placements: named settings per place in the app.

use larder_proto::larder::recommendation::v1::*;
use larder_recommendation::{SCHEMA, migrator};
use larder_testkit::TestDatabase;
use serde_json::json;
use tonic::Code;

use crate::house::{Guest, House, ids};

/// A house whose model settings file says this.
pub(crate) async fn house_with(settings: serde_json::Value) -> House {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
    std::fs::write(&file, settings.to_string()).unwrap();
    let path = file.to_path_buf();
    let house =
        House::open_with(database, |settings| settings.recommendation.model_settings_file = Some(path)).await;
    // The file was taken up before the first answer; that it is gone later changes nothing.
    drop(file);
    house
}

async fn ask(guest: &mut Guest, placement: &str, limit: i32) -> Result<RecommendResponse, tonic::Status> {
    let request = RecommendRequest {
        customer_id: "ann".into(),
        placement: placement.into(),
        limit,
        ..RecommendRequest::default()
    };
    guest.recommendations.recommend(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_placement_says_how_many_unless_the_request_does() {
    let house = house_with(json!({
        "placements": {"default": {"limit": 4}, "home": {"limit": 2}},
        "tenants": {"other": {"placements": {"home": {"limit": 3}}}},
    }))
    .await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    for (placement, limit, expected) in [("", 0, 4), ("default", 0, 4), ("home", 0, 2), ("home", 5, 5)] {
        let answer = ask(&mut guest, placement, limit).await.unwrap();
        assert_eq!(ids(&answer).len(), expected, "{placement} {limit}");
    }
    let mut other = house.guest("other").await;
    other.stock_shop().await;
    assert_eq!(ids(&ask(&mut other, "home", 0).await.unwrap()).len(), 3, "its own word");
    let unknown = ask(&mut guest, "cellar", 0).await.unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidArgument);
    assert_eq!(unknown.message(), "placement: must be a placement of the model settings: default, home");
    let refused = ask(&mut guest, "No Such Place", 0).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("placement: "), "{}", refused.message());
}
