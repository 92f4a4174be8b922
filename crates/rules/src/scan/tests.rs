//! A message with every kind of rule, and bytes that are none.

use proptest::prelude::*;
use prost::Message as _;

use super::*;
use crate::rule::Rule;

/// Written by hand as the generator writes them.
#[derive(Clone, PartialEq, prost::Message)]
struct Asked {
    #[prost(string, tag = "1")]
    product_id: String,
    #[prost(int32, tag = "2")]
    limit: i32,
    #[prost(string, repeated, tag = "3")]
    categories: Vec<String>,
    #[prost(message, optional, boxed, tag = "4")]
    within: Option<Box<Asked>>,
    #[prost(double, optional, tag = "5")]
    weight: Option<f64>,
    #[prost(sint32, repeated, tag = "6")]
    offsets: Vec<i32>,
    #[prost(string, tag = "7")]
    free: String,
}

const BARE: Field = Field {
    number: 0,
    name: "",
    kind: Kind::Text,
    is_list: false,
    has_presence: false,
    rule: Rule::NONE,
    inner: None,
};
static ASKED: Message = Message {
    fields: &[
        Field {
            number: 1,
            name: "product_id",
            rule: Rule { required: true, max_length: 4, characters: "a-z", ..Rule::NONE },
            ..BARE
        },
        Field {
            number: 2,
            name: "limit",
            kind: Kind::Whole,
            rule: Rule { minimum: Some(1.0), maximum: Some(9.0), ..Rule::NONE },
            ..BARE
        },
        Field {
            number: 3,
            name: "categories",
            is_list: true,
            rule: Rule { max_items: 2, min_length: 1, max_length: 3, ..Rule::NONE },
            ..BARE
        },
        Field {
            number: 4,
            name: "within",
            kind: Kind::Message,
            has_presence: true,
            inner: Some(&ASKED),
            ..BARE
        },
        Field {
            number: 5,
            name: "weight",
            kind: Kind::Double,
            has_presence: true,
            rule: Rule { minimum: Some(0.5), ..Rule::NONE },
            ..BARE
        },
        Field {
            number: 6,
            name: "offsets",
            kind: Kind::ZigZag,
            is_list: true,
            rule: Rule { minimum: Some(-2.0), maximum: Some(2.0), ..Rule::NONE },
            ..BARE
        },
    ],
};

fn good() -> Asked {
    Asked { product_id: "abc".to_owned(), ..Asked::default() }
}

fn refused(asked: &Asked) -> Vec<String> {
    let told = check(&ASKED, &asked.encode_to_vec());
    told.into_iter().map(|one| format!("{}: {}", one.field, one.description)).collect()
}

#[test]
fn what_keeps_the_rules_is_let_through() {
    let whole = Asked {
        limit: 9,
        categories: vec!["été".to_owned(), "b".to_owned()],
        within: Some(Box::new(good())),
        weight: Some(0.5),
        offsets: vec![-2, 0, 2],
        free: "x".repeat(1_000),
        ..good()
    };
    assert_eq!(refused(&whole), Vec::<String>::new());
    assert_eq!(refused(&good()), Vec::<String>::new(), "what is left out need not be in a range");
}

#[test]
fn everything_that_breaks_a_rule_is_told_with_its_place() {
    let wrong = Asked {
        product_id: "A".to_owned(),
        limit: -1,
        categories: vec![String::new(), "long".to_owned()],
        within: Some(Box::new(Asked { limit: 10, ..Asked::default() })),
        weight: Some(0.0),
        offsets: vec![1, -3],
        ..Asked::default()
    };
    assert_eq!(
        refused(&wrong),
        [
            "product_id: must be 1 to 4 characters of a-z",
            "limit: must be from 1 to 9",
            "categories[0]: must be 1 to 3 characters long",
            "categories[1]: must be 1 to 3 characters long",
            "within.limit: must be from 1 to 9",
            "within.product_id: must be 1 to 4 characters of a-z",
            "weight: must be 0.5 or more",
            "offsets[1]: must be from -2 to 2",
        ]
    );
    let many = Asked { categories: vec!["a".to_owned(); 3], ..good() };
    assert_eq!(refused(&many), ["categories: must have at most 2 entries"]);
    assert_eq!(refused(&Asked { weight: Some(f64::NAN), ..good() }), ["weight: must be 0.5 or more"]);
}

#[test]
fn a_field_that_stands_twice_hides_nothing() {
    let mut bytes = Asked { product_id: "?".to_owned(), ..Asked::default() }.encode_to_vec();
    bytes.extend(good().encode_to_vec());
    assert_eq!(check(&ASKED, &bytes).len(), 1);
}

proptest! {
    #[test]
    fn bytes_that_are_no_message_are_left_to_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = check(&ASKED, &bytes);
    }

    #[test]
    fn what_is_let_through_is_within_the_rules(product_id in "[a-zA-Z]{0,6}", limit in -3_i32..12, categories in prop::collection::vec("[a-z]{0,4}", 0..4)) {
        let asked = Asked { product_id, limit, categories, ..Asked::default() };
        let fits = (1..=4).contains(&asked.product_id.len())
            && asked.product_id.bytes().all(|byte| byte.is_ascii_lowercase())
            && (0..=9).contains(&asked.limit)
            && asked.categories.len() <= 2
            && asked.categories.iter().all(|one| (1..=3).contains(&one.len()));
        prop_assert_eq!(refused(&asked).is_empty(), fits);
    }
}
