//! What browsers tell of our pages: how fast they were, and which scripts failed. Whoever is not of this site is not
//! listened to, and nobody can make the log longer than a few lines a minute.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http_body_util::{BodyExt, Limited};
use serde::Deserialize;
use tokio::time::Instant;

use crate::metrics;
use crate::session::is_of_this_site;

const MOST_BYTES: usize = 16 * 1024;
/// Errors that are logged in a minute; the others are counted.
const LOGGED_A_MINUTE: u32 = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// No page takes longer, whatever a browser says.
const MOST_MS: f64 = 600_000.0;
/// Pages by the first part of their path; the others are one.
const PAGES: [&str; 8] =
    ["overview", "sign-in", "recommendations", "market", "feedback", "statistics", "catalogue", "incidents"];

/// What a browser sends when a page is left.
#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    path: String,
    #[serde(default)]
    ttfb_ms: Option<f64>,
    #[serde(default)]
    fcp_ms: Option<f64>,
    #[serde(default)]
    lcp_ms: Option<f64>,
    #[serde(default)]
    inp_ms: Option<f64>,
    #[serde(default)]
    cls: Option<f64>,
    #[serde(default)]
    errors: Vec<String>,
}

/// Takes what a browser tells.
pub(crate) async fn take(request: Request) -> Response {
    if !is_of_this_site(request.headers(), request.uri()) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Ok(body) = Limited::new(request.into_body(), MOST_BYTES).collect().await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Ok(told) = serde_json::from_slice::<Told>(&body.to_bytes()) else {
        return (
            StatusCode::BAD_REQUEST,
            "expected JSON with ttfb_ms, fcp_ms, lcp_ms, inp_ms, cls and errors",
        )
            .into_response();
    };
    keep(&told);
    StatusCode::NO_CONTENT.into_response()
}

fn keep(told: &Told) {
    let page = page_of(&told.path);
    let times = [("ttfb", told.ttfb_ms), ("fcp", told.fcp_ms), ("lcp", told.lcp_ms), ("inp", told.inp_ms)];
    for (vital, ms) in times {
        if let Some(ms) = ms.filter(|ms| (0.0..=MOST_MS).contains(ms)) {
            metrics::keep_vital(vital, page, ms / 1_000.0);
        }
    }
    if let Some(shift) = told.cls.filter(|shift| (0.0..=100.0).contains(shift)) {
        metrics::keep_layout_shift(page, shift);
    }
    for error in told.errors.iter().take(10) {
        metrics::count_browser_error(page);
        if may_log() {
            let text: String = error.chars().filter(|character| !character.is_control()).take(300).collect();
            tracing::warn!(console.page = page, error = text, "script failed in a browser");
        }
    }
}

fn page_of(path: &str) -> &'static str {
    let first = path.trim_start_matches("/console").trim_matches('/').split('/').next().unwrap_or_default();
    let first = if first.is_empty() { "overview" } else { first };
    PAGES.into_iter().find(|page| *page == first).unwrap_or("other")
}

fn may_log() -> bool {
    static LOGGED: Mutex<Option<(Instant, u32)>> = Mutex::new(None);
    let mut logged = LOGGED.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let (since, count) = logged.filter(|(since, _)| now.duration_since(*since) < MINUTE).unwrap_or((now, 0));
    *logged = Some((since, count + 1));
    count < LOGGED_A_MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_of_a_list() {
        assert_eq!(page_of("/console"), "overview");
        assert_eq!(page_of("/console/market/sheet"), "market");
        assert_eq!(page_of("/console/<script>"), "other");
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_is_not_filled() {
        assert_eq!((0..100).filter(|_| may_log()).count(), 10);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(may_log());
    }
}
