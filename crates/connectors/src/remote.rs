//! One outside service over HTTP, behind its policy: deadline, tries, breaker, bulkhead, and a pause when it asked
//! for one. Bodies are read up to a limit; redirects are not followed; nothing here logs an address or a header.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use larder_resilience::Policy;
use larder_settings::ResilienceSettings;
use serde::de::DeserializeOwned;
use tokio::time::Instant;
use tracing::Instrument;
use url::Url;

use crate::meters::RequestMeter;
use crate::status::{SourceRecord, SourceStatus};
use crate::{Asking, ConnectorError};

mod client;
mod feed_client;
mod reading;

pub use client::HttpClient;
pub use feed_client::{FeedClient, FeedReach, is_public_address};
pub(crate) use reading::json;

/// The longest pause that an outside service can impose on us.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// The pause after a "too many requests" that did not say for how long.
const USUAL_PAUSE: Duration = Duration::from_secs(30);
/// Accounts whose pauses are remembered.
const PAUSES_MAX: usize = 4_096;
/// The most tries of a question.
const TRIES_MAX: u32 = 3;

/// Limits for services out on the internet: slower than our own, and asked seldom, so that few failures must be
/// enough to open the breaker.
pub fn outside_limits() -> ResilienceSettings {
    ResilienceSettings {
        attempt_timeout: Duration::from_secs(4),
        total_timeout: Duration::from_secs(10),
        max_attempts: TRIES_MAX,
        backoff_base: Duration::from_millis(200),
        backoff_cap: Duration::from_secs(2),
        breaker_min_calls: 3,
        breaker_open: Duration::from_secs(30),
        breaker_half_open_calls: 1,
        bulkhead_max_calls: 16,
        // Nobody outside is asked twice for the sake of speed.
        hedge_after: Duration::ZERO,
        ..ResilienceSettings::default()
    }
}

/// One request, which can be sent several times.
#[derive(Clone)]
pub(crate) struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    idempotent: bool,
    account: String,
}

impl Request {
    /// A GET, which may always be tried again.
    pub(crate) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            idempotent: true,
            account: String::new(),
        }
    }

    /// A POST of JSON; `idempotent` when sending it twice does no more than once.
    pub(crate) fn post(url: Url, body: &serde_json::Value, idempotent: bool) -> Self {
        let headers = HeaderMap::from_iter([(
            http::header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )]);
        Self {
            method: Method::POST,
            url,
            headers,
            body: Bytes::from(body.to_string()),
            idempotent,
            account: String::new(),
        }
    }

    /// Whose limit the request counts against: a pause of one account is none of another's.
    pub(crate) fn account(mut self, account: &str) -> Self {
        account.clone_into(&mut self.account);
        self
    }

    /// Adds a header that is the same for everybody.
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Result<Self, ConnectorError> {
        let value = HeaderValue::from_str(value).map_err(|_| unsendable())?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Adds a bearer token.
    pub(crate) fn bearer(mut self, token: &str) -> Result<Self, ConnectorError> {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| unsendable())?;
        value.set_sensitive(true);
        self.headers.insert(http::header::AUTHORIZATION, value);
        Ok(self)
    }

    fn to_wire(&self) -> reqwest::Request {
        let mut wire = reqwest::Request::new(self.method.clone(), self.url.clone());
        *wire.headers_mut() = self.headers.clone();
        if !self.body.is_empty() {
            *wire.body_mut() = Some(self.body.clone().into());
        }
        wire
    }
}

fn unsendable() -> ConnectorError {
    let reason = "the key or token has characters no header may have".to_owned();
    ConnectorError::Unauthorised { status: 401, reason }
}

/// One outside service.
#[derive(Debug)]
pub(crate) struct Remote {
    name: &'static str,
    host: String,
    client: HttpClient,
    policy: Policy,
    pauses: Mutex<HashMap<String, Instant>>,
    record: SourceRecord,
    body_limit_bytes: usize,
}

impl Remote {
    /// The service `name` at `host`; both become metric labels.
    pub(crate) fn new(
        name: &'static str,
        host: String,
        client: &HttpClient,
        limits: &ResilienceSettings,
        body_limit_bytes: usize,
    ) -> Self {
        let limits =
            ResilienceSettings { max_attempts: limits.max_attempts.min(TRIES_MAX), ..limits.clone() };
        Self {
            name,
            host,
            client: client.clone(),
            policy: Policy::new(name, &limits),
            pauses: Mutex::default(),
            record: SourceRecord::default(),
            body_limit_bytes,
        }
    }

    /// How it does.
    pub(crate) fn status(&self) -> SourceStatus {
        self.record.status(self.name, self.policy.breaker_state())
    }

    /// Sends the request and reads the answer as JSON.
    pub(crate) async fn fetch_json<T: DeserializeOwned>(
        &self,
        request: &Request,
        asking: &Asking,
    ) -> Result<T, ConnectorError> {
        self.fetch(request, asking, json).await
    }

    /// Sends the request, up to three times, and lets `read` make sense of the body. A body that `read` refuses
    /// counts as a failure of the service.
    pub(crate) async fn fetch<T>(
        &self,
        request: &Request,
        asking: &Asking,
        read: fn(&[u8]) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        let result = match self.pause_left(&request.account) {
            Some(retry_after) => Err(ConnectorError::Resting { retry_after }),
            None => self.fetch_unpaused(request, asking, read).await,
        };
        self.record.note(self.name, &result, asking.now);
        if let Err(error) = &result {
            tracing::debug!(dependency.name = self.name, error.kind = error.kind(), %error, "outside call failed");
        }
        result
    }

    async fn fetch_unpaused<T>(
        &self,
        request: &Request,
        asking: &Asking,
        read: fn(&[u8]) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        let call = self.policy.call(
            Some(asking.deadline),
            request.idempotent,
            |_| self.attempt(request, read),
            ConnectorError::judge,
        );
        let result = call.await.map_err(ConnectorError::from_call);
        if let Err(error) = &result {
            self.heed(&request.account, error);
        }
        result
    }

    async fn attempt<T>(
        &self,
        request: &Request,
        read: fn(&[u8]) -> Result<T, ConnectorError>,
    ) -> Result<T, ConnectorError> {
        let method = if request.method == Method::POST { "POST" } else { "GET" };
        let span = tracing::info_span!(
            "http.client",
            otel.kind = "client",
            otel.name = method,
            http.request.method = method,
            server.address = self.host,
            dependency.name = self.name,
        );
        let mut meter = RequestMeter::start(method, &self.host);
        let exchange = self.exchange(request, &mut meter).instrument(span);
        let result = exchange.await.and_then(|body| read(&body));
        meter.finish(result.as_ref().err().map(ConnectorError::kind));
        result
    }

    async fn exchange(
        &self,
        request: &Request,
        meter: &mut RequestMeter<'_>,
    ) -> Result<Bytes, ConnectorError> {
        let response = self.client.send(request.to_wire()).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        meter.status(status.as_u16());
        let body = reading::body(response, self.body_limit_bytes).await;
        match reading::refusal(status, &headers, body.as_deref().unwrap_or_default()) {
            Some(refusal) => Err(refusal),
            None => body,
        }
    }

    /// The time for which an account is not to ask.
    fn pause_left(&self, account: &str) -> Option<Duration> {
        let until = *self.pauses().get(account)?;
        let left = until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Remembers a pause that the service asked for.
    fn heed(&self, account: &str, error: &ConnectorError) {
        let pause = match error {
            ConnectorError::RateLimited { retry_after } => retry_after.unwrap_or(USUAL_PAUSE),
            ConnectorError::Failing { retry_after: Some(hint), .. } => *hint,
            _ => return,
        };
        let now = Instant::now();
        let mut pauses = self.pauses();
        if pauses.len() >= PAUSES_MAX {
            pauses.retain(|_, until| *until > now);
        }
        if pauses.len() < PAUSES_MAX {
            pauses.insert(account.to_owned(), now + pause.min(LONGEST_PAUSE));
        }
    }

    fn pauses(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
