//! `docs/reference/api.md`: every call by service, for people who read; written from the OpenAPI document, which is
//! written from the contract.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::Value;

use crate::support::gateway;

const HEAD: &str = "# Calls\n\nWritten from the contract by `cargo xtask gen`; [openapi.json](openapi.json) is the same for programs, and a gateway\n\
shows it under `/docs`. Every call is also one of gRPC, with the names under it. Refusals are [problem documents](errors.md).\n";

#[tokio::test]
async fn the_committed_reference_is_what_the_contract_says() {
    let document = gateway().await.http.get("/openapi.json").await.json();
    let fresh = write(&document);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/api.md");
    if std::env::var_os("LARDER_UPDATE_GENERATED").is_some() {
        std::fs::write(path, fresh).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == fresh, "docs/reference/api.md is stale: run `cargo xtask gen`");
}

fn write(document: &Value) -> String {
    let mut by_service: BTreeMap<&str, Vec<(&str, &str, &Value)>> = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let service = operation["tags"][0].as_str().unwrap();
            by_service.entry(service).or_default().push((path, method, operation));
        }
    }
    let mut text = HEAD.to_owned();
    let count: usize = by_service.values().map(Vec::len).sum();
    writeln!(text, "\n{count} calls in {} services.", by_service.len()).unwrap();
    for tag in document["tags"].as_array().unwrap() {
        let service = tag["name"].as_str().unwrap();
        write!(text, "\n## {service}\n\n{}\n", paragraph(&tag["description"])).unwrap();
        for (path, method, operation) in &by_service[service] {
            call(&mut text, document, path, method, operation);
        }
    }
    text.push_str("\n# Messages\n");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        message(&mut text, name, schema);
    }
    text
}

fn call(text: &mut String, document: &Value, path: &str, method: &str, operation: &Value) {
    let id = operation["operationId"].as_str().unwrap();
    write!(text, "\n### {id}\n\n`{} {path}`\n\n", method.to_ascii_uppercase()).unwrap();
    writeln!(text, "{}", paragraph(&operation["description"])).unwrap();
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    if !parameters.is_empty() {
        text.push_str("\n| parameter | in | type | about |\n| --- | --- | --- | --- |\n");
        for parameter in parameters {
            let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
            let schema = &parameter["schema"];
            writeln!(text, "| `{name}` | {place} | {} | {} |", kind(schema), about(document, schema))
                .unwrap();
        }
    }
    if let Some(content) = operation["requestBody"]["content"].as_object() {
        let schemas: Vec<String> = content.values().map(|media| kind(&media["schema"])).collect();
        write!(text, "\nTakes {}.", schemas.join(" or ")).unwrap();
    }
    let answers = operation["responses"]["200"]["content"].as_object().unwrap();
    let answers: Vec<String> =
        answers.iter().map(|(media, of)| format!("{} as `{media}`", kind(&of["schema"]))).collect();
    writeln!(text, "\nAnswers {}.", answers.join(", or ")).unwrap();
}

fn message(text: &mut String, name: &str, schema: &Value) {
    write!(text, "\n### {name}\n").unwrap();
    let description = paragraph(&schema["description"]);
    if !description.is_empty() {
        write!(text, "\n{description}\n").unwrap();
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> =
            values.iter().map(|value| format!("`{}`", value.as_str().unwrap())).collect();
        write!(text, "\nOne of {}.\n", values.join(", ")).unwrap();
    }
    let Some(properties) = schema["properties"].as_object().filter(|properties| !properties.is_empty())
    else {
        return;
    };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    text.push_str("\n| field | type | about |\n| --- | --- | --- |\n");
    for (field, schema) in properties {
        let must = if required.contains(&field.as_str()) { "Always. " } else { "" };
        writeln!(text, "| `{field}` | {} | {must}{} |", kind(schema), about(&Value::Null, schema)).unwrap();
    }
}

/// A type, with a link where it is a message of its own.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap();
        return format!("[{}](#{})", name.rsplit('.').next().unwrap(), anchor(name));
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("map to {}", kind(&schema["additionalProperties"]))
        }
        Some(name) => match schema["format"].as_str() {
            Some(format) => format!("{name} ({format})"),
            None => name.to_owned(),
        },
        None => "anything".to_owned(),
    }
}

/// What is said of a field, and what it has to be.
fn about(document: &Value, schema: &Value) -> String {
    let mut said = paragraph(&schema["description"]).replace('\n', " ").replace('|', "\\|");
    if said.is_empty()
        && let Some(reference) = schema["$ref"].as_str()
    {
        let meant = document.pointer(reference.trim_start_matches('#'));
        said = meant.map(|meant| paragraph(&meant["description"])).unwrap_or_default();
        said = said.lines().next().unwrap_or_default().replace('|', "\\|");
    }
    let rules: Vec<String> = rules(schema);
    match (said.as_str(), rules.as_slice()) {
        (_, []) => said,
        ("", rules) => capitalised(&rules.join(", ")) + ".",
        (said, rules) => format!("{said} {}.", capitalised(&rules.join(", "))),
    }
}

fn rules(schema: &Value) -> Vec<String> {
    let of = if schema["items"].is_object() { &schema["items"] } else { schema };
    let mut rules = Vec::new();
    let mut add = |value: &Value, say: fn(&Value) -> String| {
        if !value.is_null() {
            rules.push(say(value));
        }
    };
    add(&schema["maxItems"], |most| format!("at most {most} entries"));
    add(&of["minLength"], |least| format!("at least {least} characters"));
    add(&of["maxLength"], |most| format!("at most {most} characters"));
    add(&of["minimum"], |least| format!("{least} or more"));
    add(&of["maximum"], |most| format!("{most} or less"));
    add(&of["pattern"], |pattern| format!("`{}`", pattern.as_str().unwrap().replace('|', "\\|")));
    rules
}

fn paragraph(text: &Value) -> String {
    text.as_str().unwrap_or_default().trim().to_owned()
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().to_string() + characters.as_str()).unwrap_or_default()
}

/// As GitHub makes one of a heading.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_'))
        .collect()
}
