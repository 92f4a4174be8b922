//! Every refusal of this service by name, and the one place that makes a gRPC status or an HTTP answer
//! of it. A message names the field and what would be accepted; none shows SQL, a path or a secret.

use std::collections::HashMap;
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use larder_telemetry::ErrorKind;
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How long a sender should wait before it tries again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// One field that cannot be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The field's path in the message, such as `labels.alertname`.
    pub(crate) field: String,
    /// What would be accepted.
    pub(crate) description: String,
}

/// Why the service refused or could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Fields that cannot be true.
    #[error("{}", describe(.0))]
    Invalid(Vec<Violation>),
    /// The id names nothing that this tenant has.
    #[error("{noun} not found")]
    NotFound {
        /// What was looked for, such as `incident`.
        noun: &'static str,
    },
    /// What is asked for does not fit to where the incident stands.
    #[error("{0}")]
    Conflict(&'static str),
    /// Nobody showed who they are, or what they showed proves nothing.
    #[error("a token of this service is needed: in the path, or as authorization")]
    Unauthenticated,
    /// The token is for something else.
    #[error("the token may send alerts and nothing else; make one with `larder token ingest --operate`")]
    Forbidden,
    /// More is under way than fits into memory.
    #[error("too much is under way at the moment; try again")]
    Overloaded,
    /// The database cannot be reached now.
    #[error("the database cannot be reached at the moment; try again")]
    Unavailable(#[source] Option<sqlx::Error>),
    /// The database answered with an error that no caller can mend.
    #[error("database error")]
    Database(#[source] sqlx::Error),
    /// Anything else that went wrong inside.
    #[error("{0}")]
    Internal(String),
}

fn describe(violations: &[Violation]) -> String {
    let sentences: Vec<_> = violations
        .iter()
        .map(|violation| format!("{}: {}", violation.field, violation.description))
        .collect();
    sentences.join("; ")
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if larder_database::is_unavailable(&error) {
            Self::Unavailable(Some(error))
        } else {
            Self::Database(error)
        }
    }
}

impl From<larder_identity::page::InvalidPage> for Error {
    fn from(refused: larder_identity::page::InvalidPage) -> Self {
        Self::invalid(refused.field, refused.description)
    }
}

impl Error {
    /// Makes the refusal of a single field.
    pub(crate) fn invalid(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation { field: field.into(), description: description.into() }])
    }

    /// Whether the same may work in a while.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Overloaded | Self::Unavailable(_))
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::Unauthenticated | Self::Forbidden => ErrorKind::InvalidArgument,
            Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Conflict(_) => ErrorKind::Conflict,
            Self::Overloaded | Self::Unavailable(_) => ErrorKind::Unavailable,
            Self::Database(_) | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    fn codes(&self) -> (Code, StatusCode, &'static str) {
        match self {
            Self::Invalid(_) => (Code::InvalidArgument, StatusCode::BAD_REQUEST, "INVALID_FIELD"),
            Self::NotFound { .. } => (Code::NotFound, StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::Conflict(_) => (Code::FailedPrecondition, StatusCode::CONFLICT, "CONFLICT"),
            Self::Unauthenticated => (Code::Unauthenticated, StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
            Self::Forbidden => (Code::PermissionDenied, StatusCode::FORBIDDEN, "TOKEN_MAY_ONLY_SEND"),
            // Alertmanager takes any 4xx, 429 included, for final and drops the message.
            Self::Overloaded => (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED"),
            Self::Unavailable(_) => {
                (Code::Unavailable, StatusCode::SERVICE_UNAVAILABLE, "DATABASE_UNAVAILABLE")
            }
            Self::Database(_) | Self::Internal(_) => {
                (Code::Internal, StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL")
            }
        }
    }

    /// What a caller may read.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Database(_) | Self::Internal(_) => {
                "something went wrong inside; quote the correlation id".to_owned()
            }
            _ => self.to_string(),
        }
    }

    fn note(&self) {
        larder_telemetry::errors::count("alerting", self.kind());
        match self {
            Self::Database(cause) => tracing::error!(error.cause = %cause, "database error"),
            Self::Internal(cause) => tracing::error!(error.cause = %cause, "internal error"),
            Self::Unavailable(Some(cause)) => tracing::warn!(error.cause = %cause, "database unavailable"),
            _ => {}
        }
    }

    /// The `google.rpc.Status` of one row of a batch.
    pub(crate) fn row_status(&self) -> tonic_types::Status {
        let (code, _, _) = self.codes();
        let whole: Option<tonic_types::Status> = prost::Message::decode(self.status().details()).ok();
        let details = whole.map(|whole| whole.details).unwrap_or_default();
        tonic_types::Status { code: code as i32, message: self.told(), details }
    }

    fn status(&self) -> Status {
        let (code, _, reason) = self.codes();
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, "larder", HashMap::new());
        if let Self::Invalid(violations) = self {
            for violation in violations {
                details.add_bad_request_violation(&violation.field, &violation.description);
            }
        }
        if self.is_passing() {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        Status::with_error_details(code, self.told(), details)
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        error.note();
        error.status()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.note();
        let (_, status, reason) = self.codes();
        let mut response = (status, Json(json!({ "error": self.told(), "reason": reason }))).into_response();
        if self.is_passing() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER.as_secs()));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_ever_told_429_or_413() {
        for error in [Error::Overloaded, Error::Unavailable(None)] {
            let response = error.into_response();
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        }
    }

    #[test]
    fn a_database_error_tells_nothing_of_the_database() {
        let error = Error::Database(sqlx::Error::Protocol("select secret from x".into()));
        assert!(!error.told().contains("secret"));
        assert!(!Status::from(error).message().contains("secret"));
    }

    #[test]
    fn a_refused_field_is_named() {
        let row = Error::invalid("labels", "must not be empty").row_status();
        assert_eq!((row.code, row.message.as_str()), (3, "labels: must not be empty"));
        assert_eq!(row.details.len(), 2);
    }
}
