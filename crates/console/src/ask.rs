//! Asks the gateway in process: the same service that answers callers from outside, so that who may do what, how often,
//! and what is written down about it hold here as they do there.

use std::time::Duration;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use tower::ServiceExt;

use crate::refusal::Refusal;
use crate::visit::Visit;

/// No page shows more than this of one answer.
const MOST_BYTES: usize = 8 << 20;
/// How long a page waits for work that may take minutes before it says that it goes on.
const PATIENCE: Duration = Duration::from_secs(3);

impl Visit {
    /// What a path answers.
    pub(crate) async fn ask(&self, target: &str) -> Result<Value, Refusal> {
        self.send(Method::GET, target, None).await
    }

    /// What comes of sending JSON to a path.
    pub(crate) async fn tell(&self, target: &str, body: &Value) -> Result<Value, Refusal> {
        self.send(Method::POST, target, Some(body)).await
    }

    /// Any call that answers with JSON, whatever its method.
    pub(crate) async fn send(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Value, Refusal> {
        let response = self.call(method, target, body).await?;
        let status = response.status().as_u16();
        let kind = content_type(&response);
        let bytes = whole(response).await?;
        let value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        // Health that is bad is an answer too.
        if kind.starts_with("application/json") && (status < 400 || status == 503) {
            return Ok(value);
        }
        Err(Refusal::of_problem(status, &value))
    }

    /// Starts work that tells how it goes line by line, and answers with the last line that came while there was
    /// patience. The work goes on without the page.
    pub(crate) async fn start(&self, target: &str, body: &Value) -> Result<Value, Refusal> {
        let response = self.call(Method::POST, target, Some(body)).await?;
        let status = response.status().as_u16();
        if status >= 400 {
            let bytes = whole(response).await?;
            return Err(Refusal::of_problem(status, &serde_json::from_slice(&bytes).unwrap_or(Value::Null)));
        }
        let mut stream = response.into_body().into_data_stream();
        let mut read = Vec::new();
        let patience = tokio::time::sleep(PATIENCE);
        let mut patience = std::pin::pin!(patience);
        loop {
            tokio::select! {
                () = &mut patience => break,
                part = stream.next() => match part {
                    Some(Ok(bytes)) if read.len() < MOST_BYTES => read.extend_from_slice(&bytes),
                    _ => break,
                },
            }
        }
        let complete = read.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let last = read[..complete].split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
        let last: Value = last.and_then(|line| serde_json::from_slice(line).ok()).unwrap_or(Value::Null);
        match last["error"]["status"].as_u64() {
            Some(status) => Err(Refusal::of_problem(u16::try_from(status).unwrap_or(500), &last["error"])),
            None => Ok(last),
        }
    }

    /// The answer as it is, for files that are passed on.
    pub(crate) async fn call(
        &self,
        method: Method,
        target: &str,
        body: Option<&Value>,
    ) -> Result<Response, Refusal> {
        let bytes = body.map(|body| Bytes::from(body.to_string()));
        let unusable = |_| Refusal::new(400, "this cannot be asked for");
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json, application/x-ndjson, */*;q=0.5")
            .body(bytes.map_or_else(Body::empty, Body::from))
            .map_err(unusable)?;
        if let Some(forwarded) = &self.forwarded_for {
            request.headers_mut().insert("x-forwarded-for", forwarded.clone());
        }
        if let Some(session) = &self.session {
            let bearer = HeaderValue::try_from(format!("Bearer {session}"));
            let bearer = bearer.map_err(|_| Refusal::sign_in())?;
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        *request.extensions_mut() = self.extensions.clone();
        request.extensions_mut().remove::<MatchedPath>();
        let answered = self.console.gateway.clone().oneshot(request).await;
        Ok(answered.unwrap_or_else(|never| match never {}))
    }
}

fn content_type(response: &Response) -> String {
    let value = response.headers().get(header::CONTENT_TYPE);
    value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

async fn whole(response: Response) -> Result<Bytes, Refusal> {
    let collected = Limited::new(response.into_body(), MOST_BYTES).collect().await;
    collected
        .map(http_body_util::Collected::to_bytes)
        .map_err(|_| Refusal::new(502, "the answer is too long for a page"))
}
