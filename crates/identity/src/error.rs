//! Why a caller is refused, and the one place where that becomes a gRPC status. A caller without
//! valid credentials is never told which part of them was wrong; logs and metrics are.

use std::collections::HashMap;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The `domain` of every `google.rpc.ErrorInfo` of Larder.
const ERROR_DOMAIN: &str = "larder";

/// Why a caller, a key or a name is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// Not a tenant's id.
    #[error("not a tenant id; accepted are 1 to 63 characters of a-z, 0-9 and -, the first no -")]
    InvalidTenant,
    /// Not a scope.
    #[error("not a scope; accepted are names like catalog.read, or * for everything")]
    InvalidScope,
    /// Not an API key.
    #[error("not an API key; accepted are keys like lrd_<prefix>_<secret>")]
    InvalidApiKey,
    /// The signing key cannot be used.
    #[error("the signing key cannot be read; accepted is an Ed25519 private key in PKCS#8 PEM")]
    InvalidSigningKey,
    /// A verifying key cannot be used.
    #[error("verifying key {position} cannot be read; accepted is an Ed25519 public key in SPKI PEM")]
    InvalidVerifyingKey {
        /// Which of the configured keys, from 1.
        position: usize,
    },
    /// The system has no randomness to give, or the key did not sign.
    #[error("the cryptographic library failed")]
    Cryptography,
    /// No credentials came with the call.
    #[error("this call needs credentials; accepted is a token in `authorization: Bearer <token>`")]
    MissingCredentials,
    /// The credentials are not valid, for a reason that is ours to know.
    #[error("the credentials are not valid")]
    InvalidCredentials(TokenRefusal),
    /// The caller is known, and may not do this.
    #[error("this call needs the scope {scope}, which the credentials do not grant")]
    MissingScope {
        /// The scope.
        scope: String,
    },
}

/// What was wrong with a token. For logs and metrics, never for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// Not a token of ours at all: its form, its algorithm, its claims.
    Malformed,
    /// Signed by a key that is not configured.
    UnknownKey,
    /// The signature does not belong to the content.
    ForgedSignature,
    /// Made for another service.
    WrongAudience,
    /// No longer valid.
    Expired,
    /// Not valid yet.
    NotYetValid,
}

impl IdentityError {
    /// A short name for metrics and logs.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InvalidTenant => "invalid_tenant",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidApiKey => "invalid_api_key",
            Self::InvalidSigningKey => "invalid_signing_key",
            Self::InvalidVerifyingKey { .. } => "invalid_verifying_key",
            Self::Cryptography => "cryptography",
            Self::MissingCredentials => "missing_credentials",
            Self::MissingScope { .. } => "missing_scope",
            Self::InvalidCredentials(refusal) => match refusal {
                TokenRefusal::Malformed => "malformed_token",
                TokenRefusal::UnknownKey => "unknown_key",
                TokenRefusal::ForgedSignature => "forged_signature",
                TokenRefusal::WrongAudience => "wrong_audience",
                TokenRefusal::Expired => "expired_token",
                TokenRefusal::NotYetValid => "token_not_yet_valid",
            },
        }
    }
}

impl From<IdentityError> for Status {
    fn from(error: IdentityError) -> Self {
        let message = error.to_string();
        match error {
            IdentityError::MissingCredentials => {
                refusal(Code::Unauthenticated, message, "CREDENTIALS_MISSING", HashMap::new())
            }
            IdentityError::InvalidCredentials(_) | IdentityError::InvalidApiKey => {
                let message = "the credentials are not valid".to_owned();
                refusal(Code::Unauthenticated, message, "INVALID_CREDENTIALS", HashMap::new())
            }
            IdentityError::MissingScope { scope } => {
                let metadata = HashMap::from([("scope".to_owned(), scope)]);
                refusal(Code::PermissionDenied, message, "MISSING_SCOPE", metadata)
            }
            IdentityError::InvalidTenant => invalid_field("x-larder-tenant", message),
            IdentityError::InvalidScope => invalid_field("scope", message),
            IdentityError::InvalidSigningKey
            | IdentityError::InvalidVerifyingKey { .. }
            | IdentityError::Cryptography => Status::internal("the caller could not be identified"),
        }
    }
}

fn refusal(code: Code, message: String, reason: &str, metadata: HashMap<String, String>) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, ERROR_DOMAIN, metadata))
}

fn invalid_field(field: &str, message: String) -> Status {
    let mut details = ErrorDetails::with_bad_request_violation(field, &message);
    details.set_error_info("INVALID_FIELD", ERROR_DOMAIN, HashMap::new());
    Status::with_error_details(Code::InvalidArgument, format!("{field}: {message}"), details)
}
