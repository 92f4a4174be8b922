//! Opsgenie and Jira Service Management. The incident's id is the `alias` by which it is closed.

use larder_oncall::notification::{MessageKind, Templates};
use larder_oncall::settings::SecretSource;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::targets::{self, Reach};
use super::{Outcome, read_secret};
use crate::message::{Content, Message, cut};
use crate::store::incidents::State;

const MESSAGE_CHARACTERS: usize = 130;
const DESCRIPTION_CHARACTERS: usize = 15_000;

pub(super) struct Opsgenie {
    client: reqwest::Client,
    base: Url,
    api_key: SecretString,
    responders: Vec<String>,
}

impl Opsgenie {
    pub(super) fn build(
        api_key: &SecretSource,
        url: &str,
        responders: &[String],
        reach: Reach,
    ) -> Result<Self, String> {
        Ok(Self {
            client: targets::client(reach)?,
            base: targets::address(url, reach)?,
            api_key: read_secret(api_key)?,
            responders: responders.to_vec(),
        })
    }

    pub(super) async fn send(&self, message: &Message, templates: &Templates) -> Outcome {
        let (path, body) = request_of(message, templates, &self.responders);
        let Ok(url) = self.base.join(&path) else {
            return Outcome::Refused { why: "its address takes no path".into() };
        };
        let key = format!("GenieKey {}", self.api_key.expose_secret());
        match targets::send(self.client.post(url).header("authorization", key).json(&body)).await {
            Ok(answer) => answer.outcome(),
            Err(outcome) => outcome,
        }
    }
}

fn request_of(
    message: &Message,
    templates: &Templates,
    responders: &[String],
) -> (String, serde_json::Value) {
    let (subject, text) = message.texts(templates);
    let (alias, priority, state) = match &message.content {
        Content::Incident(incident) => {
            (incident.incident_id.to_string(), incident.opsgenie_priority(), incident.state)
        }
        Content::Digest(_) | Content::Notice(_) => {
            let told = message.told();
            let is_over = told.kind == MessageKind::Resolved;
            let state = if is_over { State::Resolved } else { State::Open };
            (message.thing(), told.severity.opsgenie(), state)
        }
    };
    let action = match state {
        State::Open => {
            let responders: Vec<_> =
                responders.iter().map(|name| json!({ "type": "team", "name": name })).collect();
            let body = json!({
                "responders": responders,
                "message": cut(&subject, MESSAGE_CHARACTERS),
                "alias": alias,
                "description": cut(&text, DESCRIPTION_CHARACTERS),
                "priority": priority,
                "source": "larder",
            });
            return ("/v2/alerts".to_owned(), body);
        }
        State::Acknowledged => "acknowledge",
        State::Resolved => "close",
    };
    let path = format!("/v2/alerts/{alias}/{action}?identifierType=alias");
    (path, json!({ "source": "larder", "note": cut(&subject, 1_000) }))
}
