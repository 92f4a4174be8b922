//! Every refusal of the identity service by name, and the one place that makes a gRPC status of it. None tells whether
//! there is a user of some address.

use std::collections::HashMap;
use std::time::Duration;

use larder_identity::IdentityError;
use larder_identity::page::InvalidPage;
use larder_telemetry::ErrorKind;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::limits::Over;
use crate::store::KeyError;

const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Why the service refused or could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A field that cannot be true.
    #[error("{field}: {description}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What would be accepted.
        description: String,
    },
    /// The id names nothing that this tenant has.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// There is one already.
    #[error("there is a {0} of that name already")]
    AlreadyExists(&'static str),
    /// What is asked for does not fit to how things stand.
    #[error("{0}")]
    Conflict(&'static str),
    /// Whoever tried to sign in is not let in; why is not told.
    #[error("tenant, address or password are wrong, or this user may not sign in")]
    SignIn,
    /// A token that sets a password does not.
    #[error("the token is unknown, used or expired; ask for another one")]
    PasswordToken,
    /// Somebody tried too often.
    #[error("tried too often")]
    Over(Over),
    /// One cannot hand out what one lacks.
    #[error("the scope {0} cannot be given by somebody who lacks it")]
    ScopeNotHeld(String),
    /// Other tenants are the operator's business.
    #[error("only callers of the operating tenant may do this")]
    NotTheOperator,
    /// The call is about the caller's own account, and the caller is no user who signed in.
    #[error("this is for users who signed in; a key or token has no account")]
    NoAccount,
    /// More passwords are being checked than fit.
    #[error("too many sign-ins at the moment; try again")]
    Overloaded,
    /// The database cannot be reached now.
    #[error("the database cannot be reached at the moment; try again")]
    Unavailable,
    /// Anything that went wrong inside.
    #[error("internal error: {0}")]
    Internal(String),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if larder_database::is_unavailable(&error) {
            tracing::warn!(error.cause = %error, "database unavailable");
            return Self::Unavailable;
        }
        Self::Internal(error.to_string())
    }
}

impl From<IdentityError> for Error {
    fn from(error: IdentityError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<KeyError> for Error {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Name => Self::invalid("display_name", "must have 1 to 128 characters"),
            KeyError::NotFound(_) => Self::NotFound("key"),
            KeyError::Identity(error) => error.into(),
            KeyError::Database(error) => error.into(),
        }
    }
}

impl From<InvalidPage> for Error {
    fn from(refused: InvalidPage) -> Self {
        Self::Invalid { field: refused.field, description: refused.description }
    }
}

impl Error {
    /// The refusal of one field.
    pub(crate) fn invalid(field: &'static str, description: impl Into<String>) -> Self {
        Self::Invalid { field, description: description.into() }
    }

    fn code(&self) -> (Code, &'static str) {
        match self {
            Self::Invalid { .. } => (Code::InvalidArgument, "INVALID_FIELD"),
            Self::NotFound(_) => (Code::NotFound, "NOT_FOUND"),
            Self::AlreadyExists(_) => (Code::AlreadyExists, "EXISTS_ALREADY"),
            Self::Conflict(_) => (Code::FailedPrecondition, "CONFLICT"),
            Self::SignIn => (Code::Unauthenticated, "SIGN_IN_REFUSED"),
            Self::PasswordToken => (Code::FailedPrecondition, "PASSWORD_TOKEN_INVALID"),
            Self::Over(_) => (Code::ResourceExhausted, "RATE_LIMITED"),
            Self::ScopeNotHeld(_) => (Code::PermissionDenied, "SCOPE_NOT_HELD"),
            Self::NotTheOperator => (Code::PermissionDenied, "NOT_THE_OPERATOR"),
            Self::NoAccount => (Code::FailedPrecondition, "NO_ACCOUNT"),
            Self::Overloaded => (Code::Unavailable, "OVERLOADED"),
            Self::Unavailable => (Code::Unavailable, "DATABASE_UNAVAILABLE"),
            Self::Internal(_) => (Code::Internal, "INTERNAL"),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid { .. } => ErrorKind::InvalidArgument,
            Self::NotFound(_) => ErrorKind::NotFound,
            Self::AlreadyExists(_) | Self::Conflict(_) | Self::PasswordToken | Self::NoAccount => {
                ErrorKind::Conflict
            }
            Self::SignIn => ErrorKind::Unauthenticated,
            Self::ScopeNotHeld(_) | Self::NotTheOperator => ErrorKind::PermissionDenied,
            Self::Over(_) => ErrorKind::Exhausted,
            Self::Overloaded | Self::Unavailable => ErrorKind::Unavailable,
            Self::Internal(_) => ErrorKind::Internal,
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        larder_telemetry::errors::count("identity", error.kind());
        if let Error::Over(over) = error {
            return crate::error::over_limit(over);
        }
        let (code, reason) = error.code();
        let mut details = ErrorDetails::with_error_info(reason, "larder", HashMap::new());
        let message = match &error {
            Error::Internal(cause) => {
                tracing::error!(error.cause = %cause, "identity service failed");
                "something went wrong inside; quote the correlation id".to_owned()
            }
            told => told.to_string(),
        };
        if let Error::Invalid { field, description } = &error {
            details.add_bad_request_violation(*field, description);
        }
        if matches!(error, Error::Overloaded | Error::Unavailable) {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        Status::with_error_details(code, message, details)
    }
}
