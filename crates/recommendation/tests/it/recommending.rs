//! What the answers say.

use larder_proto::google::r#type::Money;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use tonic::Code;

use crate::house::{House, ids, product, purchase};

#[tokio::test]
async fn an_interaction_changes_the_very_next_answer() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let before = guest.recommend("cleo").await;
    assert_ne!(before.recommendations[0].source(), RecommendationSource::Personal);
    guest.record(vec![purchase("cleo", "cheese", 0)]).await;
    let after = guest.recommend("cleo").await;
    let cheese = after.recommendations.iter().find(|item| item.product_id == "cheese").unwrap();
    assert_eq!(cheese.source(), RecommendationSource::Personal);
    assert!(!cheese.reasons.is_empty());
    assert_ne!(before.recommendation_id, after.recommendation_id);
}

#[tokio::test]
async fn what_was_bought_is_recommended_again_unless_told_otherwise() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let allowed = guest.recommend("ann").await;
    assert!(ids(&allowed).starts_with(&["bread", "milk"]) || ids(&allowed).starts_with(&["milk", "bread"]));
    assert!(!allowed.degraded, "{}", allowed.degraded_reason);
    for (policy, expected) in [(RepeatPolicy::Exclude, false), (RepeatPolicy::Only, true)] {
        let request = RecommendRequest {
            customer_id: "ann".into(),
            repeat_policy: policy.into(),
            ..RecommendRequest::default()
        };
        let answer = guest.recommendations.recommend(request).await.unwrap().into_inner();
        assert!(!answer.recommendations.is_empty());
        for id in ids(&answer) {
            assert_eq!(["bread", "milk"].contains(&id), expected, "{policy:?}: {id}");
        }
    }
}

#[tokio::test]
async fn filters_are_never_broken() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let price = |units| Some(Money { currency_code: "USD".into(), units, nanos: 0 });
    guest
        .upsert(vec![
            Product { price: price(2), ..product("bread", "Bakery") },
            Product { price: price(9), ..product("rolls", "Bakery") },
            Product { in_stock: Some(false), ..product("milk", "Dairy") },
        ])
        .await;
    guest.train_well().await;
    let mut ask = async |filter| {
        let request = RecommendRequest {
            customer_id: "ann".into(),
            filter: Some(filter),
            ..RecommendRequest::default()
        };
        let answer = guest.recommendations.recommend(request).await.unwrap().into_inner();
        ids(&answer).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let dairy = ask(RecommendationFilter { categories: vec!["Dairy".into()], ..Default::default() }).await;
    assert!(!dairy.contains(&"bread".to_owned()) && !dairy.contains(&"milk".to_owned()));
    assert!(dairy.contains(&"butter".to_owned()));
    let cheap = ask(RecommendationFilter { max_price: price(5), ..Default::default() }).await;
    assert_eq!(cheap, ["bread"]);
    let rest =
        ask(RecommendationFilter { exclude_product_ids: vec!["bread".into()], ..Default::default() }).await;
    assert!(!rest.contains(&"bread".to_owned()));
    let all = ask(RecommendationFilter { in_stock_only: Some(false), ..Default::default() }).await;
    assert!(all.contains(&"milk".to_owned()));
    let nothing = ask(RecommendationFilter { categories: vec!["Toys".into()], ..Default::default() }).await;
    assert!(nothing.is_empty());
}

#[tokio::test]
async fn similar_products_are_bought_by_the_same_people() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let request = RecommendSimilarRequest { product_id: "bread".into(), ..Default::default() };
    let answer = guest.recommendations.recommend_similar(request).await.unwrap().into_inner();
    assert_eq!(answer.recommendations[0].product_id, "milk");
    assert!(answer.recommendations.iter().all(|item| item.product_id != "bread"));
    let request = RecommendSimilarRequest { product_id: "nothing".into(), ..Default::default() };
    let missing = guest.recommendations.recommend_similar(request).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
}

#[tokio::test]
async fn popular_products_come_by_popularity() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let request = RecommendPopularRequest { limit: 3, ..Default::default() };
    let answer = guest.recommendations.recommend_popular(request).await.unwrap().into_inner();
    assert_eq!(answer.recommendations.len(), 3);
    assert_eq!(answer.recommendations[2].product_id, "butter");
    assert!(answer.recommendations.windows(2).all(|pair| pair[0].score >= pair[1].score));
}

#[tokio::test]
async fn a_tenant_with_nothing_gets_an_empty_answer_that_says_why() {
    let house = House::open().await;
    let mut guest = house.guest("nobody").await;
    let answer = guest.recommend("ann").await;
    assert!(answer.recommendations.is_empty());
    assert!(!answer.degraded_reason.is_empty());
}

#[tokio::test]
async fn without_a_model_the_answer_says_so_and_still_comes() {
    let house = House::open_with(
        larder_testkit::TestDatabase::create(&[(
            larder_recommendation::SCHEMA,
            &larder_recommendation::migrator(),
        )])
        .await,
        |_| {},
    )
    .await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let answer = guest.recommend("ann").await;
    assert!(!answer.recommendations.is_empty());
    assert!(answer.degraded);
    assert!(answer.degraded_reason.contains("no model"), "{}", answer.degraded_reason);
}

#[tokio::test]
async fn a_hidden_product_is_not_recommended() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    guest.catalog.delete_product(DeleteProductRequest { product_id: "bread".into() }).await.unwrap();
    assert!(!ids(&guest.recommend("ann").await).contains(&"bread"));
    guest.upsert(vec![product("bread", "Bakery")]).await;
    assert!(ids(&guest.recommend("ann").await).contains(&"bread"));
}
