//! What stands between callers and the gateway: TLS and its certificate, the way from plaintext to it, headers for
//! browsers, and that nobody comes in without credentials.

use std::time::SystemTime;

use http::Method;
use jiff::Timestamp;

use crate::clock;
use crate::commands::deploy::measure;
use crate::commands::deploy::outcome::{Found, Outcome};
use crate::commands::deploy::stack::Stack;

/// Renewals come thirty days before the end; half of that is late.
const DAYS: i64 = 14;
const HEADERS: [&str; 5] = [
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "content-security-policy",
    "cross-origin-resource-policy",
];

pub(super) async fn tls(stack: &Stack) -> Found {
    if stack.address.scheme() == "http" {
        return match stack.is_local() {
            true => {
                Err(Outcome::skipped("the address is http on this machine; give the one that callers use"))
            }
            false => Err(Outcome::fail(
                "callers come in without TLS",
                "put a proxy with TLS in front, or give the gateway a certificate: docs/operations/certificates.md",
            )),
        };
    }
    let answer = stack.get("/health").await?;
    let certificate = answer.certificate.unwrap_or_default();
    judge(measure::days_left(&certificate, now(clock::now())))
}

fn judge(days: Option<i64>) -> Found {
    match days {
        None => Err(Outcome::fail("the certificate cannot be read", "docs/operations/certificates.md")),
        Some(days) if days < DAYS => Err(Outcome::fail(
            format!("the certificate ends in {days} days"),
            "renew it: docs/operations/certificates.md",
        )),
        Some(days) => Ok(format!("a trusted certificate for {days} more days")),
    }
}

fn now(now: SystemTime) -> Timestamp {
    Timestamp::try_from(now).unwrap_or_default()
}

pub(super) async fn redirect(stack: &Stack) -> Found {
    if stack.address.scheme() == "http" {
        return Err(Outcome::skipped("the address is http; give the one that callers use"));
    }
    if stack.address.port().is_some() {
        return Err(Outcome::skipped("the address names a port, so that of plaintext is not known"));
    }
    let mut plain = stack.address.clone();
    if plain.set_scheme("http").is_err() {
        return Err(Outcome::skipped("the address has no plaintext beside it"));
    }
    plain.set_path("/health");
    // A port that is shut is well, too: nothing is said in the clear.
    let answer = match stack.get_elsewhere(plain).await {
        Err(outcome) if outcome.is_silence => return Ok("nothing answers in plaintext".to_owned()),
        answer => answer?,
    };
    let to = answer.header("location");
    match (answer.status, to.starts_with("https://")) {
        (301 | 302 | 307 | 308, true) => Ok(format!("{} to {to}", answer.status)),
        (status, _) => Err(Outcome::fail(
            format!("plaintext is answered with {status} {to}"),
            "let the proxy in front answer port 80 with a redirect to https",
        )),
    }
}

pub(super) async fn headers(stack: &Stack) -> Found {
    let answer = stack.get("/health").await?;
    let mut wanted = HEADERS.to_vec();
    if stack.address.scheme() == "https" {
        wanted.push("strict-transport-security");
    }
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| answer.header(name).is_empty()).collect();
    if missing.is_empty() {
        return Ok(format!("{} headers", wanted.len()));
    }
    Err(Outcome::fail(
        format!("missing: {}", missing.join(", ")),
        "let the proxy in front pass headers on; strict-transport-security comes with gateway.hsts_max_age_s and \
         gateway.proxy_ends_tls or a certificate",
    ))
}

pub(super) async fn credentials(stack: &Stack) -> Found {
    let path = "/v1/products?pageSize=1";
    let bare = stack.send(stack.request(Method::GET, path)?).await?.status;
    if bare != 401 {
        return Err(Outcome::fail(
            format!("status {bare} without credentials instead of 401"),
            "set identity.authentication = \"required\"; anonymous access is for development alone",
        ));
    }
    // Of the right shape, and nobody's.
    let nobody = format!("lrd_verify00_{}", "a".repeat(43));
    let wrong = stack.request(Method::GET, path)?.header("x-api-key", nobody);
    match stack.send(wrong).await?.status {
        401 => Ok("401 without a key and with a wrong one".to_owned()),
        429 => Ok("401 without a key; wrong keys are made to wait".to_owned()),
        status => Err(Outcome::fail(
            format!("status {status} with a wrong key instead of 401"),
            "see what answers there: it is not Larder's gateway",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_renewed_weeks_before_it_ends() {
        assert!(judge(Some(DAYS)).is_ok());
        for days in [Some(13), Some(0), Some(-3), None] {
            assert!(judge(days).unwrap_err().way_out.contains("certificates.md"), "{days:?}");
        }
    }
}
