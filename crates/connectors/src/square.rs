//! Square: the vendor's shop. Sales, catalogue and stock over its HTTP API, each with a ladder, so that a plan can be
//! made while Square is away; consent and tokens; webhooks.
//!
//! Ladder of sales: Square, what it said within 24 hours, what the house recorded itself. Of the catalogue and of
//! stock: Square, what it said within 24 hours, nothing.

use std::time::Duration;

use jiff::Timestamp;
use larder_settings::ResilienceSettings;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use crate::remote::{HttpClient, Remote, Request};
use crate::status::{ConnectorStatus, LadderRecord};
use crate::{Asking, BaseUrl, ConnectorError, LastGood};

mod catalog;
mod inventory;
mod ladder;
mod oauth;
mod orders;
mod sale_lines;
mod sync_window;
mod tokens;
mod webhook;
mod wire;

pub use catalog::{CatalogVariation, Location};
pub use inventory::StockCount;
pub use ladder::SquareRung;
pub use orders::{Sales, SalesQuery};
pub use sale_lines::{ProductReference, RefusedRow, ReturnOf, SaleLine};
pub use sync_window::{ActualState, OFFLINE_LIMIT, Period, actual_state, window_to_ask};
pub use tokens::{Renewal, SquareTokens};
pub use webhook::{SIGNATURE_HEADER, WebhookData, WebhookEvent, WebhookKeys, WebhookRefusal};

/// How long Square's last word stands in for it.
pub const CACHE_MAX_AGE: Duration = Duration::from_secs(24 * 3_600);

/// A page of 500 orders with many lines.
const BODY_LIMIT_BYTES: usize = 16 << 20;
/// Pages of one question; more is a question to be cut smaller.
const PAGES_MAX: usize = 200;
/// Vendors whose last answers are kept.
const VENDORS_KEPT: usize = 64;

/// What the vendor is asked to consent to.
const PERMISSIONS: &str = "MERCHANT_PROFILE_READ ORDERS_READ ITEMS_READ INVENTORY_READ";

/// The application at Square.
#[derive(Clone, Debug)]
pub struct SquareSettings {
    /// `https://connect.squareup.com`, the sandbox, or a stand-in.
    pub base_url: BaseUrl,
    /// The version of the API that answers are in, as a date.
    pub api_version: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: SecretString,
    /// Where Square sends the vendor's browser after the consent.
    pub redirect_url: Url,
}

/// The client. One serves all vendors; tokens are arguments.
#[derive(Debug)]
pub struct Square {
    settings: SquareSettings,
    remote: Remote,
    sales_kept: LastGood<Sales>,
    catalog_kept: LastGood<Vec<CatalogVariation>>,
    stock_kept: LastGood<Vec<StockCount>>,
    ladder: LadderRecord,
}

impl Square {
    /// A client that asks within `limits`; [`crate::outside_limits`] are usual.
    pub fn new(settings: SquareSettings, client: &HttpClient, limits: &ResilienceSettings) -> Self {
        let host = settings.base_url.host();
        Self {
            remote: Remote::new("square", host, client, limits, BODY_LIMIT_BYTES),
            settings,
            sales_kept: LastGood::new(VENDORS_KEPT),
            catalog_kept: LastGood::new(VENDORS_KEPT),
            stock_kept: LastGood::new(VENDORS_KEPT),
            ladder: LadderRecord::new("square"),
        }
    }

    /// How it does.
    pub fn status(&self) -> ConnectorStatus {
        self.ladder.status(vec![self.remote.status()])
    }

    /// Last good sales by vendor, to be saved and loaded.
    pub fn sales_kept(&self) -> &LastGood<Sales> {
        &self.sales_kept
    }

    /// Last good catalogues by vendor, to be saved and loaded.
    pub fn catalog_kept(&self) -> &LastGood<Vec<CatalogVariation>> {
        &self.catalog_kept
    }

    /// Last good stock by vendor, to be saved and loaded.
    pub fn stock_kept(&self) -> &LastGood<Vec<StockCount>> {
        &self.stock_kept
    }

    /// Sends one request as the vendor. A token that is due is renewed first, and one that is not accepted (401) is
    /// renewed once; `tokens` then holds the new ones, which the caller must keep.
    async fn ask<T: DeserializeOwned>(
        &self,
        tokens: &mut SquareTokens,
        request: &Request,
        asking: &Asking,
    ) -> Result<T, ConnectorError> {
        self.renew_if_due(tokens, asking).await?;
        match self.ask_once(tokens, request, asking).await {
            Err(ConnectorError::Unauthorised { status: 401, .. }) if tokens.obtained_at < asking.now => {
                *tokens = self.renew(tokens, asking).await?;
                self.ask_once(tokens, request, asking).await
            }
            answered => answered,
        }
    }

    async fn ask_once<T: DeserializeOwned>(
        &self,
        tokens: &SquareTokens,
        request: &Request,
        asking: &Asking,
    ) -> Result<T, ConnectorError> {
        let request = self
            .versioned(request.clone())?
            .account(&tokens.merchant_id)
            .bearer(tokens.access_token.expose_secret())?;
        self.remote.fetch_json(&request, asking).await
    }

    /// Renews tokens that are due. A renewal that fails is no harm while the old token lives.
    async fn renew_if_due(&self, tokens: &mut SquareTokens, asking: &Asking) -> Result<(), ConnectorError> {
        let renewal = tokens.renewal(asking.now);
        if renewal == Renewal::NotYet {
            return Ok(());
        }
        match self.renew(tokens, asking).await {
            Ok(renewed) => *tokens = renewed,
            Err(error) if renewal == Renewal::Expired => return Err(error),
            Err(error) => {
                tracing::warn!(
                    connector = "square",
                    error.kind = error.kind(),
                    "token could not be renewed yet"
                );
            }
        }
        Ok(())
    }

    fn versioned(&self, request: Request) -> Result<Request, ConnectorError> {
        request.header(http::HeaderName::from_static("square-version"), &self.settings.api_version)
    }

    fn url(&self, path: &str) -> Url {
        self.settings.base_url.join(path)
    }
}

/// Refuses a cursor that leads where we are.
fn next_cursor(
    cursor: Option<String>,
    before: &Option<String>,
    pages: usize,
) -> Result<Option<String>, ConnectorError> {
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    if cursor.is_some() && cursor == *before {
        return Err(ConnectorError::not_understood("a cursor that leads nowhere"));
    }
    if cursor.is_some() && pages >= PAGES_MAX {
        return Err(ConnectorError::not_understood(format!(
            "more than {PAGES_MAX} pages; ask for less at a time"
        )));
    }
    Ok(cursor)
}

/// A time as Square writes it.
fn rfc3339(at: Timestamp) -> String {
    format!("{at:.3}")
}
