//! Reading heartbeats, which are waited for, and probes, which look for themselves.

use std::time::Duration;

use super::document::Section;
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
        Some(Probe {
            name: name.to_owned(),
            kind: kind?,
            target: target?.value,
            every,
            timeout,
            failures,
            labels,
        })
    })
}
