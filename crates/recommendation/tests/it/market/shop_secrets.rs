//! Tokens at rest: sealed, of no use to another tenant, and sealed anew under another key while shops are being
//! fetched from.

use std::collections::BTreeSet;

use larder_connectors::secrets::KeyRing;
use larder_proto::larder::market::v1::*;
use larder_proto::larder::operation::v1::OperationState;
use larder_recommendation::{SCHEMA, migrator, rotate_secrets};
use larder_testkit::TestDatabase;
use larder_testkit::stand_in::square::SquareStandIn;
use sqlx::PgPool;

use super::square;
use super::stand::{connect, key, sync, synced, with_square};
use crate::house::{Guest, House, pass_s};

const TENANTS: usize = 24;

async fn vendors(house: &House) -> Vec<Guest> {
    let mut guests = Vec::new();
    for number in 0..TENANTS {
        let mut guest = house.guest(&format!("vendor-{number}")).await;
        let markets = vec![Market { square_location_id: "L1".to_owned(), ..square() }];
        guest.market.batch_upsert_markets(BatchUpsertMarketsRequest { markets }).await.unwrap();
        connect(&mut guest).await;
        synced(&mut guest).await;
        guests.push(guest);
    }
    guests
}

async fn key_ids(admin: &PgPool) -> BTreeSet<String> {
    let ids: Vec<String> =
        sqlx::query_scalar("select key_id from recommendation.connections").fetch_all(admin).await.unwrap();
    ids.into_iter().collect()
}

#[tokio::test]
async fn tokens_lie_sealed_and_open_for_their_tenant_alone() {
    let stand_in = SquareStandIn::open("2026-12-01T00:00:00Z").await;
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let house = House::open_with(database, |settings| with_square(settings, &stand_in, &key("one", 1))).await;
    let admin = house.database.admin_pool();
    for tenant in ["mine", "other"] {
        connect(&mut house.guest(tenant).await).await;
    }
    let sealed: Vec<String> = sqlx::query_scalar("select sealed_tokens from recommendation.connections")
        .fetch_all(&admin)
        .await
        .unwrap();
    assert!(sealed.iter().all(|text| text.starts_with("v1.one.") && !text.contains("access")), "{sealed:?}");
    // Somebody who may write the table puts one tenant's tokens in another's row: they open for nobody.
    sqlx::query(
        "update recommendation.connections set sealed_tokens =
             (select sealed_tokens from recommendation.connections where tenant_id = 'other')
         where tenant_id = 'mine'",
    )
    .execute(&admin)
    .await
    .unwrap();
    let stolen = sync(&mut house.guest("mine").await, SyncSalesRequest::default()).await;
    assert_eq!(stolen.state(), OperationState::Failed, "{stolen:?}");
    assert!(!format!("{stolen:?}").contains("access"), "{stolen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_exchanged_while_shops_are_fetched_from() {
    let stand_in = SquareStandIn::open("2026-12-01T00:00:00Z").await;
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let (old, new) = (key("one", 1), key("two", 77));
    let mut house = House::open_with(database, |settings| with_square(settings, &stand_in, &old)).await;
    drop(vendors(&house).await);
    let admin = house.database.admin_pool();
    assert_eq!(key_ids(&admin).await, BTreeSet::from(["one".to_owned()]));

    // The new key seals, the old one still opens. Every token is due to be renewed while the rotation runs.
    house.stop().await;
    let both = format!("{new},{old}");
    house.start_with(|settings| with_square(settings, &stand_in, &both)).await;
    pass_s(8 * 86_400);
    let mut at_work = Vec::new();
    for number in 0..TENANTS {
        let mut guest = house.guest(&format!("vendor-{number}")).await;
        at_work.push(tokio::spawn(async move {
            for _ in 0..3 {
                let operation = sync(&mut guest, SyncSalesRequest::default()).await;
                assert_eq!(operation.state(), OperationState::Succeeded, "{operation:?}");
            }
        }));
    }
    let worker = house.database.worker_pool(SCHEMA);
    let ring = KeyRing::parse(&both.clone().into()).unwrap();
    let rotation = rotate_secrets(&worker, &ring, 3, |_| {}).await.unwrap();
    assert_eq!(rotation.unopened, []);
    for work in at_work {
        work.await.expect("nothing fails meanwhile");
    }
    assert_eq!(key_ids(&admin).await, BTreeSet::from(["two".to_owned()]), "{rotation:?}");
    let again = rotate_secrets(&worker, &ring, 3, |_| {}).await.unwrap();
    assert_eq!((again.resealed, again.unopened.len()), (0, 0), "there is nothing left to do");

    // The old key is taken out, and everything goes on.
    house.stop().await;
    house.start_with(|settings| with_square(settings, &stand_in, &new)).await;
    for number in 0..TENANTS {
        synced(&mut house.guest(&format!("vendor-{number}")).await).await;
    }
}

#[tokio::test]
async fn a_rotation_that_is_broken_off_goes_on_and_names_what_no_key_opens() {
    let stand_in = SquareStandIn::open("2026-12-01T00:00:00Z").await;
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    let (old, new) = (key("one", 1), key("two", 77));
    let house = House::open_with(database, |settings| with_square(settings, &stand_in, &old)).await;
    drop(vendors(&house).await);
    let admin = house.database.admin_pool();
    sqlx::query("update recommendation.connections set sealed_tokens = replace(sealed_tokens, 'v1.one.', 'v1.lost.'), key_id = 'lost' where tenant_id = 'vendor-3'")
        .execute(&admin)
        .await
        .unwrap();
    let ring = KeyRing::parse(&format!("{new},{old}").into()).unwrap();
    let worker = house.database.worker_pool(SCHEMA);
    // Dropped in the middle: after the first batch nobody waits for the rest.
    let told = tokio::sync::Notify::new();
    tokio::select! {
        biased;
        () = told.notified() => {}
        done = rotate_secrets(&worker, &ring, 5, |_| told.notify_one()) => panic!("it was to be broken off: {done:?}"),
    }
    assert_eq!(key_ids(&admin).await.len(), 3, "some are done, some are not, one is lost");
    let rest = rotate_secrets(&worker, &ring, 5, |_| {}).await.unwrap();
    assert_eq!(rest.unopened.len(), 1, "{rest:?}");
    assert_eq!(rest.unopened[0].0, "vendor-3");
    assert!(rest.unopened[0].1.contains("`lost`, which is not in the ring"), "{rest:?}");
    assert_eq!(key_ids(&admin).await, BTreeSet::from(["lost".to_owned(), "two".to_owned()]));
}
