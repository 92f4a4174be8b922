//! The one mail that the gateway writes: a token with which a user sets a password.

use std::time::Duration;

use larder_settings::IdentitySettings;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::GatewayError;

const TIMEOUT: Duration = Duration::from_secs(20);

/// Writes and sends it.
pub(super) struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    page: Option<Url>,
}

impl Mail {
    /// As set; `None` without a mail server.
    pub(super) fn from_settings(settings: &IdentitySettings) -> Result<Option<Self>, GatewayError> {
        let Some(url) = &settings.smtp_url else { return Ok(None) };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose_secret())
            .map_err(|_| GatewayError::Mail("identity.smtp_url", "is no address of a mail server"))?
            .timeout(Some(TIMEOUT))
            .build();
        let from = settings.mail_from.as_deref();
        let from = from.ok_or(GatewayError::Mail("identity.mail_from", "is not set; mails come from it"))?;
        let from =
            from.parse().map_err(|_| GatewayError::Mail("identity.mail_from", "is no e-mail address"))?;
        Ok(Some(Self { transport, from, page: settings.password_page_url.clone() }))
    }

    /// Sends a token to the user of this address.
    ///
    /// # Errors
    /// Why it was not sent; never the token.
    pub(super) async fn send_password_token(
        &self,
        tenant: &str,
        to: &str,
        token: &SecretString,
    ) -> Result<(), String> {
        let to: Mailbox = to.parse().map_err(|_| "the user's address is none".to_owned())?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject("Your password at Larder")
            .body(self.text(tenant, token))
            .map_err(|_| "the mail cannot be written".to_owned())?;
        self.transport.send(message).await.map(drop).map_err(|error| {
            let code = error.status().map(|code| format!(" ({code})")).unwrap_or_default();
            format!("the mail server did not take it{code}")
        })
    }

    fn text(&self, tenant: &str, token: &SecretString) -> String {
        let token = token.expose_secret();
        let how = match &self.page {
            Some(page) => {
                let mut page = page.clone();
                page.set_fragment(Some(&format!("token={token}")));
                format!("Set a new one here:\n\n  {page}\n")
            }
            None => {
                format!("Set a new one with this token (POST /v1/password-resets:complete):\n\n  {token}\n")
            }
        };
        format!(
            "Somebody asked for a new password for you at the tenant {tenant}.\n\n{how}\n\
             It works once, within the hour. Unless it was you, do nothing: your password stays as it is.\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(page: Option<&str>) -> IdentitySettings {
        IdentitySettings {
            smtp_url: Some(SecretString::from("smtp://127.0.0.1:2525")),
            mail_from: Some("Larder <larder@shop.example>".to_owned()),
            password_page_url: page.map(|page| page.parse().unwrap()),
            ..IdentitySettings::default()
        }
    }

    #[tokio::test]
    async fn the_token_goes_behind_the_page_where_no_server_logs_it() {
        let mail = Mail::from_settings(&settings(Some("https://shop.example/password"))).unwrap().unwrap();
        let text = mail.text("shop-1", &SecretString::from("lrp_abc"));
        assert!(text.contains("  https://shop.example/password#token=lrp_abc\n"), "{text}");
        let plain = Mail::from_settings(&settings(None)).unwrap().unwrap();
        assert!(plain.text("shop-1", &SecretString::from("lrp_abc")).contains("\n  lrp_abc\n"));
    }

    #[tokio::test]
    async fn mail_without_a_sender_is_refused_at_the_start() {
        let without = IdentitySettings { mail_from: None, ..settings(None) };
        let refused = Mail::from_settings(&without).err().unwrap().to_string();
        assert!(refused.contains("identity.mail_from"), "{refused}");
        assert!(Mail::from_settings(&IdentitySettings::default()).unwrap().is_none());
    }
}
