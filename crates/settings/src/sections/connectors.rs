//! The section `[connectors]`.

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::section;
use crate::kind::Kind;

section! {
    /// Shops, weather and events out on the internet. What is left out is not asked, and the answers that
    /// would need it come from the next rung.
    ConnectorSettings = "connectors" {
        /// Whom outside services can write to, as an e-mail address. It stands in the name that every request
        /// carries; the US National Weather Service answers nobody without one.
        contact: Option<String> = None, Kind::Text;
        /// Where Square is; `https://connect.squareupsandbox.com` is its sandbox.
        square_url: Url = known("https://connect.squareup.com"), Kind::Url;
        /// In which version Square answers, as a date.
        square_api_version: String = "2025-01-23".to_owned(), Kind::Text;
        /// The application's id at Square. With it go its secret, its redirect url and `secret_keys`.
        square_client_id: Option<String> = None, Kind::Text;
        /// The application's secret at Square.
        square_client_secret ("square_client_secret", "crate::secret::text"): Option<SecretString> = None,
            Kind::Secret(1);
        /// Where Square sends a vendor's browser after the consent.
        square_redirect_url: Option<Url> = None, Kind::Url;
        /// The url of the webhook exactly as it is registered with Square; signatures cover it.
        square_webhook_url: Option<String> = None, Kind::Text;
        /// The webhook's signature key; while it is exchanged, the new one and the old, separated by a comma.
        square_webhook_keys ("square_webhook_keys", "crate::secret::text"): Option<SecretString> = None,
            Kind::Secret(1);
        /// How often the sales of a connected shop are fetched when no message asks for it sooner.
        square_sync_interval ("square_sync_interval_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(900), Kind::Whole(1_000..=86_400_000);
        /// Where Open-Meteo is. `https://api.open-meteo.com` is free for what is no trade;
        /// `https://customer-api.open-meteo.com` is for customers; it can be run by oneself.
        open_meteo_url: Option<Url> = None, Kind::Url;
        /// Where Open-Meteo's archive is, which tells what is usual, as `https://archive-api.open-meteo.com`.
        open_meteo_archive_url: Option<Url> = None, Kind::Url;
        /// The customer's key at Open-Meteo.
        open_meteo_key ("open_meteo_key", "crate::secret::text"): Option<SecretString> = None, Kind::Secret(1);
        /// Where the US National Weather Service is, as `https://api.weather.gov`; it knows the United States alone.
        nws_url: Option<Url> = None, Kind::Url;
        /// Where Ticketmaster's Discovery API is.
        ticketmaster_url: Url = known("https://app.ticketmaster.com"), Kind::Url;
        /// The application's key at Ticketmaster. Left out, it is not asked.
        ticketmaster_key ("ticketmaster_key", "crate::secret::text"): Option<SecretString> = None, Kind::Secret(1);
        /// Where PredictHQ is.
        predict_hq_url: Url = known("https://api.predicthq.com"), Kind::Url;
        /// The access token at PredictHQ. Left out, it is not asked.
        predict_hq_token ("predict_hq_token", "crate::secret::text"): Option<SecretString> = None, Kind::Secret(1);
        /// The keys that tenants' tokens are sealed with: `id:base64` of 32 bytes each, separated by commas. The first
        /// seals, all open.
        secret_keys ("secret_keys", "crate::secret::text"): Option<SecretString> = None, Kind::Secret(1);
        /// Whether the urls above may be `http` to other machines than this one.
        allow_plain_http: bool = false, Kind::Flag;
        /// Whether calendars that tenants name may be in networks of our own. Leave it off where tenants are strangers.
        allow_private_feeds: bool = false, Kind::Flag;
        /// How long one try of an outside service may take.
        attempt_timeout ("attempt_timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(4), Kind::Whole(1..=600_000);
        /// How long all tries of one request to an outside service may take together.
        total_timeout ("total_timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(10), Kind::Whole(1..=600_000);
    }
}

fn known(url: &str) -> Url {
    Url::parse(url).expect("the addresses in this file are urls")
}
