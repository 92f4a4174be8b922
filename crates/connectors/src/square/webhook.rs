//! Square's webhooks: is it Square who calls, and was it said before. The signature covers the notification's URL,
//! byte for byte as it was registered, and the body as it came, before anybody parsed it.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-square-hmacsha256-signature";

/// The longest body that is looked at.
const BODY_LIMIT_BYTES: usize = 1 << 20;

/// What proves that Square calls: the URL that was registered, and its signature keys.
pub struct WebhookKeys {
    notification_url: String,
    keys: Vec<hmac::Key>,
}

/// One notification. Square repeats it for up to 24 hours until it is answered with success.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WebhookEvent {
    /// Whose shop it is about.
    pub merchant_id: String,
    /// What happened, such as `order.updated`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every repetition.
    pub event_id: String,
    /// When it happened.
    pub created_at: Timestamp,
    /// What it happened to.
    pub data: WebhookData,
}

/// What a notification is about.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct WebhookData {
    /// The kind of object.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
}

/// Why a call is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefusal {
    /// No signature, or not of this body, URL and key.
    #[error("the signature does not fit")]
    Signature,
    /// Too long to be looked at.
    #[error("the body is too long")]
    TooLarge,
    /// Signed, and yet not of the shape that was agreed.
    #[error("the body is of another shape")]
    Shape,
}

impl fmt::Debug for WebhookKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WebhookKeys")
            .field("notification_url", &self.notification_url)
            .finish_non_exhaustive()
    }
}

impl WebhookKeys {
    /// The URL as registered with Square, and the subscription's signature key; while it is being exchanged, the new
    /// one and the old.
    pub fn new(notification_url: &str, signature_keys: &[SecretString]) -> Self {
        let key =
            |secret: &SecretString| hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
        Self { notification_url: notification_url.to_owned(), keys: signature_keys.iter().map(key).collect() }
    }

    /// Reads a notification if Square signed it. `signature` is the header [`SIGNATURE_HEADER`], `body` what came.
    /// Compares in constant time.
    ///
    /// # Errors
    /// [`WebhookRefusal`].
    pub fn read(&self, signature: Option<&str>, body: &[u8]) -> Result<WebhookEvent, WebhookRefusal> {
        if body.len() > BODY_LIMIT_BYTES {
            return Err(WebhookRefusal::TooLarge);
        }
        let signature = signature.and_then(|text| STANDARD.decode(text.trim()).ok());
        let signature = signature.ok_or(WebhookRefusal::Signature)?;
        let mut signed = self.notification_url.clone().into_bytes();
        signed.extend_from_slice(body);
        if !self.keys.iter().any(|key| hmac::verify(key, &signed, &signature).is_ok()) {
            return Err(WebhookRefusal::Signature);
        }
        serde_json::from_slice(body).map_err(|_| WebhookRefusal::Shape)
    }
}

impl WebhookEvent {
    /// The key under which a notification is remembered, so that a repetition does nothing.
    pub fn dedupe_key(&self) -> String {
        format!("square:{}:{}", self.merchant_id, self.event_id)
    }
}

#[cfg(test)]
mod tests;
