//! Every refusal of this service by name, and the one place that makes a gRPC status of
//! it. A message names the field and what would be accepted; none shows SQL or a path.

use std::collections::HashMap;
use std::time::Duration;

use larder_telemetry::ErrorKind;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// How long a caller should wait before it tries a write again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// One field that cannot be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The field's path in the message, such as `price.units`.
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
    /// Somebody whom no target is worked out for, or a goal that would harm them.
    #[error("{}: {}", .violation.field, .violation.description)]
    TargetRefused {
        /// Why, as programs read it, such as `WOULD_STARVE`.
        reason: &'static str,
        /// The field it is about.
        violation: Violation,
    },
    /// No plan of meals keeps every hard constraint.
    #[error("{text}")]
    NoPlan {
        /// The whole story.
        text: String,
        /// What would make a plan possible, each alone.
        relax: Vec<Violation>,
    },
    /// The id names nothing that this tenant has.
    #[error("{noun} not found")]
    NotFound {
        /// What was looked for, such as `product`.
        noun: &'static str,
    },
    /// The version names no model of this tenant.
    #[error("model_version: no such model; list the models to see which there are")]
    ModelNotFound,
    /// No other model served before the one that serves.
    #[error("no model served before the present one; list the models and promote one by its version")]
    NoEarlierModel,
    /// No other demand model answered before the present one.
    #[error("{0}")]
    NothingBefore(String),
    /// The snapshot file of a model is missing or not what was registered.
    #[error("{0}; the model that serves goes on serving")]
    SnapshotRefused(String),
    /// A training was ended from outside before it was done.
    #[error("{0}")]
    TrainingStopped(String),
    /// The idempotency key was used before with another request.
    #[error("idempotency-key: already used with a different request; send a new key for a new request")]
    KeyReused,
    /// The database cannot be reached now.
    #[error("the database cannot be reached at the moment; try again")]
    Unavailable(#[source] Option<sqlx::Error>),
    /// The service started without the database, and kept no profiles of the tenant.
    #[error(
        "customer_id: what this customer must stay away from is not known until the database is back, so \
         nothing is shown to them; try again, or call RecommendForSession with their profile"
    )]
    ProfilesUnknown,
    /// An experiment of this id was written down before.
    #[error("experiment.experiment_id: already taken; send another id, or none to be given one")]
    ExperimentExists,
    /// Another experiment runs for the placement.
    #[error("experiment.placement: another experiment runs for it; stop that one first")]
    PlacementTaken,
    /// A legal hold keeps what was to be removed.
    #[error(
        "a legal hold is on the customer, so nothing about them may be deleted; ListLegalHolds shows it, and \
         ReleaseLegalHold ends it"
    )]
    UnderLegalHold,
    /// Another piece of the same work is under way.
    #[error("{0}")]
    Busy(&'static str),
    /// The database answered with an error that no caller can mend.
    #[error("database error")]
    Database(#[source] sqlx::Error),
    /// This installation lacks what the call needs.
    #[error("{0}")]
    NotSetUp(&'static str),
    /// The tenant has no shop.
    #[error("no shop is connected; begin with ConnectSquare")]
    NotConnected,
    /// Somebody who is not the shop's service sent a message in its name.
    #[error("signature: does not fit the body")]
    Forged,
    /// A service out there did not do what was asked.
    #[error("the shop's service: {0}")]
    Outside(larder_connectors::ConnectorError),
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
            return Self::Unavailable(Some(error));
        }
        if larder_database::constraint(&error) == Some("legal_holds_keep") {
            return Self::UnderLegalHold;
        }
        if larder_database::constraint(&error) == Some("models_one_promoted") {
            return Self::Busy("another model was promoted at the same moment; look which one serves");
        }
        Self::Database(error)
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

    /// The kind this error is counted under.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(_) | Self::TargetRefused { .. } => ErrorKind::InvalidArgument,
            Self::NotFound { .. } | Self::ModelNotFound => ErrorKind::NotFound,
            Self::KeyReused
            | Self::ExperimentExists
            | Self::PlacementTaken
            | Self::Busy(_)
            | Self::NoEarlierModel
            | Self::NothingBefore(_)
            | Self::UnderLegalHold
            | Self::NotSetUp(_)
            | Self::NotConnected
            | Self::NoPlan { .. }
            | Self::SnapshotRefused(_) => ErrorKind::Conflict,
            Self::Forged => ErrorKind::PermissionDenied,
            Self::Unavailable(_) | Self::ProfilesUnknown | Self::TrainingStopped(_) | Self::Outside(_) => {
                ErrorKind::Unavailable
            }
            Self::Database(_) | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    fn code_and_reason(&self) -> (Code, &'static str) {
        match self {
            Self::Invalid(_) => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::TargetRefused { reason, .. } => (Code::InvalidArgument, reason),
            Self::NotFound { .. } => (Code::NotFound, "NOT_FOUND"),
            Self::ModelNotFound => (Code::NotFound, "MODEL_NOT_FOUND"),
            Self::NoPlan { .. } => (Code::FailedPrecondition, "NO_PLAN"),
            Self::NothingBefore(_) => (Code::FailedPrecondition, "NO_EARLIER_MODEL"),
            Self::NoEarlierModel => (Code::FailedPrecondition, "NO_EARLIER_MODEL"),
            Self::SnapshotRefused(_) => (Code::FailedPrecondition, "SNAPSHOT_REFUSED"),
            Self::TrainingStopped(_) => (Code::Aborted, "TRAINING_STOPPED"),
            Self::KeyReused => (Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED"),
            Self::ExperimentExists => (Code::AlreadyExists, "EXPERIMENT_EXISTS"),
            Self::PlacementTaken => (Code::AlreadyExists, "PLACEMENT_TAKEN"),
            Self::Busy(_) => (Code::Aborted, "BUSY"),
            Self::UnderLegalHold => (Code::FailedPrecondition, "UNDER_LEGAL_HOLD"),
            Self::NotSetUp(_) => (Code::FailedPrecondition, "NOT_SET_UP"),
            Self::NotConnected => (Code::FailedPrecondition, "NOT_CONNECTED"),
            Self::Forged => (Code::PermissionDenied, "SIGNATURE_REFUSED"),
            Self::Outside(_) => (Code::Unavailable, "OUTSIDE_UNAVAILABLE"),
            Self::Unavailable(_) => (Code::Unavailable, "DATABASE_UNAVAILABLE"),
            Self::ProfilesUnknown => (Code::Unavailable, "PROFILES_UNKNOWN"),
            Self::Database(_) | Self::Internal(_) => (Code::Internal, "INTERNAL"),
        }
    }

    /// The `google.rpc.Status` of one row of a batch.
    pub(crate) fn row_status(&self) -> tonic_types::Status {
        let status = self.status();
        let details = tonic_types::pb::Status::default().details;
        let mut row =
            tonic_types::Status { code: status.code() as i32, message: status.message().to_owned(), details };
        if let Some(full) = decode_details(status.details()) {
            row.details = full.details;
        }
        row
    }

    fn status(&self) -> Status {
        let (code, reason) = self.code_and_reason();
        let mut details = ErrorDetails::new();
        details.set_error_info(reason, "larder", HashMap::new());
        match self {
            Self::Invalid(violations) => {
                for violation in violations {
                    details.add_bad_request_violation(&violation.field, &violation.description);
                }
            }
            Self::TargetRefused { violation, .. } => {
                details.add_bad_request_violation(&violation.field, &violation.description);
            }
            Self::NoPlan { relax, .. } => {
                for constraint in relax {
                    details.add_precondition_failure_violation(
                        "RELAX",
                        &constraint.field,
                        &constraint.description,
                    );
                }
            }
            Self::Unavailable(_) | Self::ProfilesUnknown => {
                details.set_retry_info(Some(RETRY_AFTER));
            }
            Self::Outside(cause) => {
                details.set_retry_info(Some(cause.retry_after().unwrap_or(RETRY_AFTER)));
            }
            _ => {}
        }
        let message = match self {
            Self::Database(_) | Self::Internal(_) => {
                "something went wrong inside; quote the correlation id".to_owned()
            }
            _ => self.to_string(),
        };
        Status::with_error_details(code, message, details)
    }
}

fn decode_details(bytes: &[u8]) -> Option<tonic_types::Status> {
    prost::Message::decode(bytes).ok()
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        larder_telemetry::errors::count("recommendation", error.kind());
        match &error {
            Error::Database(cause) => tracing::error!(error.cause = %cause, "database error"),
            Error::Internal(cause) => tracing::error!(error.cause = %cause, "internal error"),
            Error::Unavailable(Some(cause)) => tracing::warn!(error.cause = %cause, "database unavailable"),
            _ => {}
        }
        error.status()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_field_is_named_in_message_and_details() {
        let status = Status::from(Error::invalid("price.units", "must not be negative"));
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), "price.units: must not be negative");
        let details = status.get_error_details();
        let violations = details.bad_request().unwrap().field_violations.clone();
        assert_eq!(violations[0].field, "price.units");
    }

    #[test]
    fn a_database_error_tells_nothing_of_the_database() {
        let status = Status::from(Error::Database(sqlx::Error::Protocol("select secret from x".into())));
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("select"));
    }

    #[test]
    fn an_unreachable_database_says_when_to_try_again() {
        let status = Status::from(Error::Unavailable(None));
        assert_eq!(status.code(), Code::Unavailable);
        let details = status.get_error_details();
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(RETRY_AFTER));
    }

    #[test]
    fn a_row_carries_the_same_details() {
        let row = Error::invalid("name", "must be 1 to 256 characters").row_status();
        assert_eq!(row.code, Code::InvalidArgument as i32);
        assert_eq!(row.details.len(), 2);
    }
}
