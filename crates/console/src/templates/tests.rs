//! Every template is read, says only what both languages have, and leaves nothing to a browser's good will.

use serde_json::json;

use super::*;

#[test]
fn every_message_that_a_template_names_is_there() {
    let words = Words::of(Language::English);
    let mut count = 0;
    for (name, source) in SOURCES {
        for quote in ['"', '\''] {
            for rest in source.split(&format!("t({quote}")).skip(1) {
                let (key, after) = rest.split_once(quote).unwrap();
                // A key that is put together has its values in the list below.
                if !after.trim_start().starts_with('~') {
                    assert!(words.say(key, &[]).is_some(), "{name}: {key}");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 100, "{count} messages");
    for level in ["healthy", "degraded", "unhealthy"] {
        assert!(words.say(&format!("level.{level}"), &[]).is_some(), "{level}");
    }
}

#[test]
fn no_template_trusts_a_text_or_needs_more_than_the_policy_allows() {
    for (name, source) in SOURCES {
        for forbidden in [
            "|safe",
            "| safe",
            "autoescape",
            "style=",
            "onclick",
            "onload",
            "javascript:",
            "<style",
            "http:",
            "https:",
        ] {
            assert!(!source.contains(forbidden), "{name}: {forbidden}");
        }
        for script in source.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/console/static/") && script.contains("></script>"), "{name}");
        }
    }
}

#[test]
fn what_a_template_shows_is_escaped() {
    let hostile = "</td><script>alert('x')</script>\"";
    let values = json!({"content": {"carried_to": "/console/x", "carried": [{"name": hostile, "value": hostile}]}, "lang": "en"});
    for language in Language::ALL {
        let page = Templates::new().render(language, "carried.html", values.clone()).unwrap();
        assert!(!page.contains("<script>alert") && page.contains("&lt;script&gt;"), "{page}");
        assert_eq!(page.matches("<script").count(), 1);
    }
}

#[test]
fn a_message_that_is_not_there_is_an_error_and_not_a_gap() {
    let mut environment = environment(Language::German);
    environment.add_template("x.html", "{{ t('no.such') }}").unwrap();
    assert!(environment.get_template("x.html").unwrap().render(Value::from(Serde(json!({})))).is_err());
}

#[test]
fn figures_are_of_the_language() {
    let mut environment = environment(Language::German);
    let source = "{{ n|num(2) }} {{ none|num }} {{ missing.deep|money }} {{ w|word }} {{ 'SOME_NEW_WORD'|word }} {{ d|done_word }}";
    environment.add_template("x.html", source).unwrap();
    let values = json!({"n": 1234.5, "w": "INCIDENT_STATE_OPEN", "d": "<b>"});
    let page = environment.get_template("x.html").unwrap().render(Value::from(Serde(values))).unwrap();
    assert_eq!(page, "1.234,50 – – offen some new word ");
}
