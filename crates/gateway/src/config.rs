//! What of the settings the gateway reads on every request, taken out once at start.

use std::time::Duration;

use larder_settings::Settings;

/// Whom service tokens are meant for: every service of one Larder.
pub(crate) const SERVICE_AUDIENCE: &str = "larder";

/// The name of this service, in telemetry and health.
pub(crate) const SERVICE: &str = "gateway";

/// The schema that the gateway owns.
pub const SCHEMA: &str = "identity";

/// The limits of one request.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// From the first byte to the answer; a client may ask for less with `grpc-timeout`.
    pub(crate) request_timeout: Duration,
    pub(crate) body_limit_bytes: usize,
}

impl Limits {
    /// The limits as set.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            request_timeout: settings.gateway.request_timeout,
            body_limit_bytes: settings.gateway.request_body_limit_bytes,
        }
    }
}
