//! The Larder that is verified: where it is, who asks, and how it is asked over HTTP. The address itself is asked,
//! past no proxy of this machine, and no redirect is followed: both would tell of somebody else.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use serde_json::Value;
use url::Url;

use super::arguments::{Service, VerifyArgs};
use super::outcome::Outcome;
use crate::client::{Credentials, innermost};
use crate::commands::{Context, base_url};
use crate::error::CommandError;
use crate::instance;

/// An answer that has not come by then does not come.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// The OpenAPI document has less than two million bytes.
const BODY_LIMIT_BYTES: usize = 32 << 20;

/// What is verified.
pub(super) struct Stack {
    pub(super) address: Url,
    pub(super) credentials: Credentials,
    pub(super) ops: BTreeMap<Service, Url>,
    pub(super) without: Vec<Service>,
    pub(super) customer: String,
    pub(super) write: bool,
    http: reqwest::Client,
}

/// An answer over HTTP, whatever its status.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// What the other end showed, in DER; none without TLS.
    pub(super) certificate: Option<Vec<u8>>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A header as text; empty when it is missing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl Stack {
    /// As the arguments say.
    pub(super) fn of(args: &VerifyArgs, context: &Context) -> Result<Self, CommandError> {
        let text = context.address(&args.connect)?;
        let refused = |cause: &str| {
            CommandError::Usage(format!(
                "--address {text:?} is refused ({cause}); give one such as https://larder.example.org"
            ))
        };
        let address = Url::parse(&text).map_err(|error| refused(&error.to_string()))?;
        if !matches!(address.scheme(), "http" | "https") || address.host().is_none() {
            return Err(refused("it is no http or https address"));
        }
        if !matches!(address.path(), "" | "/") || address.query().is_some() {
            return Err(refused("it has a path"));
        }
        let mut ops = if args.here { ops_here(context)? } else { BTreeMap::new() };
        ops.extend(args.ops.iter().map(|port| (port.service, port.url.clone())));
        let without: Vec<Service> = args.without.iter().map(|service| service.service()).collect();
        ops.retain(|service, _| !without.contains(service));
        let http = reqwest::Client::builder()
            .user_agent(concat!("larder-deploy-verify/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT)
            .redirect(Policy::none())
            .no_proxy()
            .tls_info(true)
            .build()
            .map_err(|error| CommandError::Refused(format!("no HTTP client can be made: {error}")))?;
        Ok(Self {
            address,
            credentials: Credentials::from_args(&args.connect)?,
            ops,
            without,
            customer: args.customer.clone(),
            write: args.write,
            http,
        })
    }

    /// Whether a service is said to be no part of it.
    pub(super) fn lacks(&self, service: Service) -> Result<(), Outcome> {
        match self.without.contains(&service) {
            true => Err(Outcome::skipped(format!("--without {}", service.name()))),
            false => Ok(()),
        }
    }

    /// The host, as one connects to it.
    pub(super) fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Whether it is called on this machine.
    pub(super) fn is_local(&self) -> bool {
        match self.address.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// Reads a path of the API with the credentials.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Outcome> {
        let mut request = self.request(http::Method::GET, path)?;
        for (name, value) in self.credentials.headers() {
            request = request.header(name, value);
        }
        self.send(request).await
    }

    /// Sends JSON to a path of the API with the credentials.
    pub(super) async fn call(
        &self,
        method: http::Method,
        path: &str,
        body: &Value,
    ) -> Result<Answer, Outcome> {
        let mut request = self.request(method, path)?.header("content-type", "application/json");
        for (name, value) in self.credentials.headers() {
            request = request.header(name, value);
        }
        self.send(request.body(body.to_string())).await
    }

    /// A request to the API that shows nothing yet.
    pub(super) fn request(
        &self,
        method: http::Method,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, Outcome> {
        let url = self.address.join(path).map_err(|error| Outcome::fail(format!("{path}: {error}"), ""))?;
        Ok(self.http.request(method, url))
    }

    /// Reads any address, without credentials.
    pub(super) async fn get_elsewhere(&self, url: Url) -> Result<Answer, Outcome> {
        self.send(self.http.get(url)).await
    }

    /// Sends a request and reads the answer to its end.
    pub(super) async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, Outcome> {
        let mut response = request.send().await.map_err(|error| silence(&error))?;
        let certificate = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
        let certificate = certificate.map(<[u8]>::to_vec);
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| silence(&error))? {
            if body.len() + chunk.len() > BODY_LIMIT_BYTES {
                return Err(Outcome::fail(
                    format!("the answer has more than {} MiB", BODY_LIMIT_BYTES >> 20),
                    "see what answers there: it is not Larder's gateway",
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, body, certificate })
    }
}

fn silence(error: &reqwest::Error) -> Outcome {
    let whom = error.url().map_or_else(String::new, |url| {
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
    });
    let cause = if error.is_timeout() {
        format!("nothing within {} s", ANSWER_LIMIT.as_secs())
    } else {
        innermost(error)
    };
    Outcome::silence(
        format!("{whom} does not answer: {cause}"),
        "see that it runs (`larder healthcheck --url` of its ops port), and that this is where callers find it",
    )
}

/// The ops ports of the `larder up` that runs on this data folder, or of the settings in force.
fn ops_here(context: &Context) -> Result<BTreeMap<Service, Url>, CommandError> {
    let settings = context.settings()?;
    let running = instance::running(&settings.data_dir).and_then(|running| running.addresses);
    let ports = match running {
        Some(at) => [Some(at.gateway_ops), Some(at.recommendation_ops), at.backup_ops, Some(at.alerting_ops)],
        None => [
            Some(settings.gateway.ops_address),
            Some(settings.recommendation.ops_address),
            Some(settings.backup.ops_address),
            Some(settings.alerting.ops_address),
        ],
    };
    let named = Service::ALL.into_iter().zip(ports);
    Ok(named.filter_map(|(service, at)| Some((service, Url::parse(&base_url(at?)).ok()?))).collect())
}
