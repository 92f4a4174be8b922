//! Reading channels: the ways out. Secrets never stand in the file; it says where they are, and who reads them there
//! is not this crate.

use std::collections::BTreeMap;
use std::time::Duration;

use super::document::Section;
use super::{Named, must_exist, named, values};

/// A way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// What everything else calls it by.
    pub name: String,
    /// What it is and where it leads.
    pub kind: ChannelKind,
    /// How much may be sent over it.
    pub limit: MessageLimit,
    /// The channel that takes over what this one refuses for good.
    pub failover: Option<String>,
}

/// At most so many messages in a stretch of time; what is more becomes one digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MessageLimit {
    /// How many.
    pub messages: u32,
    /// In how long.
    pub per: Duration,
    /// From how many waiting messages on a digest is sent instead of them.
    pub digest_above: u32,
}

/// Where a secret is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// The path of a file that holds it alone.
    File(String),
    /// The name of an environment variable.
    Environment(String),
}

/// The kinds of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// A mail server.
    Email {
        /// The server's name.
        host: String,
        /// Its port.
        port: u16,
        /// How the connection is protected.
        security: EmailSecurity,
        /// The account and its password.
        login: Option<(String, SecretSource)>,
        /// The sender's address.
        from: String,
        /// Who gets what is sent to the channel itself rather than to a person.
        to: Vec<String>,
        /// A file with the certificate of an authority of one's own (PEM).
        ca_file: Option<String>,
    },
    /// A Slack workspace.
    Slack {
        /// How messages get in.
        delivery: SlackDelivery,
        /// What signs the buttons that are pressed.
        signing_secret: Option<SecretSource>,
        /// Where Slack's API is.
        url: String,
    },
    /// PagerDuty's Events API v2.
    PagerDuty {
        /// The integration's key.
        routing_key: SecretSource,
        /// Where to, PagerDuty itself unless told.
        url: String,
    },
    /// Opsgenie or Jira Service Management.
    Opsgenie {
        /// The integration's key.
        api_key: SecretSource,
        /// Where to, Opsgenie itself unless told.
        url: String,
        /// The names of the teams that are to answer there.
        responders: Vec<String>,
    },
    /// A Microsoft Teams workflow.
    Teams {
        /// The workflow's address, a secret in itself.
        url: SecretSource,
    },
    /// Any receiver of Standard Webhooks.
    Webhook {
        /// Where to.
        url: String,
        /// What signs the messages.
        secret: SecretSource,
        /// Headers that are sent along.
        headers: BTreeMap<String, String>,
    },
    /// The log, for development.
    Log,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS after `STARTTLS`, which is insisted on.
    StartTls,
    /// None, for servers on this machine.
    None,
}

/// How messages get into Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlackDelivery {
    /// An incoming webhook: its address is a secret. Messages cannot be updated.
    Webhook(SecretSource),
    /// A bot's token and the channel's id: messages are updated in place.
    Bot {
        /// The token.
        token: SecretSource,
        /// The channel's id.
        channel: String,
    },
}

const KINDS: [(&str, &str); 7] = [
    ("email", "email"),
    ("slack", "slack"),
    ("pagerduty", "pagerduty"),
    ("opsgenie", "opsgenie"),
    ("teams", "teams"),
    ("webhook", "webhook"),
    ("log", "log"),
];

pub(super) fn read(root: &Section<'_>) -> Named<Channel> {
    let channels = named(root, "channels", |section, name| {
        if !section.has("kind") {
            section.required_text("kind");
            return None;
        }
        let kind = section.one_of("kind", &KINDS)?;
        let limit = limit(section, kind);
        let failover = section.text("failover").map(|name| name.value);
        Some(Channel { name: name.to_owned(), kind: read_kind(section, kind)?, limit, failover })
    });
    check_failovers(root, &channels);
    channels
}

/// What the receivers outside take: Slack a message a second, PagerDuty 120 a minute; a person can read fewer.
fn limit(section: &Section<'_>, kind: &str) -> MessageLimit {
    let messages = match kind {
        "email" => 20,
        "pagerduty" | "opsgenie" => 100,
        "slack" | "teams" => 50,
        _ => 300,
    };
    let usual = MessageLimit { messages, per: Duration::from_secs(60), digest_above: 10 };
    let Some(told) = section.section("limit") else { return usual };
    let limit = MessageLimit {
        messages: told.number("messages", 1..1_000_001).unwrap_or(usual.messages),
        per: told.duration("per").unwrap_or(usual.per),
        digest_above: told.number("digest_above", 1..1_000_001).unwrap_or(usual.digest_above),
    };
    if limit.per.is_zero() {
        told.refuse("per", "is zero; accepted: a duration longer than that");
    }
    told.finish();
    limit
}

fn read_kind(section: &Section<'_>, kind: &str) -> Option<ChannelKind> {
    let kind = match kind {
        "email" => email(section)?,
        "slack" => slack(section)?,
        "pagerduty" => ChannelKind::PagerDuty {
            routing_key: secret(section, "routing_key")?,
            url: url(section, Some("https://events.pagerduty.com/v2/enqueue"))?,
        },
        "opsgenie" => ChannelKind::Opsgenie {
            api_key: secret(section, "api_key")?,
            url: url(section, Some("https://api.opsgenie.com"))?,
            responders: values(section.texts("responders").unwrap_or_default()),
        },
        "teams" => ChannelKind::Teams { url: secret(section, "url")? },
        "webhook" => {
            let (url, secret) = (url(section, None), secret(section, "secret"));
            ChannelKind::Webhook { headers: headers(section), url: url?, secret: secret? }
        }
        _ => ChannelKind::Log,
    };
    Some(kind)
}

fn email(section: &Section<'_>) -> Option<ChannelKind> {
    let words =
        [("tls", EmailSecurity::Tls), ("starttls", EmailSecurity::StartTls), ("none", EmailSecurity::None)];
    let security = section.one_of("security", &words).unwrap_or(EmailSecurity::Tls);
    let usual_port = match security {
        EmailSecurity::Tls => 465,
        EmailSecurity::StartTls => 587,
        EmailSecurity::None => 25,
    };
    let port =
        section.number("port", 1..65_536).and_then(|port| u16::try_from(port).ok()).unwrap_or(usual_port);
    let user = section.text("user").map(|user| user.value);
    let password = if user.is_some() || section.has("password") { secret(section, "password") } else { None };
    let (host, from) = (section.required_text("host"), section.required_text("from"));
    if let Some(from) =
        from.as_ref().filter(|from| !from.value.contains('@') || from.value.contains(char::is_control))
    {
        section.refuse_at(
            from,
            format!("{:?} is refused; accepted: an address such as larder@example.org", from.value),
        );
    }
    let login = user.zip(password);
    let ca_file = section.text("ca_file").map(|file| file.value);
    let to = section.texts("to").unwrap_or_default();
    for address in to.iter().filter(|address| !is_address(&address.value)) {
        section.refuse_at(
            address,
            format!("{:?} is refused; accepted: an address such as ops@example.org", address.value),
        );
    }
    Some(ChannelKind::Email {
        host: host?.value,
        port,
        security,
        login,
        from: from?.value,
        to: values(to),
        ca_file,
    })
}

fn is_address(text: &str) -> bool {
    text.contains('@')
        && !text.contains(|character: char| character.is_control() || character.is_whitespace())
}

/// Headers of a webhook; those that Standard Webhooks and HTTP set themselves cannot be told.
fn headers(section: &Section<'_>) -> BTreeMap<String, String> {
    let headers = section.text_map("headers");
    for (name, value) in &headers {
        let token = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let reserved = name.to_ascii_lowercase();
        let reserved = reserved.starts_with("webhook-")
            || ["host", "content-length", "content-type"].contains(&reserved.as_str());
        if !token || reserved || value.contains(char::is_control) {
            section.refuse(
                "headers",
                format!("{name:?} is refused; accepted: headers of your own, each value one line"),
            );
        }
    }
    headers
}

fn slack(section: &Section<'_>) -> Option<ChannelKind> {
    let signing_secret = if section.has("signing_secret") { secret(section, "signing_secret") } else { None };
    if section.has("webhook_url") == section.has("token") {
        section.refuse("token", "accepted: either webhook_url, or token and channel");
        return None;
    }
    let delivery = if section.has("token") {
        let (token, channel) = (secret(section, "token"), section.required_text("channel"));
        SlackDelivery::Bot { token: token?, channel: channel?.value }
    } else {
        SlackDelivery::Webhook(secret(section, "webhook_url")?)
    };
    let url = url(section, Some("https://slack.com/api"))?;
    Some(ChannelKind::Slack { delivery, signing_secret, url })
}

pub(super) fn secret(section: &Section<'_>, key: &'static str) -> Option<SecretSource> {
    let accepted = "{ file = \"/run/secrets/…\" } or { env = \"NAME\" }";
    section.ask(key);
    if !section.has(key) {
        section.refuse(key, format!("is missing; accepted: {accepted}"));
    }
    if section.is_text(key) {
        section
            .refuse(key, format!("is a text, and secrets do not stand in this file; accepted: {accepted}"));
        return None;
    }
    let told = section.section(key)?;
    let (file, variable) = (told.text("file"), told.text("env"));
    told.finish();
    match (file, variable) {
        (Some(file), None) => Some(SecretSource::File(file.value)),
        (None, Some(variable)) => Some(SecretSource::Environment(variable.value)),
        _ => {
            section.refuse(key, format!("accepted: {accepted}"));
            None
        }
    }
}

fn url(section: &Section<'_>, usual: Option<&str>) -> Option<String> {
    let told = section.text("url");
    if let Some(told) = &told {
        let good = told.value.starts_with("https://") || told.value.starts_with("http://");
        if !good || told.value.contains(|character: char| character.is_control() || character.is_whitespace())
        {
            section.refuse_at(told, format!("{:?} is refused; accepted: an https:// address", told.value));
        }
    } else if usual.is_none() {
        section.refuse("url", "is missing; accepted: an https:// address");
    }
    told.map(|told| told.value).or_else(|| usual.map(str::to_owned))
}

/// A failover must exist and lead somewhere: a ring of them would go round for ever.
fn check_failovers(root: &Section<'_>, channels: &Named<Channel>) {
    for section in root.sections("channels") {
        let Some(failover) = section.text("failover") else { continue };
        must_exist(&section, &failover, "channel", &channels.names);
        let mut next = Some(failover.value.as_str());
        let mut seen = Vec::new();
        while let Some(name) = next {
            if seen.contains(&name) {
                section.refuse_at(&failover, format!("goes round in a ring: {}", seen.join(" → ")));
                break;
            }
            seen.push(name);
            next = channels.parts.get(name).and_then(|channel| channel.failover.as_deref());
        }
    }
}
