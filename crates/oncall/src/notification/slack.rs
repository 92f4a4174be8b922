//! A Slack message in blocks, within what Slack takes: 150 characters of a header, 3,000 of a section, 25 buttons of
//! 75 characters, and about 13,000 characters in all, beyond which it refuses the whole message.

use serde_json::{Value, json};

use super::Message;
use super::clean::cut;

const HEADER_MAX: usize = 150;
const SECTION_MAX: usize = 3000;
const CONTEXT_MAX: usize = 1000;
const FALLBACK_MAX: usize = 1000;
const VALUE_MAX: usize = 2000;

/// The message; `title` is plain, `body` is mrkdwn.
pub(super) fn message(message: &Message, title: &str, body: &str) -> Value {
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": cut(title, HEADER_MAX), "emoji": false },
    })];
    if !body.trim().is_empty() {
        blocks.push(section(&cut_markup(body, SECTION_MAX)));
    }
    let buttons = buttons(message);
    if !buttons.is_empty() {
        blocks.push(json!({ "type": "actions", "block_id": "incident", "elements": buttons }));
    }
    let state = format!("{}, {}", message.severity.word(), message.state);
    let reason =
        if message.reason.is_empty() { state } else { format!("{state}. Told because {}", message.reason) };
    let context = json!({ "type": "mrkdwn", "text": escape(&cut(&reason, CONTEXT_MAX)) });
    json!({
        "text": escape(&cut(title, FALLBACK_MAX)),
        "blocks": blocks,
        "attachments": [{
            "color": message.severity.colour(),
            "blocks": [{ "type": "context", "elements": [context] }],
        }],
    })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// Acknowledge and resolve carry the incident's id for workspaces whose buttons call back, and a link for all others.
fn buttons(message: &Message) -> Vec<Value> {
    let links = &message.links;
    let rows = [
        ("acknowledge", "Acknowledge", &links.acknowledge, Some("primary")),
        ("resolve", "Resolve", &links.resolve, None),
        ("incident", "Incident", &links.incident, None),
        ("runbook", "Runbook", &links.runbook, None),
        ("dashboard", "Dashboard", &links.dashboard, None),
        ("source", "Source", &links.source, None),
    ];
    let button = |(id, text, url, style): (&str, &str, &Option<String>, Option<&str>)| {
        let mut button = json!({
            "type": "button",
            "action_id": id,
            "value": cut(&message.incident_id, VALUE_MAX),
            "text": { "type": "plain_text", "text": text },
            "url": url.as_ref()?,
        });
        if let Some(style) = style {
            button["style"] = json!(style);
        }
        Some(button)
    };
    rows.into_iter().filter_map(button).collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Cuts markup without leaving half an entity or half a link at its end.
fn cut_markup(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(max.saturating_sub(2)).collect();
    for (opens, closes) in [('&', ';'), ('<', '>')] {
        if let Some(open) = kept.rfind(opens).filter(|open| !kept[*open..].contains(closes)) {
            kept.truncate(open);
        }
    }
    format!("{}\n…", kept.trim_end())
}
