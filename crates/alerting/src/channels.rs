//! The ways out. Each takes the same message and makes its own wire shape of it; none decides whether
//! or when something is sent, and none knows the database.

mod email;
mod log;
mod opsgenie;
mod pagerduty;
mod slack;
mod targets;
mod teams;
mod webhook;

use std::time::Duration;

use larder_oncall::notification::Templates;
use larder_oncall::settings::{ChannelKind, MessageLimit, SecretSource};
use secrecy::SecretString;

use crate::message::Message;

pub(crate) use email::escaped as escaped_html;
pub(crate) use slack::is_signed as is_signed_by_slack;
pub(crate) use targets::{Reach, get};

/// Nothing that is sent may take longer: the lease of a notification is much longer.
const SEND_TIMEOUT: Duration = Duration::from_secs(15);

/// A channel that is ready to send.
pub(crate) struct Channel {
    sender: Sender,
    pub(crate) limit: MessageLimit,
}

enum Sender {
    Email(Box<email::Email>),
    Slack(Box<slack::Slack>),
    PagerDuty(Box<pagerduty::PagerDuty>),
    Opsgenie(Box<opsgenie::Opsgenie>),
    Teams(Box<teams::Teams>),
    Webhook(Box<webhook::Webhook>),
    Log,
}

/// What came of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was taken; what the other side calls it, where later messages need that.
    Sent { external_id: Option<String> },
    /// It may work later, or may have worked: it is sent again under the same name.
    TryAgain { why: String },
    /// The channel wants nothing for a while.
    Pause { wait: Duration, why: String },
    /// It will never be taken.
    Refused { why: String },
}

impl Outcome {
    pub(crate) fn sent() -> Self {
        Self::Sent { external_id: None }
    }
}

impl Channel {
    /// Makes a channel of its settings, with the secrets they name.
    ///
    /// # Errors
    /// A secret that cannot be read, or an address that is none; in words.
    pub(crate) fn build(settings: &larder_oncall::settings::Channel, reach: Reach) -> Result<Self, String> {
        let sender = match &settings.kind {
            ChannelKind::Email { .. } => Sender::Email(Box::new(email::Email::build(&settings.kind)?)),
            ChannelKind::Slack { delivery, signing_secret, url } => {
                Sender::Slack(Box::new(slack::Slack::build(delivery, signing_secret.as_ref(), url, reach)?))
            }
            ChannelKind::PagerDuty { routing_key, url } => {
                Sender::PagerDuty(Box::new(pagerduty::PagerDuty::build(routing_key, url, reach)?))
            }
            ChannelKind::Opsgenie { api_key, url, responders } => {
                Sender::Opsgenie(Box::new(opsgenie::Opsgenie::build(api_key, url, responders, reach)?))
            }
            ChannelKind::Teams { url } => Sender::Teams(Box::new(teams::Teams::build(url, reach)?)),
            ChannelKind::Webhook { url, secret, headers } => {
                Sender::Webhook(Box::new(webhook::Webhook::build(url, secret, headers, reach)?))
            }
            ChannelKind::Log => Sender::Log,
        };
        Ok(Self { sender, limit: settings.limit })
    }

    /// Sends one message as the templates word it, within a limit of time. Never fails otherwise than by its outcome.
    pub(crate) async fn send(&self, message: &Message, templates: &Templates) -> Outcome {
        let sending = async {
            match &self.sender {
                Sender::Email(email) => email.send(message, templates).await,
                Sender::Slack(slack) => slack.send(message, templates).await,
                Sender::PagerDuty(pagerduty) => pagerduty.send(message, templates).await,
                Sender::Opsgenie(opsgenie) => opsgenie.send(message, templates).await,
                Sender::Teams(teams) => teams.send(message, templates).await,
                Sender::Webhook(webhook) => webhook.send(message, templates).await,
                Sender::Log => log::send(message, templates),
            }
        };
        match tokio::time::timeout(SEND_TIMEOUT, sending).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::TryAgain { why: format!("no answer within {} s", SEND_TIMEOUT.as_secs()) },
        }
    }

    /// Whether many incidents can stand in one message here. Where each incident is an object of the other
    /// side's, they cannot.
    pub(crate) fn takes_digests(&self) -> bool {
        matches!(self.sender, Sender::Email(_) | Sender::Slack(_) | Sender::Teams(_) | Sender::Log)
    }

    /// The secret that buttons of this channel are signed with.
    pub(crate) fn signing_secret(&self) -> Option<&SecretString> {
        match &self.sender {
            Sender::Slack(slack) => slack.signing_secret(),
            _ => None,
        }
    }
}

/// Reads a secret from where the settings say that it is.
pub(crate) fn read_secret(source: &SecretSource) -> Result<SecretString, String> {
    let text = match source {
        SecretSource::File(path) => std::fs::read_to_string(path)
            .map_err(|error| format!("the secret in {path} cannot be read: {error}"))?,
        SecretSource::Environment(name) => {
            std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))?
        }
    };
    let text = text.trim();
    if text.is_empty() { Err("the secret is empty".to_owned()) } else { Ok(SecretString::from(text)) }
}
