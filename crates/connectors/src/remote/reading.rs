//! Making sense of an answer: its status, how long to stay away, its body up to a limit, and what it says in words
//! when it refuses.

use std::error::Error;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use jiff::fmt::rfc2822;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::ConnectorError;

/// Characters of a refusal's reason that are passed on.
const REASON_LENGTH: usize = 200;

/// Where services write what is wrong: Square, Open-Meteo, problem documents, Ticketmaster, OAuth.
const REASONS: [&str; 8] = [
    "/errors/0/detail",
    "/errors/0/code",
    "/reason",
    "/detail",
    "/fault/faultstring",
    "/message",
    "/error_description",
    "/error",
];

/// Reads a body of at most `limit_bytes`.
pub(super) async fn body(
    mut response: reqwest::Response,
    limit_bytes: usize,
) -> Result<Bytes, ConnectorError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(network)? {
        if body.len() + chunk.len() > limit_bytes {
            return Err(ConnectorError::TooLarge { limit_bytes });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// What a status other than success means; none for success.
pub(super) fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<ConnectorError> {
    let code = status.as_u16();
    let retry_after = retry_after(headers);
    Some(match code {
        200..=299 => return None,
        401 | 403 => ConnectorError::Unauthorised { status: code, reason: reason(body) },
        429 => ConnectorError::RateLimited { retry_after },
        408 | 500.. => ConnectorError::Failing { status: code, retry_after },
        300..=399 => ConnectorError::not_understood("a redirect, where an answer was expected"),
        _ => ConnectorError::Refused { status: code, reason: reason(body) },
    })
}

/// `Retry-After` in seconds, or as a date compared with the answer's own `Date`: our clock may differ from theirs.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(u64::from(seconds)));
    }
    let until = rfc2822::parse(value).ok()?;
    let their_now = rfc2822::parse(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    Some(Duration::try_from(until.timestamp().duration_since(their_now.timestamp())).unwrap_or_default())
}

/// The words of a refusal, short and without control characters.
fn reason(body: &[u8]) -> String {
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    let found = parsed
        .as_ref()
        .and_then(|value| REASONS.iter().find_map(|pointer| value.pointer(pointer).and_then(Value::as_str)));
    let words = found.unwrap_or("no reason given");
    words.chars().filter(|character| !character.is_control()).take(REASON_LENGTH).collect()
}

/// Reads a body as JSON and says what is wrong when it is none.
pub(crate) fn json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ConnectorError> {
    serde_json::from_slice(body).map_err(|error| {
        let begins = body.iter().find(|byte| !byte.is_ascii_whitespace());
        ConnectorError::not_understood(match begins {
            None => "an empty body where JSON was expected".to_owned(),
            Some(b'<') => "HTML where JSON was expected".to_owned(),
            Some(_) if error.is_eof() => "JSON that ends half-way".to_owned(),
            Some(_) => format!("JSON of another shape: {}", without_values(&error)),
        })
    })
}

/// What serde says, but for the values it quotes: they are somebody's data.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let quoted = text.contains(['"', '`']) && text.starts_with("invalid");
    let place = format!("line {} column {}", error.line(), error.column());
    if quoted { format!("a value of the wrong type at {place}") } else { text }
}

/// What the network said, without the address.
pub(super) fn network(error: reqwest::Error) -> ConnectorError {
    if error.is_timeout() {
        return ConnectorError::Timeout;
    }
    let error = error.without_url();
    let mut deepest: &dyn Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    ConnectorError::Unreachable { reason: deepest.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_date_on_their_clock() {
        assert_eq!(retry_after(&headers(&[(header::RETRY_AFTER, " 120 ")])), Some(Duration::from_secs(120)));
        let date = headers(&[
            (header::DATE, "Mon, 23 Nov 2026 10:00:00 GMT"),
            (header::RETRY_AFTER, "Mon, 23 Nov 2026 10:05:00 GMT"),
        ]);
        assert_eq!(retry_after(&date), Some(Duration::from_secs(300)));
        let past = headers(&[
            (header::DATE, "Mon, 23 Nov 2026 10:05:00 GMT"),
            (header::RETRY_AFTER, "Mon, 23 Nov 2026 10:00:00 GMT"),
        ]);
        assert_eq!(retry_after(&past), Some(Duration::ZERO));
        for text in ["-1", "soon", "99999999999", ""] {
            assert_eq!(retry_after(&headers(&[(header::RETRY_AFTER, text)])), None, "{text}");
        }
    }

    #[test]
    fn refusals_are_told_in_the_services_words() {
        let square =
            br#"{"errors":[{"category":"AUTHENTICATION_ERROR","code":"UNAUTHORIZED","detail":"no"}]}"#;
        let refused = refusal(StatusCode::UNAUTHORIZED, &HeaderMap::new(), square);
        assert_eq!(refused, Some(ConnectorError::Unauthorised { status: 401, reason: "no".to_owned() }));
        let weather = br#"{"error":true,"reason":"Latitude must be in range"}"#;
        let refused = refusal(StatusCode::BAD_REQUEST, &HeaderMap::new(), weather);
        let expected =
            ConnectorError::Refused { status: 400, reason: "Latitude must be in range".to_owned() };
        assert_eq!(refused, Some(expected));
        let long = format!(r#"{{"detail":"{}"}}"#, "x\\n".repeat(500));
        let Some(ConnectorError::Refused { reason, .. }) =
            refusal(StatusCode::NOT_FOUND, &HeaderMap::new(), long.as_bytes())
        else {
            panic!("404 is a refusal");
        };
        assert_eq!(reason, "x".repeat(200));
    }

    #[test]
    fn what_is_no_json_is_named() {
        let read = |body: &str| match json::<Vec<u32>>(body.as_bytes()) {
            Err(ConnectorError::NotUnderstood { reason }) => reason,
            other => panic!("{other:?}"),
        };
        assert_eq!(read("  <html>"), "HTML where JSON was expected");
        assert_eq!(read("[1, 2"), "JSON that ends half-way");
        assert_eq!(read(""), "an empty body where JSON was expected");
        let secret = read(r#"["token-of-somebody"]"#);
        assert!(secret.contains("line 1") && !secret.contains("token-of-somebody"), "{secret}");
    }
}
