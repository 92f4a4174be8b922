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

use crate::house::{House, eventually, purchase};

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
    let mut url = Url::parse(house.database.url().expose_secret()).unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(cut.address().port())).unwrap();
    house.start_with(|settings| settings.database.url = Some(SecretString::from(url.to_string()))).await;
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
    let mut url = Url::parse(house.database.url().expose_secret()).unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(cut.address().port())).unwrap();
    house.start_with(|settings| settings.database.url = Some(SecretString::from(url.to_string()))).await;
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
