//! The HTTP client that all connectors share: one pool of connections, one TLS configuration, our name in every
//! request.

use std::time::Duration;

use http::HeaderValue;
use reqwest::redirect::Policy;

use crate::ConnectorError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// A pool of connections to outside services. Clones share it.
#[derive(Clone, Debug)]
pub struct HttpClient {
    client: reqwest::Client,
}

impl HttpClient {
    /// A client that calls itself `user_agent`, such as `Larder/0.1 (operations@example.com)`: some services answer
    /// nobody who does not say whom to write to.
    ///
    /// # Errors
    /// When the name has characters a header may not have, or no certificates can be loaded.
    pub fn new(user_agent: &str) -> Result<Self, ConnectorError> {
        let client = builder(user_agent)?.redirect(Policy::none());
        Self::build(client)
    }

    pub(super) fn build(client: reqwest::ClientBuilder) -> Result<Self, ConnectorError> {
        Ok(Self { client: client.build().map_err(super::reading::network)? })
    }

    /// Sends one request and waits for the head of the answer.
    pub(super) async fn send(&self, request: reqwest::Request) -> Result<reqwest::Response, ConnectorError> {
        self.client.execute(request).await.map_err(super::reading::network)
    }
}

pub(super) fn builder(user_agent: &str) -> Result<reqwest::ClientBuilder, ConnectorError> {
    let name = HeaderValue::from_str(user_agent)
        .map_err(|_| ConnectorError::not_understood("the user agent has characters no header may have"))?;
    Ok(reqwest::Client::builder()
        .user_agent(name)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .referer(false))
}
