//! The evaluator answers as the interpreter of the `cel` crate does, and no text does harm.

use std::collections::BTreeMap;

use cel::{Context, Program, Value};
use proptest::prelude::*;
use serde::Serialize;

use crate::{
    Expression, NutritionPer100g, ProductRecord,
    expression::fields::{NUTRIENTS, nutrient_of, price_of},
};

/// The product as the interpreter sees it: what is not known is not in the map.
#[derive(Serialize)]
struct Seen<'a> {
    id: &'a str,
    name: &'a str,
    category: &'a str,
    brand: &'a str,
    currency: &'a str,
    in_stock: bool,
    tags: &'a [String],
    allergens: &'a [String],
    diets: &'a [String],
    attributes: &'a BTreeMap<String, String>,
    nutrition: BTreeMap<&'a str, f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<f64>,
}

fn as_value(product: &ProductRecord) -> Value {
    let known = |place: usize| nutrient_of(&product.nutrition, place).map(|value| (NUTRIENTS[place], value));
    let seen = Seen {
        id: &product.product_id,
        name: &product.name,
        category: &product.category,
        brand: &product.brand,
        currency: &product.currency,
        in_stock: product.in_stock,
        tags: &product.tags,
        allergens: &product.allergens,
        diets: &product.diets,
        attributes: &product.attributes,
        nutrition: (0..8).filter_map(known).collect(),
        price: price_of(product),
    };
    cel::to_value(seen).expect("texts, numbers and lists are values")
}

fn any_product() -> impl Strategy<Value = ProductRecord> {
    let word = || prop::sample::select(vec!["", "a", "ab", "b", "Ba", "é"]).prop_map(str::to_owned);
    let words = move || prop::collection::vec(word(), 0..4);
    let attributes = prop::collection::btree_map(
        prop::sample::select(vec!["a", "b"]).prop_map(str::to_owned),
        prop::sample::select(vec!["a", "1.5", "ab", ""]).prop_map(str::to_owned),
        0..3,
    );
    let nutrients = prop::array::uniform8(prop::option::of(0u8..4));
    (word(), word(), words(), words(), prop::option::of(0i64..4), any::<bool>(), attributes, nutrients)
        .prop_map(|(name, brand, tags, allergens, price, in_stock, attributes, nutrients)| ProductRecord {
            product_id: "ab".to_owned(),
            name,
            brand,
            diets: tags.clone(),
            tags,
            allergens,
            price_micros: price.map(|price| price * 500_000),
            in_stock,
            attributes,
            nutrition: NutritionPer100g::from_values(
                nutrients.map(|value| value.map(|value| f32::from(value) / 2.0)),
            ),
            ..ProductRecord::default()
        })
}

/// A text, or a variable where one stands.
fn any_text(variable: Option<&'static str>) -> BoxedStrategy<String> {
    let plain = prop::sample::select(vec![
        "'a'",
        "'ab'",
        "''",
        "'é'",
        "product.name",
        "product.brand",
        "product.id",
        "product.attributes.a",
        "product.attributes['b']",
    ]);
    let by_name = Just("product.attributes[product.name]".to_owned());
    match variable {
        None => prop_oneof![9 => plain.prop_map(str::to_owned), 1 => by_name].boxed(),
        Some(name) => prop_oneof![plain.prop_map(str::to_owned), Just(name.to_owned())].boxed(),
    }
}

fn any_decimal() -> BoxedStrategy<String> {
    let leaf = prop::sample::select(vec![
        "0.0",
        "0.5",
        "1.5",
        "-1.0",
        "product.price",
        "product.nutrition.fat_g",
        "product.nutrition['protein_g']",
        "double(product.attributes.b)",
    ]);
    let combined = |inner: BoxedStrategy<String>| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/"]);
        (inner.clone(), operator, inner)
            .prop_map(|(one, operator, other)| format!("({one} {operator} {other})"))
    };
    leaf.prop_map(str::to_owned).prop_recursive(2, 6, 2, combined).boxed()
}

fn any_whole() -> BoxedStrategy<String> {
    let leaf = prop::sample::select(vec![
        "0",
        "1",
        "2",
        "-3",
        "size(product.tags)",
        "size(product.name)",
        "product.tags.size()",
    ]);
    let combined = |inner: BoxedStrategy<String>| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
        (inner.clone(), operator, inner)
            .prop_map(|(one, operator, other)| format!("({one} {operator} {other})"))
    };
    leaf.prop_map(str::to_owned).prop_recursive(2, 6, 2, combined).boxed()
}

fn any_comparison(variable: Option<&'static str>) -> BoxedStrategy<String> {
    let operator = || prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let compare = |(one, operator, other): (String, &str, String)| format!("{one} {operator} {other}");
    let number = || prop_oneof![any_decimal(), any_whole()];
    let text = move || any_text(variable);
    let test = prop::sample::select(vec!["startsWith", "endsWith", "contains"]);
    let list = || {
        prop::sample::select(vec![
            "product.tags",
            "product.allergens",
            "['a', 'é']",
            "[]",
            "product.attributes",
        ])
    };
    prop_oneof![
        (number(), operator(), number()).prop_map(compare),
        (text(), operator(), text()).prop_map(compare),
        (text(), list()).prop_map(|(text, list)| format!("{text} in {list}")),
        (number(), text()).prop_map(|(number, _)| format!("{number} in [0, 1, 1.5]")),
        (text(), test, text()).prop_map(|(one, test, other)| format!("{one}.{test}({other})")),
        prop::sample::select(vec![
            "product.in_stock",
            "true",
            "false",
            "has(product.price)",
            "has(product.attributes.a)",
            "has(product.nutrition.fat_g)",
            "'fat_g' in product.nutrition",
        ])
        .prop_map(str::to_owned),
    ]
    .boxed()
}

fn any_condition() -> BoxedStrategy<String> {
    let quantified = (
        prop::sample::select(vec!["product.tags", "product.allergens", "['a', 'b']", "product.attributes"]),
        prop::sample::select(vec!["exists", "all", "exists_one"]),
        any_comparison(Some("it")),
    )
        .prop_map(|(list, quantifier, body)| format!("{list}.{quantifier}(it, {body})"));
    let leaf = prop_oneof![3 => any_comparison(None), 1 => quantified];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("!({inner})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} && {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} || {other})")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("(({one}) == ({other}))")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(test, one, other)| format!("({test} ? {one} : {other})")),
        ]
    })
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_interpreter_says_the_same(text in any_condition(), products in prop::collection::vec(any_product(), 4)) {
        let expression = match Expression::compile(&text) {
            Ok(expression) => expression,
            Err(error) => {
                prop_assert!(error.to_string().contains("accepted"), "{}: {}", text, error);
                return Ok(());
            }
        };
        let program = Program::compile(&text).unwrap();
        for product in &products {
            let mut context = Context::default();
            context.add_variable_from_value("product", as_value(product));
            let answer = program.execute(&context);
            let expected = matches!(answer, Ok(Value::Bool(true)));
            prop_assert_eq!(expression.matches(product), expected, "{} on {:?}: {:?}", text, product, answer);
        }
    }

    #[test]
    fn no_text_does_harm(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "product", ".", "price", "tags", "name", "(", ")", "[", "]", "{", "}", "!", "-", "+", "*", "/", "%", "?",
            ":", "<", "==", "&&", "||", " in ", "'a'", "\"", "'", "\\", "5", "5.0", "1e308", "9999999999999999999",
            "u", "exists", "all", "has", "size", "x", ",", "\n", " ", "//", "é", "💥", "\u{0}", "null", "true", "b'a'",
            "attributes", "nutrition", "r'\\'", "'''", "`", "0x", "map", "filter", "@", "#", "=", "&", ";",
        ]), 0..60),
    ) {
        let text = pieces.concat();
        match Expression::compile(&text) {
            Ok(expression) => {
                expression.matches(&ProductRecord::default());
            }
            Err(error) => {
                prop_assert!(error.line >= 1 && error.column >= 1);
                prop_assert!(!error.cause.to_string().is_empty());
            }
        }
    }

    #[test]
    fn no_string_does_harm(text in "\\PC{0,200}") {
        let _ = Expression::compile(&text);
    }
}
