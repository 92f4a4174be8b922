//! HTTP to the outside: one client, no redirects, and no way into networks of our own unless that is
//! allowed. Answers are judged in one place.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use larder_connectors::is_public_address;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use url::{Host, Url};

use super::Outcome;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A pause that nobody told the length of.
const USUAL_PAUSE: Duration = Duration::from_secs(30);
/// Nobody is believed who wants to be left alone for longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// Longer answers are cut: they are for one line of the log.
const ANSWER_LIMIT_BYTES: usize = 64 * 1024;

/// Where webhooks may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// On the public internet, over https.
    PublicInternet,
    /// Anywhere, for tests and for houses with receivers of their own.
    Anywhere,
}

/// Makes the client for one channel.
pub(super) fn client(reach: Reach) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("Larder/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(Policy::none());
    if reach == Reach::PublicInternet {
        builder = builder.no_proxy().https_only(true).dns_resolver(PublicNames);
    }
    builder.build().map_err(|error| format!("no HTTP client can be made: {error}"))
}

/// Reads an address that may be called.
pub(super) fn address(text: &str, reach: Reach) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| "its address is no URL".to_owned())?;
    let is_allowed = match (reach, url.host()) {
        (_, None) => false,
        (Reach::Anywhere, _) => matches!(url.scheme(), "http" | "https"),
        (Reach::PublicInternet, Some(host)) => url.scheme() == "https" && is_public(&host),
    };
    if is_allowed {
        return Ok(url);
    }
    Err("its address must lead to the public internet over https, unless alerting.allow_private_targets is set".into())
}

fn is_public(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.contains('.'),
        Host::Ipv4(address) => is_public_address((*address).into()),
        Host::Ipv6(address) => is_public_address((*address).into()),
    }
}

/// Resolves names and leaves out what is not public, at the moment of the connection.
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public_address(address.ip())).collect();
            if public.is_empty() {
                return Err("the name does not lead to the public internet".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Asks an address, once, and tells the status of its answer.
pub(crate) async fn get(target: &str, reach: Reach) -> Result<StatusCode, String> {
    let request = client(reach)?.get(address(target, reach)?);
    match send(request).await {
        Ok(answer) => Ok(answer.status),
        Err(Outcome::TryAgain { why }) => Err(why),
        Err(_) => Err("no answer".to_owned()),
    }
}

/// The answer of a receiver.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

/// Sends a request and reads the answer; an outcome when there is none.
pub(super) async fn send(request: reqwest::RequestBuilder) -> Result<Answer, Outcome> {
    let mut response = request.send().await.map_err(|error| unanswered(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| unanswered(&error))? {
        body.extend_from_slice(&piece);
        if body.len() > ANSWER_LIMIT_BYTES {
            break;
        }
    }
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// The address may be a secret, so only the kind of the failure is told.
fn unanswered(error: &reqwest::Error) -> Outcome {
    let why = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot be reached"
    } else {
        "the connection was lost"
    };
    Outcome::TryAgain { why: why.to_owned() }
}

impl Answer {
    /// What an answer means where statuses mean what they usually do.
    pub(super) fn outcome(&self) -> Outcome {
        let why = || format!("status {}", self.status.as_u16());
        match self.status {
            status if status.is_success() => Outcome::sent(),
            StatusCode::TOO_MANY_REQUESTS => Outcome::Pause { wait: self.pause(), why: why() },
            StatusCode::SERVICE_UNAVAILABLE if self.headers.contains_key(header::RETRY_AFTER) => {
                Outcome::Pause { wait: self.pause(), why: why() }
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Outcome::TryAgain { why: why() },
            status if status.is_server_error() => Outcome::TryAgain { why: why() },
            _ => Outcome::Refused { why: why() },
        }
    }

    fn pause(&self) -> Duration {
        let seconds =
            self.headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        seconds.map_or(USUAL_PAUSE, Duration::from_secs).clamp(Duration::from_secs(1), LONGEST_PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn webhooks_lead_to_the_public_internet_alone() {
        for inside in [
            "http://example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://localhost/x",
            "https://169.254.169.254/latest/meta-data",
            "https://2130706433/",
            "https://10.0.0.1/",
            "https://[::ffff:10.0.0.1]/",
            "file:///etc/passwd",
        ] {
            assert!(address(inside, Reach::PublicInternet).is_err(), "{inside}");
        }
        assert!(address("https://hooks.example.com/x", Reach::PublicInternet).is_ok());
        assert!(address("http://127.0.0.1:1/", Reach::Anywhere).is_ok());
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_found() {
        let client = client(Reach::PublicInternet).unwrap();
        let sent = send(client.get("https://localhost:9/")).await;
        assert!(matches!(sent, Err(Outcome::TryAgain { .. })));
        let name: Name = "localhost".parse().unwrap();
        assert!(PublicNames.resolve(name).await.is_err());
    }

    #[test]
    fn statuses_are_judged() {
        let answer = |status: u16, retry_after: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = retry_after {
                headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            }
            Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: String::new() }.outcome()
        };
        assert_eq!(answer(202, None), Outcome::sent());
        assert!(matches!(answer(500, None), Outcome::TryAgain { .. }));
        assert!(matches!(answer(302, None), Outcome::Refused { .. }), "a redirect is followed nowhere");
        assert!(matches!(answer(404, None), Outcome::Refused { .. }));
        for (value, seconds) in [(Some("7"), 7), (None, 30), (Some("soon"), 30), (Some("999999"), 3_600)] {
            let expected = Outcome::Pause { wait: Duration::from_secs(seconds), why: "status 429".into() };
            assert_eq!(answer(429, value), expected);
        }
    }
}
