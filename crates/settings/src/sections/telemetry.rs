//! The section `[telemetry]`.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

use super::section;
use crate::kind::Kind;

section! {
    /// Logs, traces and reports of errors.
    TelemetrySettings = "telemetry" {
        /// How log lines look: `json` for machines, `pretty` for people.
        log_format: LogFormat = LogFormat::Json, Kind::Choice(&["json", "pretty"]);
        /// Which log lines are written, as `info` or `info,larder_gateway=debug`.
        log_filter: String = "info".to_owned(), Kind::Text;
        /// The OTLP/gRPC collector that traces go to. Left out, none are exported.
        otlp_endpoint: Option<Url> = None, Kind::Url;
        /// Which share of the traces is kept.
        trace_sample_ratio: f64 = 1.0, Kind::Number(0.0..=1.0);
        /// Where errors and panics are reported, for anything that speaks Sentry's protocol.
        sentry_dsn ("sentry_dsn", "crate::secret::connection"): Option<SecretString> = None,
            Kind::SecretUrl(&["http", "https"]);
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// Coloured lines for a terminal.
    Pretty,
}
