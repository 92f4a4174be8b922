//! For tests of readers: every way to make one value of a document strange. Whatever an outside service sends, a
//! reader answers or refuses; it never panics and never lets a number through that cannot be.

use serde_json::{Value, json};

/// The document with one value after the other removed or replaced.
pub(crate) fn variants(document: &Value) -> Vec<Value> {
    let mut paths = Vec::new();
    collect(document, String::new(), &mut paths);
    let strange = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1e300),
        json!(""),
        json!("2026-13-45T99:99:99Z"),
        json!("ü—😀"),
        json!([]),
        json!([null]),
        json!({}),
    ];
    let mut variants = Vec::new();
    for path in &paths {
        for value in &strange {
            let mut variant = document.clone();
            if let Some(place) = variant.pointer_mut(path) {
                *place = value.clone();
            }
            variants.push(variant);
        }
        variants.extend(without(document, path));
    }
    variants
}

fn collect(value: &Value, path: String, paths: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                collect(field, format!("{path}/{name}"), paths);
            }
        }
        Value::Array(rows) => {
            for (at, row) in rows.iter().enumerate() {
                collect(row, format!("{path}/{at}"), paths);
            }
        }
        _ => {}
    }
    paths.push(path);
}

fn without(document: &Value, path: &str) -> Option<Value> {
    let (parent, name) = path.rsplit_once('/')?;
    let mut variant = document.clone();
    match variant.pointer_mut(parent)? {
        Value::Object(fields) => {
            fields.remove(name)?;
        }
        Value::Array(rows) => {
            rows.remove(name.parse().ok()?);
        }
        _ => return None,
    }
    Some(variant)
}

#[test]
fn every_value_is_made_strange_and_left_out() {
    let document = json!({"a": [1, {"b": 2}]});
    let variants = variants(&document);
    // Five places (the whole, a, a/0, a/1, a/1/b), ten strange values each, and four that can be left out.
    assert_eq!(variants.len(), 5 * 10 + 4);
    assert!(variants.contains(&json!({"a": [{"b": 2}]})));
    assert!(variants.contains(&json!({"a": [1, {"b": null}]})));
}
