//! Profiles are hard constraints: known to the very next answer, on every replica, to no
//! other tenant, and overridden by nothing.

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;

use crate::house::{Guest, House, eventually, ids, product, purchase};

fn customer(customer_id: &str, allergens: &[&str], diets: &[&str]) -> Customer {
    let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let profile =
        CustomerProfile { allergens: texts(allergens), diets: texts(diets), ..CustomerProfile::default() };
    Customer { customer_id: customer_id.into(), profile: Some(profile), ..Customer::default() }
}

async fn know(guest: &mut Guest, customer: Customer) {
    let request = BatchUpsertCustomersRequest { customers: vec![customer] };
    guest.catalog.batch_upsert_customers(request).await.unwrap();
}

/// Bread is free of milk, rolls are vegan as well, of bagels nothing is known, milk has milk.
async fn stock_labelled_shop(guest: &mut Guest) {
    guest.stock_shop().await;
    let complete = |product| Product { allergens_complete: true, ..product };
    guest
        .upsert(vec![
            complete(Product { allergens: vec!["gluten".into()], ..product("bread", "Bakery") }),
            complete(Product { diets: vec!["Vegan".into()], ..product("rolls", "Bakery") }),
            complete(Product { allergens: vec!["Milk".into()], ..product("milk", "Dairy") }),
        ])
        .await;
}

async fn shown(guest: &mut Guest, customer_id: &str) -> Vec<String> {
    let mut shown: Vec<_> = ids(&guest.recommend(customer_id).await).into_iter().map(str::to_owned).collect();
    shown.sort();
    shown
}

#[tokio::test]
async fn a_profile_forbids_from_the_very_next_answer_on() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock_labelled_shop(&mut guest).await;
    guest.train_well().await;
    assert!(shown(&mut guest, "ann").await.contains(&"milk".to_owned()));
    know(&mut guest, customer("ann", &["milk"], &[])).await;
    assert_eq!(shown(&mut guest, "ann").await, ["bread", "rolls"], "what is not known is unsafe");
    know(&mut guest, customer("ann", &["milk"], &["vegan"])).await;
    assert_eq!(shown(&mut guest, "ann").await, ["rolls"]);
    let request = DeleteCustomerRequest { customer_id: "ann".into() };
    guest.catalog.delete_customer(request).await.unwrap();
    assert!(shown(&mut guest, "ann").await.contains(&"milk".to_owned()));
    know(&mut guest, customer("ann", &["milk"], &[])).await;
    let request = EraseCustomerRequest { customer_id: "ann".into() };
    guest.catalog.erase_customer(request).await.unwrap();
    assert!(shown(&mut guest, "ann").await.contains(&"milk".to_owned()));
}

#[tokio::test]
async fn nothing_in_a_request_overrides_a_profile() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock_labelled_shop(&mut guest).await;
    guest.train_well().await;
    know(&mut guest, customer("ann", &["milk"], &[])).await;
    let request = RecommendRequest {
        customer_id: "ann".into(),
        filter: Some(RecommendationFilter {
            allow_unknown_allergens: true,
            exclude_allergens: vec!["gluten".into()],
            ..RecommendationFilter::default()
        }),
        arrangement: Some(Arrangement {
            pins: vec![Pin { product_id: "milk".into(), position: 1 }],
            boosts: vec![Boost { expression: "product.id == \"milk\"".into(), strength: 10.0 }],
            ..Arrangement::default()
        }),
        ..RecommendRequest::default()
    };
    let answer = guest.recommendations.recommend(request).await.unwrap().into_inner();
    assert_eq!(ids(&answer), ["rolls"]);
    let request = RecommendSimilarRequest { product_id: "bread".into(), ..Default::default() };
    let similar = |answer: RecommendSimilarResponse| {
        answer.recommendations.into_iter().map(|item| item.product_id).collect::<Vec<_>>()
    };
    let for_all = guest.recommendations.recommend_similar(request.clone()).await.unwrap().into_inner();
    assert!(similar(for_all).contains(&"milk".to_owned()));
    let request = RecommendSimilarRequest { customer_id: "ann".into(), ..request };
    let for_ann = guest.recommendations.recommend_similar(request).await.unwrap().into_inner();
    assert_eq!(similar(for_ann), ["rolls"]);
}

#[tokio::test]
async fn replicas_and_restarts_know_profiles_and_other_tenants_do_not() {
    let mut house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    stock_labelled_shop(&mut guest).await;
    stock_labelled_shop(&mut other).await;
    let replica = house.replica().await;
    let mut elsewhere = house.guest_of(&replica, "shop", larder_identity::Scopes::all()).await;
    assert!(shown(&mut elsewhere, "ann").await.contains(&"milk".to_owned()));
    know(&mut guest, customer("ann", &["milk"], &[])).await;
    eventually("the replica knows the profile", || {
        let mut elsewhere = elsewhere.clone();
        async move { shown(&mut elsewhere, "ann").await == ["bread", "rolls"] }
    })
    .await;
    assert!(shown(&mut other, "ann").await.contains(&"milk".to_owned()), "another tenant's ann");
    guest.catalog.delete_customer(DeleteCustomerRequest { customer_id: "ann".into() }).await.unwrap();
    eventually("the replica knows that it went", || {
        let mut elsewhere = elsewhere.clone();
        async move { shown(&mut elsewhere, "ann").await.contains(&"milk".to_owned()) }
    })
    .await;
    know(&mut guest, customer("ann", &["milk"], &[])).await;
    replica.stop().await;
    house.reopen().await;
    let mut guest = house.guest("shop").await;
    assert_eq!(shown(&mut guest, "ann").await, ["bread", "rolls"], "known before the first answer");
}

#[tokio::test]
async fn a_profile_that_forbids_everything_leaves_an_empty_list_that_says_why() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    know(&mut guest, customer("ann", &["milk"], &[])).await;
    guest.record(vec![purchase("ann", "cheese", 0)]).await;
    let answer = guest.recommend("ann").await;
    assert!(answer.recommendations.is_empty());
    assert!(!answer.degraded_reason.is_empty());
}
