//! Each constraint by itself and in words, and the sets that are kept.

use std::sync::Arc;

use super::{Checks, FilterCache, Passing, ProductSet, Refusal};
use crate::{Expression, Filter, ProductRecord, fixtures::product};

fn cheese() -> ProductRecord {
    ProductRecord {
        allergens: vec!["Milk ".to_owned()],
        allergens_complete: true,
        diets: vec!["Vegetarian".to_owned()],
        ..product("cheese", "Dairy")
    }
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// Why the cheese is refused, in words; the fast answer must be the same.
fn why(filter: &Filter, record: &ProductRecord) -> String {
    let refusal = Checks::of(filter).why_refused(record);
    assert_eq!(Checks::of(filter).pass(record), refusal.is_none(), "{filter:?}");
    refusal.map_or_else(String::new, |refusal| refusal.to_string())
}

#[test]
fn each_constraint_refuses_in_words() {
    let all = Filter::default;
    assert_eq!(why(&all(), &cheese()), "");
    let cases = [
        (
            Filter { exclude_allergens: words(&["milk"]), ..all() },
            "contains milk, which the request excludes",
        ),
        (
            Filter { profile_allergens: words(&["MILK"]), ..all() },
            "contains MILK, which the profile of the customer excludes",
        ),
        (Filter { diets: words(&["vegan"]), ..all() }, "not known to be vegan, as the request asks for"),
        (
            Filter { profile_diets: words(&["halal"]), ..all() },
            "not known to be halal, as the profile of the customer asks for",
        ),
        (
            Filter { categories: words(&["Fruit"]), ..all() },
            "in Dairy, which is not among the categories asked for",
        ),
        (
            Filter { max_price_micros: Some(999_999), ..all() },
            "more expensive than the highest price asked for",
        ),
        (Filter { min_price_micros: Some(1_000_001), ..all() }, "cheaper than the lowest price asked for"),
        (Filter { currency: Some("EUR".to_owned()), ..all() }, "not priced in EUR"),
        (
            Filter { expression: Expression::compile("product.price > 2.0").ok().map(Arc::new), ..all() },
            "not selected by the filter product.price > 2.0",
        ),
    ];
    for (filter, sentence) in cases {
        assert_eq!(why(&filter, &cheese()), sentence);
    }
    for filter in [
        Filter { exclude_allergens: words(&["nuts"]), ..all() },
        Filter { diets: words(&[" vegetarian"]), profile_diets: words(&["VEGETARIAN"]), ..all() },
        Filter { max_price_micros: Some(1_000_000), min_price_micros: Some(1_000_000), ..all() },
    ] {
        assert_eq!(why(&filter, &cheese()), "");
    }
}

#[test]
fn unknown_allergens_are_unsafe_unless_allowed() {
    let careful = Filter { exclude_allergens: words(&["nuts"]), ..Filter::default() };
    let careless = Filter { allow_unknown_allergens: true, ..careful.clone() };
    let unknown = ProductRecord { allergens_complete: false, ..cheese() };
    let refusal = "may contain nuts, which the request excludes: not all of its allergens are known";
    assert_eq!(why(&careful, &unknown), refusal);
    assert_eq!(why(&careless, &unknown), "");
    let known = ProductRecord { allergens: words(&["Nuts"]), ..unknown };
    assert_eq!(why(&careless, &known), "contains nuts, which the request excludes");
    let umlaut = ProductRecord { allergens: words(&["NÜSSE"]), ..cheese() };
    assert!(!why(&Filter { exclude_allergens: words(&["nüsse"]), ..Filter::default() }, &umlaut).is_empty());
}

#[test]
fn what_is_not_there_or_excluded_is_refused_first() {
    let filter = Filter {
        exclude_product_ids: ["cheese".to_owned()].into(),
        in_stock_only: true,
        ..Filter::default()
    };
    assert_eq!(filter.why_refused(None), Some(Refusal::NotInCatalogue));
    assert_eq!(filter.why_refused(Some(&cheese())), Some(Refusal::Excluded));
    let gone = ProductRecord { product_id: "other".to_owned(), in_stock: false, ..cheese() };
    assert_eq!(filter.why_refused(Some(&gone)), Some(Refusal::OutOfStock));
    let hidden = ProductRecord { hidden: true, ..gone };
    assert_eq!(filter.why_refused(Some(&hidden)), Some(Refusal::Hidden));
    let unpriced = ProductRecord { price_micros: None, category: String::new(), ..cheese() };
    assert_eq!(
        why(&Filter { min_price_micros: Some(1), ..Filter::default() }, &unpriced),
        Refusal::NoPrice.to_string()
    );
    let refusal = why(&Filter { categories: words(&["Dairy"]), ..Filter::default() }, &unpriced);
    assert_eq!(refusal, "in no category, and only some are asked for");
}

#[test]
fn a_set_is_made_when_a_filter_comes_again_and_follows_changes() {
    let mut records: Vec<ProductRecord> =
        (0..130).map(|number| product(&format!("p{number}"), "Dairy")).collect();
    let mut cache = FilterCache::default();
    let filter = Filter { in_stock_only: true, ..Filter::default() };
    let set_of = |records: &[ProductRecord], checks: &Checks| {
        ProductSet::of(records.len() as u32, |product| checks.pass(&records[product as usize]))
    };
    assert!(matches!(cache.passing(&filter, |_| unreachable!("only once")), Passing::Checks(_)));
    let Passing::Set(set) = cache.passing(&filter, |checks| set_of(&records, checks)) else {
        panic!("the filter came again");
    };
    assert_eq!(set.products().collect::<Vec<_>>(), (0..130).collect::<Vec<_>>());
    drop(set);

    records[64].in_stock = false;
    cache.change(64, &records[64]);
    records.push(product("late", "Dairy"));
    cache.change(500, &records[130]);
    let Passing::Set(set) = cache.passing(&filter, |_| unreachable!("it is kept")) else {
        panic!("the filter is kept");
    };
    assert!(!set.contains(64) && set.contains(63) && set.contains(500) && !set.contains(499));
}

#[test]
fn filters_asked_for_longest_ago_are_forgotten() {
    let cache = FilterCache::default();
    let filter = |price| Filter { max_price_micros: Some(price), ..Filter::default() };
    let empty = |_: &Checks| ProductSet::default();
    for price in 0..1_000 {
        assert!(matches!(cache.passing(&filter(price), empty), Passing::Checks(_)), "{price}");
        assert!(matches!(cache.passing(&filter(0), empty), Passing::Set(_)) || price == 0);
    }
    assert!(matches!(cache.passing(&filter(1), empty), Passing::Checks(_)), "forgotten");
    assert!(matches!(cache.passing(&filter(999), empty), Passing::Set(_)), "kept");
}

#[test]
fn filters_that_differ_anywhere_are_kept_apart() {
    let all = Filter::default;
    let filters = [
        all(),
        Filter { categories: words(&["a"]), ..all() },
        Filter { categories: words(&["a", "b"]), ..all() },
        Filter { min_price_micros: Some(1), ..all() },
        Filter { max_price_micros: Some(1), ..all() },
        Filter { currency: Some("USD".to_owned()), ..all() },
        Filter { in_stock_only: true, ..all() },
        Filter { allow_unknown_allergens: true, ..all() },
        Filter { exclude_allergens: words(&["a"]), ..all() },
        Filter { profile_allergens: words(&["a"]), ..all() },
        Filter { diets: words(&["a"]), ..all() },
        Filter { profile_diets: words(&["a"]), ..all() },
        Filter { expression: Expression::compile("true").ok().map(Arc::new), ..all() },
        Filter { expression: Expression::compile("false").ok().map(Arc::new), ..all() },
    ];
    for (place, one) in filters.iter().enumerate() {
        for (other_place, other) in filters.iter().enumerate() {
            assert_eq!(Checks::of(one).are_of(other), place == other_place, "{one:?} and {other:?}");
            assert_eq!(Checks::fingerprint(one) == Checks::fingerprint(other), place == other_place);
        }
    }
}
