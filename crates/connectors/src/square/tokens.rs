//! A vendor's tokens: what they are, when they are to be renewed, and how they are written before they are sealed.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use crate::ConnectorError;
use crate::answer::age;

/// Square asks for a renewal every seven days or sooner.
const RENEW_AFTER: Duration = Duration::from_secs(7 * 86_400);
/// A token older than that should have been renewed; somebody should look.
const OVERDUE_AFTER: Duration = Duration::from_secs(8 * 86_400);

/// What a vendor's consent gave.
#[derive(Clone, Debug)]
pub struct SquareTokens {
    /// Sent with every question.
    pub access_token: SecretString,
    /// Gives new access tokens; stays the same.
    pub refresh_token: SecretString,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// When it was given.
    pub obtained_at: Timestamp,
    /// Whose they are.
    pub merchant_id: String,
}

/// Whether tokens are to be renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Young enough.
    NotYet,
    /// Seven days old, or a week from its end.
    Due,
    /// Eight days old: renewals have been failing.
    Overdue,
    /// Not accepted any more.
    Expired,
}

impl SquareTokens {
    /// Whether they are to be renewed now.
    pub fn renewal(&self, now: Timestamp) -> Renewal {
        let old = age(self.obtained_at, now);
        let left = age(now, self.expires_at);
        match () {
            () if left.is_zero() => Renewal::Expired,
            () if old >= OVERDUE_AFTER => Renewal::Overdue,
            () if old >= RENEW_AFTER || left <= RENEW_AFTER => Renewal::Due,
            () => Renewal::NotYet,
        }
    }

    /// Writes them, to be sealed and never to be kept as they are.
    pub fn to_plain(&self) -> SecretString {
        let plain = json!({
            "access_token": self.access_token.expose_secret(),
            "refresh_token": self.refresh_token.expose_secret(),
            "expires_at": self.expires_at.to_string(),
            "obtained_at": self.obtained_at.to_string(),
            "merchant_id": self.merchant_id,
        });
        SecretString::from(plain.to_string())
    }

    /// Reads what [`Self::to_plain`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_plain(plain: &str) -> Result<Self, ConnectorError> {
        let value: Value = serde_json::from_str(plain).map_err(|_| other_shape())?;
        let text = |field: &str| value[field].as_str().ok_or_else(other_shape);
        let time = |field: &str| text(field)?.parse().map_err(|_| other_shape());
        Ok(Self {
            access_token: text("access_token")?.into(),
            refresh_token: text("refresh_token")?.into(),
            expires_at: time("expires_at")?,
            obtained_at: time("obtained_at")?,
            merchant_id: text("merchant_id")?.to_owned(),
        })
    }
}

fn other_shape() -> ConnectorError {
    ConnectorError::not_understood("the kept tokens are of another shape")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(obtained: &str, expires: &str) -> SquareTokens {
        SquareTokens {
            access_token: "access-secret".into(),
            refresh_token: "refresh-secret".into(),
            expires_at: expires.parse().unwrap(),
            obtained_at: obtained.parse().unwrap(),
            merchant_id: "M1".to_owned(),
        }
    }

    #[test]
    fn tokens_are_renewed_weekly_and_missed_renewals_are_noticed() {
        let tokens = tokens("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let at = |text: &str| tokens.renewal(text.parse().unwrap());
        assert_eq!(at("2026-11-07T23:59:59Z"), Renewal::NotYet);
        assert_eq!(at("2026-11-08T00:00:00Z"), Renewal::Due);
        assert_eq!(at("2026-11-09T00:00:00Z"), Renewal::Overdue);
        assert_eq!(at("2026-12-01T00:00:00Z"), Renewal::Expired);
    }

    #[test]
    fn a_token_that_ends_soon_is_due_however_young() {
        let tokens = tokens("2026-11-01T00:00:00Z", "2026-11-05T00:00:00Z");
        assert_eq!(tokens.renewal("2026-11-01T01:00:00Z".parse().unwrap()), Renewal::Due);
    }

    #[test]
    fn writing_and_reading_loses_nothing_and_debug_shows_nothing() {
        let before = tokens("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
        let after = SquareTokens::from_plain(before.to_plain().expose_secret()).unwrap();
        assert_eq!(after.access_token.expose_secret(), "access-secret");
        assert_eq!(after.refresh_token.expose_secret(), "refresh-secret");
        assert_eq!((after.expires_at, after.obtained_at), (before.expires_at, before.obtained_at));
        assert!(!format!("{after:?}").contains("secret\""), "{after:?}");
        assert!(SquareTokens::from_plain("{}").is_err());
        assert!(SquareTokens::from_plain("access-secret").is_err());
    }
}
