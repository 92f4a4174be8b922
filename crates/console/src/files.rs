//! What pages load beside themselves, carried inside the program, and files of the gateway that people download.

use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};

use crate::refusal::Refusal;
use crate::room::Answer;
use crate::visit::Visit;

/// Name, content type, and what is in it.
const FILES: [(&str, &str, &str); 4] = [
    ("console.css", "text/css; charset=utf-8", include_str!("../static/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_str!("../static/console.js")),
    ("icon.svg", "image/svg+xml", include_str!("../static/icon.svg")),
    ("manifest.webmanifest", "application/manifest+json", include_str!("../static/manifest.webmanifest")),
];
const WORKER: &str = include_str!("../static/worker.js");

/// Paths of the gateway whose answers are files, by how they begin and end.
const DOWNLOADS: [(&str, &str); 9] = [
    ("/v1/exports/", ""),
    ("/v1/templates/", ""),
    ("/v1/imports/", "/problems"),
    ("/v1/market-feedback:export", ""),
    ("/v1/audit-events:export", ""),
    ("/v1/incidents/", "/export"),
    ("/v1/schedules/", "/calendar"),
    ("/v1/markets/", "/sheet"),
    ("/v1/privacy/customers/", "/export"),
];

/// Changes when any of the files does, so that browsers may keep them for long.
pub(crate) fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let mut hasher = blake3::Hasher::new();
        for (name, _, text) in FILES {
            hasher.update(name.as_bytes()).update(text.as_bytes());
        }
        hasher.finalize().to_hex()[..12].to_owned()
    });
    &VERSION
}

/// A file of the pages.
pub(crate) async fn static_file(Path(name): Path<String>) -> Response {
    let Some((_, kind, text)) = FILES.iter().find(|(own, ..)| *own == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
    ];
    (headers, *text).into_response()
}

/// What keeps the feedback form at hand without a network. It stands above the pages it is for, and is looked at anew
/// every time.
pub(crate) async fn worker() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'self'")),
    ];
    (headers, WORKER.replace("{version}", version())).into_response()
}

/// Passes a file of the gateway on as it is: a link of a page carries no credential of its own.
pub(crate) async fn download(visit: Arc<Visit>) -> Answer {
    let target = visit.whole_path.strip_prefix("/console/download").unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    let is_file = DOWNLOADS.iter().any(|(start, end)| path.starts_with(start) && path.ends_with(end));
    if !is_file {
        return Err(Refusal::new(404, "there is no such file"));
    }
    pass_on(&visit, target).await
}

/// What a path answers, as a file.
pub(crate) async fn pass_on(visit: &Visit, target: &str) -> Answer {
    let mut response = visit.call(Method::GET, target, None).await?;
    if response.status().is_success() {
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        return Ok(response);
    }
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap_or_default();
    Err(Refusal::of_problem(status, &serde_json::from_slice(&bytes).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_small_and_ask_nobody_else() {
        let worker = ("worker.js", "", WORKER);
        let all: usize = FILES.iter().chain([&worker]).map(|(.., text)| text.len()).sum();
        assert!(all < 40_000, "{all} bytes");
        for (name, _, text) in FILES.iter().chain([&worker]) {
            let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!elsewhere.contains("http://") && !elsewhere.contains("https://"), "{name}");
            assert!(!text.contains("eval(") && !text.contains("innerHTML"), "{name}");
        }
    }
}
