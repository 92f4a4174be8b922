//! The file as operators get it wrong, the layers as they lie on one another, and the schema.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::*;

fn taken(file: &Value) -> ModelSettings {
    let settings = ModelSettings::built_in(&RecommendationSettings::default(), 0);
    assert_eq!(settings.take(Ok(file.to_string().into_bytes()), 7), Reading::TakenUp);
    settings
}

fn refusal(file: &Value) -> String {
    check_model_settings(file.to_string().as_bytes()).unwrap_err()
}

#[test]
fn without_a_file_the_defaults_are_in_force() {
    let settings = ModelSettings::built_in(&RecommendationSettings::default(), 5);
    let in_force = settings.in_force("shop");
    assert_eq!(in_force.settings.placements[DEFAULT_PLACEMENT], Placement::default());
    assert_eq!((in_force.checksum_sha256.as_str(), in_force.loaded_at_us), ("", 5));
    assert_eq!(in_force.refused_because, None);
}

#[test]
fn a_place_has_what_the_default_says_but_for_its_own() {
    let settings = taken(&json!({
        "training": {"factors": 32, "ranker": {"trees": 40}},
        "placements": {
            "default": {"limit": 5, "diversity": 0.25},
            "home": {"diversity": 0.5, "category_caps": [{"max_count": 2}]},
        },
        "tenants": {"acme": {
            "training": {"ranker": {"leaves": 15}},
            "placements": {"default": {"limit": 7}, "cart": {"rotation": 1}},
        }},
    }));
    let (everybody, acme) = (settings.of("anybody"), settings.of("acme"));
    let home = &everybody.placements["home"];
    assert_eq!((home.limit, home.diversity, home.category_caps[0].max_count), (5, 0.5, 2));
    assert!(!everybody.placements.contains_key("cart"), "a place of acme alone");
    let (home, cart) = (&acme.placements["home"], &acme.placements["cart"]);
    assert_eq!((home.limit, home.diversity), (7, 0.5));
    assert_eq!((cart.limit, cart.diversity, cart.rotation), (7, 0.25, 1.0));
    let ranker = &acme.training.ranker;
    assert_eq!((acme.training.factors, ranker.trees, ranker.leaves), (32, 40, 15));
    assert_eq!(everybody.training.ranker.leaves, 31);
}

#[test]
fn the_file_has_the_last_word_over_the_settings_of_the_service() {
    let service = RecommendationSettings {
        popularity_half_life_days: 3.0,
        personal_half_life_days: 4.0,
        ..RecommendationSettings::default()
    };
    let settings = ModelSettings::built_in(&service, 0);
    assert_eq!(settings.of("shop").training.popularity_half_life_days, 3.0);
    let file = json!({
        "training": {"popularity_half_life_days": 5},
        "tenants": {"acme": {"training": {"popularity_half_life_days": 6}}},
    });
    assert_eq!(settings.take(Ok(file.to_string().into_bytes()), 7), Reading::TakenUp);
    let days = |tenant: &str| {
        let training = settings.of(tenant).training.clone();
        (training.popularity_half_life_days, training.personal_half_life_days)
    };
    assert_eq!((days("shop"), days("acme")), ((5.0, 4.0), (6.0, 4.0)));
}

#[test]
fn where_places_are_configured_no_other_name_is_known() {
    let asked = |file: &Value, name: &str| {
        let (settings, mut fields) = (taken(file), Fields::default());
        let limit = settings.of("shop").placement(&mut fields, "placement", name).limit;
        fields.finish(limit).map_err(|error| error.to_string())
    };
    let file = json!({"placements": {"default": {"limit": 4}, "home": {"limit": 2}}});
    assert_eq!((asked(&file, ""), asked(&file, "default"), asked(&file, "home")), (Ok(4), Ok(4), Ok(2)));
    assert_eq!(
        asked(&file, "hom").unwrap_err(),
        "placement: must be a placement of the model settings: default, home"
    );
    assert_eq!(asked(&json!({"placements": {"default": {"limit": 4}}}), "anywhere"), Ok(4));
}

#[test]
fn a_broken_file_names_the_field_and_leaves_the_old_one_in_force() {
    let settings = taken(&json!({"placements": {"default": {"limit": 3}}}));
    let broken = json!({"placements": {"default": {"limit": 3, "diversity": 1.5}}}).to_string().into_bytes();
    let Reading::Refused(cause) = settings.take(Ok(broken.clone()), 9) else { panic!("must be refused") };
    assert_eq!(cause, "placements.default.diversity: must be a number from 0 to 1");
    assert_eq!(settings.take(Ok(broken), 10), Reading::Unchanged, "it is told once");
    let in_force = settings.in_force("shop");
    assert_eq!((in_force.settings.placements[DEFAULT_PLACEMENT].limit, in_force.loaded_at_us), (3, 7));
    assert_eq!(in_force.refused_because, Some(cause));
    let mended = json!({"placements": {"default": {"limit": 3}}}).to_string().into_bytes();
    assert_eq!(settings.take(Ok(mended), 11), Reading::TakenUp, "the file of before is whole again");
    assert_eq!(settings.in_force("shop").refused_because, None);
}

#[test]
fn a_file_that_is_gone_is_refused_once() {
    let settings = taken(&json!({}));
    let gone = || Err(std::io::Error::from(std::io::ErrorKind::NotFound));
    assert!(matches!(settings.take(gone(), 1), Reading::Refused(cause) if cause.contains("cannot be read")));
    assert_eq!(settings.take(gone(), 2), Reading::Unchanged);
}

#[test]
fn errors_name_the_path() {
    let cases = [
        (json!({"placement": {}}), "placement: unknown field `placement`"),
        (json!({"placements": {"home": {"limit": "ten"}}}), "placements.home.limit: invalid type"),
        (json!({"placements": {"a b": {}}}), "placements.a b: must be 1 to 64 characters"),
        (json!({"training": {"ranker": {"target": "soon"}}}), "training.ranker.target: unknown variant"),
        (json!({"training": {"factors": 300}}), "training.factors: must be a whole number from 0 to 256"),
        (
            json!({"tenants": {"acme": {"training": {"ranker": {"trees": 0}}}}}),
            "tenants.acme.training.ranker.trees: ",
        ),
        (
            json!({"nutrition": {"guideline": "who-1990"}}),
            "nutrition.guideline: must be one of dri, who-2023",
        ),
        (
            json!({"nutrition": {"goals": {"version": 2, "floor_female_kcal": 900}}}),
            "nutrition.goals.floor_female_kcal: 900",
        ),
        (
            json!({"nutrition": {"guidelines": [{"name": "own", "version": 1, "title": "", "source": "", "rules": [
                {"nutrient": "fibre", "bound": "at_least", "amount": {"per_day": -3}},
            ]}]}}),
            "nutrition.guidelines[0].rules[0].amount.per_day: -3",
        ),
        (
            json!({"nutrition": {"score_models": [{"name": "own", "terms": [
                {"measure": "sodium_per_100g", "worst": 1, "best": 1, "weight": 1},
            ]}]}}),
            "nutrition.score_models[0].terms[0].best: 1",
        ),
        (json!({"tenants": {"no tenant": {}}}), "tenants.no tenant: must be the id of a tenant"),
        (
            json!({"placements": {"home": {"boosts": [{"expression": "", "strength": 1}]}}}),
            "placements.home.boosts[0].expression: must be 1 to 2048",
        ),
        (
            json!({"placements": {"home": {"boosts": [{"expression": "product.pric < 5.0", "strength": 1}]}}}),
            "placements.home.boosts[0].expression: line 1, column 8: there is no field",
        ),
    ];
    for (file, start) in cases {
        let refusal = refusal(&file);
        assert!(refusal.starts_with(start), "{refusal}");
    }
    let cut = check_model_settings(br#"{"training": {"#).unwrap_err();
    assert!(cut.contains("EOF while parsing"), "{cut}");
}

/// Puts a value at a path of fields.
fn at(path: &[&str], value: Value) -> Value {
    path.iter().rev().fold(
        value,
        |value, field| {
            if *field == "[]" { json!([value]) } else { json!({*field: value}) }
        },
    )
}

#[test]
fn the_schema_tells_the_ranges_that_are_checked() {
    let schema = schema();
    let sections: [(&str, &[&str], Value); 6] = [
        ("Training", &["training"], json!({})),
        ("Ranker", &["training", "ranker"], json!({})),
        ("Evaluation", &["training", "evaluation"], json!({})),
        ("Placement", &["placements", "home"], json!({})),
        ("CategoryCap", &["placements", "home", "category_caps", "[]"], json!({"max_count": 1})),
        ("Boost", &["placements", "home", "boosts", "[]"], json!({"expression": "true", "strength": 1})),
    ];
    let mut bounds = 0;
    for (name, path, others) in sections {
        for (field, of) in schema["$defs"][name]["properties"].as_object().unwrap() {
            for (bound, outside) in [("minimum", -1), ("maximum", 1)] {
                let Some(inside) = of[bound].as_f64() else { continue };
                bounds += 1;
                let is_whole = of["type"] == "integer";
                let with = |value: f64| {
                    let mut section = others.clone();
                    section[field] = if is_whole { json!(value as i64) } else { json!(value) };
                    check_model_settings(at(path, section).to_string().as_bytes())
                };
                assert_eq!(with(inside), Ok(()), "{name}.{field} {bound}");
                let step = if is_whole { 1.0 } else { 0.001 };
                let refusal = with(inside + step * f64::from(outside)).unwrap_err();
                assert!(refusal.contains(field), "{name}.{field} {bound}: {refusal}");
            }
        }
    }
    assert!(bounds >= 34, "only {bounds} bounds were tried");
}

fn in_docs(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(path)
}

#[test]
fn the_committed_schema_is_fresh() {
    let path = in_docs("reference/model-settings.schema.json");
    let fresh = format!("{:#}\n", schema());
    if std::env::var_os("LARDER_UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "docs/reference/model-settings.schema.json is stale; write it with `cargo xtask gen`"
    );
    assert_eq!(schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn the_example_is_whole_and_shows_every_setting() {
    let example = std::fs::read(in_docs("examples/model-settings.example.json")).unwrap();
    assert_eq!(check_model_settings(&example), Ok(()));
    let example: Value = serde_json::from_slice(&example).unwrap();
    let schema = schema();
    let default = &example["placements"][DEFAULT_PLACEMENT];
    for (name, shown) in
        [("Training", &example["training"]), ("Placement", default), ("Nutrition", &example["nutrition"])]
    {
        let told: BTreeSet<_> = schema["$defs"][name]["properties"].as_object().unwrap().keys().collect();
        let shown: BTreeSet<_> = shown.as_object().unwrap().keys().collect();
        assert_eq!(shown, told, "{name}");
    }
}
