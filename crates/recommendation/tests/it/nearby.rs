//! What stands near: sessions, substitutes and complements, what rises, and who buys alike.

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use tonic::Code;

use crate::house::{Guest, House, product, purchase};

fn looked_at(product_id: &str) -> SessionEvent {
    SessionEvent {
        product_id: product_id.into(),
        kind: InteractionKind::View.into(),
        ..SessionEvent::default()
    }
}

async fn session(guest: &mut Guest, request: RecommendForSessionRequest) -> RecommendForSessionResponse {
    guest.recommendations.recommend_for_session(request).await.unwrap().into_inner()
}

fn shown(items: &[Recommendation]) -> Vec<&str> {
    items.iter().map(|item| item.product_id.as_str()).collect()
}

#[tokio::test]
async fn a_session_of_anonymous_views_is_answered_by_what_stands_near() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let request = RecommendForSessionRequest { events: vec![looked_at("milk")], ..Default::default() };
    let answer = session(&mut guest, request.clone()).await;
    assert_eq!(answer.recommendations[0].product_id, "bread", "bought by both who buy milk");
    assert_eq!(answer.recommendations[0].source(), RecommendationSource::Similar);
    assert!(!shown(&answer.recommendations).contains(&"milk"));
    assert!(!answer.recommendation_id.is_empty() && !answer.model_version.is_empty());
    let newcomer = session(&mut guest, RecommendForSessionRequest::default()).await;
    assert_eq!(newcomer.recommendations[0].source(), RecommendationSource::Popular);
    let profile = CustomerProfile { allergens: vec!["nuts".into()], ..CustomerProfile::default() };
    let careful = RecommendForSessionRequest { profile: Some(profile), ..request.clone() };
    assert!(session(&mut guest, careful.clone()).await.recommendations.is_empty(), "nothing is known safe");
    guest.upsert(vec![Product { allergens_complete: true, ..product("rolls", "Bakery") }]).await;
    assert_eq!(shown(&session(&mut guest, careful).await.recommendations), ["rolls"]);
    let bad = RecommendForSessionRequest { events: vec![looked_at("a b")], ..request };
    let refused = guest.recommendations.recommend_for_session(bad).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().starts_with("events[0].product_id: "), "{}", refused.message());
}

#[tokio::test]
async fn substitutes_and_complements_are_told_apart() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let mut ask = async |relation: i32| {
        let request = RecommendSimilarRequest { product_id: "bread".into(), relation, ..Default::default() };
        guest.recommendations.recommend_similar(request).await.map(tonic::Response::into_inner)
    };
    let complements = ask(ProductRelation::Complement.into()).await.unwrap().recommendations;
    assert_eq!(complements[0].product_id, "milk");
    assert!(complements.iter().all(|item| item.relation() == ProductRelation::Complement));
    let substitutes = ask(ProductRelation::Substitute.into()).await.unwrap().recommendations;
    let mut names: Vec<_> = substitutes.iter().map(|item| item.product_id.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["bagels", "rolls"]);
    assert!(substitutes.iter().all(|item| item.relation() == ProductRelation::Substitute));
    let both = ask(0).await.unwrap().recommendations;
    assert!(both.iter().any(|item| item.relation() == ProductRelation::Complement));
    assert_eq!(ask(9).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn what_rises_is_bought_lately_and_not_only_often() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    guest.upsert(["steady", "rising", "old"].map(|id| product(id, "A")).to_vec()).await;
    let mut events = Vec::new();
    for number in 0..30 {
        let customer = format!("c{number}");
        events.push(purchase(&customer, "steady", if number % 2 == 0 { 4 } else { 90 }));
        events.push(purchase(&customer, "old", 200));
        if number < 15 {
            events.push(purchase(&customer, "rising", 3));
        }
    }
    guest.record(events).await;
    guest.train_well().await;
    let request = RecommendPopularRequest {
        kind: PopularityKind::Trending.into(),
        ..RecommendPopularRequest::default()
    };
    let answer = guest.recommendations.recommend_popular(request).await.unwrap().into_inner();
    assert_eq!(answer.recommendations[0].product_id, "rising");
    assert!(!shown(&answer.recommendations).contains(&"old"));
    let bad = RecommendPopularRequest { kind: 7, ..RecommendPopularRequest::default() };
    let refused = guest.recommendations.recommend_popular(bad).await.unwrap_err();
    assert!(refused.message().starts_with("kind: "), "{}", refused.message());
}

#[tokio::test]
async fn customers_who_buy_alike_are_listed_within_the_tenant() {
    let house = House::open().await;
    let (mut guest, mut other) = (house.guest("shop").await, house.guest("other").await);
    guest.stock_shop().await;
    guest.train_well().await;
    other.stock_shop().await;
    other.record(vec![purchase("stranger", "bread", 1)]).await;
    other.train_well().await;
    let request = ListSimilarCustomersRequest { customer_id: "ann".into(), limit: 5 };
    let answer = guest.recommendations.list_similar_customers(request.clone()).await.unwrap().into_inner();
    let names: Vec<_> = answer.customers.iter().map(|customer| customer.customer_id.as_str()).collect();
    assert_eq!(names, ["ben"]);
    assert!((0.5..1.0).contains(&answer.customers[0].similarity), "{answer:?}");
    assert!(!answer.model_version.is_empty());
    let erase = EraseCustomerRequest { customer_id: "ben".into() };
    guest.catalog.erase_customer(erase).await.unwrap();
    let answer = guest.recommendations.list_similar_customers(request).await.unwrap().into_inner();
    assert!(answer.customers.is_empty());
}
