//! All connectors of a process, made from its settings. What is not configured is not there, and its ladder begins a
//! rung lower.

use larder_settings::{ConnectorSettings, ResilienceSettings};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::events::{
    CalendarFeeds, EventsLadder, PredictHq, PredictHqSettings, Ticketmaster, TicketmasterSettings,
};
use crate::holidays::{HolidayTable, HolidayTableError};
use crate::secrets::{KeyRing, SecretError};
use crate::square::{Square, SquareSettings, WebhookKeys};
use crate::weather::{Nws, NwsSettings, OpenMeteo, OpenMeteoSettings, WeatherLadder};
use crate::{
    AddressError, BaseUrl, ConnectorError, ConnectorStatus, FeedClient, FeedReach, HttpClient, PlainHttp,
    outside_limits,
};

/// The outside world of one process.
#[derive(Debug)]
pub struct Connectors {
    /// The vendors' shops, when an application is configured.
    pub square: Option<Square>,
    /// What proves that Square calls, when a webhook is configured.
    pub square_webhook: Option<WebhookKeys>,
    /// The weather.
    pub weather: WeatherLadder,
    /// What happens near a market.
    pub events: EventsLadder,
    /// Public holidays.
    pub holidays: HolidayTable,
    /// What tenants' tokens are sealed with, when keys are configured.
    pub secrets: Option<KeyRing>,
}

/// Why the connectors cannot be made. Names the setting.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// An address that is refused.
    #[error("`connectors.{setting}` {source}")]
    Address {
        /// The setting.
        setting: &'static str,
        /// Why.
        source: AddressError,
    },
    /// Keys that are none.
    #[error("`connectors.secret_keys`: {0}")]
    SecretKeys(#[from] SecretError),
    /// No HTTP client: a contact that no header may carry, or no certificates.
    #[error("outside services cannot be asked: {0}")]
    Client(#[from] ConnectorError),
    /// The shipped table is broken.
    #[error(transparent)]
    Holidays(#[from] HolidayTableError),
}

impl Connectors {
    /// Makes what is configured. Nothing is asked yet.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn from_settings(settings: &ConnectorSettings) -> Result<Self, SetupError> {
        let user_agent = match &settings.contact {
            Some(contact) => format!("Larder/{} ({contact})", env!("CARGO_PKG_VERSION")),
            None => format!("Larder/{}", env!("CARGO_PKG_VERSION")),
        };
        let reach =
            if settings.allow_private_feeds { FeedReach::Anywhere } else { FeedReach::PublicInternet };
        let limits = ResilienceSettings {
            attempt_timeout: settings.attempt_timeout,
            total_timeout: settings.total_timeout,
            ..outside_limits()
        };
        let client = HttpClient::new(&user_agent)?;
        let feeds = CalendarFeeds::new(&FeedClient::new(&user_agent, reach)?, &limits);
        let maker = Maker { settings, client, limits };
        Ok(Self {
            square: maker.square()?,
            square_webhook: webhook(settings),
            weather: WeatherLadder::new(maker.open_meteo()?, maker.nws()?),
            events: EventsLadder::new(maker.ticketmaster()?, maker.predict_hq()?, feeds),
            holidays: HolidayTable::shipped()?,
            secrets: settings.secret_keys.as_ref().map(KeyRing::parse).transpose()?,
        })
    }

    /// How they do, for health and for whoever asks.
    pub fn statuses(&self) -> Vec<ConnectorStatus> {
        let square = self.square.as_ref().map(Square::status);
        square.into_iter().chain([self.weather.status(), self.events.status()]).collect()
    }
}

struct Maker<'a> {
    settings: &'a ConnectorSettings,
    client: HttpClient,
    limits: ResilienceSettings,
}

impl Maker<'_> {
    fn base(&self, setting: &'static str, url: &Url) -> Result<BaseUrl, SetupError> {
        let plain = if self.settings.allow_plain_http { PlainHttp::Allowed } else { PlainHttp::OnlyLoopback };
        BaseUrl::parse(url.as_str(), plain).map_err(|source| SetupError::Address { setting, source })
    }

    fn square(&self) -> Result<Option<Square>, SetupError> {
        let settings = self.settings;
        let (Some(client_id), Some(client_secret), Some(redirect_url)) =
            (&settings.square_client_id, &settings.square_client_secret, &settings.square_redirect_url)
        else {
            return Ok(None);
        };
        let square = SquareSettings {
            base_url: self.base("square_url", &settings.square_url)?,
            api_version: settings.square_api_version.clone(),
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            redirect_url: redirect_url.clone(),
        };
        Ok(Some(Square::new(square, &self.client, &self.limits)))
    }

    fn open_meteo(&self) -> Result<Option<OpenMeteo>, SetupError> {
        let Some(url) = &self.settings.open_meteo_url else { return Ok(None) };
        let archive = self.settings.open_meteo_archive_url.as_ref();
        let settings = OpenMeteoSettings {
            forecast_url: self.base("open_meteo_url", url)?,
            archive_url: archive.map(|url| self.base("open_meteo_archive_url", url)).transpose()?,
            api_key: self.settings.open_meteo_key.clone(),
        };
        Ok(Some(OpenMeteo::new(settings, &self.client, &self.limits)))
    }

    fn nws(&self) -> Result<Option<Nws>, SetupError> {
        let Some(url) = &self.settings.nws_url else { return Ok(None) };
        let settings = NwsSettings { base_url: self.base("nws_url", url)? };
        Ok(Some(Nws::new(settings, &self.client, &self.limits)))
    }

    fn ticketmaster(&self) -> Result<Option<Ticketmaster>, SetupError> {
        let Some(key) = &self.settings.ticketmaster_key else { return Ok(None) };
        let base_url = self.base("ticketmaster_url", &self.settings.ticketmaster_url)?;
        let settings = TicketmasterSettings { base_url, api_key: key.clone() };
        Ok(Some(Ticketmaster::new(settings, &self.client, &self.limits)))
    }

    fn predict_hq(&self) -> Result<Option<PredictHq>, SetupError> {
        let Some(token) = &self.settings.predict_hq_token else { return Ok(None) };
        let base_url = self.base("predict_hq_url", &self.settings.predict_hq_url)?;
        let settings = PredictHqSettings { base_url, access_token: token.clone() };
        Ok(Some(PredictHq::new(settings, &self.client, &self.limits)))
    }
}

fn webhook(settings: &ConnectorSettings) -> Option<WebhookKeys> {
    let (url, keys) = (settings.square_webhook_url.as_ref()?, settings.square_webhook_keys.as_ref()?);
    let keys = keys.expose_secret().split(',').map(str::trim).filter(|key| !key.is_empty());
    Some(WebhookKeys::new(url, &keys.map(SecretString::from).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;

    #[test]
    fn nothing_configured_asks_nobody_and_still_answers() {
        let connectors = Connectors::from_settings(&ConnectorSettings::default()).unwrap();
        assert!(
            connectors.square.is_none()
                && connectors.secrets.is_none()
                && connectors.square_webhook.is_none()
        );
        let sources: usize = connectors.statuses().iter().map(|status| status.sources.len()).sum();
        assert_eq!((connectors.statuses().len(), sources), (2, 0));
    }

    #[test]
    fn everything_configured_is_there_and_shows_no_secret() {
        let key = base64::engine::general_purpose::STANDARD.encode((0..32).collect::<Vec<u8>>());
        let settings = ConnectorSettings {
            contact: Some("operations@example.com".to_owned()),
            square_client_id: Some("sq0idp".to_owned()),
            square_client_secret: Some("hunter2".into()),
            square_redirect_url: Some("https://larder.example.com/connect".parse().unwrap()),
            square_webhook_url: Some("https://larder.example.com/webhooks/square".to_owned()),
            square_webhook_keys: Some("hunter2, hunter2".into()),
            open_meteo_url: Some("https://api.open-meteo.com".parse().unwrap()),
            nws_url: Some("https://api.weather.gov".parse().unwrap()),
            ticketmaster_key: Some("hunter2".into()),
            predict_hq_token: Some("hunter2".into()),
            secret_keys: Some(format!("2026:{key}").into()),
            ..ConnectorSettings::default()
        };
        let connectors = Connectors::from_settings(&settings).unwrap();
        assert_eq!(connectors.secrets.as_ref().map(KeyRing::active_id), Some("2026"));
        let statuses = connectors.statuses();
        let names: Vec<&str> =
            statuses.iter().flat_map(|status| &status.sources).map(|source| source.source).collect();
        assert_eq!(names, ["square", "open_meteo", "nws", "ticketmaster", "predict_hq"]);
        let shown = format!("{connectors:?}");
        assert!(!shown.contains("hunter2") && !shown.contains(&key), "{shown}");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let refused =
            |settings: ConnectorSettings| Connectors::from_settings(&settings).unwrap_err().to_string();
        let plain = ConnectorSettings {
            nws_url: Some("http://weather.example.com".parse().unwrap()),
            ..ConnectorSettings::default()
        };
        assert_eq!(
            refused(plain.clone()),
            "`connectors.nws_url` is not encrypted; accepted is https:, or http: to this machine"
        );
        assert!(Connectors::from_settings(&ConnectorSettings { allow_plain_http: true, ..plain }).is_ok());
        let keys =
            ConnectorSettings { secret_keys: Some("2026:c2hvcnQ=".into()), ..ConnectorSettings::default() };
        assert!(refused(keys).starts_with("`connectors.secret_keys`: the key `2026` cannot be used"));
        let contact = ConnectorSettings { contact: Some("a\nb".to_owned()), ..ConnectorSettings::default() };
        assert!(refused(contact).starts_with("outside services cannot be asked"));
    }
}
