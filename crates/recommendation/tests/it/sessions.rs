//! Sessions go the same way as customers: arranged, in an arm, explored, written down, explained.

use larder_proto::larder::catalog::v1::InteractionKind;
use larder_proto::larder::recommendation::v1::*;
use larder_recommendation::SCHEMA;
use serde_json::json;

use crate::house::{Guest, House, eventually};
use crate::placements::house_with;

fn looked_at(product_id: &str, placement: &str, session_id: &str) -> RecommendForSessionRequest {
    let event = SessionEvent {
        product_id: product_id.into(),
        kind: InteractionKind::View.into(),
        ..SessionEvent::default()
    };
    RecommendForSessionRequest {
        events: vec![event],
        placement: placement.into(),
        session_id: session_id.into(),
        ..RecommendForSessionRequest::default()
    }
}

async fn ask(guest: &mut Guest, request: RecommendForSessionRequest) -> RecommendForSessionResponse {
    guest.recommendations.recommend_for_session(request).await.unwrap().into_inner()
}

fn ids(answer: &RecommendForSessionResponse) -> Vec<&str> {
    answer.recommendations.iter().map(|item| item.product_id.as_str()).collect()
}

#[tokio::test]
async fn a_session_is_arranged_as_the_placement_and_the_request_say() {
    let boost = json!({"expression": "product.id == 'rolls'", "strength": 10});
    let house = house_with(json!({"placements": {"home": {"boosts": [boost], "limit": 4}}})).await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let plain = ask(&mut guest, looked_at("milk", "", "")).await;
    assert_eq!(ids(&plain)[0], "bread");
    let mut request = RecommendForSessionRequest { explain: true, ..looked_at("milk", "home", "") };
    let boosted = ask(&mut guest, request.clone()).await;
    assert_eq!((ids(&boosted).len(), ids(&boosted)[0]), (4, "rolls"));
    for item in &boosted.recommendations {
        let sum: f64 = item.contributions.iter().map(|part| part.value).sum();
        assert!((sum - item.score).abs() < 1e-4, "{item:?}");
    }
    assert!(boosted.recommendations[0].contributions.iter().any(|part| part.name == "boost"));
    let pins = ["cheese", "caviar"].map(|id| Pin { product_id: id.into(), position: 1 });
    let pins = vec![pins[0].clone(), Pin { position: 2, ..pins[1].clone() }];
    request.arrangement = Some(Arrangement { pins, ..Arrangement::default() });
    let pinned = ask(&mut guest, request.clone()).await;
    assert_eq!(ids(&pinned)[..2], ["cheese", "rolls"]);
    assert_eq!(pinned.relaxations[0].wish, "pin", "there is no caviar");
    let exclude = RecommendationFilter {
        exclude_product_ids: vec!["cheese".into(), "rolls".into()],
        ..RecommendationFilter::default()
    };
    let kept_out = ask(&mut guest, RecommendForSessionRequest { filter: Some(exclude), ..request }).await;
    assert!(ids(&kept_out).iter().all(|id| !["cheese", "rolls"].contains(id)), "{:?}", ids(&kept_out));
}

#[tokio::test]
async fn a_visitor_stays_in_one_arm_and_what_they_are_shown_is_written_down() {
    let house = house_with(json!({"placements": {"home": {"log_exposures": true}}})).await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let arm = |arm: &str| ExperimentArm {
        arm: arm.into(),
        share: 0.5,
        arrangement: Some(Arrangement { exploration: Some(0.5), ..Arrangement::default() }),
        ..ExperimentArm::default()
    };
    let experiment = Experiment {
        experiment_id: "exp".into(),
        name: "Two".into(),
        placement: "home".into(),
        arms: vec![arm("one"), arm("two")],
        ..Experiment::default()
    };
    let request = CreateExperimentRequest { experiment: Some(experiment) };
    guest.experiments.create_experiment(request).await.unwrap();
    let (mut arms, mut explored) = (Vec::new(), 0);
    for number in 0..20 {
        let request =
            RecommendForSessionRequest { limit: 3, ..looked_at("milk", "home", &format!("cookie {number}")) };
        let (one, again) = (ask(&mut guest, request.clone()).await, ask(&mut guest, request).await);
        assert_eq!(one.experiment, again.experiment);
        arms.push(one.experiment.unwrap().arm);
        explored += one.recommendations.iter().filter(|item| item.propensity < 0.5).count();
    }
    assert!(arms.contains(&"one".to_owned()) && arms.contains(&"two".to_owned()), "{arms:?}");
    assert!(explored > 5, "{explored} of 60 places explored");
    let admin = house.database.admin_pool();
    let written = || async {
        let query = format!("select count(*) from {SCHEMA}.exposures where subject like 'session/cookie %'");
        sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(query)).fetch_one(&admin).await.unwrap()
    };
    eventually("every answer is written down", || async { written().await == 40 }).await;
}

#[tokio::test]
async fn what_a_visitor_ignores_fades_for_them_alone() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let arrangement = Some(Arrangement { rotation: Some(1.0), ..Arrangement::default() });
    let request = |visitor: &str| RecommendForSessionRequest {
        arrangement: arrangement.clone(),
        ..looked_at("milk", "", visitor)
    };
    let score = |answer: &RecommendForSessionResponse| {
        answer.recommendations.iter().find(|item| item.product_id == "bread").unwrap().score
    };
    let first = score(&ask(&mut guest, request("a")).await);
    for _ in 0..5 {
        ask(&mut guest, request("a")).await;
    }
    assert!(score(&ask(&mut guest, request("a")).await) < first);
    assert_eq!(score(&ask(&mut guest, request("b")).await), first);
}
