//! Pages as they are sent: the frame around their content, and the headers that keep browsers from doing more with them
//! than show them.

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::files;
use crate::refusal::Refusal;
use crate::room::{Answer, status_of};
use crate::session::form_token;
use crate::visit::{FORM_TOKEN, Visit};
use crate::words::Language;

/// Everything comes from here, and nothing stands in the page itself that runs or paints.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The groups of pages, each with a path and the name of its message.
const NAVIGATION: &[(&str, &[(&str, &str)])] = &[
    ("nav.group_now", &[("/console", "nav.overview")]),
    (
        "nav.group_selling",
        &[
            ("/console/market", "nav.market"),
            ("/console/feedback", "nav.feedback"),
            ("/console/statistics", "nav.statistics"),
        ],
    ),
    (
        "nav.group_shop",
        &[
            ("/console/recommendations", "nav.recommendations"),
            ("/console/nutrition", "nav.nutrition"),
            ("/console/catalogue", "nav.catalogue"),
            ("/console/customers", "nav.customers"),
            ("/console/promotions", "nav.promotions"),
            ("/console/exports", "nav.exports"),
            ("/console/imports", "nav.imports"),
        ],
    ),
    (
        "nav.group_operation",
        &[
            ("/console/incidents", "nav.incidents"),
            ("/console/on-call", "nav.on_call"),
            ("/console/backups", "nav.backups"),
            ("/console/models", "nav.models"),
            ("/console/experiments", "nav.experiments"),
        ],
    ),
    (
        "nav.group_administration",
        &[
            ("/console/access", "nav.access"),
            ("/console/tenants", "nav.tenants"),
            ("/console/flags", "nav.flags"),
            ("/console/privacy", "nav.privacy"),
            ("/console/audit", "nav.audit"),
            ("/docs/", "nav.docs"),
        ],
    ),
];

impl Visit {
    /// A page with its frame.
    pub(crate) async fn page(&self, template: &str, content: Value) -> Answer {
        self.page_with(StatusCode::OK, template, content).await
    }

    /// A page that tells with its status that something was refused.
    pub(crate) async fn page_with(&self, status: StatusCode, template: &str, content: Value) -> Answer {
        let account = match self.session {
            Some(_) => self.ask("/v1/account").await?,
            None => Value::Null,
        };
        Ok(self.rendered(status, template, content, account))
    }

    /// A page for whoever is nobody yet.
    pub(crate) fn open_page(&self, status: StatusCode, template: &str, content: Value) -> Response {
        self.rendered(status, template, content, Value::Null)
    }

    /// A page that says what was refused, with what was typed still in reach by going back.
    pub(crate) async fn refused(&self, refusal: &Refusal) -> Response {
        let content = json!({ "problem": refusal });
        let status = status_of(refusal);
        match self.page_with(status, "refused.html", content.clone()).await {
            Ok(page) => page,
            Err(_) => self.open_page(status, "refused.html", content),
        }
    }

    /// Goes to another page, whose head says what was done.
    pub(crate) fn go(&self, path: &str, done: &str) -> Answer {
        if self.wants_json {
            return Ok(axum::Json(json!({ "done": done })).into_response());
        }
        let separator = if path.contains('?') { '&' } else { '?' };
        let path = if done.is_empty() { path.to_owned() } else { format!("{path}{separator}done={done}") };
        Ok(Redirect::to(&path).into_response())
    }

    fn rendered(&self, status: StatusCode, template: &str, content: Value, account: Value) -> Response {
        let language = self.language;
        let typed = if self.method == http::Method::POST { &self.form } else { &self.query };
        let values = json!({
            "content": content,
            "account": account,
            "typed": typed.to_json(),
            "done": self.query.get("done"),
            "path": self.path,
            "whole_path": self.whole_path,
            "lang": language.code(),
            "languages": Language::ALL.map(|one| json!({"code": one.code(), "name": one.name()})),
            "navigation": navigation(&self.path),
            "open_doors": self.console.settings.anonymous_allowed && self.session.is_none(),
            "signed_in": !account.is_null(),
            "form_token_name": FORM_TOKEN,
            "form_token": form_token(self.session.as_deref()),
            "version": files::version(),
        });
        match self.console.templates.render(language, template, values) {
            Ok(page) => answer(status, page),
            Err(error) => {
                tracing::error!(template, error = %error.detail().unwrap_or_default(), "page cannot be written");
                (StatusCode::INTERNAL_SERVER_ERROR, "this page cannot be shown; the logs say why")
                    .into_response()
            }
        }
    }
}

fn navigation(path: &str) -> Value {
    let entry = |(target, label): &(&str, &str)| {
        let is_current =
            path == *target || (*target != "/console" && path.starts_with(&format!("{target}/")));
        json!({"path": target, "label": label, "current": is_current})
    };
    let group = |(label, entries): &(&str, &[(&str, &str)])| json!({"label": label, "entries": entries.iter().map(entry).collect::<Vec<_>>()});
    NAVIGATION.iter().map(group).collect()
}

fn answer(status: StatusCode, page: String) -> Response {
    let mut response = (status, page).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    // Without it browsers would not say where a form comes from.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let features = HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=()");
    headers.insert(HeaderName::from_static("permissions-policy"), features);
    response
}
