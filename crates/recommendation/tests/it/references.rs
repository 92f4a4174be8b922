//! Interactions that name what is not in the catalogue: kept and linked later, or refused.

use larder_proto::larder::catalog::v1::*;
use larder_recommendation::{SCHEMA, migrator};
use larder_settings::UnknownReferences;
use larder_testkit::TestDatabase;
use tonic::Code;
use tonic_types::StatusExt;

use crate::house::{Guest, House, ids, product, purchase};

async fn strict_house() -> House {
    let database = TestDatabase::create(&[(SCHEMA, &migrator())]).await;
    House::open_with(database, |settings| {
        settings.recommendation.unknown_references = UnknownReferences::Refuse;
    })
    .await
}

async fn know(guest: &mut Guest, customer_id: &str) {
    let customer = Customer { customer_id: customer_id.into(), ..Customer::default() };
    let request = BatchUpsertCustomersRequest { customers: vec![customer] };
    guest.catalog.batch_upsert_customers(request).await.unwrap();
}

/// The fields that the verdict of a row names.
fn refused_fields(verdict: &larder_proto::larder::batch::v1::RowVerdict) -> Vec<String> {
    let status = verdict.status.as_ref().unwrap();
    let bytes = prost::Message::encode_to_vec(status).into();
    let status = tonic::Status::with_details(Code::from_i32(status.code), &status.message, bytes);
    let violations = status.get_details_bad_request().map(|refusal| refusal.field_violations);
    violations.unwrap_or_default().into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn unknown_products_and_customers_are_kept_and_linked_when_they_appear() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let answer = guest.record(vec![purchase("stranger", "bread", 3)]).await;
    assert_eq!((answer.accepted_count, answer.rejected_count), (1, 0));
    assert!(guest.recommend("stranger").await.recommendations.is_empty(), "no product to show yet");
    guest.upsert(vec![product("bread", "Bakery"), product("rolls", "Bakery")]).await;
    let linked = guest.recommend("stranger").await;
    assert_eq!(ids(&linked)[0], "bread", "the purchase of before counts");
}

#[tokio::test]
async fn unknown_references_are_refused_by_name_where_the_settings_say_so() {
    let house = strict_house().await;
    let mut guest = house.guest("shop").await;
    guest.upsert(vec![product("bread", "Bakery"), product("gone", "Bakery")]).await;
    guest.catalog.delete_product(DeleteProductRequest { product_id: "gone".into() }).await.unwrap();
    know(&mut guest, "ann").await;
    let rows = vec![
        purchase("ann", "bread", 1),
        purchase("ann", "nothing", 1),
        purchase("nobody", "bread", 1),
        purchase("nobody", "gone", 1),
        Interaction { kind: 0, ..purchase("nobody", "nothing", 2) },
    ];
    let answer = guest.record(rows.clone()).await;
    assert_eq!((answer.accepted_count, answer.rejected_count), (1, 4));
    let named: Vec<_> = answer.verdicts.iter().map(refused_fields).collect();
    let expected: [&[&str]; 5] =
        [&[], &["product_id"], &["customer_id"], &["customer_id", "product_id"], &["kind"]];
    assert_eq!(named, expected);
    let stream = tokio_stream::iter(
        rows.into_iter().map(|interaction| StreamInteractionsRequest { interaction: Some(interaction) }),
    );
    let streamed = guest.catalog.stream_interactions(stream).await.unwrap().into_inner();
    assert_eq!((streamed.accepted_count, streamed.rejected_count, streamed.duplicate_count), (1, 4, 1));
}

#[tokio::test]
async fn another_tenants_products_are_unknown() {
    let house = strict_house().await;
    let (mut owner, mut other) = (house.guest("owner").await, house.guest("other").await);
    owner.upsert(vec![product("bread", "Bakery")]).await;
    know(&mut owner, "ann").await;
    let answer = other.record(vec![purchase("ann", "bread", 1)]).await;
    assert_eq!(refused_fields(&answer.verdicts[0]), ["customer_id", "product_id"]);
}

#[tokio::test]
async fn times_in_the_future_are_refused_and_duplicates_counted_once() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let answer = guest.record(vec![purchase("ann", "bread", -1), purchase("ann", "bread", -2)]).await;
    assert_eq!((answer.accepted_count, answer.rejected_count), (1, 1));
    assert_eq!(refused_fields(&answer.verdicts[1]), ["occurred_at"]);
    let twice = guest.record(vec![purchase("ann", "bread", -1), purchase("ann", "bread", -1)]).await;
    assert_eq!((twice.accepted_count, twice.duplicate_count), (2, 2));
    let request = ListTransactionsRequest::default();
    let listed = guest.catalog.list_transactions(request).await.unwrap().into_inner();
    assert_eq!(listed.transactions.len(), 1);
}
