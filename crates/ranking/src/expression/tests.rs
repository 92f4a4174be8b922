//! What expressions say of products, what is refused and where, and that nothing can break them.

mod laws;

use super::{Expression, ExpressionCause, HIGHEST_COST, LONGEST_EXPRESSION};
use crate::{NutritionPer100g, ProductRecord};

fn oats() -> ProductRecord {
    ProductRecord {
        product_id: "p1".to_owned(),
        name: "Rolled Oats".to_owned(),
        category: "Breakfast".to_owned(),
        brand: "Hill Farm".to_owned(),
        tags: vec!["organic".to_owned(), "bulk".to_owned()],
        price_micros: Some(4_990_000),
        currency: "USD".to_owned(),
        allergens: vec!["gluten".to_owned()],
        diets: vec!["vegan".to_owned()],
        nutrition: NutritionPer100g {
            protein_g: Some(5.1),
            sodium_mg: Some(1234.56),
            ..NutritionPer100g::default()
        },
        attributes: [("origin".to_owned(), "Utah".to_owned()), ("weight g".to_owned(), "500".to_owned())]
            .into(),
        ..ProductRecord::default()
    }
}

fn says(text: &str) -> bool {
    Expression::compile(text).unwrap_or_else(|error| panic!("{text}: {error}")).matches(&oats())
}

fn refused(text: &str) -> String {
    Expression::compile(text).expect_err(text).to_string()
}

#[test]
fn a_product_is_asked_by_its_fields() {
    for yes in [
        "product.brand == \"Hill Farm\" && product.price < 5.0",
        "product.price < 5 && product.price >= 4.99",
        "product.price == 4.99 && product.currency == 'USD'",
        "'organic' in product.tags && !('milk' in product.allergens)",
        "product.category in ['Breakfast', 'Bakery']",
        "product.price in [4.99, 5]",
        "product.name.startsWith('Rolled') && product.name.endsWith('Oats') && product.name.contains('d O')",
        "product.name.lowerAscii().contains('oats')",
        "size(product.tags) == 2 && product.name.size() == 11",
        "product.tags.exists(tag, tag.startsWith('org')) && product.tags.all(tag, size(tag) > 3)",
        "product.diets.exists_one(diet, diet == 'vegan')",
        "['organic', 'local'].exists(word, word in product.tags)",
        "product.attributes.origin == 'Utah' && product.attributes[\"weight g\"] == '500'",
        "double(product.attributes['weight g']) / 100.0 == 5.0",
        "'origin' in product.attributes && product.attributes.exists(name, product.attributes[name] == 'Utah')",
        "product.nutrition.protein_g == 5.1 && product.nutrition[\"sodium_mg\"] == 1234.56",
        "product.in_stock && product.in_stock == true",
        "(product.price > 4.0 ? product.brand : product.name) == 'Hill Farm'",
        "-product.price < -4.0 && 7 / 2 == 3 && 7 % 2 == 1 && 7.0 / 2.0 == 3.5",
        "has(product.price) && has(product.brand) && has(product.nutrition.protein_g)",
        "product.id == 'p1' // the oats",
    ] {
        assert!(says(yes), "{yes}");
    }
    for no in [
        "product.brand != \"Hill Farm\"",
        "product.price > 4.99",
        "product.category in []",
        "product.tags.all(tag, tag == 'bulk')",
        "has(product.attributes.colour) || has(product.nutrition.fat_g)",
        "!product.in_stock",
    ] {
        assert!(!says(no), "{no}");
    }
}

#[test]
fn what_is_missing_does_not_match_negated_or_not() {
    for undecided in [
        "product.nutrition.fat_g < 3.0",
        "!(product.nutrition.fat_g < 3.0)",
        "product.attributes.colour == 'red'",
        "product.attributes.colour != 'red'",
        "double(product.brand) > 1.0",
        "1 / 0 == 1",
        "product.nutrition.fat_g < 3.0 && product.in_stock",
        "product.nutrition.fat_g < 3.0 == false",
    ] {
        assert!(!says(undecided), "{undecided}");
    }
    assert!(says("product.nutrition.fat_g < 3.0 || product.in_stock"), "true makes up for what is missing");
    assert!(says("!(product.nutrition.fat_g < 3.0 && !product.in_stock)"), "so does false");
    let unpriced = ProductRecord { price_micros: None, ..oats() };
    let cheap = Expression::compile("product.price < 5.0").unwrap();
    assert!(cheap.matches(&oats()) && !cheap.matches(&unpriced));
    let unknown = Expression::compile("!has(product.price)").unwrap();
    assert!(unknown.matches(&unpriced) && !unknown.matches(&oats()));
}

#[test]
fn errors_tell_the_place_and_the_cause() {
    let expected = [
        (
            "product.pric < 5.0",
            "line 1, column 8: there is no field product.pric; did you mean product.price?",
        ),
        (
            "product.in_stock &&\n  price < 5.0",
            "line 2, column 3: there is no variable price; did you mean product.price?",
        ),
        ("product.zzz == 1", "line 1, column 8: there is no field product.zzz"),
        (
            "product.nutrition.protein > 1.0",
            "line 1, column 18: there is no nutrient protein; did you mean protein_g?",
        ),
        (
            "product.name.startWith('a')",
            "line 1, column 23: there is no function startWith; did you mean startsWith?",
        ),
        ("product.price", "line 1, column 8: a condition is needed, this is a decimal number"),
        ("product.price < '5'", "line 1, column 15: a decimal number cannot be compared with a text"),
        (
            "product.tags == ['a']",
            "line 1, column 14: a list is asked with `\"word\" in product.tags` or product.tags.exists(...)",
        ),
        (
            "product.price * 2 < 5.0",
            "line 1, column 15: whole and decimal numbers cannot be calculated with together: write 2.0 for 2",
        ),
        (
            "product.name + 'x' == 'y'",
            "line 1, column 14: only numbers can be calculated with, not a text and a text",
        ),
        ("product.price <", "line 1, column 16: the expression ends too early"),
        ("product.price < < 5", "line 1, column 17: `<` cannot stand here"),
        ("product.price 5", "line 1, column 15: `5` cannot stand here"),
        ("  ", "line 1, column 3: the expression is empty"),
        ("(product.in_stock", "line 1, column 18: a bracket is not closed"),
        ("product.in_stock)", "line 1, column 17: `)` closes nothing"),
        ("product.name == 'Oats", "line 1, column 22: the text is not closed"),
        ("product.name == “Oats”", "line 1, column 17: `\\u{201c}` cannot stand here"),
        ("product.price == null", "line 1, column 18: nothing is null; has(...) asks what is known"),
        ("has(product)", "line 1, column 5: has(...) takes a field, such as has(product.price)"),
        (
            "product.tags.map(t, t) == []",
            "line 1, column 17: lists can be asked with exists(...), all(...) and exists_one(...), not changed",
        ),
        ("product.tags.exists(1, true)", "line 1, column 21: argument must be a simple name"),
        (
            "'é😀' == product.nam",
            "line 1, column 16: there is no field product.nam; did you mean product.name?",
        ),
        ("size(product) > 1", "line 1, column 5: the whole product has no size"),
        (
            "product.name.contains() ",
            "line 1, column 22: contains is not called like this: product.name.contains(\"milk\")",
        ),
    ];
    for (text, error) in expected {
        assert_eq!(refused(text), error, "{text}");
    }
}

#[test]
fn what_would_burn_time_is_refused_with_its_cost() {
    let nested = "product.tags.exists(a, product.tags.exists(b, product.tags.exists(c, a == b && b == c)))";
    let error = Expression::compile(nested).unwrap_err();
    assert!(matches!(error.cause, ExpressionCause::TooCostly { cost, limit: HIGHEST_COST } if cost > 32_768));
    assert!(error.to_string().contains("1000 are accepted"), "{error}");
    let long = format!("product.name == '{}'", "x".repeat(LONGEST_EXPRESSION));
    assert!(refused(&long).contains("2048 are accepted"));
    let sum = vec!["product.name.contains('a')"; 64].join(" || ");
    assert!(Expression::compile(&sum).is_ok_and(|expression| expression.cost() <= HIGHEST_COST));
}

#[test]
fn depth_is_refused_before_anything_recurses() {
    for (open, close) in [("(", ")"), ("[", "]"), ("{", "}"), ("!", ""), ("-", ""), ("true ? true : ", "")] {
        let text = format!("{}true{}", open.repeat(130), close.repeat(130));
        assert!(
            matches!(Expression::compile(&text).unwrap_err().cause, ExpressionCause::TooDeep { .. }),
            "{text}"
        );
    }
    for chain in [" + 1", " && true", " || 1 == 1", ".a", "[1]", " == 1", " in [1]"] {
        let text = format!("1{}", chain.repeat(2_000 / chain.len()));
        assert!(Expression::compile(&text).is_err(), "{text}");
    }
}
