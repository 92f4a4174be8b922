//! Models are measured before they serve, and promoted, rolled back and pinned by request.

use larder_proto::larder::operation::v1::{Operation, OperationState};
use larder_proto::larder::recommendation::v1::*;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::house::{Guest, House, eventually, product, purchase};
use crate::placements::house_with;

const CUSTOMERS: usize = 40;
const PRODUCTS: usize = 40;

/// A shop of habits: each customer buys three products of their own every week, and three more in
/// the last four weeks alone, which nobody could know before.
async fn stock_shop_of_habits(guest: &mut Guest) {
    guest.upsert((0..PRODUCTS).map(|number| product(&format!("p{number}"), "All")).collect()).await;
    let mut events = Vec::new();
    for customer in 0..CUSTOMERS {
        let id = format!("c{customer}");
        let nth = |number: usize| format!("p{}", (customer * 7 + number) % PRODUCTS);
        for week in 0..24 {
            events.extend((0..3).map(|habit| purchase(&id, &nth(habit), week * 7 + 3)));
        }
        for week in 0..4 {
            events.extend((10..13).map(|habit| purchase(&id, &nth(habit), week * 7 + 3)));
        }
    }
    guest.record(events).await;
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

async fn train_as(guest: &mut Guest, request: TrainModelRequest) -> Operation {
    let mut stream = guest.recommendations.train_model(request).await.unwrap().into_inner();
    let mut last = Operation::default();
    while let Some(message) = stream.message().await.unwrap() {
        last = message.operation.unwrap();
    }
    assert_eq!(last.state(), OperationState::Succeeded, "{last:?}");
    last
}

async fn model(guest: &mut Guest, version: &str) -> GetModelResponse {
    let request = GetModelRequest { model_version: version.into() };
    guest.recommendations.get_model(request).await.unwrap().into_inner()
}

async fn versions(guest: &mut Guest) -> Vec<String> {
    let listed = guest.recommendations.list_models(ListModelsRequest::default()).await.unwrap().into_inner();
    listed.models.into_iter().map(|model| model.model_version).collect()
}

async fn roll_back(guest: &mut Guest) -> Result<Model, Status> {
    let answer = guest.recommendations.roll_back_model(RollBackModelRequest {}).await;
    answer.map(|answer| answer.into_inner().model.unwrap())
}

async fn promote(guest: &mut Guest, version: &str) -> Result<Model, Status> {
    let request = PromoteModelRequest { model_version: version.into() };
    let answer = guest.recommendations.promote_model(request).await;
    answer.map(|answer| answer.into_inner().model.unwrap())
}

async fn pin(guest: &mut Guest, version: &str, unpin: bool) -> Model {
    let request = PinModelRequest { model_version: version.into(), unpin };
    guest.recommendations.pin_model(request).await.unwrap().into_inner().model.unwrap()
}

#[tokio::test]
async fn a_model_worse_than_the_one_that_serves_is_rejected() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock_shop_of_habits(&mut guest).await;
    let good = guest.train_well().await;
    let first = model(&mut guest, &good).await;
    let card = first.card.expect("it was measured");
    assert_eq!(first.model.unwrap().state(), ModelState::Promoted);
    let methods: Vec<_> = card.methods.iter().map(|method| method.method.as_str()).collect();
    assert_eq!(methods, ["model", "personal_frequency", "popularity"]);
    assert_eq!(
        (card.evaluated_customer_count, card.horizon_days, card.list_length),
        (CUSTOMERS as i64, 30, 20)
    );
    let ndcg = |card: &ModelCard, at: usize| card.methods[at].ndcg.unwrap().value;
    assert!(ndcg(&card, 0) > ndcg(&card, 2) + 0.1, "{card:?}");

    // What serves is said to be from before the split, and has seen all that came after it: on these
    // events no model can be as good.
    sqlx::query("update recommendation.models set trained_at = trained_at - interval '60 days'")
        .execute(&house.database.admin_pool())
        .await
        .unwrap();
    let operation = train_as(&mut guest, TrainModelRequest::default()).await;
    assert_eq!(operation.result["state"], "MODEL_STATE_REJECTED", "{operation:?}");
    let rejected = model(&mut guest, &operation.result["model_version"]).await;
    let card = rejected.card.unwrap();
    assert_eq!(card.methods[1].method, "promoted_model");
    assert!(card.ndcg_gain_over_promoted.unwrap().high < 0.0, "{card:?}");
    let rejected = rejected.model.unwrap();
    assert_eq!(rejected.state(), ModelState::Rejected);
    assert!(rejected.state_reason.contains("worse than the model that serves"), "{}", rejected.state_reason);
    assert_eq!(guest.recommend("c1").await.model_version, good);

    let forced = TrainModelRequest { force_promotion: true, ..TrainModelRequest::default() };
    let operation = train_as(&mut guest, forced).await;
    assert_eq!(operation.result["state"], "MODEL_STATE_PROMOTED");
    assert_eq!(guest.recommend("c1").await.model_version, operation.result["model_version"]);
    assert_eq!(roll_back(&mut guest).await.unwrap().model_version, good, "what was rejected never served");
}

#[tokio::test]
async fn an_evaluation_measures_and_promotes_nothing() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock_shop_of_habits(&mut guest).await;
    let request = EvaluateModelRequest { horizon_days: 14, list_length: 5 };
    let mut stream = guest.recommendations.evaluate_model(request).await.unwrap().into_inner();
    let (mut last, mut steps) = (EvaluateModelResponse::default(), Vec::new());
    while let Some(message) = stream.message().await.unwrap() {
        assert!(last.card.is_none(), "the card is in the last message alone");
        steps.extend(
            message.operation.as_ref().and_then(|operation| Some(operation.progress.as_ref()?.step.clone())),
        );
        last = message;
    }
    let operation = last.operation.unwrap();
    assert_eq!(operation.state(), OperationState::Succeeded, "{operation:?}");
    assert_eq!(operation.result["verdict"], "promote");
    assert!(steps.iter().any(|step| step == "reading interactions before the split"), "{steps:?}");
    let card = last.card.unwrap();
    assert_eq!((card.horizon_days, card.list_length), (14, 5));
    assert!(card.methods[0].coverage > 0.5 && card.methods[0].novelty_bits > 0.0, "{card:?}");
    assert!(card.methods[0].repeat_recall.unwrap().value > 0.6, "{card:?}");
    assert!(versions(&mut guest).await.is_empty());

    for request in [
        EvaluateModelRequest { horizon_days: 366, list_length: 0 },
        EvaluateModelRequest { horizon_days: 0, list_length: -1 },
    ] {
        let refused = guest.recommendations.evaluate_model(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().contains("must be 1 to"), "{}", refused.message());
    }
}

#[tokio::test]
async fn too_little_data_says_so_and_keeps_nobody_waiting() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let version = guest.train_well().await;
    let first = model(&mut guest, &version).await.model.unwrap();
    assert!(first.state_reason.contains("too little to measure"), "{}", first.state_reason);
    assert!(first.ndcg.is_some(), "what little there is was measured all the same");
    let mut other = house.guest("empty").await;
    other.upsert(vec![product("only", "A")]).await;
    // A training reads what is older than every open transaction, of which other tests have some.
    for _ in 0..100 {
        let version = other.train_well().await;
        let card = model(&mut other, &version).await.card.unwrap();
        assert!(card.methods.is_empty() && card.split_at.is_none(), "{card:?}");
        if card.parts["products"] == "1" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("what it was made of is told all the same");
}

#[tokio::test]
async fn models_are_trained_and_measured_as_the_model_settings_say() {
    let house = house_with(json!({
        "training": {
            "personal_half_life_days": 33.5,
            "ranker": {"enabled": false},
            "evaluation": {"horizon_days": 14, "list_length": 5, "bootstrap_samples": 100},
        },
        "tenants": {"other": {"training": {"evaluation": {"enabled": false}}}},
    }))
    .await;
    let mut guest = house.guest("shop").await;
    stock_shop_of_habits(&mut guest).await;
    let version = guest.train_well().await;
    let card = model(&mut guest, &version).await.card.unwrap();
    assert_eq!((card.horizon_days, card.list_length), (14, 5));
    assert_eq!(card.parts["training.personal_half_life_days"], "33.5");
    assert_eq!(card.parts["training.ranker.enabled"], "false");
    assert_eq!(card.parts["customers"], CUSTOMERS.to_string());
    let request = EvaluateModelRequest { list_length: 7, ..EvaluateModelRequest::default() };
    let mut stream = guest.recommendations.evaluate_model(request).await.unwrap().into_inner();
    let mut last = EvaluateModelResponse::default();
    while let Some(message) = stream.message().await.unwrap() {
        last = message;
    }
    let card = last.card.unwrap();
    assert_eq!((card.horizon_days, card.list_length), (14, 7), "the request has the last word");

    let mut other = house.guest("other").await;
    stock_shop_of_habits(&mut other).await;
    let version = other.train_well().await;
    let unmeasured = model(&mut other, &version).await;
    assert!(unmeasured.card.unwrap().methods.is_empty(), "nothing is measured there");
}

#[tokio::test]
async fn rolling_back_goes_back_one_model_at_a_time() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let (first, second, third) =
        (guest.train_well().await, guest.train_well().await, guest.train_well().await);
    let replica = house.replica().await;
    for earlier in [&second, &first] {
        assert_eq!(&roll_back(&mut guest).await.unwrap().model_version, earlier);
        assert_eq!(&guest.recommend("ann").await.model_version, earlier);
        assert_eq!(model(&mut guest, earlier).await.model.unwrap().state(), ModelState::Promoted);
    }
    let refused = roll_back(&mut guest).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::FailedPrecondition, "NO_EARLIER_MODEL"));
    let retired = model(&mut guest, &third).await.model.unwrap();
    assert_eq!(retired.state(), ModelState::Retired);
    assert_eq!(retired.state_reason, format!("{second} took its place"));

    let beside = house.guest_of(&replica, "shop", larder_identity::Scopes::all()).await;
    eventually("the replica follows", || {
        let (mut beside, first) = (beside.clone(), first.clone());
        async move { beside.recommend("ann").await.model_version == first }
    })
    .await;
    assert_eq!(promote(&mut guest, &third).await.unwrap().state_reason, "promoted by request");
    eventually("the replica follows again", || {
        let (mut beside, third) = (beside.clone(), third.clone());
        async move { beside.recommend("ann").await.model_version == third }
    })
    .await;
    replica.stop().await;
}

#[tokio::test]
async fn no_training_replaces_a_pinned_model() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let first = guest.train_well().await;
    assert!(pin(&mut guest, &first, false).await.pinned);
    let forced = TrainModelRequest { force_promotion: true, ..TrainModelRequest::default() };
    let operation = train_as(&mut guest, forced).await;
    assert_eq!(operation.result["state"], "MODEL_STATE_KEPT_BACK");
    assert!(operation.result["state_reason"].contains("is pinned"), "{operation:?}");
    assert_eq!(guest.recommend("ann").await.model_version, first);

    assert!(!pin(&mut guest, &first, true).await.pinned);
    let kept = TrainModelRequest { keep_back: true, ..TrainModelRequest::default() };
    assert_eq!(train_as(&mut guest, kept).await.result["state"], "MODEL_STATE_KEPT_BACK");
    let second = train_as(&mut guest, TrainModelRequest::default()).await.result["model_version"].clone();
    assert_eq!(guest.recommend("ann").await.model_version, second);

    let both = TrainModelRequest { force_promotion: true, keep_back: true };
    let refused = guest.recommendations.train_model(both).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_is_pinned_serves_or_served_before_is_kept() {
    let mut house = House::open().await;
    house.stop().await;
    house.start_with(|settings| settings.recommendation.snapshots_kept = 1).await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let pinned = guest.train_well().await;
    pin(&mut guest, &pinned, false).await;
    pin(&mut guest, &pinned, true).await;
    let before = guest.train_well().await;
    let serving = guest.train_well().await;
    assert_eq!(versions(&mut guest).await, [serving.clone(), before.clone()], "the pin was taken out");
    pin(&mut guest, &before, false).await;
    let kept = TrainModelRequest { keep_back: true, ..TrainModelRequest::default() };
    train_as(&mut guest, kept).await;
    let newest = train_as(&mut guest, kept).await.result["model_version"].clone();
    assert_eq!(versions(&mut guest).await, [newest, serving, before]);
    let files = std::fs::read_dir(house.folder.path().join("snapshots/shop")).unwrap();
    let snapshots = files.filter(|file| file.as_ref().unwrap().path().extension().is_some());
    assert_eq!(snapshots.count(), 3, "files go with their models");
}

#[tokio::test]
async fn a_damaged_snapshot_is_never_promoted() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let (short, foreign, serving) =
        (guest.train_well().await, guest.train_well().await, guest.train_well().await);
    let file = |version: &str| house.folder.path().join("snapshots/shop").join(format!("{version}.snapshot"));
    let bytes = std::fs::read(file(&short)).unwrap();
    std::fs::write(file(&short), &bytes[..bytes.len() / 2]).unwrap();
    // Another version of the format, whole and registered as it is.
    let mut bytes = std::fs::read(file(&foreign)).unwrap();
    bytes[8] = bytes[8].wrapping_add(1);
    std::fs::write(file(&foreign), &bytes).unwrap();
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    sqlx::query("update recommendation.models set checksum_sha256 = $1 where model_version = $2")
        .bind(sum)
        .bind(&foreign)
        .execute(&house.database.admin_pool())
        .await
        .unwrap();

    for (version, cause) in [(&short, "checksum"), (&foreign, "snapshot format")] {
        let refused = promote(&mut guest, version).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "SNAPSHOT_REFUSED")
        );
        assert!(
            refused.message().contains(version.as_str()) && refused.message().contains(cause),
            "{refused}"
        );
        let answer = guest.recommend("ann").await;
        assert_eq!(answer.model_version, serving);
        assert!(!answer.degraded, "what serves is whole: {}", answer.degraded_reason);
    }
    let refused = roll_back(&mut guest).await.unwrap_err();
    assert_eq!(reason(&refused), "SNAPSHOT_REFUSED");
    let health = house.health().await;
    assert!(health.contains("a snapshot was refused") && health.contains(&short), "{health}");
    guest.train_well().await;
    eventually("health is well again", || async { !house.health().await.contains("refused") }).await;
}

#[tokio::test]
async fn a_version_of_somebody_else_answers_like_one_that_is_not_there() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let version = guest.train_well().await;
    let mut other = house.guest("other").await;
    other.stock_shop().await;
    for wanted in [version.as_str(), "20260101T000000.000000Z-00000000"] {
        let get = GetModelRequest { model_version: wanted.into() };
        let pin = PinModelRequest { model_version: wanted.into(), unpin: false };
        let refusals = [
            other.recommendations.get_model(get).await.unwrap_err(),
            other.recommendations.pin_model(pin).await.unwrap_err(),
            promote(&mut other, wanted).await.unwrap_err(),
        ];
        for refused in refusals {
            assert_eq!((refused.code(), reason(&refused).as_str()), (Code::NotFound, "MODEL_NOT_FOUND"));
        }
    }
    assert!(!model(&mut guest, &version).await.model.unwrap().pinned);
}

#[tokio::test]
async fn an_erasure_is_followed_by_a_training() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let before = guest.train_well().await;
    let erase = larder_proto::larder::catalog::v1::EraseCustomerRequest { customer_id: "ben".into() };
    guest.catalog.erase_customer(erase).await.unwrap();
    for _ in 0..60 {
        if guest.recommend("ann").await.model_version != before {
            let newest = versions(&mut guest).await[0].clone();
            assert_eq!(model(&mut guest, &newest).await.model.unwrap().customer_count, 1);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    panic!("no new model after thirty seconds");
}
