//! Routes, paths, queries and bodies against the real contract and against a small one that
//! holds what the real one does not use yet.

use http::Method;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use serde_json::{Value, json};

use super::*;

fn larder() -> RouteTable {
    let pool = DescriptorPool::decode(larder_proto::FILE_DESCRIPTOR_SET).unwrap();
    RouteTable::new(routes_of(&pool).unwrap()).unwrap()
}

/// Reads a request and gives back what the upstream would get, as JSON without defaults.
fn read(table: &RouteTable, method: &str, target: &str, body: &str) -> Result<Value, BadRequest> {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let Found::Route(route, captures) = table.find(&method.parse().unwrap(), path) else {
        panic!("no route for {method} {target}")
    };
    let built = build_request(route, &captures, query, body.as_bytes())?;
    let message = DynamicMessage::decode(route.rpc.input(), built.message).unwrap();
    Ok(serde_json::to_value(&message).unwrap())
}

fn violations(result: Result<Value, BadRequest>) -> Vec<(String, String)> {
    match result {
        Err(BadRequest::Fields(fields)) => {
            fields.into_iter().map(|violation| (violation.field, violation.description)).collect()
        }
        other => panic!("expected violations, not {other:?}"),
    }
}

fn rpc_of(table: &RouteTable, method: Method, path: &str) -> String {
    match table.find(&method, path) {
        Found::Route(route, _) => route.rpc.name().to_owned(),
        Found::OtherMethods(methods) => format!("{methods:?}"),
        Found::Nothing => "nothing".into(),
    }
}

#[test]
fn the_paths_others_rely_on_are_there() {
    let table = larder();
    let expected = [
        (Method::POST, "/v1/products:batchUpsert", "BatchUpsertProducts"),
        (Method::GET, "/v1/products/p-1", "GetProduct"),
        (Method::DELETE, "/v1/products/p-1", "DeleteProduct"),
        (Method::GET, "/v1/products", "ListProducts"),
        (Method::POST, "/v1/customers/c-1:erase", "EraseCustomer"),
        (Method::POST, "/v1/promotions:batchUpsert", "BatchUpsertPromotions"),
        (Method::GET, "/v1/budgets/b", "GetBudget"),
        (Method::GET, "/v1/transactions", "ListTransactions"),
        (Method::POST, "/v1/customers:batchUpsert", "BatchUpsertCustomers"),
        (Method::POST, "/v1/interactions:batchRecord", "BatchRecordInteractions"),
        (Method::GET, "/v1/customers/c-1/recommendations", "Recommend"),
        (Method::POST, "/v1/recommendations:query", "Recommend"),
        (Method::GET, "/v1/products/p-1/similar", "RecommendSimilar"),
        (Method::GET, "/v1/recommendations/popular", "RecommendPopular"),
        (Method::POST, "/v1/models:train", "TrainModel"),
    ];
    for (method, path, rpc) in expected {
        assert_eq!(rpc_of(&table, method, path), rpc, "{path}");
    }
}

#[test]
fn unknown_paths_and_other_methods_are_told_apart() {
    let table = larder();
    assert_eq!(rpc_of(&table, Method::PUT, "/v1/products/p-1"), r#"{"DELETE", "GET"}"#);
    assert_eq!(rpc_of(&table, Method::GET, "/v1/customers/c-1:erase"), r#"{"POST"}"#);
    for path in ["/", "/v2/products", "/v1/products/", "/v1//products", "/v1/products/a/b", "v1/products"] {
        assert_eq!(rpc_of(&table, Method::GET, path), "nothing", "{path}");
    }
    assert_eq!(rpc_of(&table, Method::POST, "/v1/products:unknownVerb"), "nothing");
}

#[test]
fn a_path_fills_fields_once_it_is_decoded() {
    let table = larder();
    assert_eq!(read(&table, "GET", "/v1/products/a%20b", "").unwrap(), json!({"productId": "a b"}));
    assert_eq!(read(&table, "GET", "/v1/products/a%2Fb", "").unwrap(), json!({"productId": "a/b"}));
    assert_eq!(read(&table, "GET", "/v1/customers/x%3Aerase", "").unwrap(), json!({"customerId": "x:erase"}));
    assert_eq!(read(&table, "GET", "/v1/products/no:verb", "").unwrap(), json!({"productId": "no:verb"}));
    let refused = violations(read(&table, "GET", "/v1/products/%ff", ""));
    assert_eq!(refused[0].0, "productId");
}

#[test]
fn a_query_fills_nested_repeated_and_optional_fields() {
    let table = larder();
    let all = read(
        &table,
        "GET",
        "/v1/customers/c/recommendations?limit=3&filter.categories=fruit&filter.categories=bread\
         &filter.inStockOnly=false&filter.max_price.units=12&filter.maxPrice.currencyCode=EUR\
         &repeatPolicy=REPEAT_POLICY_ONLY",
        "",
    );
    let expected = json!({
        "customerId": "c", "limit": 3, "repeatPolicy": "REPEAT_POLICY_ONLY",
        "filter": {
            "categories": ["fruit", "bread"], "inStockOnly": false,
            "maxPrice": {"currencyCode": "EUR", "units": "12"},
        },
    });
    assert_eq!(all.unwrap(), expected);
    let once = read(&table, "GET", "/v1/recommendations/popular?filter.categories=fruit", "").unwrap();
    assert_eq!(once, json!({"filter": {"categories": ["fruit"]}}), "one value makes a list of one");
    let number = read(&table, "GET", "/v1/customers/c/recommendations?repeat_policy=2", "").unwrap();
    assert_eq!(number["repeatPolicy"], "REPEAT_POLICY_EXCLUDE");
    let plus = read(&table, "GET", "/v1/products?category=dairy+free%26raw", "").unwrap();
    assert_eq!(plus, json!({"category": "dairy free&raw"}));
    let instant = read(&table, "GET", "/v1/promotions?activeAt=2026-11-22T08:30:00Z", "").unwrap();
    assert_eq!(instant, json!({"activeAt": "2026-11-22T08:30:00Z"}));
}

#[test]
fn a_wrong_query_names_the_parameter_and_what_is_accepted() {
    let table = larder();
    let cases = [
        ("/v1/products?pageSise=3", "pageSise", "did you mean \"pageSize\""),
        ("/v1/products?page_size=three", "page_size", "a whole number"),
        ("/v1/products?page_size=1&pageSize=2", "pageSize", "more than once"),
        ("/v1/products?inStock=yes", "inStock", "true or false"),
        ("/v1/products/p?product_id=q", "product_id", "set by the path"),
        ("/v1/recommendations/popular?filter=x", "filter", "give its fields one by one"),
        ("/v1/recommendations/popular?filter.nothing=x", "filter.nothing", "no such field"),
        ("/v1/recommendations/popular?limit.x=1", "limit.x", "has no fields"),
        (
            "/v1/customers/c/recommendations?repeatPolicy=REPEAT_POLICY_ALOW",
            "repeatPolicy",
            "REPEAT_POLICY_ALLOW",
        ),
        ("/v1/promotions?activeAt=10000-01-01T00:00:00Z", "activeAt", "an instant from"),
        ("/v1/products?category=%zz", "category", "escape"),
    ];
    for (target, field, description) in cases {
        let refused = violations(read(&table, "GET", target, ""));
        assert_eq!(refused[0].0, field, "{target}");
        assert!(refused[0].1.contains(description), "{target}: {}", refused[0].1);
    }
    let refused = violations(read(&table, "POST", "/v1/recommendations:query?limit=3", "{}"));
    assert!(refused[0].1.contains("from the body"));
}

#[test]
fn a_body_is_proto_json() {
    let table = larder();
    let body =
        r#"{"customer_id": "c", "limit": "5", "filter": {"maxPrice": {"units": 3}}, "repeatPolicy": 1}"#;
    let read_body = read(&table, "POST", "/v1/recommendations:query", body).unwrap();
    assert_eq!(read_body["customerId"], "c");
    assert_eq!(read_body["limit"], 5);
    assert_eq!(read_body["filter"]["maxPrice"]["units"], "3");
    assert_eq!(read(&table, "POST", "/v1/recommendations:query", "  ").unwrap(), json!({}));
    let both = read(&table, "POST", "/v1/customers/c:erase", r#"{"customerId": "c"}"#).unwrap();
    assert_eq!(both, json!({"customerId": "c"}));
    let refused = violations(read(&table, "POST", "/v1/customers/c:erase", r#"{"customerId": "d"}"#));
    assert_eq!(refused[0].0, "customerId");
}

#[test]
fn a_wrong_body_names_every_field() {
    let table = larder();
    let body = r#"{"custmerId": "c", "limit": "many", "filter": {"categories": "fruit", "inStockOnly": 1,
        "minPrice": {"units": 1.5}}, "repeatPolicy": "REPEAT_POLICY_ALLOWED"}"#;
    let mut refused = violations(read(&table, "POST", "/v1/recommendations:query", body));
    refused.sort();
    insta::assert_json_snapshot!(refused);
}

#[test]
fn malformed_json_tells_where() {
    let table = larder();
    let refused = read(&table, "POST", "/v1/recommendations:query", "{\n  \"limit\": 3,,\n}").unwrap_err();
    let BadRequest::Malformed { line, column, .. } = refused else { panic!("{refused:?}") };
    assert_eq!((line, column), (2, 14));
    let deep = "[".repeat(100_000);
    assert!(matches!(
        read(&table, "POST", "/v1/recommendations:query", &deep),
        Err(BadRequest::Malformed { .. })
    ));
    assert!(read(&table, "POST", "/v1/recommendations:query", "{} trailing").is_err());
    assert!(read(&table, "POST", "/v1/recommendations:query", "null").is_err());
}

#[test]
fn an_unreadable_row_of_a_batch_leaves_the_others_in() {
    let table = larder();
    let body = json!({"interactions": [
        {"eventId": "e-0", "customerId": "c", "productId": "p", "kind": "INTERACTION_KIND_VIEW"},
        {"eventId": "e-1", "kind": "INTERACTION_KIND_STARE"},
        {"eventId": "e-2", "occurredAt": "10000-01-01T00:00:00Z"},
        "not a row",
    ]})
    .to_string();
    let Found::Route(route, captures) = table.find(&Method::POST, "/v1/interactions:batchRecord") else {
        panic!()
    };
    let built = build_request(route, &captures, None, body.as_bytes()).unwrap();
    let message = DynamicMessage::decode(route.rpc.input(), built.message).unwrap();
    let sent = serde_json::to_value(&message).unwrap();
    assert_eq!(sent["interactions"][0]["eventId"], "e-0");
    assert_eq!(sent["interactions"][1], json!({}), "an empty row keeps the place");
    assert_eq!(built.refused_rows.len(), 3);

    let upstream = json!({"verdicts": [
        {"index": 0, "status": {}},
        {"index": 1, "status": {"code": 3, "message": "event_id is empty"}},
        {"index": 2, "status": {"code": 3, "message": "event_id is empty"}},
        {"index": 3, "status": {"code": 3, "message": "event_id is empty"}},
    ], "acceptedCount": 1, "rejectedCount": 3});
    let answer = DynamicMessage::deserialize(route.rpc.output(), &upstream).unwrap().encode_to_vec();
    let written = write_answer(route, &answer, &built.refused_rows).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    insta::assert_json_snapshot!(written);
}

#[test]
fn what_is_not_a_batch_of_rows_is_refused_whole() {
    let table = larder();
    for body in [r#"{"interactions": 3}"#, r#"{"interaction": []}"#, r#"{"interactions": [], "x": 1}"#] {
        violations(read(&table, "POST", "/v1/interactions:batchRecord", body));
    }
}

#[test]
fn answers_carry_their_defaults_and_64_bit_numbers_as_strings() {
    let table = larder();
    let Found::Route(route, _) = table.find(&Method::GET, "/v1/models") else { panic!() };
    let empty: Value = serde_json::from_slice(&write_answer(route, b"", &[]).unwrap()).unwrap();
    assert_eq!(empty, json!({"models": [], "nextPageToken": ""}));
    let answer = json!({"models": [{"modelVersion": "m", "productCount": "9007199254740993"}]});
    let answer = DynamicMessage::deserialize(route.rpc.output(), &answer).unwrap().encode_to_vec();
    let written: Value = serde_json::from_slice(&write_answer(route, &answer, &[]).unwrap()).unwrap();
    assert_eq!(written["models"][0]["productCount"], "9007199254740993");
    assert_eq!(written["models"][0]["promoted"], false);
    assert!(written["models"][0].get("trainedAt").is_none(), "an absent message stays absent");
}

mod laws {
    //! Whatever a client sends, reading it ends in a request or in a refusal that says something.

    use proptest::prelude::*;

    use super::*;

    const TARGETS: [(&str, &str); 4] = [
        ("GET", "/v1/customers/c/recommendations"),
        ("GET", "/v1/promotions"),
        ("POST", "/v1/recommendations:query"),
        ("POST", "/v1/interactions:batchRecord"),
    ];

    fn attempt(table: &RouteTable, method: &str, path: &str, query: Option<&str>, body: &[u8]) {
        let Found::Route(route, captures) = table.find(&method.parse().unwrap(), path) else { return };
        match build_request(route, &captures, query, body) {
            Ok(built) => {
                DynamicMessage::decode(route.rpc.input(), built.message).unwrap();
            }
            Err(BadRequest::Malformed { reason, .. }) => assert!(!reason.is_empty()),
            Err(BadRequest::Fields(violations)) => {
                assert!(!violations.is_empty());
                for violation in violations {
                    assert!(!violation.description.is_empty());
                    assert!(violation.description.len() + violation.field.len() < 4096, "{violation:?}");
                }
            }
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            Just("interactions".to_owned()),
            Just("filter".to_owned()),
            Just("customerId".to_owned()),
            Just("occurredAt".to_owned()),
            Just("maxPrice".to_owned()),
            Just("kind".to_owned()),
            ".{0,12}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,24}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(name.clone(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_path_is_found_or_not(method in "[A-Z]{1,7}", path in "(/[a-z0-9:%{}*.]{0,9}){0,6}", odd in ".{0,40}") {
            let table = larder();
            attempt(&table, &method, &path, None, b"");
            attempt(&table, "GET", &odd, None, b"");
            attempt(&table, "GET", &format!("/v1/products/{odd}"), None, b"");
        }

        #[test]
        fn any_query_is_read_or_refused(
            names in prop::collection::vec("(limit|filter[.](categories|maxPrice|maxPrice[.]units|inStockOnly)|activeAt|repeatPolicy|.{0,9})", 0..5),
            values in prop::collection::vec(".{0,16}", 5),
            at in 0..TARGETS.len(),
        ) {
            let pairs: Vec<String> = names.iter().zip(&values).map(|(name, value)| format!("{name}={value}")).collect();
            attempt(&larder(), TARGETS[at].0, TARGETS[at].1, Some(&pairs.join("&")), b"{}");
        }

        #[test]
        fn any_bytes_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..200), at in 0..TARGETS.len()) {
            attempt(&larder(), TARGETS[at].0, TARGETS[at].1, None, &body);
        }

        #[test]
        fn any_json_is_read_or_refused(body in json(), at in 0..TARGETS.len()) {
            attempt(&larder(), TARGETS[at].0, TARGETS[at].1, None, body.to_string().as_bytes());
        }

        #[test]
        fn any_row_gets_a_place(rows in prop::collection::vec(json(), 0..8)) {
            let table = larder();
            let Found::Route(route, captures) = table.find(&Method::POST, "/v1/interactions:batchRecord") else {
                panic!()
            };
            let count = rows.len();
            let body = json!({ "interactions": rows }).to_string();
            let built = build_request(route, &captures, None, body.as_bytes()).unwrap();
            let sent = DynamicMessage::decode(route.rpc.input(), built.message).unwrap();
            let rows = sent.get_field_by_name("interactions").unwrap().as_list().unwrap().len();
            prop_assert_eq!(rows, count);
        }
    }
}
