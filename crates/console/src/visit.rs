//! One request for a page: who asks, in which language, and what was typed.

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use http::{Extensions, HeaderMap, HeaderValue, Method, header};
use http_body_util::{BodyExt, Limited};

use crate::Console;
use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::session;
use crate::upload::{self, Upload};
use crate::words::Language;

/// No form of ours is larger, but for its file.
pub(crate) const MOST_BYTES: usize = 1 << 20;
/// The field of a form that carries its token.
pub(crate) const FORM_TOKEN: &str = "form_token";

/// A request as the pages see it.
pub(crate) struct Visit {
    pub(crate) console: Arc<Console>,
    pub(crate) method: Method,
    /// The path alone.
    pub(crate) path: String,
    /// The path with its query string, to come back to.
    pub(crate) whole_path: String,
    pub(crate) language: Language,
    /// The token of the session; whoever has none is nobody, or anybody in development.
    pub(crate) session: Option<String>,
    /// What the path's placeholders stand for.
    pub(crate) query: Fields,
    pub(crate) form: Fields,
    /// The file that a form brings, until somebody takes it.
    upload: Mutex<Option<Upload>>,
    /// Whether it was asked by a script that reads JSON.
    pub(crate) wants_json: bool,
    /// Whether the request comes from a page of ours.
    pub(crate) of_this_site: bool,
    /// What is known of the connection; goes on to the gateway.
    pub(crate) extensions: Extensions,
    pub(crate) forwarded_for: Option<HeaderValue>,
}

impl Visit {
    /// Reads a request to its end.
    pub(crate) async fn read(console: Arc<Console>, request: Request) -> Result<Self, Refusal> {
        let (head, body) = request.into_parts();
        let over_tls = console.settings.over_tls;
        let (form, upload) = if head.method == Method::POST {
            read_form(&head.headers, body).await?
        } else {
            (Fields::default(), None)
        };
        let chosen = session::cookie(&head.headers, session::LANGUAGE);
        let accepted = text(&head.headers, header::ACCEPT_LANGUAGE);
        Ok(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            whole_path: head
                .uri
                .path_and_query()
                .map_or("/console", http::uri::PathAndQuery::as_str)
                .to_owned(),
            language: chosen.and_then(Language::parse).unwrap_or_else(|| Language::accepted(accepted)),
            session: session::session(&head.headers, over_tls),
            query: Fields::parse(head.uri.query().unwrap_or_default().as_bytes()),
            form,
            upload: Mutex::new(upload),
            wants_json: text(&head.headers, header::ACCEPT).starts_with("application/json"),
            of_this_site: session::is_of_this_site(&head.headers, &head.uri),
            forwarded_for: head.headers.get("x-forwarded-for").cloned(),
            extensions: head.extensions,
            console,
        })
    }

    /// The file that came with the form; whoever takes it reads it.
    pub(crate) fn take_upload(&self) -> Option<Upload> {
        self.upload.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The last part of the path, decoded: the id that a page is about.
    pub(crate) fn last_segment(&self) -> String {
        self.segment_from_end(0)
    }

    /// The part of the path that stands so many parts before its end, decoded.
    pub(crate) fn segment_from_end(&self, back: usize) -> String {
        let raw = self.path.rsplit('/').nth(back).unwrap_or_default();
        // A plus is a plus in a path.
        let encoded = format!("x={}", raw.replace('+', "%2B"));
        Fields::parse(encoded.as_bytes()).get("x").to_owned()
    }

    /// Whether nobody can be asked who they are.
    pub(crate) fn is_nobody(&self) -> bool {
        self.session.is_none() && !self.console.settings.anonymous_allowed
    }
}

async fn read_form(headers: &HeaderMap, body: Body) -> Result<(Fields, Option<Upload>), Refusal> {
    let kind = text(headers, header::CONTENT_TYPE);
    if kind.starts_with("multipart/form-data") {
        return upload::read(kind, body).await;
    }
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Refusal::new(
            415,
            "forms come as application/x-www-form-urlencoded, or with a file as multipart/form-data",
        ));
    }
    let read = Limited::new(body, MOST_BYTES).collect().await;
    let bytes = read.map_err(|_| Refusal::new(413, "the form is larger than 1 MiB"))?.to_bytes();
    Ok((Fields::parse(&bytes), None))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
