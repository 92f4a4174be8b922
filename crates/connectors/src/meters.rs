//! The metrics of this crate. Names are documented in one place, here; labels come from closed sets.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use tokio::time::Instant;

/// Tells the exporter what each metric means.
pub(crate) fn describe() {
    describe_counter!("larder_connectors_answers_total", "Answers of connectors, by rung of the ladder");
    describe_counter!(
        "larder_connectors_degraded_answers_total",
        "Answers that were less than what was asked for"
    );
    describe_gauge!(
        "larder_connectors_answer_age_seconds",
        Unit::Seconds,
        "Age of the newest answer when it was given"
    );
    describe_counter!("larder_connectors_errors_total", "Questions to outside services that failed, by kind");
    describe_counter!(
        "larder_connectors_rows_refused_total",
        "Rows of outside services that could not be used"
    );
    describe_histogram!(
        "http_client_request_duration_seconds",
        Unit::Seconds,
        "Duration of HTTP requests to outside services in seconds."
    );
}

/// An answer was given.
pub(crate) fn answered(connector: &'static str, rung: &'static str, degraded: bool, age: Duration) {
    counter!("larder_connectors_answers_total", "connector" => connector, "source" => rung).increment(1);
    if degraded {
        counter!("larder_connectors_degraded_answers_total", "connector" => connector).increment(1);
    }
    gauge!("larder_connectors_answer_age_seconds", "connector" => connector).set(age.as_secs_f64());
}

/// A question to an outside service failed.
pub(crate) fn failed(source: &'static str, kind: &'static str) {
    counter!("larder_connectors_errors_total", "source" => source, "kind" => kind).increment(1);
}

/// Rows of an answer were left out.
pub(crate) fn rows_refused(source: &'static str, rows: usize) {
    if rows > 0 {
        counter!("larder_connectors_rows_refused_total", "source" => source).increment(rows as u64);
    }
}

/// Measures one request; as cancelled when it is dropped before it was ended.
pub(crate) struct RequestMeter<'a> {
    method: &'static str,
    host: &'a str,
    status: Option<u16>,
    error: Option<&'static str>,
    started: Instant,
}

impl<'a> RequestMeter<'a> {
    pub(crate) fn start(method: &'static str, host: &'a str) -> Self {
        Self { method, host, status: None, error: Some("cancelled"), started: Instant::now() }
    }

    pub(crate) fn status(&mut self, status: u16) {
        self.status = Some(status);
    }

    pub(crate) fn finish(mut self, error: Option<&'static str>) {
        self.error = error;
    }
}

impl Drop for RequestMeter<'_> {
    fn drop(&mut self) {
        histogram!(
            "http_client_request_duration_seconds",
            "http_request_method" => self.method,
            "server_address" => self.host.to_owned(),
            "http_response_status_code" => self.status.map_or(String::new(), |status| status.to_string()),
            "error_type" => self.error.unwrap_or_default(),
        )
        .record(self.started.elapsed().as_secs_f64());
    }
}
