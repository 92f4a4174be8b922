//! What alerts make of incidents: which group they belong to, what the group is called, how bad it is.
//! Pure; who writes it is somebody else.

use std::collections::BTreeMap;

use larder_oncall::labels::Labels;
use larder_oncall::routing::Route;
use larder_oncall::severity::Severity;
use sqlx::types::Json;
use uuid::Uuid;

use crate::message::{cut, one_line};
use crate::store::incidents::{IncidentRow, State, Texts};

const TITLE_CHARACTERS: usize = 300;

/// One alert as a group sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) labels: &'a Labels,
    pub(crate) annotations: &'a BTreeMap<String, String>,
    pub(crate) is_flapping: bool,
}

/// A new incident of a group.
pub(crate) fn open(
    route: &Route,
    group_key: &str,
    alerts: &[Seen<'_>],
    number: i64,
    now_us: i64,
) -> IncidentRow {
    let group_labels = alerts.first().map(|first| route.group_labels(first.labels)).unwrap_or_default();
    let mut row = IncidentRow {
        incident_id: Uuid::now_v7(),
        incident_number: number,
        route: route.id.clone(),
        receiver: route.receiver.clone(),
        group_key: group_key.to_owned(),
        group_labels: Json(texts(&group_labels)),
        title: String::new(),
        severity: Severity::Info.word().to_owned(),
        runbook_url: String::new(),
        common_labels: Json(common(alerts.iter().map(|alert| texts(alert.labels)))),
        common_annotations: Json(common(alerts.iter().map(|alert| alert.annotations.clone()))),
        state: State::Open,
        opened_at_us: now_us,
        paged_at_us: None,
        acknowledged_at_us: None,
        acknowledged_by: String::new(),
        resolved_at_us: None,
        resolved_by: String::new(),
        snoozed_until_us: None,
        is_source_lost: false,
        is_flapping: alerts.iter().any(|alert| alert.is_flapping),
        firing_count: i32::try_from(alerts.len()).unwrap_or(i32::MAX),
        alert_count: i32::try_from(alerts.len()).unwrap_or(i32::MAX),
        revision: 0,
        escalation: serde_json::Value::Null,
    };
    describe(&mut row, alerts);
    row
}

/// Lets an incident know of alerts that came to it.
pub(crate) fn join(row: &mut IncidentRow, alerts: &[Seen<'_>]) {
    let labels = alerts.iter().map(|alert| texts(alert.labels));
    row.common_labels = Json(common(std::iter::once(row.common_labels.0.clone()).chain(labels)));
    let annotations = alerts.iter().map(|alert| alert.annotations.clone());
    row.common_annotations =
        Json(common(std::iter::once(row.common_annotations.0.clone()).chain(annotations)));
    describe(row, alerts);
}

fn describe(row: &mut IncidentRow, alerts: &[Seen<'_>]) {
    let known = Severity::from_word(&row.severity).unwrap_or(Severity::Info);
    let worst = alerts.iter().map(severity).min().unwrap_or(known).min(known);
    worst.word().clone_into(&mut row.severity);
    row.title = title(row, alerts);
    let runbook = row.common_annotations.get("runbook_url").or_else(|| row.common_annotations.get("runbook"));
    let runbook = runbook.or_else(|| alerts.iter().find_map(|alert| alert.annotations.get("runbook_url")));
    if let Some(url) = runbook {
        row.runbook_url = cut(&one_line(url), 2_000);
    }
}

/// What the labels say, or else the annotations: events of other products have no labels to say it with.
fn severity(alert: &Seen<'_>) -> Severity {
    let is_labelled = ["severity", "priority"].iter().any(|name| alert.labels.get(name).is_some());
    let told = alert.annotations.get("severity").filter(|_| !is_labelled);
    told.and_then(|word| Severity::from_word(word)).unwrap_or_else(|| Severity::of(alert.labels))
}

/// What all alerts say of themselves, or else their name with what the group is about.
fn title(row: &IncidentRow, alerts: &[Seen<'_>]) -> String {
    if let Some(summary) = row.common_annotations.get("summary").filter(|summary| !summary.trim().is_empty())
    {
        return cut(&one_line(summary), TITLE_CHARACTERS);
    }
    let name = row.common_labels.get("alertname").or_else(|| row.group_labels.get("alertname"));
    let name = match name {
        Some(name) => name.as_str(),
        None => alerts.first().map_or("several alerts", |alert| alert.labels.alert_name()),
    };
    let about: Vec<String> = row
        .group_labels
        .iter()
        .filter(|(label, _)| *label != "alertname")
        .map(|(label, value)| format!("{label}={value}"))
        .collect();
    let title = if about.is_empty() { name.to_owned() } else { format!("{name} ({})", about.join(", ")) };
    cut(&one_line(&title), TITLE_CHARACTERS)
}

fn texts(labels: &Labels) -> Texts {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// What all of them hold with the same value.
fn common(mut all: impl Iterator<Item = Texts>) -> Texts {
    let mut shared = all.next().unwrap_or_default();
    for texts in all {
        shared.retain(|name, value| texts.get(name) == Some(value));
    }
    shared
}

#[cfg(test)]
mod tests {
    use larder_oncall::settings::Settings;

    use super::*;

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    fn opened(alerts: &[(Pairs<'_>, Pairs<'_>)]) -> IncidentRow {
        let alerts: Vec<(Labels, BTreeMap<String, String>)> = alerts
            .iter()
            .map(|(labels, annotations)| {
                let annotations = annotations.iter().map(|(name, value)| ((*name).into(), (*value).into()));
                (Labels::from_iter(labels.iter().copied()), annotations.collect())
            })
            .collect();
        let seen: Vec<Seen<'_>> = alerts
            .iter()
            .map(|(labels, annotations)| Seen { labels, annotations, is_flapping: false })
            .collect();
        open(&Settings::default().route, "key", &seen, 7, 1)
    }

    #[test]
    fn the_worst_alert_decides_and_what_all_say_is_the_title() {
        let row = opened(&[
            (
                &[("alertname", "OvenCold"), ("oven", "1"), ("severity", "warning")],
                &[("summary", "oven 1 is cold")],
            ),
            (
                &[("alertname", "OvenCold"), ("oven", "2"), ("severity", "critical")],
                &[("summary", "oven 2 is cold")],
            ),
        ]);
        assert_eq!((row.severity.as_str(), row.title.as_str()), ("critical", "OvenCold"));
        assert_eq!(row.common_labels.0, Texts::from([("alertname".into(), "OvenCold".into())]));
        let one = opened(&[(
            &[("alertname", "OvenCold")],
            &[("summary", "oven 1\nis cold"), ("runbook_url", "https://r/1")],
        )]);
        assert_eq!((one.title.as_str(), one.runbook_url.as_str()), ("oven 1 is cold", "https://r/1"));
        assert_eq!(one.severity, "warning");
    }

    #[test]
    fn an_incident_gets_worse_and_never_better_while_it_lasts() {
        let mut row = opened(&[(&[("alertname", "OvenCold"), ("severity", "warning")], &[])]);
        let annotations = BTreeMap::new();
        for (severity, expected) in [("critical", "critical"), ("info", "critical")] {
            let labels = Labels::from_iter([("alertname", "OvenCold"), ("severity", severity)]);
            join(&mut row, &[Seen { labels: &labels, annotations: &annotations, is_flapping: false }]);
            assert_eq!(row.severity, expected);
        }
    }
}
