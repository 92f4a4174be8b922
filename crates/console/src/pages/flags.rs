//! Feature flags: those in force, for the operating tenant, and what one of them says for somebody. They are changed in
//! their file, which is the operator's.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::listing::about;
use crate::fields::Fields;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// All flags, and one evaluated when a name was typed.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let (flags, evaluated) = tokio::join!(visit.ask("/v1/flags"), evaluate(&visit));
    let mut flags = part(flags)?;
    if let Some(flags) = flags["flags"].as_array_mut() {
        flags.iter_mut().for_each(as_text);
    }
    let evaluated = evaluated.map(part).transpose()?;
    visit.page("flags.html", json!({"flags": flags, "evaluated": evaluated})).await
}

async fn evaluate(visit: &Visit) -> Option<Result<Value, Refusal>> {
    let query = &visit.query;
    let path = format!("{}:evaluate", about("/v1/flags/{}", query.given("flag")?));
    let body = json!({"targetingKey": query.get("who"), "context": context(query)});
    let mut answer = visit.tell(&path, &body).await;
    if let Ok(answer) = &mut answer {
        answer["text"] = json!(answer["value"].to_string());
    }
    Some(answer)
}

/// What a rule may ask for, as `name=value`, parted by commas; a number or a truth is one.
fn context(query: &Fields) -> Value {
    let mut context = Map::new();
    for (name, value) in query.words("context").into_iter().filter_map(|word| word.split_once('=')) {
        let value = value.trim();
        let plain =
            serde_json::from_str(value).ok().filter(|value: &Value| value.is_number() || value.is_boolean());
        context.insert(name.trim().to_owned(), plain.unwrap_or_else(|| json!(value)));
    }
    Value::Object(context)
}

/// Values and rules as JSON, which is what the file has.
fn as_text(flag: &mut Value) {
    for variant in flag["variants"].as_array_mut().into_iter().flatten() {
        variant["text"] = json!(variant["value"].to_string());
    }
    let targeting = Some(&flag["targeting"]).filter(|rule| !rule.is_null());
    let rule = targeting.and_then(|rule| serde_json::to_string_pretty(rule).ok());
    flag["rule"] = json!(rule);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_rule_asks_for_is_typed_as_it_is_meant() {
        let query = Fields::parse(b"context=placement%3Dbasket,+age%3D30,+new%3Dtrue,+loose");
        assert_eq!(context(&query), json!({"placement": "basket", "age": 30, "new": true}));
    }

    #[test]
    fn values_and_rules_are_shown_as_the_file_has_them() {
        let mut flag = json!({"variants": [{"name": "on", "value": "a"}], "targeting": null});
        as_text(&mut flag);
        assert_eq!((&flag["variants"][0]["text"], &flag["rule"]), (&json!("\"a\""), &Value::Null));
        flag["targeting"] = json!({"if": [true, "on"]});
        as_text(&mut flag);
        assert!(flag["rule"].as_str().unwrap().starts_with("{\n"), "{flag}");
    }
}
