//! PagerDuty's Events API v2. The incident's id is the `dedup_key`, so that a message that is sent twice
//! is one alert there, and acknowledging or resolving here does so there.

use larder_oncall::notification::{MessageKind, Templates};
use larder_oncall::settings::SecretSource;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::targets::{self, Reach};
use super::{Outcome, read_secret};
use crate::message::{Content, IncidentView, Message, cut};
use crate::store::incidents::State;

/// Longer summaries are refused.
const SUMMARY_CHARACTERS: usize = 1_024;
/// Events are refused beyond 512 KB; labels and annotations may be long.
const DETAIL_CHARACTERS: usize = 4_000;

pub(super) struct PagerDuty {
    client: reqwest::Client,
    url: Url,
    routing_key: SecretString,
}

impl PagerDuty {
    pub(super) fn build(routing_key: &SecretSource, url: &str, reach: Reach) -> Result<Self, String> {
        Ok(Self {
            client: targets::client(reach)?,
            url: targets::address(url, reach)?,
            routing_key: read_secret(routing_key)?,
        })
    }

    pub(super) async fn send(&self, message: &Message, templates: &Templates) -> Outcome {
        let mut event = event(message, templates);
        event["routing_key"] = self.routing_key.expose_secret().into();
        match targets::send(self.client.post(self.url.clone()).json(&event)).await {
            Ok(answer) => answer.outcome(),
            Err(outcome) => outcome,
        }
    }
}

fn event(message: &Message, templates: &Templates) -> Value {
    let (subject, text) = message.texts(templates);
    match &message.content {
        Content::Incident(incident) => incident_event(incident, &subject, &text),
        Content::Digest(_) | Content::Notice(_) => {
            let told = message.told();
            json!({
                "event_action": if told.kind == MessageKind::Resolved { "resolve" } else { "trigger" },
                "dedup_key": message.thing(),
                "payload": {
                    "summary": cut(&subject, SUMMARY_CHARACTERS),
                    "source": "larder",
                    "severity": told.severity.pagerduty(),
                    "custom_details": { "text": cut(&text, DETAIL_CHARACTERS) },
                },
            })
        }
    }
}

fn incident_event(incident: &IncidentView, subject: &str, text: &str) -> Value {
    let action = match incident.state {
        State::Open => "trigger",
        State::Acknowledged => "acknowledge",
        State::Resolved => "resolve",
    };
    let links: Vec<Value> =
        incident.links().into_iter().map(|(text, href)| json!({ "href": href, "text": text })).collect();
    json!({
        "event_action": action,
        "dedup_key": incident.incident_id,
        "client": "Larder",
        "links": links,
        "payload": {
            "summary": cut(subject, SUMMARY_CHARACTERS),
            "source": cut(&incident.origin(), SUMMARY_CHARACTERS),
            "severity": if incident.severity == "none" { "info" } else { &incident.severity },
            "timestamp": incident.opened_at.to_string(),
            "group": cut(&incident.route, 255),
            "class": cut(&incident.title, 255),
            "custom_details": {
                "number": incident.number,
                "firing": incident.firing_count,
                "text": cut(text, DETAIL_CHARACTERS),
            },
        },
    })
}
