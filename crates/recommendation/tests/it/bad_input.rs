//! What cannot be true is refused by name, and the other rows go in.

use larder_identity::Scopes;
use larder_proto::google::r#type::Money;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::house::{House, product, purchase};

fn fields(status: &Status) -> Vec<String> {
    let violations =
        status.get_details_bad_request().map(|refusal| refusal.field_violations).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}

#[tokio::test]
async fn bad_rows_hear_why_and_good_rows_go_in() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let answer = guest
        .upsert(vec![
            product("good", "A"),
            Product {
                price: Some(Money { currency_code: "USD".into(), units: -1, nanos: 0 }),
                ..product("bad", "A")
            },
            Product { name: "x".repeat(10 << 20), ..product("long", "A") },
            product("", "A"),
            product("also-good", "A"),
        ])
        .await;
    assert_eq!((answer.accepted_count, answer.rejected_count), (2, 3));
    let verdicts: Vec<_> = answer.verdicts.iter().map(|verdict| verdict.status.as_ref().unwrap()).collect();
    let codes: Vec<_> = verdicts.iter().map(|status| status.code).collect();
    assert_eq!(codes, [0, 3, 3, 3, 0]);
    assert!(verdicts[1].message.starts_with("price.units: must be from 0"));
    assert!(verdicts[2].message.starts_with("name: must be 1 to 256"));
    assert!(verdicts[3].message.starts_with("product_id: must be 1 to 128"));
    let listed = guest.catalog.list_products(ListProductsRequest::default()).await.unwrap().into_inner();
    assert_eq!(listed.products.len(), 2);
}

#[tokio::test]
async fn a_row_too_many_refuses_the_batch_and_writes_nothing() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let rows = (0..10_001).map(|number| product(&format!("p{number}"), "A")).collect();
    let refused =
        guest.catalog.batch_upsert_products(BatchUpsertProductsRequest { products: rows }).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(fields(&refused), ["products"]);
    assert!(refused.message().contains("10000"), "{}", refused.message());
    let listed = guest.catalog.list_products(ListProductsRequest::default()).await.unwrap().into_inner();
    assert!(listed.products.is_empty());
}

#[tokio::test]
async fn ten_thousand_rows_go_in() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let rows =
        (0..10_000).map(|number| Interaction { event_id: format!("e{number}"), ..purchase("ann", "p", 1) });
    let answer = guest.record(rows.collect()).await;
    assert_eq!((answer.accepted_count, answer.duplicate_count), (10_000, 0));
}

#[tokio::test]
async fn questions_that_cannot_be_answered_name_the_field() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let ask = RecommendRequest { customer_id: "ann".into(), ..RecommendRequest::default() };
    let cases = [
        (RecommendRequest { customer_id: String::new(), ..ask.clone() }, "customer_id"),
        (RecommendRequest { limit: -1, ..ask.clone() }, "limit"),
        (RecommendRequest { limit: 1_001, ..ask.clone() }, "limit"),
        (RecommendRequest { repeat_policy: 17, ..ask.clone() }, "repeat_policy"),
    ];
    for (request, field) in cases {
        let refused = guest.recommendations.recommend(request).await.unwrap_err();
        assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec![field.to_owned()]));
    }
    for page_size in [-1, 1_001] {
        let request = ListProductsRequest { page_size, ..Default::default() };
        assert_eq!(fields(&guest.catalog.list_products(request).await.unwrap_err()), ["page_size"]);
    }
}

#[tokio::test]
async fn a_cursor_of_another_tenant_or_list_is_refused() {
    let house = House::open().await;
    let (mut mine, mut other) = (house.guest("mine").await, house.guest("other").await);
    let rows: Vec<_> = (0..3).map(|number| product(&format!("p{number}"), "A")).collect();
    mine.upsert(rows.clone()).await;
    other.upsert(rows).await;
    let first = ListProductsRequest { page_size: 1, ..Default::default() };
    let token = mine.catalog.list_products(first).await.unwrap().into_inner().next_page_token;
    let next = ListProductsRequest { page_size: 1, page_token: token.clone(), ..Default::default() };
    assert!(mine.catalog.list_products(next.clone()).await.is_ok());
    let refused = other.catalog.list_products(next.clone()).await.unwrap_err();
    assert_eq!((refused.code(), fields(&refused)), (Code::InvalidArgument, vec!["page_token".to_owned()]));
    let refiltered = ListProductsRequest { category: "A".into(), ..next };
    assert_eq!(fields(&mine.catalog.list_products(refiltered).await.unwrap_err()), ["page_token"]);
    let elsewhere = ListBudgetsRequest { page_token: token, ..Default::default() };
    assert_eq!(fields(&mine.catalog.list_budgets(elsewhere).await.unwrap_err()), ["page_token"]);
}

#[tokio::test]
async fn a_scope_that_is_missing_is_named() {
    let house = House::open().await;
    let scopes = Scopes::parse("catalog.read").unwrap();
    let mut guest = house.guest_of(house.app(), "shop", scopes).await;
    assert!(guest.catalog.list_products(ListProductsRequest::default()).await.is_ok());
    let request = BatchUpsertProductsRequest { products: vec![product("p", "A")] };
    let refused = guest.catalog.batch_upsert_products(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().contains("catalog.write"), "{}", refused.message());
}
