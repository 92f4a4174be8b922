//! The vendor's consent: the address to send the browser to, the exchange of the code, renewal and revocation.
//! A code works once, so its exchange is tried once; a renewal leaves the refresh token as it is and may be repeated.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::{PERMISSIONS, Square, SquareTokens};
use crate::remote::Request;
use crate::{Asking, ConnectorError};

/// What `/oauth2/token` answers. `expires_at` is a time, where most services give a number of seconds.
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: SecretString,
    refresh_token: SecretString,
    expires_at: jiff::Timestamp,
    merchant_id: String,
}

impl Square {
    /// Where to send the vendor's browser. `state` is hard to guess and bound to the vendor's session; the answer
    /// must bring it back.
    pub fn authorize_url(&self, state: &str) -> Url {
        let mut url = self.url("/oauth2/authorize");
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("scope", PERMISSIONS)
            .append_pair("session", "false")
            .append_pair("state", state)
            .append_pair("redirect_uri", self.settings.redirect_url.as_str());
        url
    }

    /// Exchanges the code that the browser brought back.
    ///
    /// # Errors
    /// [`ConnectorError::Refused`] or `Unauthorised` when the code is used up or too old; and whatever the network does.
    pub async fn exchange_code(&self, code: &str, asking: &Asking) -> Result<SquareTokens, ConnectorError> {
        let grant = json!({
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_url.as_str(),
        });
        self.token(grant, false, asking).await
    }

    /// Gets a new access token.
    ///
    /// # Errors
    /// [`ConnectorError::Unauthorised`] when the vendor took the consent back; and whatever the network does.
    pub async fn renew(
        &self,
        tokens: &SquareTokens,
        asking: &Asking,
    ) -> Result<SquareTokens, ConnectorError> {
        let grant = json!({
            "grant_type": "refresh_token",
            "refresh_token": tokens.refresh_token.expose_secret(),
        });
        self.token(grant, true, asking).await
    }

    /// Takes all tokens of the vendor back, when the vendor disconnects the shop.
    ///
    /// # Errors
    /// When Square does not confirm it.
    pub async fn revoke(&self, tokens: &SquareTokens, asking: &Asking) -> Result<(), ConnectorError> {
        let body = json!({"client_id": self.settings.client_id, "merchant_id": tokens.merchant_id});
        let secret = format!("Client {}", self.settings.client_secret.expose_secret());
        let request = Request::post(self.url("/oauth2/revoke"), &body, true)
            .account("revoke")
            .header(http::header::AUTHORIZATION, &secret)?;
        let answer: Value = self.remote.fetch_json(&self.versioned(request)?, asking).await?;
        if answer["success"] == true {
            return Ok(());
        }
        Err(ConnectorError::not_understood("the revocation was not confirmed"))
    }

    async fn token(
        &self,
        mut grant: Value,
        idempotent: bool,
        asking: &Asking,
    ) -> Result<SquareTokens, ConnectorError> {
        grant["client_id"] = json!(self.settings.client_id);
        grant["client_secret"] = json!(self.settings.client_secret.expose_secret());
        let request = Request::post(self.url("/oauth2/token"), &grant, idempotent).account("token");
        let answer: TokenAnswer = self.remote.fetch_json(&self.versioned(request)?, asking).await?;
        if answer.expires_at <= asking.now {
            return Err(ConnectorError::not_understood("a token that has expired already"));
        }
        Ok(SquareTokens {
            access_token: answer.access_token,
            refresh_token: answer.refresh_token,
            expires_at: answer.expires_at,
            obtained_at: asking.now,
            merchant_id: answer.merchant_id,
        })
    }
}
