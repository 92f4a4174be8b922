//! Answers that may come out of the cache, and what HTTP says of them: `ETag` and
//! `If-None-Match`, `Cache-Control`, `Age`, and `Cache-Status` (RFC 9211).

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use larder_identity::Caller;
use tokio::time::Instant;

use crate::cache::{Cache, Found, Question, Source, Written};
use crate::error;
use crate::gate::Gate;
use crate::maintenance::Notice;
use crate::problem::Problem;
use crate::rpcs::Rpc;
use crate::transcode::{self, Route};
use crate::upstream::UpstreamCall;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// Why an answer is less than it could be; also for answers that have no field for it.
pub(crate) const DEGRADED: HeaderName = HeaderName::from_static("x-larder-degraded");
/// A client may keep it for itself and has to ask whether it still holds: a change makes it old
/// at any moment.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("private, no-cache");
const CREDENTIALS: HeaderValue = HeaderValue::from_static("authorization, x-api-key, x-larder-tenant");

/// Answers a question.
pub(super) async fn answer(
    gate: &Gate,
    route: &Arc<Route>,
    question: &Question<'_>,
    call: UpstreamCall,
    head: &Parts,
) -> Result<Response, Problem> {
    let deadline = call.deadline;
    // Others may wait for the same answer, with more time.
    let call = UpstreamCall { deadline: Instant::now() + gate.limits.request_timeout, ..call };
    let upstream = gate.upstream_of(route.rpc.parent_service().full_name());
    let anew = wants_it_anew(&head.headers);
    let found = gate.cache.answer(question, upstream.ask(call), deadline, anew).await;
    let found = found.map_err(|status| Problem::from_status(&status))?;
    if let Source::LastGood(reason) = found.source {
        return last_good(route, question, &found, reason);
    }
    let written = written(route, &found)?;
    let mut response = if asks_whether_it_holds(head, &written.etag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(written.body));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, written.etag);
    headers.insert(header::CACHE_CONTROL, ASK_FIRST);
    describe(&found, headers);
    Ok(response)
}

/// While there is maintenance: what is kept, where that is wanted, else the notice.
pub(super) async fn under_maintenance(
    gate: &Gate,
    route: &Arc<Route>,
    rpc: &Rpc,
    notice: &Notice,
    caller: &Caller,
    message: &Bytes,
) -> Result<Response, Problem> {
    const REASON: &str = "there is maintenance; this is the last good answer";
    let kept = match notice.answers_from_cache {
        true => kept(gate, route, rpc, caller, message, REASON).await?,
        false => None,
    };
    kept.ok_or_else(|| Problem::from_status(&error::maintenance(notice)))
}

/// While a flag spares the service: what is kept, if anything is.
pub(super) async fn sparing(
    gate: &Gate,
    route: &Arc<Route>,
    rpc: &Rpc,
    caller: &Caller,
    message: &Bytes,
) -> Result<Option<Response>, Problem> {
    kept(gate, route, rpc, caller, message, "the service is spared; this is the last good answer").await
}

/// The last good answer, told as degraded for this reason.
async fn kept(
    gate: &Gate,
    route: &Arc<Route>,
    rpc: &Rpc,
    caller: &Caller,
    message: &Bytes,
    reason: &'static str,
) -> Result<Option<Response>, Problem> {
    let service = gate.upstream_of(&rpc.service).name;
    let Some(question) = gate.cache.question(service, rpc, caller, message) else { return Ok(None) };
    let found = gate.cache.last_good(&question, reason).await;
    found.map(|found| last_good(route, &question, &found, reason)).transpose()
}

fn last_good(
    route: &Route,
    question: &Question<'_>,
    found: &Found,
    reason: &'static str,
) -> Result<Response, Problem> {
    let body = to_json(route, &Cache::message_of(question, found))?;
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(DEGRADED, HeaderValue::from_static(reason));
    describe(found, headers);
    Ok(response)
}

/// The answer as this route writes it: once, as long as it is kept.
fn written(route: &Route, found: &Found) -> Result<Written, Problem> {
    if let Some(written) = found.kept.json.get().filter(|written| written.route == route.label) {
        return Ok(written.clone());
    }
    let body = to_json(route, &found.kept.message)?;
    let hash = blake3::hash(&body);
    let etag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_bytes()[..12]));
    let etag = HeaderValue::try_from(etag).map_err(|_| Problem::from_status(&error::internal()))?;
    let written = Written { route: route.label.clone(), body, etag };
    // Somebody else may have been faster, or have come another way.
    let _ = found.kept.json.set(written.clone());
    Ok(written)
}

fn to_json(route: &Route, message: &Bytes) -> Result<Bytes, Problem> {
    let written = transcode::write_answer(route, message, &[]).map_err(|failure| {
        tracing::error!(rpc.method = %route.grpc_path, error = %failure, "answer cannot be written as json");
        Problem::from_status(&error::internal())
    })?;
    Ok(written.into())
}

fn describe(found: &Found, headers: &mut HeaderMap) {
    let status = match found.source {
        Source::Service => "larder; fwd=miss",
        Source::Fresh => "larder; hit",
        Source::Stale => "larder; hit; detail=stale",
        Source::LastGood(_) => "larder; hit; detail=last-good",
    };
    headers.insert(CACHE_STATUS, HeaderValue::from_static(status));
    headers.append(header::VARY, CREDENTIALS);
    if found.source != Source::Service {
        headers.insert(header::AGE, HeaderValue::from(found.age.as_secs()));
    }
}

/// Whether the client wants no kept answer.
fn wants_it_anew(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| {
        let word = word.trim();
        word.eq_ignore_ascii_case("no-cache") || word.eq_ignore_ascii_case("no-store")
    })
}

/// Whether the client has the answer already (RFC 9110, section 13.1.2).
fn asks_whether_it_holds(head: &Parts, etag: &HeaderValue) -> bool {
    if head.method != Method::GET && head.method != Method::HEAD {
        return false;
    }
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let Ok(etag) = etag.to_str().map(opaque) else { return false };
    let given = head.headers.get_all(header::IF_NONE_MATCH);
    let mut tags =
        given.into_iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.any(|tag| tag.trim() == "*" || opaque(tag) == etag)
}
