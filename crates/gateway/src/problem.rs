//! Problem documents (RFC 9457): what a client of the HTTP side is told when it does not get
//! what it asked for. Made from `google.rpc.Status` by one table; inner text never leaves.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use tonic::Code;
use tonic_types::{ErrorDetails, StatusExt};

use crate::transcode::{BadRequest, Violation};

/// A refusal on its way to a client.
#[derive(Debug, Clone)]
pub(crate) struct Problem(Box<Facts>);

#[derive(Debug, Clone)]
struct Facts {
    code: Code,
    status: StatusCode,
    title: &'static str,
    detail: String,
    reason: Option<String>,
    metadata: BTreeMap<String, String>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    allow: Option<String>,
}

/// One field that is to blame.
#[derive(Debug, Clone, Serialize)]
struct FieldError {
    field: String,
    description: String,
}

/// The document as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "<[FieldError]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    /// A refusal with the HTTP status that belongs to `code`.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let row = row(code);
        Self(Box::new(Facts {
            code,
            status: row.status,
            title: row.title,
            detail: detail.into(),
            reason: None,
            metadata: BTreeMap::new(),
            errors: Vec::new(),
            retry_after: None,
            allow: None,
        }))
    }

    /// 404 for a path that no route has.
    pub(crate) fn no_such_path(path: &str) -> Self {
        Self::new(Code::NotFound, format!("there is nothing at {}", crate::transcode::quoted(path)))
            .with_reason("NO_SUCH_PATH")
    }

    /// 405 for a path that exists for other methods.
    pub(crate) fn method_not_allowed(allow: String) -> Self {
        let mut problem = Self::new(Code::Unimplemented, format!("this path takes {allow}"));
        problem.0.status = StatusCode::METHOD_NOT_ALLOWED;
        problem.0.title = "Method not allowed";
        problem.0.allow = Some(allow);
        problem
    }

    /// 415 for a body that is not JSON.
    pub(crate) fn unsupported_media_type(given: Option<&str>) -> Self {
        let given = given.map_or_else(|| "nothing".to_owned(), crate::transcode::quoted);
        let detail = format!("content-type is {given}; the body must be application/json in UTF-8");
        let mut problem = Self::new(Code::InvalidArgument, detail);
        problem.0.status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        problem.0.title = "Unsupported media type";
        problem
    }

    /// 413 for a body over the limit.
    pub(crate) fn body_too_large(limit_bytes: usize) -> Self {
        let mut problem =
            Self::new(Code::InvalidArgument, format!("the body is larger than {limit_bytes} bytes"));
        problem.0.status = StatusCode::PAYLOAD_TOO_LARGE;
        problem.0.title = "Body too large";
        problem
    }

    /// 400 for a request that could not be read.
    pub(crate) fn bad_request(refusal: BadRequest) -> Self {
        match refusal {
            BadRequest::Malformed { reason, line, column } => {
                let detail = format!("the body is not JSON: {reason} at line {line}, column {column}");
                Self::new(Code::InvalidArgument, detail).with_reason("MALFORMED_JSON")
            }
            BadRequest::Fields(violations) => {
                let mut problem = Self::new(Code::InvalidArgument, BadRequest::summary(&violations));
                problem.0.errors = violations.into_iter().map(FieldError::from).collect();
                problem
            }
        }
    }

    /// What an upstream refused, without anything that is not meant for clients.
    pub(crate) fn from_status(status: &tonic::Status) -> Self {
        let details = status.get_error_details();
        let mut problem = Self::new(status.code(), public_message(status));
        problem.take_details(&details);
        problem
    }

    /// The gRPC code it stands for.
    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    /// Names the reason in a word that programs can compare.
    pub(crate) fn with_reason(mut self, reason: &str) -> Self {
        self.0.reason = Some(reason.to_owned());
        self
    }

    /// Tells when it is worth trying again.
    pub(crate) fn with_retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// The document as JSON. `instance` is the path that was asked for.
    pub(crate) fn to_json(&self, instance: &str, correlation_id: Option<&str>) -> Vec<u8> {
        let code = code_name(self.0.code);
        let document = Document {
            r#type: format!("urn:larder:problem:{}", code.to_ascii_lowercase().replace('_', "-")),
            title: self.0.title,
            status: self.0.status.as_u16(),
            detail: &self.0.detail,
            instance,
            code,
            correlation_id,
            reason: self.0.reason.as_deref(),
            metadata: &self.0.metadata,
            errors: &self.0.errors,
        };
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// The whole HTTP answer.
    pub(crate) fn into_response(self, instance: &str, correlation_id: Option<&str>) -> Response {
        let mut response = Response::new(Body::from(self.to_json(instance, correlation_id)));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(delay) = self.0.retry_after {
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self.0.allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(header::ALLOW, allow);
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"larder\""));
        }
        response
    }

    fn take_details(&mut self, details: &ErrorDetails) {
        if let Some(bad_request) = details.bad_request() {
            for violation in &bad_request.field_violations {
                let field = json_path(&violation.field);
                if let Some(rest) = self.0.detail.strip_prefix(&violation.field) {
                    self.0.detail = format!("{field}{rest}");
                }
                self.0.errors.push(FieldError { field, description: violation.description.clone() });
            }
        }
        if let Some(info) = details.error_info() {
            self.0.reason = Some(info.reason.clone());
            self.0.metadata = info.metadata.clone().into_iter().collect();
        }
        if let Some(retry) = details.retry_info() {
            self.0.retry_after = retry.retry_delay;
        }
    }
}

impl From<Violation> for FieldError {
    fn from(violation: Violation) -> Self {
        Self { field: violation.field, description: violation.description }
    }
}

struct Row {
    status: StatusCode,
    title: &'static str,
}

/// The one table from gRPC codes to HTTP, the same that Google's APIs use.
fn row(code: Code) -> Row {
    let client_closed = StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST);
    let (status, title) = match code {
        Code::Ok => (StatusCode::OK, "OK"),
        Code::Cancelled => (client_closed, "Cancelled"),
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "Invalid argument"),
        Code::FailedPrecondition => (StatusCode::BAD_REQUEST, "Failed precondition"),
        Code::OutOfRange => (StatusCode::BAD_REQUEST, "Out of range"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "Unauthenticated"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "Permission denied"),
        Code::NotFound => (StatusCode::NOT_FOUND, "Not found"),
        Code::AlreadyExists => (StatusCode::CONFLICT, "Already exists"),
        Code::Aborted => (StatusCode::CONFLICT, "Aborted"),
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "Resource exhausted"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "Not implemented"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Unavailable"),
        Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "Deadline exceeded"),
        Code::Unknown | Code::Internal | Code::DataLoss => {
            (StatusCode::INTERNAL_SERVER_ERROR, "Internal error")
        }
    };
    Row { status, title }
}

/// The name of a code as `google.rpc.Code` spells it.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// What may be told of a status: never the text of an inner failure.
fn public_message(status: &tonic::Status) -> String {
    match status.code() {
        Code::Unknown | Code::Internal | Code::DataLoss => {
            "something went wrong inside; the correlation id finds it in the logs".into()
        }
        code if status.message().is_empty() => row(code).title.to_ascii_lowercase(),
        _ => status.message().to_owned(),
    }
}

/// A path of fields as JSON spells it: `max_price.currency_code` is `maxPrice.currencyCode`.
pub(crate) fn json_path(path: &str) -> String {
    let mut json = String::with_capacity(path.len());
    let mut upper = false;
    for character in path.chars() {
        if character == '_' && !json.is_empty() && !json.ends_with(['.', '[']) {
            upper = true;
        } else if upper {
            json.extend(character.to_uppercase());
            upper = false;
        } else {
            json.push(character);
        }
    }
    json
}

#[cfg(test)]
mod tests;
