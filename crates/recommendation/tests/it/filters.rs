//! Filters that are not plain: allergens, diets, and expressions that parse or do not.

use larder_proto::google::r#type::Money;
use larder_proto::larder::catalog::v1::*;
use larder_proto::larder::recommendation::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::house::{Guest, House, ids, product};

async fn ask(guest: &mut Guest, filter: RecommendationFilter) -> Result<RecommendResponse, Status> {
    let request =
        RecommendRequest { customer_id: "ann".into(), filter: Some(filter), ..RecommendRequest::default() };
    guest.recommendations.recommend(request).await.map(tonic::Response::into_inner)
}

fn expression(text: &str) -> RecommendationFilter {
    RecommendationFilter { expression: text.into(), ..RecommendationFilter::default() }
}

async fn shop(house: &House) -> Guest {
    let mut guest = house.guest("shop").await;
    guest.stock_shop().await;
    let price = |units| Some(Money { currency_code: "USD".into(), units, nanos: 0 });
    guest
        .upsert(vec![
            Product { brand: "Hill Farm".into(), price: price(4), ..product("bread", "Bakery") },
            Product { brand: "Hill Farm".into(), price: price(9), ..product("milk", "Dairy") },
            Product {
                allergens: vec!["gluten".into()],
                allergens_complete: true,
                diets: vec!["vegan".into()],
                ..product("rolls", "Bakery")
            },
        ])
        .await;
    guest
}

#[tokio::test]
async fn expressions_allergens_and_diets_choose() {
    let house = House::open().await;
    let mut guest = shop(&house).await;
    let cheap = expression("product.brand == \"Hill Farm\" && product.price < 5.0");
    assert_eq!(ids(&ask(&mut guest, cheap).await.unwrap()), ["bread"]);
    let exclude = |allergen: &str| RecommendationFilter {
        exclude_allergens: vec![allergen.into()],
        ..RecommendationFilter::default()
    };
    assert_eq!(ids(&ask(&mut guest, exclude("milk")).await.unwrap()), ["rolls"], "the rest is not known");
    let lenient = RecommendationFilter { allow_unknown_allergens: true, ..exclude("gluten") };
    let answer = ask(&mut guest, lenient).await.unwrap();
    let mut shown = ids(&answer);
    shown.sort_unstable();
    assert_eq!(shown, ["butter", "cheese", "milk"], "bread and bagels are called so");
    let vegan = RecommendationFilter { diets: vec!["VEGAN".into()], ..RecommendationFilter::default() };
    assert_eq!(ids(&ask(&mut guest, vegan).await.unwrap()), ["rolls"]);
}

#[tokio::test]
async fn a_filter_that_selects_nothing_is_no_error_and_says_why() {
    let house = House::open().await;
    let mut guest = shop(&house).await;
    for filter in [expression("product.price > 1000.0"), expression("false")] {
        let answer = ask(&mut guest, filter).await.unwrap();
        assert!(answer.recommendations.is_empty());
        assert!(!answer.degraded_reason.is_empty());
    }
    guest.train_well().await;
    let answer = ask(&mut guest, expression("false")).await.unwrap();
    assert_eq!(answer.degraded_reason, "the filter excludes every product");
}

#[tokio::test]
async fn expressions_that_do_not_parse_or_cost_too_much_name_place_and_cause() {
    let house = House::open().await;
    let mut guest = shop(&house).await;
    let costly = "product.tags.exists(a, product.tags.exists(b, product.tags.exists(c, a == b && b == c)))";
    let long = format!("product.name == \"{}\"", "x".repeat(3_000));
    let cases = [
        ("product.price <", "line 1"),
        ("product.pric < 5.0", "column 8"),
        ("product.price + 1", ""),
        (costly, "1000 are accepted"),
        (long.as_str(), "2048 are accepted"),
    ];
    for (text, told) in cases {
        let Err(refused) = ask(&mut guest, expression(text)).await else {
            panic!("must be refused: {}", &text[..text.len().min(40)])
        };
        assert_eq!(refused.code(), Code::InvalidArgument);
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "filter.expression");
        assert!(violations[0].description.contains(told), "{}", violations[0].description);
    }
}
