//! One request over HTTP as an app makes it, and what became of it. Nothing is tried again: what a user would have
//! seen is what counts.

use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::client::{ANSWER_LIMIT_BYTES, Credentials, innermost};
use crate::error::CommandError;

/// A call unanswered for so long has failed.
const CALL_LIMIT: Duration = Duration::from_secs(10);
const DEGRADED_HEADER: &str = "x-larder-degraded";

/// A request to the gateway.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// Empty for none.
    pub(crate) body: String,
    /// Whether 503 is an answer too: of `/health`, which tells how things are.
    pub(crate) may_be_unwell: bool,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: "GET", path: path.into(), body: String::new(), may_be_unwell: false }
    }

    pub(crate) fn post(path: impl Into<String>, body: &Value) -> Self {
        Self { method: "POST", path: path.into(), body: body.to_string(), may_be_unwell: false }
    }
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Answered in full.
    Good,
    /// Answered with less than there could be, and it says so.
    Degraded,
    /// Not answered, or refused.
    Failed(String),
}

/// What a server said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    says_degraded: bool,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn outcome(&self, ask: &Ask) -> Outcome {
        match self.status {
            200..300 if self.says_degraded => Outcome::Degraded,
            200..300 => Outcome::Good,
            503 if ask.may_be_unwell && self.json()["level"].is_string() => Outcome::Degraded,
            status => Outcome::Failed(format!("HTTP {status}")),
        }
    }
}

/// Calls one address.
pub(crate) struct Caller {
    client: HttpClient<HttpConnector, String>,
    base: String,
    headers: Vec<(&'static str, String)>,
}

impl Caller {
    pub(crate) fn new(address: &str, credentials: &Credentials) -> Result<Self, CommandError> {
        if !address.starts_with("http://") {
            return Err(CommandError::Usage(format!(
                "{address:?}: suites call over HTTP without TLS; give an address such as http://127.0.0.1:8080"
            )));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CALL_LIMIT));
        let client = HttpClient::builder(TokioExecutor::new()).build(connector);
        let base = address.trim_end_matches('/').to_owned();
        Ok(Self { client, base, headers: credentials.headers() })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Makes a call and judges what came back.
    pub(crate) async fn outcome(&self, ask: &Ask) -> Outcome {
        match self.ask(ask).await {
            Ok(answer) => answer.outcome(ask),
            Err(cause) => Outcome::Failed(cause),
        }
    }

    /// Makes a call; the error is that of the connection.
    pub(crate) async fn ask(&self, ask: &Ask) -> Result<Answer, String> {
        match tokio::time::timeout(CALL_LIMIT, self.exchange(ask)).await {
            Ok(answer) => answer,
            Err(_) => Err(format!("no answer within {} s", CALL_LIMIT.as_secs())),
        }
    }

    async fn exchange(&self, ask: &Ask) -> Result<Answer, String> {
        let mut request = http::Request::builder()
            .method(ask.method)
            .uri(format!("{}{}", self.base, ask.path))
            .header("content-type", "application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request.body(ask.body.clone()).map_err(|error| error.to_string())?;
        let answer = self.client.request(request).await.map_err(|error| innermost(&error))?;
        let status = answer.status().as_u16();
        let is_marked = answer.headers().contains_key(DEGRADED_HEADER);
        let body = Limited::new(answer.into_body(), ANSWER_LIMIT_BYTES).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes().to_vec();
        let says_degraded = is_marked || contains(&body, b"\"degraded\":true");
        Ok(Answer { status, body, says_degraded })
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_that_are_less_than_they_could_be_are_told_apart_from_failures() {
        let answer = |status, body: &str, says_degraded| Answer {
            status,
            body: body.as_bytes().to_vec(),
            says_degraded,
        };
        let ask = Ask::get("/v1/products");
        assert_eq!(answer(200, "{}", false).outcome(&ask), Outcome::Good);
        assert_eq!(answer(200, "{}", true).outcome(&ask), Outcome::Degraded);
        let unwell = answer(503, r#"{"level":"unhealthy"}"#, false);
        assert_eq!(unwell.outcome(&ask), Outcome::Failed("HTTP 503".into()));
        let health = Ask { may_be_unwell: true, ..Ask::get("/health") };
        assert_eq!(unwell.outcome(&health), Outcome::Degraded);
        assert_eq!(answer(503, "", false).outcome(&health), Outcome::Failed("HTTP 503".into()));
    }
}
