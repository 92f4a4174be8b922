//! Products, customers, promotions and budgets: what goes in comes out.

use std::collections::BTreeMap;

use larder_proto::google::r#type::{Date, Money};
use larder_proto::larder::catalog::v1::*;
use tonic::Code;

use crate::house::{House, product};

fn money(units: i64) -> Option<Money> {
    Some(Money { currency_code: "USD".into(), units, nanos: 500_000_000 })
}

#[tokio::test]
async fn a_product_comes_back_as_it_went_in() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let sent = Product {
        product_id: "Milk-2.1_a~b".into(),
        name: "Milk, 2 %".into(),
        category: "Dairy".into(),
        brand: "Farm".into(),
        tags: vec!["fresh".into(), "organic \"A\"".into()],
        price: money(3),
        in_stock: Some(false),
        package_size: "1 GAL".into(),
        nutrition_per_100g: Some(Nutrition {
            energy_kcal: Some(50.0),
            sugars_g: Some(0.0),
            ..Nutrition::default()
        }),
        allergens: vec!["milk".into()],
        allergens_complete: true,
        diets: vec!["vegetarian".into(), "halal".into()],
        attributes: BTreeMap::from([("shelf".into(), "3".into())]),
        ..Product::default()
    };
    let answer = guest.upsert(vec![sent.clone()]).await;
    assert_eq!((answer.accepted_count, answer.rejected_count), (1, 0));
    let request = GetProductRequest { product_id: sent.product_id.clone() };
    let mut got = guest.catalog.get_product(request).await.unwrap().into_inner().product.unwrap();
    assert!(got.created_at.take().is_some() && got.updated_at.take().is_some());
    assert_eq!(got, sent);
}

#[tokio::test]
async fn a_customer_comes_back_as_it_went_in() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let sent = Customer {
        customer_id: "ann".into(),
        name: "Ann".into(),
        profile: Some(CustomerProfile {
            birth_date: Some(Date { year: 1990, month: 2, day: 28 }),
            sex: Sex::Female.into(),
            height_cm: Some(170.5),
            weight_kg: None,
            activity_level: ActivityLevel::Moderate.into(),
            goal: NutritionGoal::GainMuscle.into(),
            diets: vec!["vegan".into()],
            allergens: vec!["peanuts".into()],
            ..CustomerProfile::default()
        }),
        attributes: BTreeMap::from([("city".into(), "Durban".into())]),
        ..Customer::default()
    };
    let request = BatchUpsertCustomersRequest { customers: vec![sent.clone()] };
    guest.catalog.batch_upsert_customers(request).await.unwrap();
    let request = GetCustomerRequest { customer_id: "ann".into() };
    let mut got = guest.catalog.get_customer(request).await.unwrap().into_inner().customer.unwrap();
    assert!(got.created_at.take().is_some() && got.updated_at.take().is_some());
    assert_eq!(got, sent);
    guest.catalog.delete_customer(DeleteCustomerRequest { customer_id: "ann".into() }).await.unwrap();
    let request = GetCustomerRequest { customer_id: "ann".into() };
    assert_eq!(guest.catalog.get_customer(request).await.unwrap_err().code(), Code::NotFound);
    let listed = guest.catalog.list_customers(ListCustomersRequest::default()).await.unwrap().into_inner();
    assert!(listed.customers.is_empty());
}

#[tokio::test]
async fn promotions_and_budgets_come_back_and_go() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 1_000 });
    let promotion = Promotion {
        promotion_id: "spring".into(),
        name: "Spring".into(),
        product_ids: vec!["bread".into()],
        categories: vec!["Dairy".into()],
        discount_percent: 12.5,
        starts_at: at(1_000),
        ends_at: at(2_000),
        ..Promotion::default()
    };
    let request = BatchUpsertPromotionsRequest { promotions: vec![promotion.clone()] };
    guest.catalog.batch_upsert_promotions(request).await.unwrap();
    let request = GetPromotionRequest { promotion_id: "spring".into() };
    let got = guest.catalog.get_promotion(request).await.unwrap().into_inner().promotion.unwrap();
    assert_eq!(Promotion { created_at: None, updated_at: None, ..got }, promotion);
    for (active_at, count) in [(1_500, 1), (999, 0), (2_001, 0)] {
        let request = ListPromotionsRequest { active_at: at(active_at), ..Default::default() };
        let listed = guest.catalog.list_promotions(request).await.unwrap().into_inner();
        assert_eq!(listed.promotions.len(), count, "{active_at}");
    }
    guest.catalog.delete_promotion(DeletePromotionRequest { promotion_id: "spring".into() }).await.unwrap();
    let request = DeletePromotionRequest { promotion_id: "spring".into() };
    assert_eq!(guest.catalog.delete_promotion(request).await.unwrap_err().code(), Code::NotFound);

    let budget = Budget {
        budget_id: "march".into(),
        name: "March".into(),
        customer_id: "ann".into(),
        amount: money(100),
        starts_on: Some(Date { year: 2026, month: 3, day: 1 }),
        ends_on: Some(Date { year: 2026, month: 3, day: 31 }),
        ..Budget::default()
    };
    let request = BatchUpsertBudgetsRequest { budgets: vec![budget.clone()] };
    guest.catalog.batch_upsert_budgets(request).await.unwrap();
    let request = GetBudgetRequest { budget_id: "march".into() };
    let got = guest.catalog.get_budget(request).await.unwrap().into_inner().budget.unwrap();
    assert_eq!(Budget { created_at: None, updated_at: None, ..got }, budget);
    let request = ListBudgetsRequest { customer_id: "ben".into(), ..Default::default() };
    assert!(guest.catalog.list_budgets(request).await.unwrap().into_inner().budgets.is_empty());
    guest.catalog.delete_budget(DeleteBudgetRequest { budget_id: "march".into() }).await.unwrap();
}

#[tokio::test]
async fn pages_cover_every_product_once_and_respect_filters() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let products = (0..57).map(|number| Product {
        in_stock: Some(number % 2 == 0),
        ..product(&format!("p-{number:03}"), if number % 3 == 0 { "A" } else { "B" })
    });
    guest.upsert(products.collect()).await;
    let (mut token, mut seen) = (String::new(), Vec::new());
    loop {
        let request = ListProductsRequest { page_size: 10, page_token: token, ..Default::default() };
        let page = guest.catalog.list_products(request).await.unwrap().into_inner();
        seen.extend(page.products.into_iter().map(|product| product.product_id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let expected: Vec<_> = (0..57).map(|number| format!("p-{number:03}")).collect();
    assert_eq!(seen, expected);
    let request = ListProductsRequest { category: "A".into(), in_stock: Some(true), ..Default::default() };
    let filtered = guest.catalog.list_products(request).await.unwrap().into_inner().products;
    assert_eq!(filtered.len(), 10);
}

#[tokio::test]
async fn the_last_row_of_an_id_wins_within_a_batch() {
    let house = House::open().await;
    let mut guest = house.guest("shop").await;
    let second = Product { name: "Second".into(), ..product("p", "A") };
    let answer = guest.upsert(vec![product("p", "A"), second]).await;
    assert_eq!(answer.accepted_count, 2);
    let request = GetProductRequest { product_id: "p".into() };
    let got = guest.catalog.get_product(request).await.unwrap().into_inner().product.unwrap();
    assert_eq!(got.name, "Second");
}
