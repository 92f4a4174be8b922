//! What the messages look like, and what cannot be smuggled into them.

use serde_json::Value;

use super::*;

fn templates() -> Templates {
    Templates::new(&TemplateSources::new()).expect("Larder's own")
}

fn message() -> Message {
    let now = "2026-11-20T09:30:00Z".parse().expect("an instant");
    Message {
        kind: MessageKind::Fired,
        incident_id: "019aa0c3".into(),
        title: "PostgresDown of shop".into(),
        severity: Severity::Critical,
        description: "The primary answers no more.\nWrites are refused.".into(),
        more_alerts: 3,
        time_zone: "Europe/Paris".into(),
        reason: "ana is on call in shop".into(),
        ..Message::sample(now)
    }
}

fn digest() -> Message {
    let incident = |title: &str| MessageIncident {
        title: title.into(),
        severity: Severity::Error,
        state: "open".into(),
        alerts: 12,
        url: Some("https://alerting.example.org/i/1".into()),
    };
    let incidents = vec![incident("One"), incident("Two")];
    Message { kind: MessageKind::Digest, title: "storm".into(), incidents, more_incidents: 40, ..message() }
}

#[test]
fn messages_read_like_this() {
    for (name, message) in [("fired", message()), ("digest", digest())] {
        let email = templates().email(&message);
        assert_eq!(email.problems, []);
        insta::assert_snapshot!(
            format!("{name}_email_text"),
            format!("{}\n\n{}", email.content.subject, email.content.text)
        );
        insta::assert_snapshot!(format!("{name}_email_html"), email.content.html);
        insta::assert_json_snapshot!(format!("{name}_slack"), templates().slack(&message, None).content);
        insta::assert_snapshot!(format!("{name}_line"), templates().line(&message).content);
    }
}

#[test]
fn every_kind_says_what_it_is() {
    let rows = [
        (MessageKind::Resolved, "[RESOLVED]", "It is over."),
        (MessageKind::SourceLost, "[SOURCE LOST]", "is not known"),
        (MessageKind::Flapping, "[FLAPPING]", "comes and goes"),
        (MessageKind::Lapsed, "[CRITICAL]", "was acknowledged"),
        (MessageKind::Reminder, "[CRITICAL]", "still open"),
        (MessageKind::Test, "[TEST]", "PostgresDown"),
    ];
    for (kind, subject, text) in rows {
        let email = templates().email(&Message { kind, ..message() }).content;
        assert!(email.subject.starts_with(subject), "{}", email.subject);
        assert!(email.text.contains(text) && email.html.contains(text), "{kind:?}: {}", email.text);
    }
    let over = templates().email(&Message { kind: MessageKind::Resolved, ..message() }).content;
    assert!(!over.text.contains("acknowledge:"), "what is over is not acknowledged: {}", over.text);
}

/// An alert by somebody who wants to be believed to be somebody else.
fn hostile() -> Message {
    let evil = "<script>alert(1)</script> <!channel> <https://evil.example|Click> \"'\r\nBcc: all@example.org\u{202e}\u{1b}[31m";
    let links = MessageLinks {
        runbook: Some("javascript:alert(1)".into()),
        dashboard: Some("https://ok.example/\"onmouseover=\"x".into()),
        source: Some("https://ok.example/a b".into()),
        ..MessageLinks::default()
    };
    let labels: Labels = [(evil, evil), ("service", evil)].into_iter().collect();
    let mut message = Message {
        title: evil.into(),
        description: evil.into(),
        reason: evil.into(),
        labels,
        links,
        ..message()
    };
    message.alerts[0].summary = evil.into();
    message.alerts[0].labels = message.labels.clone();
    message
}

#[test]
fn buttons_that_call_back_open_nothing_and_those_of_the_state_are_there() {
    let ids = |message: &Message, callback: Option<&str>| {
        let slack = templates().slack(message, callback).content;
        let blocks = slack["blocks"].as_array().cloned().unwrap_or_default();
        let buttons = blocks.into_iter().find(|block| block["type"] == "actions");
        let buttons = buttons.map(|block| block["elements"].clone()).unwrap_or_default();
        let id = |button: &Value| {
            assert_eq!(button["url"].is_null(), button["value"].is_string(), "{button}");
            button["action_id"].as_str().unwrap_or_default().to_owned()
        };
        buttons.as_array().map(|buttons| buttons.iter().map(id).collect::<Vec<_>>()).unwrap_or_default()
    };
    assert_eq!(ids(&message(), Some("t i"))[..2], ["acknowledge", "resolve"]);
    assert_eq!(ids(&message(), None)[..2], ["link-acknowledge", "link-resolve"]);
    let acknowledged = Message { state: "acknowledged".into(), ..message() };
    assert_eq!(ids(&acknowledged, Some("t i"))[0], "resolve");
    let over = Message { kind: MessageKind::Resolved, state: "resolved".into(), ..message() };
    assert!(ids(&over, Some("t i")).iter().all(|id| id != "acknowledge" && id != "resolve"));
}

#[test]
fn nothing_that_means_something_to_a_reader_gets_through() {
    for kind in [MessageKind::Fired, MessageKind::Digest] {
        let message = Message { kind, incidents: digest().incidents, ..hostile() };
        let email = templates().email(&message).content;
        assert!(!email.subject.contains(['\r', '\n', '\u{1b}', '\u{202e}']), "{:?}", email.subject);
        assert!(!email.text.contains(['\r', '\u{1b}', '\u{202e}']));
        assert!(!email.html.contains("<script") && !email.html.contains("javascript:"), "{}", email.html);
        assert!(!email.html.contains("onmouseover=\"") && !email.html.contains("<https"));
        let slack = templates().slack(&message, None).content;
        for markup in markups(&slack) {
            assert!(!markup.contains(['<', '>']), "{markup}");
        }
        let raw = slack.to_string();
        for smuggled in ["javascript:", "\\u001b", "\\r", "onmouseover", "ok.example"] {
            assert!(!raw.contains(smuggled), "{smuggled} in {raw}");
        }
        let header = slack["blocks"][0]["text"]["text"].as_str().expect("a header");
        assert!(!header.contains('\n'));
    }
}

/// The texts in which Slack sees links and mentions: every `text` but those of plain_text.
fn markups(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(markups).collect(),
        Value::Object(fields) if fields.get("type") == Some(&"plain_text".into()) => Vec::new(),
        Value::Object(fields) => {
            let own = fields.get("text").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(markups)).collect()
        }
        _ => Vec::new(),
    }
}

fn longest(value: &Value) -> usize {
    match value {
        Value::Array(values) => values.iter().map(longest).sum(),
        Value::Object(fields) => fields.values().map(longest).sum(),
        Value::String(text) => text.chars().count(),
        _ => 0,
    }
}

#[test]
fn a_huge_alert_stays_within_what_slack_takes() {
    let huge = "&<".repeat(50_000);
    let mut message =
        Message { title: huge.clone(), description: huge.clone(), reason: huge.clone(), ..message() };
    let alert = MessageAlert { summary: huge[..2000].to_owned(), ..message.alerts[0].clone() };
    message.alerts = vec![alert; 5000];
    let slack = templates().slack(&message, None).content;
    let blocks = slack["blocks"].as_array().expect("blocks");
    assert!(blocks.len() <= 50);
    let text = |at: usize| blocks[at]["text"]["text"].as_str().expect("a text").to_owned();
    assert!(text(0).chars().count() <= 150 && text(1).chars().count() <= 3000);
    assert!(
        text(1).ends_with("&lt;\n…") || text(1).ends_with("&amp;\n…"),
        "no half entity: {:?}",
        &text(1)[text(1).len() - 20..]
    );
    assert!(longest(&slack) <= 13_000, "{}", longest(&slack));
    let email = templates().email(&message).content;
    assert!(email.subject.chars().count() <= 200 && email.html.len() < 300_000);
    assert!(email.text.contains("and 4973 more"), "the cut ones are counted");
}

#[test]
fn own_templates_are_tried_and_never_lose_a_message() {
    let own =
        |name: &str, source: &str| Templates::new(&TemplateSources::from([(name.into(), source.into())]));
    let refused = |name: &str, source: &str| own(name, source).expect_err("refused")[0].to_string();
    assert!(refused("email_text", "{{ titel }}").contains("line 1: undefined value"));
    assert!(refused("email_text", "\n{% if %}").contains("line 2: syntax error"));
    assert!(refused("sms", "x").contains("accepted: email_subject"));
    assert!(
        refused("line", "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}")
            .contains("fuel")
    );
    assert!(refused("line", "{{ 'x' * 200000 }}").contains("characters"));
    let templates = own("email_subject", "{{ labels.pager }} {{ title }}");
    assert!(templates.is_err(), "the sample has no such label");
    let templates = own("email_subject", "{{ labels.service }}: {{ title }}\r\nBcc: x").expect("a good one");
    assert_eq!(templates.email(&message()).content.subject, "example: PostgresDown of shop  Bcc: x");
    let without = Message { labels: Labels::default(), ..message() };
    let rendered = templates.email(&without);
    assert_eq!(rendered.content.subject, "[CRITICAL] PostgresDown of shop", "Larder's own takes its place");
    assert!(
        rendered.problems[0].to_string().starts_with("templates.email_subject: line 1"),
        "{:?}",
        rendered.problems
    );
}
