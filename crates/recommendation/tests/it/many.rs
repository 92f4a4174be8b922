//! Many questions in one stream, and models that are named.

use larder_proto::larder::recommendation::v1::*;
use larder_recommendation::{SCHEMA, migrator};
use larder_testkit::TestDatabase;
use tonic::Code;

use crate::house::{House, ids, product, purchase};

fn asking(customer_id: &str, limit: i32) -> BatchRecommendRequest {
    let request = RecommendRequest { customer_id: customer_id.into(), limit, ..RecommendRequest::default() };
    BatchRecommendRequest { request: Some(request) }
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_a_bad_request_ends_nothing() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let mut requests: Vec<_> = (0..60).map(|number| asking("ann", number % 5 + 1)).collect();
    requests[7] = asking("not an id", 1);
    requests[21] = asking("ben", 2_000);
    requests[33] = BatchRecommendRequest { request: None };
    let stream = guest.recommendations.batch_recommend(tokio_stream::iter(requests)).await.unwrap();
    let mut stream = stream.into_inner();
    let mut expected_index = 0;
    while let Some(answer) = stream.message().await.unwrap() {
        assert_eq!(answer.index, expected_index);
        match expected_index {
            7 | 21 | 33 => {
                let error = answer.error.unwrap();
                assert_eq!(error.code, Code::InvalidArgument as i32);
                let field = if expected_index == 21 { "limit: " } else { "customer_id: " };
                assert!(error.message.starts_with(field), "{}", error.message);
                assert!(answer.response.is_none());
            }
            _ => {
                let count = usize::try_from(expected_index % 5 + 1).unwrap();
                assert_eq!(answer.response.unwrap().recommendations.len(), count);
                assert!(answer.error.is_none());
            }
        }
        expected_index += 1;
    }
    assert_eq!(expected_index, 60);
}

#[tokio::test]
async fn an_older_model_answers_when_it_is_named_and_knows_what_is_new() {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    // Under load it takes several trainings until a model knows everything.
    let house = House::open_with(database, |settings| settings.recommendation.snapshots_kept = 100).await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let older = guest.train_well().await;
    guest.upsert(vec![product("scones", "Bakery")]).await;
    guest.record(vec![purchase("ann", "scones", 1)]).await;
    let newer = guest.train_well().await;
    assert_ne!(older, newer);
    let mut ask = async |version: &str| {
        let request = RecommendRequest {
            customer_id: "ann".into(),
            model_version: version.into(),
            ..RecommendRequest::default()
        };
        guest.recommendations.recommend(request).await.map(tonic::Response::into_inner)
    };
    assert_eq!(ask("").await.unwrap().model_version, newer);
    assert_eq!(ask(&newer).await.unwrap().model_version, newer);
    let answer = ask(&older).await.unwrap();
    assert_eq!(answer.model_version, older);
    assert!(ids(&answer).contains(&"scones"), "what came after the model is laid over it");
    let missing = ask("20200101T000000.000000Z-deadbeef").await.unwrap_err();
    assert_eq!((missing.code(), missing.message()), (Code::NotFound, "model not found"));
    let bad = ask("../../etc/passwd").await.unwrap_err();
    assert_eq!(bad.code(), Code::InvalidArgument);
    let mut other = house.guest("other").await;
    other.upsert(vec![product("own", "A")]).await;
    let request =
        RecommendRequest { customer_id: "ann".into(), model_version: older, ..RecommendRequest::default() };
    let foreign = other.recommendations.recommend(request).await.unwrap_err();
    assert_eq!((foreign.code(), foreign.message()), (Code::NotFound, "model not found"));
}

#[tokio::test]
async fn a_flag_decides_which_model_answers_whom_and_a_model_that_is_gone_changes_nothing() {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flags.json");
    std::fs::write(&file, r#"{"flags": {}}"#).unwrap();
    let house = House::open_with(database, |settings| {
        settings.recommendation.snapshots_kept = 100;
        settings.flags.file = Some(file.clone());
    })
    .await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let older = guest.train_well().await;
    guest.record(vec![purchase("ann", "rye", 1)]).await;
    let newer = guest.train_well().await;
    assert_eq!(guest.recommend("ann").await.model_version, newer);
    let flag = |tenant: &str, version: &str| {
        let rule = serde_json::json!({"if": [{"==": [{"var": "tenant"}, tenant]}, "chosen", "promoted"]});
        serde_json::json!({"flags": {"recommendation-model": {
            "state": "ENABLED", "variants": {"chosen": version, "promoted": ""}, "defaultVariant": "promoted",
            "targeting": rule}}})
        .to_string()
    };
    for (tenant, version, answering) in [
        ("shop", older.as_str(), &older),
        ("another", older.as_str(), &newer),
        ("shop", older.as_str(), &older),
        ("shop", "20200101T000000.000000Z-gone", &newer),
    ] {
        std::fs::write(&file, flag(tenant, version)).unwrap();
        let mut found = String::new();
        for _ in 0..400 {
            found = guest.recommend("ann").await.model_version;
            if &found == answering {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        assert_eq!(&found, answering, "{tenant} {version}");
    }
}
