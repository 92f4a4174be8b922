//! Reading heartbeats, which are waited for, and probes, which look for themselves.

use std::time::Duration;

use super::channels::{SecretSource, secret};
use super::document::{Located, Section};
use super::{Named, named};
use crate::labels::Labels;

/// Signs of life cannot be told apart from late ones closer together than this.
const HEARTBEAT_MIN: Duration = Duration::from_secs(5);

/// A sign of life that is waited for. When it is late, what it vouches for counts as lost, and an alert of its own
/// fires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// What it is called, in its address too.
    pub name: String,
    /// How often it is to be heard.
    pub every: Duration,
    /// How late it may be.
    pub grace: Duration,
    /// The name of an alert whose arrival is such a sign, for instance `Watchdog`.
    pub alert_name: Option<String>,
    /// Labels of the alert that fires when it is late.
    pub labels: Labels,
}

/// Something that is looked at again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What it is called.
    pub name: String,
    /// How it is looked at.
    pub kind: ProbeKind,
    /// An address as the kind takes it.
    pub target: String,
    /// How often.
    pub every: Duration,
    /// How long one look may take.
    pub timeout: Duration,
    /// How many looks must fail in a row before an alert fires.
    pub failures: u32,
    /// Labels of that alert.
    pub labels: Labels,
    /// What PostgreSQL and Redis are shown to be let in.
    pub password: Option<SecretSource>,
    /// How long before its end a certificate is told of.
    pub expires_within: Duration,
}

/// How a probe looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeKind {
    /// A GET that must answer 2xx.
    Http,
    /// gRPC's health service, which must say SERVING.
    Grpc,
    /// A connection that must be accepted, `host:port`.
    Tcp,
    /// PostgreSQL must answer a query.
    Postgres,
    /// Redis must answer a PING.
    Redis,
    /// A certificate must not be about to expire, `host:port`.
    Certificate,
}

impl ProbeKind {
    /// As the file has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Certificate => "certificate",
        }
    }

    /// How its targets begin; those without are `host:port`.
    fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Http | Self::Grpc => &["https://", "http://"],
            Self::Postgres => &["postgres://", "postgresql://"],
            Self::Redis => &["redis://"],
            Self::Tcp | Self::Certificate => &[],
        }
    }
}

pub(super) fn heartbeats(root: &Section<'_>) -> Named<Heartbeat> {
    named(root, "heartbeats", |section, name| {
        if !section.has("every") {
            section.refuse("every", "is missing; accepted: a duration from 5s");
        }
        let every = section.duration("every");
        if every.is_some_and(|every| every < HEARTBEAT_MIN) {
            section.refuse("every", "is too short to tell late from lost; accepted: a duration from 5s");
        }
        let grace = section.duration("grace");
        let alert_name = section.text("alert_name").map(|name| name.value);
        let labels = section.text_map("labels").into();
        let every = every?;
        Some(Heartbeat { name: name.to_owned(), every, grace: grace.unwrap_or(every), alert_name, labels })
    })
}

pub(super) fn probes(root: &Section<'_>) -> Named<Probe> {
    let kinds = [
        ("http", ProbeKind::Http),
        ("grpc", ProbeKind::Grpc),
        ("tcp", ProbeKind::Tcp),
        ("postgres", ProbeKind::Postgres),
        ("redis", ProbeKind::Redis),
        ("certificate", ProbeKind::Certificate),
    ];
    named(root, "probes", |section, name| {
        if !section.has("kind") {
            section.refuse("kind", "is missing; accepted: http, grpc, tcp, postgres, redis, certificate");
        }
        let (kind, target) = (section.one_of("kind", &kinds), section.required_text("target"));
        let every = section.duration("every").unwrap_or(Duration::from_secs(15));
        let timeout = section.duration("timeout").unwrap_or_else(|| every.min(Duration::from_secs(5)));
        if timeout.is_zero() || timeout > every {
            section.refuse(
                "timeout",
                "is refused; accepted: a duration longer than 0s and no longer than `every`",
            );
        }
        let failures = section.number("failures", 1..101).unwrap_or(2);
        let labels = section.text_map("labels").into();
        let password = section.has("password").then(|| secret(section, "password")).flatten();
        let expires_within = section.duration("expires_within").unwrap_or(Duration::from_secs(14 * 86_400));
        if let (Some(kind), Some(target)) = (kind, &target) {
            check_target(section, kind, target);
        }
        if password.is_some() && !matches!(kind, Some(ProbeKind::Postgres | ProbeKind::Redis)) {
            section.refuse("password", "is refused; accepted: for the kinds postgres and redis alone");
        }
        Some(Probe {
            name: name.to_owned(),
            kind: kind?,
            target: target?.value,
            every,
            timeout,
            failures,
            labels,
            password,
            expires_within,
        })
    })
}

/// Refuses a target of another form, and one that holds a secret, without showing it.
fn check_target(section: &Section<'_>, kind: ProbeKind, target: &Located<String>) {
    let schemes = kind.schemes();
    let host_and_port = || {
        let port = target.value.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        port.is_some() && !target.value.contains("://")
    };
    let rest = schemes.iter().find_map(|scheme| target.value.strip_prefix(scheme));
    match rest {
        Some(rest) => {
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
            if user.contains(':') || target.value.contains("password=") {
                section.refuse_at(
                    target,
                    "holds a password; accepted: `password = { file = \"…\" }` or `{ env = \"…\" }` beside it",
                );
            }
        }
        None if schemes.is_empty() && host_and_port() => {}
        None if schemes.is_empty() => section.refuse_at(target, "is refused; accepted: host:port"),
        None => {
            let accepted = schemes.join(" or ");
            section
                .refuse_at(target, format!("is refused; accepted: an address that begins with {accepted}"));
        }
    }
}
