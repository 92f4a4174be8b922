//! Reads a request's body: JSON only, no larger than allowed, and in time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::Instant;
use tonic::Code;

use crate::problem::Problem;
use crate::transcode::{RequestBody, Route};

/// The body, when the route has one; other bodies are left unread.
pub(crate) async fn read(
    route: &Route,
    headers: &HeaderMap,
    body: Body,
    limit_bytes: usize,
    deadline: Instant,
) -> Result<Bytes, Problem> {
    if matches!(route.body, RequestBody::None) {
        return Ok(Bytes::new());
    }
    if announced_length(headers).is_some_and(|length| length > limit_bytes as u64) {
        return Err(Problem::body_too_large(limit_bytes));
    }
    let collected = tokio::time::timeout_at(deadline, Limited::new(body, limit_bytes).collect()).await;
    let bytes = match collected {
        Ok(Ok(collected)) => collected.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(Problem::body_too_large(limit_bytes)),
        Ok(Err(_)) => {
            return Err(Problem::new(Code::InvalidArgument, "the body ended before it was complete"));
        }
        Err(_) => return Err(too_slow()),
    };
    if !bytes.trim_ascii().is_empty() {
        check_content_type(headers)?;
    }
    Ok(bytes)
}

fn too_slow() -> Problem {
    Problem::new(Code::DeadlineExceeded, "the body did not arrive in time")
        .with_retry_after(Duration::from_secs(1))
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity");
    if encoded || !given.is_some_and(is_json) {
        return Err(Problem::unsupported_media_type(given));
    }
    Ok(())
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset_is_utf8 = parts
        .filter_map(|parameter| parameter.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, value)| value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8"));
    charset_is_utf8 && (essence == "application/json" || essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn only_json_in_utf8_passes() {
        for accepted in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/vnd.larder+json",
            "application/json;",
        ] {
            assert!(is_json(accepted), "{accepted}");
        }
        for refused in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=latin1",
            "json",
        ] {
            assert!(!is_json(refused), "{refused}");
        }
    }
}
