//! The choice of a language, remembered by the browser.

use std::sync::Arc;

use axum::response::{IntoResponse, Redirect};
use http::header;

use crate::refusal::Refusal;
use crate::room::Answer;
use crate::session;
use crate::visit::Visit;
use crate::words::Language;

/// Goes back to where the choice was made.
pub(crate) async fn choose(visit: Arc<Visit>) -> Answer {
    let language = Language::parse(&visit.last_segment());
    let language = language.ok_or_else(|| Refusal::new(404, "the console speaks en and de"))?;
    let mut response = Redirect::to(session::inside(visit.query.get("back"))).into_response();
    if let Some(cookie) = session::keep_language(language.code(), visit.console.settings.over_tls) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
