//! Evaluations against the published answers of flagd's test bed (`gherkin/targeting.feature`, integer buckets), and what a
//! file of flags is refused for.

use serde_json::json;

use super::*;

const NOW_S: u64 = 1_800_000_000;

/// A set of one flag `name` with this rule.
fn set(name: &str, variants: &[&str], default: Option<&str>, targeting: Value) -> FlagSet {
    let variants: Map<String, Value> =
        variants.iter().map(|variant| ((*variant).to_owned(), json!(variant))).collect();
    let mut flag = json!({"state": "ENABLED", "variants": variants, "targeting": targeting});
    if let Some(default) = default {
        flag["defaultVariant"] = json!(default);
    }
    FlagSet::parse(&json!({"flags": {name: flag}}).to_string()).unwrap()
}

fn user(name: &str) -> Context {
    Context::default().with("user", json!({"name": name}))
}

const SUITS: [&str; 4] = ["clubs", "diamonds", "hearts", "spades"];

fn buckets(seed: Value) -> Value {
    let mut of: Vec<Value> = vec![seed];
    of.extend(SUITS.iter().map(|suit| json!([suit, 25])));
    json!({ "fractional": of })
}

#[test]
fn rollouts_fall_as_flagd_has_them() {
    let seed = json!({"cat": [{"var": "$flagd.flagKey"}, {"var": "user.name"}]});
    let flags = set("fractional-flag", &SUITS, Some("clubs"), buckets(seed));
    for (name, suit) in [("jack", "hearts"), ("queen", "spades"), ("ten", "clubs"), ("nine", "diamonds")] {
        let found = flags.evaluate("fractional-flag", &user(name), NOW_S);
        assert_eq!((found.value, found.reason), (json!(suit), Reason::TargetingMatch), "{name}");
    }
    // A seed of one's own keeps a user in the same share of several flags.
    let seed = json!({"cat": ["shared-seed", {"var": "user.name"}]});
    let flags = set("fractional-flag-A-shared-seed", &SUITS, Some("clubs"), buckets(seed));
    for (name, suit) in [("seven", "hearts"), ("eight", "diamonds"), ("nine", "clubs"), ("two", "spades")] {
        let found = flags.evaluate("fractional-flag-A-shared-seed", &user(name), NOW_S);
        assert_eq!(found.value, json!(suit), "{name}");
    }
}

#[test]
fn the_edges_of_the_hash_fall_on_the_side_flagd_has_them() {
    let rule = json!({"fractional": [{"var": "targetingKey"}, ["lower", 50], ["upper", 50]]});
    let flags = set("edge", &["lower", "upper"], Some("lower"), rule);
    let keys = [
        ("ejOoVL", "lower"),
        ("bY9fO-", "lower"),
        ("SI7p-", "lower"),
        ("6LvT0", "upper"),
        ("ceQdGm", "upper"),
    ];
    for (key, side) in keys {
        assert_eq!(flags.evaluate("edge", &Context::of(key), NOW_S).value, json!(side), "{key}");
    }
}

#[test]
fn a_rollout_takes_about_its_share_and_growing_it_moves_nobody_out() {
    let share = |percent: u32| {
        let rule = json!({"fractional": [["on", percent], ["off", 100 - percent]]});
        set("new-model", &["on", "off"], Some("off"), rule)
    };
    let (tenth, half) = (share(10), share(50));
    let is_on = |flags: &FlagSet, number: usize| {
        flags.evaluate("new-model", &Context::of(format!("customer-{number}")), NOW_S).variant == "on"
    };
    let on: Vec<usize> = (0..10_000).filter(|number| is_on(&tenth, *number)).collect();
    assert!((850..1_150).contains(&on.len()), "{} of 10,000", on.len());
    assert!(on.iter().all(|number| is_on(&half, *number)));
}

#[test]
fn texts_versions_and_tenants_are_matched_as_flagd_has_it() {
    let rule = json!({"if": [
        {"starts_with": [{"var": "id"}, "abc"]}, "prefix", {"ends_with": [{"var": "id"}, "xyz"]}, "postfix", "none"]});
    let flags = set("ends", &["prefix", "postfix", "none"], Some("none"), rule);
    for (id, variant) in
        [("abcdef", "prefix"), ("uvwxyz", "postfix"), ("abcxyz", "prefix"), ("lmnopq", "none")]
    {
        assert_eq!(
            flags.evaluate("ends", &Context::default().with("id", id), NOW_S).variant,
            variant,
            "{id}"
        );
    }
    let rule = json!({"if": [
        {"sem_ver": [{"var": "version"}, "=", "2.0.0"]}, "equal",
        {"sem_ver": [{"var": "version"}, ">", "2.0.0"]}, "greater",
        {"sem_ver": [{"var": "version"}, "<", "2.0.0"]}, "lesser", "none"]});
    let flags = set("version", &["equal", "greater", "lesser", "none"], Some("none"), rule);
    let versions = [
        ("2.0.0", "equal"),
        ("v2.0.0", "equal"),
        ("2.1.0", "greater"),
        ("1.9.0", "lesser"),
        ("2.0.0-alpha", "lesser"),
    ];
    for (version, variant) in versions {
        let found = flags.evaluate("version", &Context::default().with("version", version), NOW_S);
        assert_eq!(found.variant, variant, "{version}");
    }
    let rule = json!({"if": [{"in": [{"var": "tenant"}, ["bakery", "orchard"]]}, "on", null]});
    let flags = set("tenants", &["on", "off"], Some("off"), rule);
    let of = |tenant: &str| flags.evaluate("tenants", &Context::default().with("tenant", tenant), NOW_S);
    assert_eq!((of("bakery").variant.as_str(), of("bakery").reason), ("on", Reason::TargetingMatch));
    assert_eq!((of("dairy").variant.as_str(), of("dairy").reason), ("off", Reason::Default));
}

#[test]
fn the_time_is_the_one_that_is_handed_in() {
    let rule = json!({"if": [{">": [{"var": "$flagd.timestamp"}, 1_800_000_000]}, "after", "before"]});
    let flags = set("begins", &["after", "before"], Some("before"), rule);
    assert_eq!(flags.evaluate("begins", &Context::default(), NOW_S).variant, "before");
    assert_eq!(flags.evaluate("begins", &Context::default(), NOW_S + 1).variant, "after");
}

#[test]
fn what_cannot_be_told_leaves_the_value_to_whoever_asks() {
    let text = json!({"metadata": {"team": "shop", "version": 1}, "flags": {
        "off": {"state": "DISABLED", "variants": {"a": true}, "defaultVariant": "a"},
        "static": {"state": "ENABLED", "variants": {"a": 7}, "defaultVariant": "a", "targeting": {},
                   "metadata": {"version": 2}},
        "free": {"state": "ENABLED", "variants": {"a": 7}},
        "lost": {"state": "ENABLED", "variants": {"a": 7}, "defaultVariant": "a", "targeting": {"if": [true, "b"]}},
        "boolean": {"state": "ENABLED", "variants": {"true": 1, "false": 0}, "defaultVariant": "false",
                    "targeting": {"==": [{"var": "a"}, 1]}},
    }});
    let flags = FlagSet::parse(&text.to_string()).unwrap();
    let of = |name: &str| flags.evaluate(name, &Context::default().with("a", 1), NOW_S);
    assert_eq!((of("off").value, of("off").reason), (Value::Null, Reason::Disabled));
    assert_eq!((of("static").value, of("static").reason), (json!(7), Reason::Static));
    assert_eq!(of("static").metadata, *json!({"team": "shop", "version": 2}).as_object().unwrap());
    assert_eq!((of("free").value, of("free").reason, of("free").error), (Value::Null, Reason::Default, None));
    assert_eq!((of("lost").value, of("lost").error), (Value::Null, Some(ErrorCode::General)));
    assert_eq!((of("boolean").value, of("boolean").variant.as_str()), (json!(1), "true"));
    assert_eq!((of("gone").value, of("gone").error), (Value::Null, Some(ErrorCode::FlagNotFound)));
}

#[test]
fn rules_that_are_shared_are_put_in_and_circles_are_refused() {
    let text = |evaluators: Value, rule: Value| {
        json!({"$evaluators": evaluators, "flags": {"f": {"state": "ENABLED", "variants": {"hi": "hi", "bye": "bye"},
               "defaultVariant": "bye", "targeting": rule}}})
        .to_string()
    };
    let rule = json!({"if": [{"$ref": "ours"}, "hi", "bye"]});
    let ours = json!({"ours": {"in": ["@macrosoft.com", {"var": "email"}]}});
    let flags = FlagSet::parse(&text(ours, rule.clone())).unwrap();
    let found = flags.evaluate("f", &Context::default().with("email", "ballmer@macrosoft.com"), NOW_S);
    assert_eq!(found.variant, "hi");
    for (evaluators, told) in [
        (json!({}), "$ref \"ours\" is not there"),
        (json!({"ours": {"!": {"$ref": "ours"}}}), "goes in a circle"),
        (json!({"ours": {"$ref": "theirs"}, "theirs": {"$ref": "ours"}}), "goes in a circle"),
    ] {
        let refused = FlagSet::parse(&text(evaluators, rule.clone())).map(drop).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
}

#[test]
fn each_refusal_names_the_flag_and_what_is_accepted() {
    let one = |flag: Value| json!({"flags": {"f": flag}}).to_string();
    for (text, told) in [
        ("{".to_owned(), "is no JSON"),
        ("[]".to_owned(), "has no object \"flags\""),
        (one(json!({"variants": {"a": 1}})), "missing field `state`"),
        (one(json!({"state": "ON", "variants": {"a": 1}})), "unknown variant `ON`"),
        (one(json!({"state": "ENABLED", "variants": {}})), "accepted is at least one"),
        (one(json!({"state": "ENABLED", "variants": {"a": 1, "b": "x"}})), "accepted are values of one type"),
        (one(json!({"state": "ENABLED", "variants": {"a": null}})), "accepted values are booleans"),
        (
            one(json!({"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "b"})),
            "accepted is one of a",
        ),
        (
            one(json!({"state": "ENABLED", "variants": {"a": 1}, "targeting": 7})),
            "accepted is a rule of JSONLogic",
        ),
        (one(json!({"state": "ENABLED", "variants": {"a": 1}, "target": {}})), "unknown field `target`"),
    ] {
        let refused = FlagSet::parse(&text).map(drop).unwrap_err().to_string();
        assert!(refused.contains(told), "{text}: {refused}");
    }
}
