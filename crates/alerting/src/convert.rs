//! Where wire types are hung up: messages become checked values on the way in, rows become messages on
//! the way out. Only this room and `grpc/` see the generated types.

use std::collections::BTreeMap;

use larder_oncall::alert::{Told, ToldAlert};
use larder_oncall::labels::{Fingerprint, Labels};
use larder_proto::larder::alerting::v1::{
    Alert, AlertState, Heartbeat, Incident, IncidentState, NewAlert, TimelineEntry,
};

use crate::error::{Error, Violation};
use crate::store::heartbeats::HeartbeatRow;
use crate::store::incidents::{IncidentRow, State};
use crate::store::reading::AlertRow;
use crate::store::timeline::EntryRow;

const LABELS_MOST: usize = 64;
const NAME_CHARACTERS: usize = 256;
const LABEL_BYTES: usize = 4_096;
const ANNOTATION_BYTES: usize = 65_536;

/// Microseconds since 1970 as a wire instant.
pub(crate) fn timestamp(micros: i64) -> prost_types::Timestamp {
    let nanos = i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or(0);
    prost_types::Timestamp { seconds: micros.div_euclid(1_000_000), nanos }
}

/// A wire instant as microseconds since 1970.
pub(crate) fn micros(field: &str, instant: &prost_types::Timestamp) -> Result<i64, Error> {
    let nanos = i64::from(instant.nanos);
    let is_instant = (0..=253_402_300_799).contains(&instant.seconds) && (0..1_000_000_000).contains(&nanos);
    if is_instant {
        return Ok(instant.seconds * 1_000_000 + nanos / 1_000);
    }
    Err(Error::invalid(field, "must be an instant from 1970 to 9999"))
}

/// Checks an alert that came over gRPC.
pub(crate) fn told(alert: &NewAlert, now_us: i64) -> Result<ToldAlert, Error> {
    let violations = strange_texts("labels", &alert.labels, LABEL_BYTES)
        .chain(strange_texts("annotations", &alert.annotations, ANNOTATION_BYTES))
        .collect::<Vec<_>>();
    if !violations.is_empty() {
        return Err(Error::Invalid(violations));
    }
    let labels = Labels::from(alert.labels.clone());
    if labels.is_empty() {
        return Err(Error::invalid("labels", "must have at least one that is not empty"));
    }
    let instant = |field: &str, at: &Option<prost_types::Timestamp>| {
        at.as_ref().map(|at| micros(field, at)).transpose()
    };
    let ends_at_us = instant("ends_at", &alert.ends_at)?;
    Ok(ToldAlert {
        labels,
        annotations: alert.annotations.clone(),
        generator_url: alert.generator_url.clone(),
        starts_at_us: instant("starts_at", &alert.starts_at)?,
        told: match ends_at_us {
            Some(ends_at_us) if ends_at_us <= now_us => Told::Resolved { ends_at_us },
            expires_at_us => Told::Firing { expires_at_us },
        },
    })
}

/// What labels or annotations may not be.
pub(crate) fn strange_texts<'a>(
    field: &'a str,
    texts: &'a BTreeMap<String, String>,
    most_bytes: usize,
) -> impl Iterator<Item = Violation> + 'a {
    let violation =
        |field: String, description: &str| Violation { field, description: description.to_owned() };
    let too_many =
        (texts.len() > LABELS_MOST).then(|| violation(field.to_owned(), "must have at most 64 entries"));
    let strange = texts.iter().filter_map(move |(name, value)| {
        let good_name = !name.is_empty() && name.chars().count() <= NAME_CHARACTERS && !name.contains('\0');
        if !good_name {
            return Some(violation(field.to_owned(), "must have names of 1 to 256 characters"));
        }
        let good_value = value.len() <= most_bytes && !value.contains('\0');
        (!good_value).then(|| {
            violation(
                format!("{field}.{name}"),
                "must not be that long, and not contain the character U+0000",
            )
        })
    });
    too_many.into_iter().chain(strange).take(20)
}

/// An alert on the wire.
pub(crate) fn alert(row: &AlertRow) -> Alert {
    let state = match (row.resolved_at_us, row.lost_at_us) {
        (Some(_), _) => AlertState::Resolved,
        (None, Some(_)) => AlertState::SourceLost,
        (None, None) => AlertState::Firing,
    };
    Alert {
        fingerprint: Fingerprint(row.fingerprint.cast_unsigned()).to_string(),
        labels: row.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        annotations: row.annotations.0.clone(),
        state: state.into(),
        starts_at: Some(timestamp(row.starts_at_us)),
        ends_at: row.resolved_at_us.or(row.expires_at_us).map(timestamp),
        updated_at: Some(timestamp(row.updated_at_us)),
        generator_url: row.generator_url.clone(),
        source: row.source.clone(),
        silence_ids: row.silence_ids.clone(),
        inhibited: row.is_inhibited,
    }
}

/// An incident on the wire.
pub(crate) fn incident(row: &IncidentRow) -> Incident {
    let state = match row.state {
        State::Open => IncidentState::Open,
        State::Acknowledged => IncidentState::Acknowledged,
        State::Resolved => IncidentState::Resolved,
    };
    Incident {
        incident_id: row.incident_id.to_string(),
        number: row.incident_number,
        title: row.title.clone(),
        severity: row.severity.clone(),
        state: state.into(),
        route: row.route.clone(),
        group_labels: row.group_labels.0.clone(),
        runbook_url: row.runbook_url.clone(),
        firing_alert_count: row.firing_count,
        alert_count: row.alert_count,
        opened_at: Some(timestamp(row.opened_at_us)),
        acknowledged_at: row.acknowledged_at_us.map(timestamp),
        acknowledged_by: row.acknowledged_by.clone(),
        resolved_at: row.resolved_at_us.map(timestamp),
        resolved_by: row.resolved_by.clone(),
        snoozed_until: row.snoozed_until_us.map(timestamp),
        source_lost: row.is_source_lost,
        flapping: row.is_flapping,
    }
}

/// An entry of a timeline on the wire.
pub(crate) fn entry(row: &EntryRow) -> TimelineEntry {
    TimelineEntry {
        sequence: row.sequence,
        at: Some(timestamp(row.at_us)),
        kind: row.kind.clone(),
        actor: row.actor.clone(),
        text: row.text.clone(),
        hash: row.hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// A heartbeat on the wire.
pub(crate) fn heartbeat(row: &HeartbeatRow) -> Heartbeat {
    Heartbeat {
        name: row.name.clone(),
        interval_seconds: row.interval_s,
        last_beat_at: row.last_beat_at_us.map(timestamp),
        lost: row.is_lost,
    }
}

/// 1 to 128 characters of `[A-Za-z0-9._~-]`.
pub(crate) fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_in_the_past_is_a_resolve_and_one_to_come_a_promise_to_speak_again() {
        let with_end = |seconds: Option<i64>| NewAlert {
            labels: [("alertname".to_owned(), "A".to_owned())].into(),
            ends_at: seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 }),
            ..NewAlert::default()
        };
        let told = |seconds| told(&with_end(seconds), 100_000_000).unwrap().told;
        assert_eq!(told(None), Told::Firing { expires_at_us: None });
        assert_eq!(told(Some(90)), Told::Resolved { ends_at_us: 90_000_000 });
        assert_eq!(told(Some(110)), Told::Firing { expires_at_us: Some(110_000_000) });
    }

    #[test]
    fn strange_alerts_are_refused_by_field() {
        let refusal = |name: &str, value: &str| {
            let labels = [(name.to_owned(), value.to_owned())].into();
            told(&NewAlert { labels, ..NewAlert::default() }, 1).unwrap_err().to_string()
        };
        assert!(refusal("alertname", "").starts_with("labels: must have at least one"));
        assert!(refusal("", "x").starts_with("labels: must have names"));
        assert!(refusal("alertname", "a\0").starts_with("labels.alertname: "));
        assert!(refusal("alertname", &"x".repeat(5_000)).starts_with("labels.alertname: "));
    }
}
