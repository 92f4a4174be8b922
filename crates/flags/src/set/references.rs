//! Rules that several flags share: `{"$ref": "name"}` stands for the rule of that name in `$evaluators`.

use serde_json::{Map, Value};

/// Puts the rules in where they are referred to. The error names the reference and what is wrong with it.
pub(super) fn put_in(
    rule: &mut Value,
    evaluators: &Map<String, Value>,
    within: &mut Vec<String>,
) -> Result<(), (String, &'static str)> {
    match rule {
        Value::Object(object) => {
            let name =
                object.get("$ref").and_then(Value::as_str).filter(|_| object.len() == 1).map(str::to_owned);
            let Some(name) = name else {
                return object.values_mut().try_for_each(|inner| put_in(inner, evaluators, within));
            };
            if within.contains(&name) {
                return Err((
                    name,
                    "goes in a circle; accepted is an evaluator that does not lead to itself",
                ));
            }
            let Some(meant) = evaluators.get(&name) else {
                return Err((name, "is not there; accepted is a name in \"$evaluators\""));
            };
            let mut meant = meant.clone();
            within.push(name);
            put_in(&mut meant, evaluators, within)?;
            within.pop();
            *rule = meant;
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| put_in(item, evaluators, within)),
        _ => Ok(()),
    }
}
