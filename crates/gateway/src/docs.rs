//! The page at `/docs`: Swagger UI from files in the executable, so that it works without the
//! internet, showing `/openapi.json`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, header};
use utoipa_swagger_ui::Config;

use crate::http_json::refuse;
use crate::problem::Problem;

/// What the page may load: nothing from anywhere else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'";

/// `/docs`: the files are asked for relative to it, so it needs its slash.
pub(crate) async fn entrance() -> Redirect {
    Redirect::permanent("/docs/")
}

/// `/docs/`: the page itself.
pub(crate) async fn index() -> Response {
    file("index.html")
}

/// Everything else under `/docs/`.
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    file(&name)
}

fn file(name: &str) -> Response {
    let config = Config::new(["/openapi.json"])
        .validator_url("none")
        .try_it_out_enabled(true)
        .display_request_duration(true)
        .default_models_expand_depth(0);
    let Ok(Some(file)) = utoipa_swagger_ui::serve(name, Arc::new(config)) else {
        let path = format!("/docs/{name}");
        return refuse(Problem::no_such_path(&path), &path);
    };
    let mut response = Body::from(file.bytes.into_owned()).into_response();
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::try_from(file.content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600"));
    response
}
