//! Arrangements: pins, promotions, rotation, caps, and what is given up of them.

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use serde_json::json;
use tonic::Code;

use crate::house::{DAY_S, Guest, House, NOW_S, eventually, ids, purchase};
use crate::placements::house_with;

async fn ask(guest: &mut Guest, arrangement: Arrangement, limit: i32) -> RecommendResponse {
    let request = RecommendRequest {
        customer_id: "ann".into(),
        limit,
        arrangement: Some(arrangement),
        ..RecommendRequest::default()
    };
    guest.recommendations.recommend(request).await.unwrap().into_inner()
}

async fn promote(guest: &mut Guest, product_id: &str, from_days: i64, until_days: i64) {
    let at = |days| Some(prost_types::Timestamp { seconds: NOW_S + days * DAY_S, nanos: 0 });
    let promotion = Promotion {
        promotion_id: "week".into(),
        name: "Week".into(),
        product_ids: vec![product_id.into()],
        discount_percent: 10.0,
        starts_at: at(from_days),
        ends_at: at(until_days),
        ..Promotion::default()
    };
    let request = BatchUpsertPromotionsRequest { promotions: vec![promotion] };
    guest.catalog.batch_upsert_promotions(request).await.unwrap();
}

#[tokio::test]
async fn pins_and_caps_are_kept_or_given_up_by_name() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let pins = vec![Pin { product_id: "cheese".into(), position: 1 }];
    let answer = ask(&mut guest, Arrangement { pins, ..Arrangement::default() }, 3).await;
    assert_eq!(ids(&answer)[0], "cheese");
    assert_eq!(answer.recommendations[0].source(), RecommendationSource::Pinned);
    assert!(answer.relaxations.is_empty(), "{:?}", answer.relaxations);
    let pins = vec![Pin { product_id: "caviar".into(), position: 1 }];
    let answer = ask(&mut guest, Arrangement { pins, ..Arrangement::default() }, 3).await;
    assert_eq!(answer.relaxations[0].wish, "pin");
    assert!(!answer.relaxations[0].detail.is_empty());
    let caps = vec![CategoryCap { category: String::new(), max_count: 1 }];
    let answer = ask(&mut guest, Arrangement { category_caps: caps, ..Arrangement::default() }, 5).await;
    assert_eq!(answer.recommendations.len(), 5, "the list is not shorter for it");
    assert!(answer.relaxations.iter().any(|given_up| given_up.wish == "category_cap"));
}

#[tokio::test]
async fn bad_arrangements_are_refused_by_name() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let boost = |expression: &str| Boost { expression: expression.into(), strength: 1.0 };
    let cases = [
        (Arrangement { diversity: Some(1.5), ..Arrangement::default() }, "arrangement.diversity"),
        (
            Arrangement { boosts: vec![boost("product.pric > 1.0")], ..Arrangement::default() },
            "arrangement.boosts[0].expression",
        ),
        (Arrangement { exploration: Some(0.6), ..Arrangement::default() }, "arrangement.exploration"),
    ];
    for (arrangement, field) in cases {
        let request = RecommendRequest {
            customer_id: "ann".into(),
            arrangement: Some(arrangement),
            ..RecommendRequest::default()
        };
        let refused = guest.recommendations.recommend(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(&format!("{field}: ")), "{}", refused.message());
    }
}

#[tokio::test]
async fn running_promotions_raise_products_here_and_on_replicas_alone_of_their_tenant() {
    let house = house_with(json!({"placements": {"default": {"promotion_strength": 10}}})).await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    for guest in [&mut guest, &mut other] {
        guest.stock_shop().await;
        guest.train_well().await;
    }
    assert_ne!(ids(&guest.recommend("ann").await)[0], "bagels");
    promote(&mut guest, "bagels", -1, 1).await;
    assert_eq!(ids(&guest.recommend("ann").await)[0], "bagels", "from the very next answer on");
    assert_ne!(ids(&other.recommend("ann").await)[0], "bagels", "another tenant's promotion");
    promote(&mut guest, "bagels", 1, 2).await;
    assert_ne!(ids(&guest.recommend("ann").await)[0], "bagels", "it does not run yet");
    let replica = house.replica().await;
    let mut elsewhere = house.guest_of(&replica, "shop", larder_identity::Scopes::all()).await;
    promote(&mut guest, "bagels", -1, 1).await;
    eventually("the replica raises it too", || {
        let mut elsewhere = elsewhere.clone();
        async move {
            let arrangement = Arrangement { promotion_strength: Some(10.0), ..Arrangement::default() };
            ids(&ask(&mut elsewhere, arrangement, 3).await)[0] == "bagels"
        }
    })
    .await;
    let request = DeletePromotionRequest { promotion_id: "week".into() };
    guest.catalog.delete_promotion(request).await.unwrap();
    assert_ne!(ids(&guest.recommend("ann").await)[0], "bagels");
    let arrangement = Arrangement { promotion_strength: Some(10.0), ..Arrangement::default() };
    assert!(!ask(&mut elsewhere, arrangement, 3).await.recommendations.is_empty());
    replica.stop().await;
}

#[tokio::test]
async fn what_was_shown_and_ignored_fades_until_something_is_done_with_it() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let rotating = || Arrangement { rotation: Some(1.0), ..Arrangement::default() };
    let first = ids(&ask(&mut guest, rotating(), 1).await)[0].to_owned();
    for _ in 0..10 {
        ask(&mut guest, rotating(), 1).await;
    }
    let tired = ask(&mut guest, rotating(), 6).await;
    let score = |answer: &RecommendResponse| {
        answer.recommendations.iter().find(|item| item.product_id == first).map(|item| item.score)
    };
    let plain = ask(&mut guest, Arrangement::default(), 6).await;
    assert!(score(&tired) < score(&plain), "{first} fades");
    guest
        .record(vec![Interaction { kind: InteractionKind::View.into(), ..purchase("ann", &first, 0) }])
        .await;
    let plain = ask(&mut guest, Arrangement::default(), 6).await;
    let fresh = ask(&mut guest, Arrangement { rotation: Some(1.0), ..Arrangement::default() }, 6).await;
    assert_eq!(score(&fresh), score(&plain), "it was not ignored");
}
