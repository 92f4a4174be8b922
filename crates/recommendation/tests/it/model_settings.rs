//! The model settings file while the service runs: taken up, refused, mended.

use std::path::Path;
use std::time::Duration;

use larder_proto::larder::recommendation::v1::*;
use larder_recommendation::{SCHEMA, migrator};
use larder_testkit::TestDatabase;
use serde_json::{Value, json};

use crate::house::{Guest, House, eventually};

async fn house_with(file: &Path) -> House {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    House::open_with(database, |settings| {
        settings.recommendation.model_settings_file = Some(file.to_owned());
    })
    .await
}

async fn settings(guest: &mut Guest) -> (GetModelSettingsResponse, Value) {
    let request = GetModelSettingsRequest {};
    let response = guest.recommendations.get_model_settings(request).await.unwrap().into_inner();
    let settings = serde_json::from_str(&response.settings_json).unwrap();
    (response, settings)
}

/// The level and the cause that health tells of the file.
async fn health(house: &House) -> (String, String) {
    // The results of one run of the checks are shared for half a second.
    tokio::time::sleep(Duration::from_millis(600)).await;
    let health: Value = serde_json::from_str(&house.ops("/health/detailed").await).unwrap();
    let checks = health["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "model_settings").unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&check["level"]), text(&check["cause"]))
}

#[tokio::test]
async fn a_changed_file_is_taken_up_and_a_broken_one_leaves_the_old_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("models.json");
    std::fs::write(&file, json!({"placements": {"default": {"limit": 3}}}).to_string()).unwrap();
    let house = house_with(&file).await;
    let mut guest = house.guest("shop").await;
    let (before, json_before) = settings(&mut guest).await;
    assert_eq!(json_before["placements"]["default"]["limit"], 3, "in force before the first answer");
    assert_eq!(before.checksum_sha256.len(), 64);
    assert_eq!(health(&house).await.0, "healthy");

    std::fs::write(&file, r#"{"placements": {"default": {"limit": 3, "diversity": 7}}}"#).unwrap();
    eventually("the broken file is refused", || {
        let mut guest = guest.clone();
        async move { !settings(&mut guest).await.0.refused_because.is_empty() }
    })
    .await;
    let (refused, json_refused) = settings(&mut guest).await;
    assert!(
        refused.refused_because.starts_with("placements.default.diversity: must be a number from 0 to 1")
    );
    assert_eq!((&json_refused, refused.checksum_sha256), (&json_before, before.checksum_sha256));
    let (level, cause) = health(&house).await;
    assert_eq!(level, "degraded");
    assert!(cause.contains("placements.default.diversity"), "{cause}");

    let boost = json!({"boosts": [{"expression": "product.pric < 5.0", "strength": 1.0}]});
    std::fs::write(&file, json!({"placements": {"default": boost}}).to_string()).unwrap();
    eventually("a boost that does not compile is refused", || {
        let mut guest = guest.clone();
        async move {
            let cause = settings(&mut guest).await.0.refused_because;
            cause.starts_with("placements.default.boosts[0].expression: line 1, column 8: there is no field")
        }
    })
    .await;
    assert_eq!(settings(&mut guest).await.1, json_before, "what was in force stays so");

    std::fs::write(&file, json!({"placements": {"default": {"limit": 4}}}).to_string()).unwrap();
    eventually("the mended file is in force", || {
        let mut guest = guest.clone();
        async move { settings(&mut guest).await.1["placements"]["default"]["limit"] == 4 }
    })
    .await;
    assert_eq!(settings(&mut guest).await.0.refused_because, "");
    assert_eq!(health(&house).await.0, "healthy");
}

#[tokio::test]
async fn a_tenant_sees_its_own_settings_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("models.json");
    let told = json!({"tenants": {"acme": {"placements": {"secret-place": {"limit": 2}}}}});
    std::fs::write(&file, told.to_string()).unwrap();
    let house = house_with(&file).await;
    let (_, acme) = settings(&mut house.guest("acme").await).await;
    assert_eq!(acme["placements"]["secret-place"]["limit"], 2);
    let (other, others) = settings(&mut house.guest("other").await).await;
    assert!(!other.settings_json.contains("secret-place") && !other.settings_json.contains("acme"));
    assert_eq!(others["placements"].as_object().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_file_the_built_in_settings_are_in_force() {
    let house = House::open().await;
    let (response, settings) = settings(&mut house.guest("shop").await).await;
    assert_eq!((response.checksum_sha256.as_str(), response.refused_because.as_str()), ("", ""));
    assert_eq!(settings["placements"]["default"]["limit"], 10);
}
