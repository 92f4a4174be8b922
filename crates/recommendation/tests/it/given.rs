//! Orders of given products, scores taken apart, the basket that comes next.

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use serde_json::json;
use tonic::Code;

use crate::house::{DAY_S, House, NOW_S, product, purchase};
use crate::placements::house_with;

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test]
async fn given_products_are_put_in_order_and_the_rest_is_left_out_by_name() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.upsert(vec![Product { in_stock: Some(false), ..product("rolls", "Bakery") }]).await;
    guest.train_well().await;
    let request = RankProductsRequest {
        customer_id: "ben".into(),
        product_ids: texts(&["cheese", "rolls", "caviar", "milk", "butter"]),
        ..RankProductsRequest::default()
    };
    let answer = guest.recommendations.rank_products(request.clone()).await.unwrap().into_inner();
    let order: Vec<_> = answer.recommendations.iter().map(|item| item.product_id.as_str()).collect();
    assert_eq!(order.len(), 4, "{order:?}");
    assert!(order[..2].contains(&"milk") && order[..2].contains(&"butter"), "what ben buys: {order:?}");
    assert!(
        answer
            .recommendations
            .iter()
            .all(|item| item.repeat == ["milk", "butter"].contains(&&*item.product_id))
    );
    assert_eq!((answer.left_out.len(), answer.left_out[0].product_id.as_str()), (1, "caviar"));
    assert_eq!(answer.left_out[0].reason, "not in the catalogue");
    let filter = RecommendationFilter { categories: texts(&["Dairy"]), ..RecommendationFilter::default() };
    let dairy = RankProductsRequest { filter: Some(filter), ..request.clone() };
    let answer = guest.recommendations.rank_products(dairy).await.unwrap().into_inner();
    let left_out: Vec<_> = answer.left_out.iter().map(|left| left.product_id.as_str()).collect();
    assert_eq!(left_out, ["rolls", "caviar"]);
    assert!(answer.left_out.iter().all(|left| !left.reason.is_empty()));
    for (product_ids, field) in [
        (vec![], "product_ids"),
        (texts(&["a", "b", "a"]), "product_ids[2]"),
        (texts(&["a b"]), "product_ids[0]"),
    ] {
        let bad = RankProductsRequest { product_ids, ..request.clone() };
        let refused = guest.recommendations.rank_products(bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert!(refused.message().starts_with(&format!("{field}: ")), "{}", refused.message());
    }
}

#[tokio::test]
async fn contributions_add_up_to_scores() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let request = RecommendRequest {
        customer_id: "ann".into(),
        explain: true,
        arrangement: Some(Arrangement {
            boosts: vec![Boost { expression: "product.category == \"Dairy\"".into(), strength: 1.5 }],
            ..Arrangement::default()
        }),
        ..RecommendRequest::default()
    };
    let answer = guest.recommendations.recommend(request).await.unwrap().into_inner();
    assert_eq!(answer.recommendations.len(), 6);
    for item in &answer.recommendations {
        let sum: f64 = item.contributions.iter().map(|part| part.value).sum();
        assert!((sum - item.score).abs() < 1e-4, "{item:?}");
        let is_boosted = item.contributions.iter().any(|part| part.name == "boost" && part.value > 0.0);
        assert_eq!(is_boosted, ["milk", "butter", "cheese"].contains(&&*item.product_id), "{item:?}");
    }
    let customer = Customer {
        customer_id: "ann".into(),
        profile: Some(CustomerProfile { allergens: texts(&["milk"]), ..CustomerProfile::default() }),
        ..Customer::default()
    };
    guest.upsert(vec![Product { allergens_complete: true, ..product("bread", "Bakery") }]).await;
    let know = BatchUpsertCustomersRequest { customers: vec![customer] };
    guest.catalog.batch_upsert_customers(know).await.unwrap();
    let request = ExplainRecommendationRequest {
        customer_id: "ann".into(),
        product_ids: texts(&["bread", "milk", "caviar"]),
        ..ExplainRecommendationRequest::default()
    };
    let answer = guest.recommendations.explain_recommendation(request).await.unwrap().into_inner();
    let [bread, milk, caviar] = answer.explanations.try_into().unwrap();
    for explained in [&bread, &milk] {
        let sum: f64 = explained.contributions.iter().map(|part| part.value).sum();
        assert!((sum - explained.score).abs() < 1e-4, "{explained:?}");
        let sizes: Vec<_> = explained.contributions.iter().map(|part| part.value.abs()).collect();
        assert!(sizes.windows(2).all(|pair| pair[0] >= pair[1]));
    }
    assert_eq!((bread.rank, bread.refused_because.as_str()), (1, ""));
    assert!(!bread.reasons.is_empty());
    assert_eq!(milk.rank, 0);
    assert!(milk.refused_because.contains("milk"), "{}", milk.refused_because);
    assert_eq!((caviar.rank, caviar.refused_because.as_str()), (0, "not in the catalogue"));
}

#[tokio::test]
async fn the_next_basket_tells_what_how_many_and_when() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.upsert(["bread", "flour"].map(|id| product(id, "Bakery")).to_vec()).await;
    let mut events: Vec<_> =
        [1, 8, 15, 22].map(|ago| Interaction { quantity: 2.0, ..purchase("ann", "bread", ago) }).into();
    events.extend([3, 93, 183].map(|ago| purchase("ann", "flour", ago)));
    guest.record(events).await;
    guest.train_well().await;
    let ask = |horizon_days| RecommendNextBasketRequest {
        customer_id: "ann".into(),
        horizon_days,
        ..RecommendNextBasketRequest::default()
    };
    let answer = guest.recommendations.recommend_next_basket(ask(0)).await.unwrap().into_inner();
    assert_eq!(answer.items.len(), 1, "flour is not due: {answer:?}");
    let bread = &answer.items[0];
    assert_eq!((bread.product_id.as_str(), bread.repeat), ("bread", true));
    assert_eq!((bread.interval_days, bread.expected_quantity), (7.0, 2.0));
    let due_in_days = (bread.due_at.as_ref().unwrap().seconds - NOW_S) as f64 / DAY_S as f64;
    assert!((5.0..7.0).contains(&due_in_days), "{due_in_days}");
    assert!((0.0..=1.0).contains(&bread.probability) && bread.probability > 0.0);
    assert!(answer.next_basket_at.is_some());
    let later = guest.recommendations.recommend_next_basket(ask(120)).await.unwrap().into_inner();
    assert_eq!(later.items.len(), 2);
    let refused = guest.recommendations.recommend_next_basket(ask(366)).await.unwrap_err();
    assert!(refused.message().starts_with("horizon_days: "), "{}", refused.message());
}

#[tokio::test]
async fn an_explanation_adds_up_to_the_score_that_is_shown() {
    let boost = json!({"expression": "product.category == 'Dairy'", "strength": 2.5});
    let place = json!({"boosts": [boost], "promotion_strength": 1.0, "rotation": 0.5, "limit": 3});
    let house = house_with(json!({"placements": {"home": place}})).await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let shown = RecommendRequest {
        customer_id: "ann".into(),
        placement: "home".into(),
        arrangement: Some(Arrangement { rotation: Some(0.0), ..Arrangement::default() }),
        ..RecommendRequest::default()
    };
    let shown = guest.recommendations.recommend(shown).await.unwrap().into_inner();
    let ask = |product_ids: &[&str], limit| ExplainRecommendationRequest {
        customer_id: "ann".into(),
        product_ids: texts(product_ids),
        placement: "home".into(),
        arrangement: Some(Arrangement { rotation: Some(0.0), ..Arrangement::default() }),
        limit,
        ..ExplainRecommendationRequest::default()
    };
    let all = ["bread", "rolls", "bagels", "milk", "butter", "cheese"];
    let answer = guest.recommendations.explain_recommendation(ask(&all, 0)).await.unwrap().into_inner();
    for (place, item) in shown.recommendations.iter().enumerate() {
        let told = answer.explanations.iter().find(|told| told.product_id == item.product_id).unwrap();
        let sum: f64 = told.contributions.iter().map(|part| part.value).sum();
        assert!(
            (sum - item.score).abs() < 1e-4 && (told.score - item.score).abs() < 1e-4,
            "{told:?} {item:?}"
        );
        assert_eq!(told.rank, i32::try_from(place).unwrap() + 1);
        let is_boosted = told.contributions.iter().any(|part| part.name == "boost" && part.value > 0.0);
        assert_eq!(is_boosted, ["milk", "butter", "cheese"].contains(&&*item.product_id));
    }
    let mut ranks: Vec<_> = answer.explanations.iter().map(|told| told.rank).collect();
    ranks.sort_unstable();
    assert_eq!(ranks, [1, 2, 3, 4, 5, 6], "those beyond the list have their place too");
    let longer =
        guest.recommendations.explain_recommendation(ask(&["cheese"], 6)).await.unwrap().into_inner();
    assert!(longer.explanations[0].contributions.iter().any(|part| part.name == "boost"), "{longer:?}");
    let refused = guest.recommendations.explain_recommendation(ask(&["cheese"], 1_001)).await.unwrap_err();
    assert!(refused.message().starts_with("limit: "), "{}", refused.message());
}

#[tokio::test]
async fn given_products_and_baskets_follow_the_placement_and_break_no_constraint() {
    let boost = json!({"expression": "product.id == 'butter'", "strength": 10});
    let cap = json!({"category": "Dairy", "max_count": 1});
    let place = json!({"boosts": [boost], "category_caps": [cap], "min_relevance": 0.0});
    let house = house_with(json!({"placements": {"home": place}})).await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let rank = |placement: &str| RankProductsRequest {
        customer_id: "ben".into(),
        product_ids: texts(&["bread", "butter", "milk", "cheese"]),
        placement: placement.into(),
        explain: true,
        ..RankProductsRequest::default()
    };
    let plain = guest.recommendations.rank_products(rank("")).await.unwrap().into_inner();
    assert_ne!(plain.recommendations[0].product_id, "butter", "this test proves nothing otherwise");
    let arranged = guest.recommendations.rank_products(rank("home")).await.unwrap().into_inner();
    assert_eq!(arranged.recommendations[0].product_id, "butter");
    assert_eq!(arranged.recommendations.len(), 4, "a cap leaves nothing out of what was given");
    for item in &arranged.recommendations {
        let sum: f64 = item.contributions.iter().map(|part| part.value).sum();
        assert!((sum - item.score).abs() < 1e-4, "{item:?}");
    }
    let basket = |placement: &str, filter: Option<RecommendationFilter>| RecommendNextBasketRequest {
        customer_id: "ben".into(),
        placement: placement.into(),
        filter,
        ..RecommendNextBasketRequest::default()
    };
    let names = |answer: RecommendNextBasketResponse| {
        answer.items.into_iter().map(|item| item.product_id).collect::<Vec<_>>()
    };
    let is_dairy = |id: &&String| ["milk", "butter", "cheese"].contains(&id.as_str());
    let plain =
        names(guest.recommendations.recommend_next_basket(basket("", None)).await.unwrap().into_inner());
    assert!(plain.iter().filter(is_dairy).count() > 1, "{plain:?}");
    let answer = guest.recommendations.recommend_next_basket(basket("home", None)).await.unwrap();
    let arranged = names(answer.into_inner());
    assert_eq!(arranged[0], "butter");
    assert_eq!(arranged.iter().filter(is_dairy).count(), 1, "{arranged:?}");
    let filter =
        RecommendationFilter { exclude_product_ids: texts(&["butter"]), ..RecommendationFilter::default() };
    let answer = guest.recommendations.recommend_next_basket(basket("home", Some(filter))).await.unwrap();
    assert!(!names(answer.into_inner()).contains(&"butter".to_owned()));
}
