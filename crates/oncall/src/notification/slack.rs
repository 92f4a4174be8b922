//! A Slack message in blocks, within what Slack takes: 150 characters of a header, 3,000 of a section, 25 buttons of
//! 75 characters, and about 13,000 characters in all, beyond which it refuses the whole message.

use serde_json::{Value, json};

use super::clean::cut;
use super::{Message, MessageKind};

const HEADER_MAX: usize = 150;
const SECTION_MAX: usize = 3000;
const CONTEXT_MAX: usize = 1000;
const FALLBACK_MAX: usize = 1000;
const VALUE_MAX: usize = 2000;

/// The message; `title` is plain, `body` is mrkdwn.
pub(super) fn message(message: &Message, title: &str, body: &str, callback: Option<&str>) -> Value {
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": cut(title, HEADER_MAX), "emoji": false },
    })];
    if !body.trim().is_empty() {
        blocks.push(section(&cut_markup(body, SECTION_MAX)));
    }
    let buttons = buttons(message, callback);
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
            "color": message.colour(),
            "blocks": [{ "type": "context", "elements": [context] }],
        }],
    })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// With a callback, acknowledge and resolve tell Slack's application and open nothing; without one they are links, as
/// all others are.
fn buttons(message: &Message, callback: Option<&str>) -> Vec<Value> {
    let links = &message.links;
    let (is_open, is_over) = (message.state == "open", message.kind == MessageKind::Resolved);
    let mut buttons: Vec<Value> = callback
        .into_iter()
        .filter(|_| !is_over)
        .flat_map(|value| {
            let acknowledge = is_open.then(|| pressed("acknowledge", "Acknowledge", value, Some("primary")));
            acknowledge.into_iter().chain([pressed("resolve", "Resolve", value, None)])
        })
        .collect();
    let acts = [("acknowledge", "Acknowledge", &links.acknowledge), ("resolve", "Resolve", &links.resolve)];
    let leads = [
        ("incident", "Incident", &links.incident),
        ("runbook", "Runbook", &links.runbook),
        ("dashboard", "Dashboard", &links.dashboard),
        ("source", "Source", &links.source),
    ];
    let acts = acts.into_iter().filter(|_| callback.is_none());
    buttons.extend(acts.chain(leads).filter_map(|(id, text, url)| {
        Some(json!({
            "type": "button",
            "action_id": format!("link-{id}"),
            "text": { "type": "plain_text", "text": text },
            "url": url.as_ref()?,
        }))
    }));
    buttons
}

fn pressed(id: &str, text: &str, value: &str, style: Option<&str>) -> Value {
    let mut button = json!({
        "type": "button",
        "action_id": id,
        "value": cut(value, VALUE_MAX),
        "text": { "type": "plain_text", "text": text },
    });
    if let Some(style) = style {
        button["style"] = json!(style);
    }
    button
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
