//! Errors of the gateway: why it does not start, and the only place where it makes a
//! `Status`. No text here names an address, a path or anything of the inside.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use larder_database::DatabaseError;
use larder_identity::IdentityError;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use crate::limits::Over;
use crate::maintenance::Notice;
use crate::transcode::RuleError;

const DOMAIN: &str = "larder";
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why the gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The descriptor set does not decode.
    #[error("the descriptors of the contract cannot be read: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    /// A route in the descriptors cannot be served.
    #[error("a route of the contract cannot be served: {0}")]
    Route(#[from] RuleError),
    /// The reflection service refused the descriptors.
    #[error("the descriptors cannot be offered by reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The address of a service is not one.
    #[error("the address of {name} cannot be used: {source}")]
    UpstreamUrl {
        /// The service.
        name: &'static str,
        /// What is wrong with it.
        source: tonic::transport::Error,
    },
    /// A port cannot be opened.
    #[error("{setting}: cannot listen on {address}: {source}")]
    Listen {
        /// The setting to change.
        setting: &'static str,
        /// The address that was asked for.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The keys for service tokens cannot be used.
    #[error("the keys for service tokens cannot be used: {0}")]
    Identity(#[from] IdentityError),
    /// The database cannot be prepared.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A network of trusted proxies is none.
    #[error("gateway.trusted_proxies: {0:?} is no network; accepted are networks like 10.0.0.0/8")]
    TrustedProxy(String),
    /// Another issuer's tokens cannot be taken as the settings have it.
    #[error("{0} {1}")]
    Issuer(&'static str, &'static str),
    /// The mail server or the sender of mails is none.
    #[error("{0} {1}")]
    Mail(&'static str, &'static str),
    /// The file of plans cannot be used.
    #[error("quotas.plans_file: {0}")]
    Plans(#[from] crate::usage::PlansError),
    /// The file of flags cannot be used.
    #[error("flags.file {0}")]
    Flags(#[from] larder_flags::FlagError),
    /// A certificate cannot be used.
    #[error("{0}: {1}")]
    Certificate(&'static str, larder_certificates::CertificateError),
    /// Redis is configured and its address is not one.
    #[error("redis.url cannot be used: {0}")]
    Redis(String),
}

/// Why a caller was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallerError {
    #[error("this needs an API key or a token: send \"authorization: Bearer <key>\" or \"x-api-key: <key>\"")]
    Missing,
    #[error("the authorization header is not \"Bearer <API key or token>\"")]
    Scheme,
    #[error("the API key is not valid: unknown, revoked or expired")]
    Key,
    #[error("the session is not valid: unknown, ended or expired; sign in again")]
    Session,
    #[error("the tenant of these credentials is suspended")]
    Suspended,
    #[error("the token is not valid: {0}")]
    Token(&'static str),
    #[error("authorization and x-api-key name different credentials; send one of them")]
    Ambiguous,
    #[error("x-larder-tenant is not a tenant: lower-case letters, digits and dashes, at most 63")]
    TenantName,
    #[error("x-larder-tenant is not the tenant of these credentials")]
    OtherTenant,
    #[error("credentials cannot be checked right now")]
    Unavailable,
}

impl CallerError {
    /// Whether credentials were shown that are not right, as somebody does who tries many.
    pub(crate) fn is_a_guess(&self) -> bool {
        matches!(self, Self::Key | Self::Session | Self::Token(_))
    }
}

impl From<CallerError> for Status {
    fn from(error: CallerError) -> Self {
        let (code, reason) = match &error {
            CallerError::Missing => (Code::Unauthenticated, "CREDENTIALS_MISSING"),
            CallerError::Scheme | CallerError::Ambiguous => (Code::Unauthenticated, "CREDENTIALS_MALFORMED"),
            CallerError::Key => (Code::Unauthenticated, "API_KEY_INVALID"),
            CallerError::Session => (Code::Unauthenticated, "SESSION_INVALID"),
            CallerError::Suspended => (Code::PermissionDenied, "TENANT_SUSPENDED"),
            CallerError::Token(_) => (Code::Unauthenticated, "TOKEN_INVALID"),
            CallerError::TenantName => (Code::InvalidArgument, "TENANT_MALFORMED"),
            CallerError::OtherTenant => (Code::PermissionDenied, "OTHER_TENANT"),
            CallerError::Unavailable => (Code::Unavailable, "API_KEYS_UNAVAILABLE"),
        };
        let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
        if code == Code::Unavailable {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        Status::with_error_details(code, error.to_string(), details)
    }
}

/// A status of an upstream as a client may see it. One that was made up on this side, of a
/// connection that failed, becomes UNAVAILABLE without the text of the failure.
pub(crate) fn from_upstream(name: &'static str, status: Status) -> Status {
    if status.source().is_none() {
        return status;
    }
    tracing::warn!(upstream.name = name, error = causes(&status), "upstream cannot be reached");
    match status.code() {
        Code::Cancelled | Code::DeadlineExceeded => upstream_timeout(name),
        _ => upstream_unavailable(name, None),
    }
}

/// The whole chain of a failure, for the log.
fn causes(status: &Status) -> String {
    let mut text = status.message().to_owned();
    let mut cause = status.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

/// The service does not answer at all.
pub(crate) fn upstream_unavailable(name: &'static str, retry_after: Option<Duration>) -> Status {
    let mut details = ErrorDetails::with_error_info("UPSTREAM_UNAVAILABLE", DOMAIN, service(name));
    details.set_retry_info(Some(retry_after.unwrap_or(RETRY_AFTER)));
    Status::with_error_details(Code::Unavailable, format!("the {name} service cannot be reached"), details)
}

/// The service did not answer in time.
pub(crate) fn upstream_timeout(name: &'static str) -> Status {
    let details = ErrorDetails::with_error_info("UPSTREAM_TIMEOUT", DOMAIN, service(name));
    let message = format!("the {name} service did not answer in time");
    Status::with_error_details(Code::DeadlineExceeded, message, details)
}

/// Somebody asked more than is set, or nobody can count.
pub(crate) fn over_limit(over: Over) -> Status {
    let (code, message, reason, wait, metadata) = match over {
        Over::Limit(limit, wait) => (
            Code::ResourceExhausted,
            format!("too many requests: the limit of this {} is over", limit.replace('-', " ")),
            "RATE_LIMITED",
            wait,
            HashMap::from([("limit".to_owned(), limit.to_owned())]),
        ),
        Over::Quota(standing) => (
            Code::ResourceExhausted,
            format!(
                "quota exceeded: this month's {} of {} are used up; it begins anew in {} s",
                standing.limit,
                standing.quantity.name().trim_end_matches("-per-month").replace('-', " "),
                standing.resets_in.as_secs()
            ),
            "QUOTA_EXCEEDED",
            standing.resets_in,
            HashMap::from([
                ("quota".to_owned(), standing.quantity.name().to_owned()),
                ("limit".to_owned(), standing.limit.to_string()),
            ]),
        ),
        Over::Unknown => (
            Code::Unavailable,
            "limits cannot be kept right now, and nobody is let in without them".to_owned(),
            "LIMITS_UNAVAILABLE",
            RETRY_AFTER,
            HashMap::new(),
        ),
    };
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
    details.set_retry_info(Some(wait));
    Status::with_error_details(code, message, details)
}

/// A flag switches this RPC off, for this caller's tenant at least.
pub(crate) fn switched_off(flag: &str) -> Status {
    let metadata = HashMap::from([("flag".to_owned(), flag.to_owned())]);
    let details = ErrorDetails::with_error_info("SWITCHED_OFF", DOMAIN, metadata);
    Status::with_error_details(Code::Unavailable, "this call is switched off at the moment", details)
}

/// The gateway works on as many requests as it may.
pub(crate) fn too_much_in_flight() -> Status {
    let mut details = ErrorDetails::with_error_info("OVERLOADED", DOMAIN, HashMap::new());
    details.set_retry_info(Some(RETRY_AFTER));
    Status::with_error_details(Code::Unavailable, "too many requests are being worked on", details)
}

/// There is maintenance.
pub(crate) fn maintenance(notice: &Notice) -> Status {
    let mut details = ErrorDetails::with_error_info("MAINTENANCE", DOMAIN, HashMap::new());
    details.set_retry_info(Some(notice.retry_after()));
    Status::with_error_details(Code::Unavailable, notice.message.clone(), details)
}

/// No service has this RPC.
pub(crate) fn unknown_rpc(path: &str) -> Status {
    Status::unimplemented(format!("there is no RPC {}", crate::transcode::quoted(path)))
}

/// The gateway's own fault; the cause is in the log.
pub(crate) fn internal() -> Status {
    Status::internal("")
}

fn service(name: &str) -> HashMap<String, String> {
    HashMap::from([("service".to_owned(), name.to_owned())])
}
