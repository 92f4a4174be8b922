//! Any receiver of Standard Webhooks: JSON, signed with HMAC-SHA256 over id, time and body. The id is the
//! notification's, the same at every try, so that a receiver can take each message once.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use larder_oncall::notification::Templates;
use larder_oncall::settings::SecretSource;
use secrecy::ExposeSecret;
use url::Url;

use super::targets::{self, Reach};
use super::{Outcome, read_secret};
use crate::message::Message;

pub(super) struct Webhook {
    client: reqwest::Client,
    url: Url,
    key: hmac::Key,
    headers: HeaderMap,
}

impl Webhook {
    pub(super) fn build(
        url: &str,
        secret: &SecretSource,
        headers: &BTreeMap<String, String>,
        reach: Reach,
    ) -> Result<Self, String> {
        let secret = read_secret(secret)?;
        let text = secret.expose_secret();
        // The standard writes secrets as `whsec_` and base64; anything else is taken as it is.
        let bytes = match text.strip_prefix("whsec_") {
            Some(encoded) => STANDARD.decode(encoded).map_err(|_| "its secret is no base64 behind whsec_")?,
            None => text.as_bytes().to_vec(),
        };
        Ok(Self {
            client: targets::client(reach)?,
            url: targets::address(url, reach)?,
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
            headers: header_map(headers).ok_or("its headers are no HTTP headers")?,
        })
    }

    pub(super) async fn send(&self, message: &Message, templates: &Templates) -> Outcome {
        let id = message.notification_id.to_string();
        let timestamp = (message.now_us / 1_000_000).to_string();
        let body = message.json(templates).to_string();
        let request = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header("content-type", "application/json")
            .header("webhook-signature", signature(&self.key, &id, &timestamp, &body))
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .body(body);
        match targets::send(request).await {
            Ok(answer) => answer.outcome(),
            Err(outcome) => outcome,
        }
    }
}

fn header_map(headers: &BTreeMap<String, String>) -> Option<HeaderMap> {
    headers
        .iter()
        .map(|(name, value)| Some((name.parse::<HeaderName>().ok()?, value.parse().ok()?)))
        .collect()
}

fn signature(key: &hmac::Key, id: &str, timestamp: &str, body: &str) -> String {
    let tag = hmac::sign(key, format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_standard() {
        // The example of the Standard Webhooks libraries.
        let secret = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
