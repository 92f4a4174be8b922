//! Microsoft Teams, through a workflow that takes an Adaptive Card.

use larder_oncall::notification::Templates;
use larder_oncall::settings::SecretSource;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;

use super::targets::{self, Reach};
use super::{Outcome, read_secret};
use crate::message::{Content, Message, cut};

/// Cards beyond 28 KB are refused.
const TEXT_CHARACTERS: usize = 6_000;

pub(super) struct Teams {
    client: reqwest::Client,
    url: Url,
}

impl Teams {
    pub(super) fn build(url: &SecretSource, reach: Reach) -> Result<Self, String> {
        let url = targets::address(read_secret(url)?.expose_secret(), reach)?;
        Ok(Self { client: targets::client(reach)?, url })
    }

    pub(super) async fn send(&self, message: &Message, templates: &Templates) -> Outcome {
        match targets::send(self.client.post(self.url.clone()).json(&card(message, templates))).await {
            Ok(answer) => answer.outcome(),
            Err(outcome) => outcome,
        }
    }
}

fn card(message: &Message, templates: &Templates) -> Value {
    let (subject, text) = message.texts(templates);
    let actions: Vec<Value> = match &message.content {
        Content::Incident(incident) => incident
            .links()
            .into_iter()
            .map(|(title, url)| json!({ "type": "Action.OpenUrl", "title": title, "url": url }))
            .collect(),
        Content::Digest(_) | Content::Notice(_) => Vec::new(),
    };
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [
                    { "type": "TextBlock", "size": "Medium", "weight": "Bolder", "wrap": true,
                      "text": cut(&subject, 500) },
                    { "type": "TextBlock", "wrap": true, "text": cut(&text, TEXT_CHARACTERS) },
                ],
                "actions": actions,
            },
        }],
    })
}
