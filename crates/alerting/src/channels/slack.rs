//! Slack. With a bot's token an incident is one message that is updated in place; an incoming webhook
//! can only write new ones. Texts of alerts are escaped: nobody mentions a channel through a label.

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use larder_oncall::notification::Templates;
use larder_oncall::settings::{SecretSource, SlackDelivery};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use super::targets::{self, Answer, Reach};
use super::{Outcome, read_secret};
use crate::message::{Content, Message, cut, note_problems};

/// A signature older or newer than this is a replay.
const SIGNED_WITHIN_S: i64 = 300;

pub(super) struct Slack {
    client: reqwest::Client,
    way: Way,
    signing_secret: Option<SecretString>,
}

enum Way {
    Webhook(Url),
    Bot { base: Url, token: SecretString, channel: String },
}

/// What Slack's Web API answers, always with status 200.
#[derive(Deserialize)]
struct ApiAnswer {
    ok: bool,
    #[serde(default)]
    error: String,
    ts: Option<String>,
    channel: Option<String>,
}

impl Slack {
    pub(super) fn build(
        delivery: &SlackDelivery,
        signing_secret: Option<&SecretSource>,
        api: &str,
        reach: Reach,
    ) -> Result<Self, String> {
        let way = match delivery {
            SlackDelivery::Webhook(url) => {
                Way::Webhook(targets::address(read_secret(url)?.expose_secret(), reach)?)
            }
            SlackDelivery::Bot { token, channel } => Way::Bot {
                base: targets::address(&format!("{}/", api.trim_end_matches('/')), reach)?,
                token: read_secret(token)?,
                channel: channel.clone(),
            },
        };
        let signing_secret = signing_secret.map(read_secret).transpose()?;
        Ok(Self { client: targets::client(reach)?, way, signing_secret })
    }

    pub(super) fn signing_secret(&self) -> Option<&SecretString> {
        self.signing_secret.as_ref()
    }

    pub(super) async fn send(&self, message: &Message, templates: &Templates) -> Outcome {
        let mut body = body(message, templates, self.signing_secret.is_some());
        match &self.way {
            Way::Webhook(url) => match targets::send(self.client.post(url.clone()).json(&body)).await {
                Ok(answer) => answer.outcome(),
                Err(outcome) => outcome,
            },
            Way::Bot { base, token, channel } => {
                // The name of a message is the channel and the time at which it was written.
                let known = message.external_id.as_deref().and_then(|id| id.split_once(' '));
                let method = match known {
                    Some((channel, ts)) => {
                        body["channel"] = channel.into();
                        body["ts"] = ts.into();
                        "chat.update"
                    }
                    None => {
                        let to = if message.recipient.is_empty() { channel } else { &message.recipient };
                        body["channel"] = to.as_str().into();
                        "chat.postMessage"
                    }
                };
                let Ok(url) = base.join(method) else {
                    return Outcome::Refused { why: "its address takes no path".into() };
                };
                let request = self.client.post(url).bearer_auth(token.expose_secret()).json(&body);
                match targets::send(request).await {
                    Ok(answer) => api_outcome(&answer),
                    Err(outcome) => outcome,
                }
            }
        }
    }
}

fn api_outcome(answer: &Answer) -> Outcome {
    if !answer.status.is_success() {
        return answer.outcome();
    }
    let Ok(told) = serde_json::from_str::<ApiAnswer>(&answer.body) else {
        return Outcome::TryAgain { why: "Slack's answer is no JSON".into() };
    };
    match (told.ok, told.channel, told.ts) {
        (true, Some(channel), Some(ts)) => Outcome::Sent { external_id: Some(format!("{channel} {ts}")) },
        (true, ..) => Outcome::sent(),
        (false, ..) => match told.error.as_str() {
            "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
                Outcome::Pause { wait: Duration::from_secs(30), why: told.error }
            }
            "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
                Outcome::TryAgain { why: told.error }
            }
            _ => Outcome::Refused { why: cut(&told.error, 100) },
        },
    }
}

/// Buttons that act need an application with a signing secret; links work everywhere.
fn body(message: &Message, templates: &Templates, with_buttons: bool) -> Value {
    let callback = match &message.content {
        Content::Incident(incident) if with_buttons => {
            Some(format!("{} {}", message.tenant, incident.incident_id))
        }
        _ => None,
    };
    let rendered = templates.slack(&message.told(), callback.as_deref());
    note_problems(&rendered.problems);
    rendered.content
}

/// Whether Slack has signed this body, and not long ago.
pub(crate) fn is_signed(
    secret: &SecretString,
    timestamp: &str,
    body: &[u8],
    signature: &str,
    now_s: i64,
) -> bool {
    let is_fresh = timestamp.parse::<i64>().is_ok_and(|at| (now_s - at).abs() <= SIGNED_WITHIN_S);
    let mut context =
        hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes()));
    context.update(format!("v0:{timestamp}:").as_bytes());
    context.update(body);
    let expected: String = context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let given = signature.strip_prefix("v0=").unwrap_or_default();
    is_fresh && constant_time::verify_slices_are_equal(expected.as_bytes(), given.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_slack() {
        // The example of Slack's documentation on verifying requests.
        let secret = SecretString::from("8f742231b10e8888abcd99yyyzzz85a5");
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                    channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                    response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&\
                    trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
        let signed = |body: &str, now_s| is_signed(&secret, "1531420618", body.as_bytes(), signature, now_s);
        assert!(signed(body, 1_531_420_700));
        assert!(!signed(body, 1_531_421_000), "a replay");
        assert!(!signed(&body.replace("roadrunner", "coyote"), 1_531_420_700));
    }

    #[test]
    fn answers_with_status_200_are_judged_by_what_they_say() {
        let judge = |body: &str| {
            let status = http::StatusCode::OK;
            api_outcome(&Answer { status, headers: http::HeaderMap::new(), body: body.into() })
        };
        let sent = judge(r#"{"ok":true,"channel":"C1","ts":"1503435956.000247"}"#);
        assert_eq!(sent, Outcome::Sent { external_id: Some("C1 1503435956.000247".into()) });
        assert!(matches!(judge(r#"{"ok":false,"error":"ratelimited"}"#), Outcome::Pause { .. }));
        assert!(matches!(judge(r#"{"ok":false,"error":"channel_not_found"}"#), Outcome::Refused { .. }));
        assert!(matches!(judge("<html>"), Outcome::TryAgain { .. }));
    }
}
