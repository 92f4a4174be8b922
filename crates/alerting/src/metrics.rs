//! The metrics that are this service's own. The names are documented in one place, here.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::channels::Outcome;
use crate::error::Error;
use crate::store::incidents::IncidentRow;

/// Tells the exporter what each metric means.
pub(crate) fn describe() {
    describe_counter!("larder_alerting_alerts_received_total", "Alerts received, repetitions included");
    describe_counter!(
        "larder_alerting_alerts_spooled_total",
        "Alerts written to disk while the database was away"
    );
    describe_counter!("larder_alerting_incidents_opened_total", "Incidents opened, by severity");
    describe_counter!("larder_alerting_incidents_resolved_total", "Incidents resolved, by severity");
    describe_gauge!(
        "larder_alerting_incidents_open",
        "Incidents that are not resolved, by state and severity"
    );
    describe_histogram!("larder_alerting_acknowledge_duration_seconds", "From opening to acknowledging");
    describe_histogram!("larder_alerting_resolve_duration_seconds", "From opening to resolving");
    describe_counter!("larder_alerting_notifications_total", "Messages handed over, by channel and outcome");
    describe_counter!("larder_alerting_digests_total", "Messages that told many incidents at once");
    describe_gauge!("larder_alerting_outbox_waiting", "Notifications that wait");
    describe_gauge!("larder_alerting_outbox_oldest_seconds", "Age of the oldest notification that waits");
    describe_gauge!(
        "larder_alerting_on_call_file_refused",
        "1 while the newest on-call file is refused, else 0"
    );
    describe_counter!("larder_alerting_sources_lost_total", "Sources that fell silent");
    describe_gauge!(
        "larder_alerting_probe_up",
        "1 while the last look of a probe succeeded, else 0, by probe"
    );
    describe_counter!("larder_alerting_job_failures_total", "Rounds of jobs that failed, by job");
    // Alerts compare with what was before: a counter must be there before it counts.
    counter!("larder_alerting_sources_lost_total").absolute(0);
    counter!("larder_alerting_alerts_spooled_total").absolute(0);
    rules_refused(false);
    backlog(0, 0);
}

pub(crate) fn alerts_received(alerts: usize) {
    counter!("larder_alerting_alerts_received_total").increment(alerts as u64);
}

pub(crate) fn spooled(alerts: usize) {
    counter!("larder_alerting_alerts_spooled_total").increment(alerts as u64);
}

pub(crate) fn incidents_opened(rows: &[IncidentRow]) {
    for row in rows {
        counter!("larder_alerting_incidents_opened_total", "severity" => row.severity.clone()).increment(1);
    }
}

pub(crate) fn incident_acknowledged(row: &IncidentRow) {
    if let Some(at_us) = row.acknowledged_at_us {
        histogram!("larder_alerting_acknowledge_duration_seconds")
            .record((at_us - row.opened_at_us) as f64 / 1e6);
    }
}

pub(crate) fn incident_resolved(row: &IncidentRow) {
    counter!("larder_alerting_incidents_resolved_total", "severity" => row.severity.clone()).increment(1);
    if let Some(at_us) = row.resolved_at_us {
        histogram!("larder_alerting_resolve_duration_seconds")
            .record((at_us - row.opened_at_us) as f64 / 1e6);
    }
}

pub(crate) fn census(rows: &[(String, String, i64)]) {
    for state in ["open", "acknowledged"] {
        for severity in ["critical", "error", "warning", "info"] {
            let found = rows.iter().find(|row| row.0 == state && row.1 == severity).map_or(0, |row| row.2);
            gauge!("larder_alerting_incidents_open", "state" => state, "severity" => severity)
                .set(found as f64);
        }
    }
}

pub(crate) fn notified(channel: &str, outcome: &Outcome) {
    let word = match outcome {
        Outcome::Sent { .. } => "sent",
        Outcome::TryAgain { .. } => "try_again",
        Outcome::Pause { .. } => "paused",
        Outcome::Refused { .. } => "refused",
    };
    counter!("larder_alerting_notifications_total", "channel" => channel.to_owned(), "outcome" => word)
        .increment(1);
}

pub(crate) fn digest(incidents: usize) {
    counter!("larder_alerting_digests_total").increment(1);
    tracing::info!(incidents.count = incidents, "incidents told in one digest");
}

pub(crate) fn backlog(waiting: i64, oldest_us: i64) {
    gauge!("larder_alerting_outbox_waiting").set(waiting as f64);
    gauge!("larder_alerting_outbox_oldest_seconds").set(oldest_us.max(0) as f64 / 1e6);
}

pub(crate) fn rules_refused(is_refused: bool) {
    gauge!("larder_alerting_on_call_file_refused").set(if is_refused { 1.0 } else { 0.0 });
}

pub(crate) fn source_lost(is_lost: bool) {
    if is_lost {
        counter!("larder_alerting_sources_lost_total").increment(1);
    }
}

pub(crate) fn probed(name: &str, is_up: bool) {
    gauge!("larder_alerting_probe_up", "probe" => name.to_owned()).set(if is_up { 1.0 } else { 0.0 });
}

/// A round of a job failed; the next one comes by itself.
pub(crate) fn job_failed(job: &'static str, error: &Error) {
    counter!("larder_alerting_job_failures_total", "job" => job).increment(1);
    if error.is_passing() {
        tracing::debug!(job.name = job, error.cause = %error, "the database is away; the job tries again");
    } else {
        let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
        tracing::error!(job.name = job, error.cause = %error, error.source = cause, "a round of a job failed");
    }
}
