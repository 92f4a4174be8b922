//! The database goes away and comes back: reads go on and say so, writes are refused with
//! a time to try again, and all heals by itself.

use std::net::SocketAddr;
use std::time::Duration;

use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use larder_recommendation::{SCHEMA, migrator};
use larder_testkit::{NetworkCut, TestDatabase};
use secrecy::{ExposeSecret, SecretString};
use tonic::Code;
use tonic_types::StatusExt;
use url::Url;

use crate::house::{Guest, House, eventually, ids, product, purchase};

/// A house whose way to the database can be cut.
async fn house_behind_a_cut() -> (House, NetworkCut) {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let mut url = Url::parse(database.url().expose_secret()).unwrap();
    let upstream = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let upstream: SocketAddr = tokio::net::lookup_host(upstream).await.unwrap().next().unwrap();
    let cut = NetworkCut::before(upstream).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(cut.address().port())).unwrap();
    let through = SecretString::from(url.to_string());
    let house = House::open_with(database, |settings| {
        settings.database.url = Some(through);
        settings.database.acquire_timeout = Duration::from_millis(300);
    })
    .await;
    (house, cut)
}

/// Starts a service that was stopped, again behind the cut.
async fn start_behind(house: &mut House, cut: &NetworkCut) {
    let mut url = Url::parse(house.database.url().expose_secret()).unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(cut.address().port())).unwrap();
    house.start_with(|settings| settings.database.url = Some(SecretString::from(url.to_string()))).await;
}

#[tokio::test]
async fn reads_go_on_and_writes_say_when_to_try_again() {
    let (house, cut) = house_behind_a_cut().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    guest.train_well().await;
    let whole = guest.recommend("ann").await;
    assert!(!whole.degraded);

    cut.cut();
    eventually("answers say that they are degraded", || {
        let mut guest = guest.clone();
        async move { guest.recommend("ann").await.degraded }
    })
    .await;
    let degraded = guest.recommend("ann").await;
    assert_eq!(degraded.recommendations, whole.recommendations);
    assert!(degraded.degraded_reason.contains("database"), "{}", degraded.degraded_reason);
    let request = BatchRecordInteractionsRequest { interactions: vec![purchase("ann", "rolls", 0)] };
    let refused = guest.catalog.batch_record_interactions(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.get_details_retry_info().and_then(|info| info.retry_delay).is_some());
    assert!(!refused.message().contains("127.0.0.1"), "{}", refused.message());

    cut.mend();
    eventually("answers are whole again", || {
        let mut guest = guest.clone();
        async move { !guest.recommend("ann").await.degraded }
    })
    .await;
    let recorded = guest.catalog.batch_record_interactions(request).await.unwrap().into_inner();
    assert_eq!(recorded.accepted_count, 1);
}

#[tokio::test]
async fn a_start_without_the_database_serves_what_served_last_and_nothing_newer() {
    let (mut house, cut) = house_behind_a_cut().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let version = guest.train_well().await;
    let kept = TrainModelRequest { keep_back: true, ..TrainModelRequest::default() };
    let mut stream = guest.recommendations.train_model(kept).await.unwrap().into_inner();
    while stream.message().await.unwrap().is_some() {}
    house.stop().await;
    cut.cut();
    start_behind(&mut house, &cut).await;
    let mut guest = house.guest("shop").await;
    assert_eq!(guest.recommend("ann").await.model_version, version);
}

#[tokio::test]
async fn a_start_without_the_database_serves_what_lies_on_disk() {
    let (mut house, cut) = house_behind_a_cut().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let version = guest.train_well().await;
    house.stop().await;
    cut.cut();
    start_behind(&mut house, &cut).await;
    let mut guest = house.guest("shop").await;
    let answer = guest.recommend("ann").await;
    assert_eq!(answer.model_version, version);
    assert!(answer.degraded);
    cut.mend();
    eventually("it catches up", || {
        let mut guest = guest.clone();
        async move { !guest.recommend("ann").await.degraded }
    })
    .await;
}

#[tokio::test]
async fn what_is_shown_without_the_database_is_written_down_when_it_is_back() {
    let (house, cut) = house_behind_a_cut().await;
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    cut.cut();
    let arrangement = Arrangement { exploration: Some(0.5), ..Arrangement::default() };
    let request = RecommendRequest {
        customer_id: "ann".into(),
        arrangement: Some(arrangement),
        ..RecommendRequest::default()
    };
    for _ in 0..20 {
        let waited =
            tokio::time::timeout(Duration::from_secs(5), guest.recommendations.recommend(request.clone()));
        assert!(!waited.await.unwrap().unwrap().into_inner().recommendations.is_empty());
    }
    let admin = house.database.admin_pool();
    let written = || async {
        let count = sqlx::query_scalar::<_, i64>("select count(*) from recommendation.exposures");
        count.fetch_one(&admin).await.unwrap()
    };
    assert_eq!(written().await, 0, "this test proves nothing: the database was not away");
    cut.mend();
    eventually("they are written", || async { written().await == 20 }).await;
}

/// Trains a shop of breads and milks, and tells of an allergy and of a label that changed after that.
async fn shop_with_an_allergy(guest: &mut Guest) {
    guest.stock_shop().await;
    let labelled = |id: &str, allergens: &[&str]| Product {
        allergens: allergens.iter().map(|word| (*word).to_owned()).collect(),
        allergens_complete: true,
        ..product(id, "Bakery")
    };
    guest.upsert(vec![labelled("bread", &[]), labelled("rolls", &[]), labelled("milk", &["milk"])]).await;
    guest.train_well().await;
    guest.upsert(vec![labelled("rolls", &["milk"])]).await;
    let profile = CustomerProfile { allergens: vec!["milk".into()], ..CustomerProfile::default() };
    let ann = Customer { customer_id: "ann".into(), profile: Some(profile), ..Customer::default() };
    let request = BatchUpsertCustomersRequest { customers: vec![ann] };
    guest.catalog.batch_upsert_customers(request).await.unwrap();
}

#[tokio::test]
async fn a_start_without_the_database_keeps_to_profiles_and_labels() {
    let (mut house, cut) = house_behind_a_cut().await;
    let mut guest = house.guest("shop").await;
    shop_with_an_allergy(&mut guest).await;
    assert_eq!(ids(&guest.recommend("ann").await), ["bread"]);
    house.stop().await;
    cut.cut();
    start_behind(&mut house, &cut).await;
    let mut guest = house.guest("shop").await;
    let answer = guest.recommend("ann").await;
    assert_eq!(ids(&answer), ["bread"], "the rolls have held milk since the model was trained");
    let reason = &answer.degraded_reason;
    assert!(answer.degraded && reason.ends_with("with the profiles of 2026-03-01T12:00:00Z"), "{reason}");
    let request = RankProductsRequest {
        customer_id: "ann".into(),
        product_ids: vec!["milk".into(), "bread".into()],
        ..RankProductsRequest::default()
    };
    let ranked = guest.recommendations.rank_products(request).await.unwrap().into_inner();
    assert_eq!(ranked.left_out[0].product_id, "milk");
    assert!(guest.recommend("ben").await.recommendations.len() > 1, "nothing is forbidden to him");
    cut.mend();
    eventually("it catches up", || {
        let mut guest = guest.clone();
        async move { !guest.recommend("ann").await.degraded }
    })
    .await;
    assert_eq!(ids(&guest.recommend("ann").await), ["bread"]);
}

#[tokio::test]
async fn nobody_is_answered_by_name_while_profiles_are_unknown() {
    let (mut house, cut) = house_behind_a_cut().await;
    let mut guest = house.guest("shop").await;
    shop_with_an_allergy(&mut guest).await;
    house.stop().await;
    cut.cut();
    let kept = house.folder.path().join("snapshots/shop/facts");
    let whole = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, &whole[..whole.len() / 2]).unwrap();
    start_behind(&mut house, &cut).await;
    let mut guest = house.guest("shop").await;
    let request = RecommendRequest { customer_id: "ann".into(), ..RecommendRequest::default() };
    let refused = guest.recommendations.recommend(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(refused.get_details_error_info().unwrap().reason, "PROFILES_UNKNOWN");
    assert!(refused.get_details_retry_info().and_then(|info| info.retry_delay).is_some());
    let request = RecommendNextBasketRequest { customer_id: "ann".into(), ..Default::default() };
    assert_eq!(
        guest.recommendations.recommend_next_basket(request).await.unwrap_err().code(),
        Code::Unavailable
    );
    let health = house.health().await;
    assert!(health.contains("the profiles of tenant shop are not known"), "{health}");

    let profile = CustomerProfile { allergens: vec!["milk".into()], ..CustomerProfile::default() };
    let request = RecommendForSessionRequest { profile: Some(profile), ..Default::default() };
    let own_word = guest.recommendations.recommend_for_session(request).await.unwrap().into_inner();
    assert_eq!(own_word.recommendations[0].product_id, "bread", "who says it themselves is answered");
    cut.mend();
    eventually("she is answered again", || {
        let mut guest = guest.clone();
        let request = RecommendRequest { customer_id: "ann".into(), ..RecommendRequest::default() };
        async move {
            let answer = guest.recommendations.recommend(request).await;
            answer.is_ok_and(|answer| ids(answer.get_ref()) == ["bread"])
        }
    })
    .await;
}
