//! Generic foods for products of which nobody told the nutrients: found by name, estimated until
//! somebody confirms them, and known to every replica.

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::nutrition::v1::*;
use larder_proto::larder::operation::v1::{Operation, OperationState};
use tonic::Code;

use crate::house::{Guest, House, eventually, product};

fn named(product_id: &str, name: &str, category: &str) -> Product {
    Product { name: name.into(), ..product(product_id, category) }
}

async fn stock(guest: &mut Guest) {
    let told = Nutrition { energy_kcal: Some(402.0), fat_g: Some(33.1), ..Nutrition::default() };
    guest
        .upsert(vec![
            named("butter", "Butter, salted, 1 LB", "Dairy"),
            named("apples", "Apples, raw", "Produce"),
            Product { nutrition_per_100g: Some(told), ..named("cheddar", "Cheddar Cheese", "Dairy") },
            named("soap", "Xqzt Vwkp", "Household"),
        ])
        .await;
}

async fn match_catalog(guest: &mut Guest) -> Operation {
    let request = MatchCatalogRequest::default();
    let mut stream = guest.nutrition.match_catalog(request).await.unwrap().into_inner();
    let mut last = Operation::default();
    while let Some(message) = stream.message().await.unwrap() {
        last = message.operation.unwrap();
    }
    assert_eq!(last.state(), OperationState::Succeeded, "{last:?}");
    last
}

async fn describe(guest: &mut Guest, product_id: &str) -> DescribeProductResponse {
    let request = DescribeProductRequest { product_id: product_id.into() };
    guest.nutrition.describe_product(request).await.unwrap().into_inner()
}

async fn matches(guest: &mut Guest, state: FoodMatchState) -> Vec<FoodMatch> {
    let request = ListFoodMatchesRequest { state: state.into(), ..ListFoodMatchesRequest::default() };
    guest.nutrition.list_food_matches(request).await.unwrap().into_inner().food_matches
}

#[tokio::test]
async fn names_are_matched_and_slips_are_named() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let names =
        ["Butter, salted", "Apples, raw"].map(|name| FoodName { name: name.into(), ..Default::default() });
    let request = MatchFoodsRequest { names: names.into(), limit: 2 };
    let answer = guest.nutrition.match_foods(request).await.unwrap().into_inner();
    assert_eq!(answer.matches.len(), 2);
    let best = &answer.matches[0].candidates[0];
    assert!(best.name.to_lowercase().contains("butter"), "{best:?}");
    assert!(best.confidence > 0.3 && !best.matched_words.is_empty(), "{best:?}");
    assert!(best.nutrients_per_100g.as_ref().unwrap().fat_g.unwrap() > 70.0, "{best:?}");
    let refused = guest.nutrition.match_foods(MatchFoodsRequest::default()).await.unwrap_err();
    assert!(refused.message().starts_with("names: must have 1 to 1000"), "{refused}");
    let many = MatchFoodsRequest { names: vec![FoodName::default(); 100_000], limit: 9 };
    let refused = guest.nutrition.match_foods(many).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused.message().contains("this has 100000") && refused.message().contains("limit: "),
        "{refused}"
    );
}

#[tokio::test]
async fn a_catalogue_is_matched_and_stays_an_estimate_until_it_is_confirmed() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    stock(&mut guest).await;
    let before = describe(&mut guest, "butter").await;
    assert_eq!(before.nutrient_source(), NutrientSource::Unspecified);
    assert!((before.pack_g.unwrap() - 453.6).abs() < 0.1, "by its name: {before:?}");
    let operation = match_catalog(&mut guest).await;
    assert_eq!(
        (operation.result["product_count"].as_str(), operation.result["estimated_count"].as_str()),
        ("3", "2")
    );
    let butter = describe(&mut guest, "butter").await;
    assert_eq!(butter.nutrient_source(), NutrientSource::Estimated, "in the very next answer");
    assert!(butter.nutrients_per_100g.as_ref().unwrap().fat_g.unwrap() > 70.0, "{butter:?}");
    let cheddar = describe(&mut guest, "cheddar").await;
    assert_eq!((cheddar.nutrient_source(), cheddar.food_match), (NutrientSource::Declared, None));
    assert_eq!(cheddar.nutrients_per_100g.unwrap().fat_g, Some(33.1));

    let confirm = ConfirmFoodMatchRequest { product_id: "butter".into(), ..Default::default() };
    let confirmed =
        guest.nutrition.confirm_food_match(confirm).await.unwrap().into_inner().food_match.unwrap();
    assert_eq!(
        (confirmed.state(), confirmed.product_name.as_str()),
        (FoodMatchState::Confirmed, "Butter, salted, 1 LB")
    );
    assert_eq!(describe(&mut guest, "butter").await.nutrient_source(), NutrientSource::Confirmed);
    let reject = ConfirmFoodMatchRequest { product_id: "apples".into(), reject: true, ..Default::default() };
    guest.nutrition.confirm_food_match(reject).await.unwrap();
    assert_eq!(describe(&mut guest, "apples").await.nutrient_source(), NutrientSource::Unspecified);

    let again = match_catalog(&mut guest).await;
    assert_eq!(
        (again.result["product_count"].as_str(), again.result["estimated_count"].as_str()),
        ("1", "0")
    );
    assert_eq!(matches(&mut guest, FoodMatchState::Confirmed).await.len(), 1);
    assert_eq!(matches(&mut guest, FoodMatchState::Rejected).await[0].food, None);
    assert!(matches(&mut guest, FoodMatchState::Estimated).await.is_empty());
}

#[tokio::test]
async fn the_most_doubtful_come_first_and_pages_hold_each_once() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let names =
        ["Whole Milk", "Apples, raw", "Bananas", "Chicken Breast", "White Bread", "Gourmet Butter Thing"];
    let products = names.iter().enumerate().map(|(number, name)| named(&format!("p{number}"), name, ""));
    guest.upsert(products.collect()).await;
    match_catalog(&mut guest).await;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListFoodMatchesRequest { page_size: 2, page_token, ..Default::default() };
        let page = guest.nutrition.list_food_matches(request).await.unwrap().into_inner();
        found.extend(page.food_matches);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let confidences: Vec<_> = found.iter().map(|one| one.food.as_ref().unwrap().confidence).collect();
    assert!(confidences.is_sorted(), "{confidences:?}");
    let ids: std::collections::BTreeSet<_> = found.iter().map(|one| one.product_id.as_str()).collect();
    assert!(found.len() >= 5 && ids.len() == found.len(), "{ids:?}");
    let middle = confidences[found.len() / 2];
    let request = ListFoodMatchesRequest { max_confidence: Some(middle), ..Default::default() };
    let doubtful = guest.nutrition.list_food_matches(request).await.unwrap().into_inner().food_matches;
    assert!(doubtful.len() < found.len() && !doubtful.is_empty());
}

#[tokio::test]
async fn matches_are_the_tenants_own_and_reach_every_replica() {
    let mut house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    stock(&mut guest).await;
    stock(&mut other).await;
    let replica = house.replica().await;
    let elsewhere = house.guest_of(&replica, "shop", larder_identity::Scopes::all()).await;
    match_catalog(&mut guest).await;
    assert_eq!(describe(&mut other, "butter").await.nutrient_source(), NutrientSource::Unspecified);
    assert!(matches(&mut other, FoodMatchState::Unspecified).await.is_empty());
    eventually("the replica knows the estimate", || {
        let mut elsewhere = elsewhere.clone();
        async move { describe(&mut elsewhere, "butter").await.nutrient_source() == NutrientSource::Estimated }
    })
    .await;
    let foreign = ConfirmFoodMatchRequest { product_id: "missing".into(), ..Default::default() };
    assert_eq!(other.nutrition.confirm_food_match(foreign).await.unwrap_err().code(), Code::NotFound);
    let slip = ConfirmFoodMatchRequest {
        product_id: "butter".into(),
        food_id: "no-such-food".into(),
        ..Default::default()
    };
    let refused = guest.nutrition.confirm_food_match(slip).await.unwrap_err();
    assert!(refused.message().starts_with("food_id: "), "{refused}");
    let nothing = ConfirmFoodMatchRequest { product_id: "butter".into(), ..Default::default() };
    let refused = other.nutrition.confirm_food_match(nothing).await.unwrap_err();
    assert!(refused.message().starts_with("food_id: must name a generic food"), "{refused}");
    replica.stop().await;
    house.reopen().await;
    let mut guest = house.guest("shop").await;
    assert_eq!(describe(&mut guest, "butter").await.nutrient_source(), NutrientSource::Estimated);
}
