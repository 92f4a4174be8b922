//! The owner's consent: begun with a state that only the one who began it can bring back, ended with the code
//! that Square gave, taken back when the shop is disconnected.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use larder_connectors::square::Location;
use larder_connectors::{Asking, ConnectorError};
use larder_identity::TenantId;

use super::tokens::Shops;
use crate::error::Error;
use crate::state::State;
use crate::store::connections::ConnectionRow;
use crate::store::{connection_states, connections, tenants};

/// How long a consent may take.
const STATE_LIFE_US: i64 = 600_000_000;
const STATE_BYTES: usize = 32;
/// One answer of Square, tries included.
const PATIENCE: Duration = Duration::from_secs(15);

/// A consent that was begun.
pub(crate) struct Begun {
    pub(crate) authorize_url: String,
    pub(crate) state: String,
}

/// Begins a consent.
///
/// # Errors
/// [`Error::NotSetUp`], or the database's.
pub(crate) async fn begin(state: &State, tenant: &TenantId) -> Result<Begun, Error> {
    let shops = Shops::of(&state.connectors)?;
    let mut bytes = [0; STATE_BYTES];
    rand::fill(&mut bytes).map_err(|_| Error::Internal("the system gives no random bytes".to_owned()))?;
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let expires_at_us = (state.clock)() + STATE_LIFE_US;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    tenants::remember(&mut transaction, tenant).await?;
    connection_states::keep(&mut transaction, tenant, sha256(&text).as_ref(), expires_at_us).await?;
    transaction.commit().await?;
    Ok(Begun { authorize_url: shops.square.authorize_url(&text).to_string(), state: text })
}

/// Ends a consent: exchanges the code, keeps the tokens sealed, and asks where the shop sells.
///
/// # Errors
/// [`Error::Invalid`] for a state or a code that is not good, [`Error::Outside`] when Square cannot be asked.
pub(crate) async fn finish(
    state: &State,
    tenant: &TenantId,
    (code, given_state): (&str, &str),
) -> Result<(ConnectionRow, Vec<Location>), Error> {
    let shops = Shops::of(&state.connectors)?;
    let now_us = (state.clock)();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let good =
        connection_states::take(&mut transaction, tenant, sha256(given_state).as_ref(), now_us).await?;
    transaction.commit().await?;
    if !good {
        return Err(Error::invalid(
            "state",
            "must be of a consent begun within the last ten minutes, used once",
        ));
    }
    let asking = asking(now_us);
    let mut tokens = shops.square.exchange_code(code, &asking).await.map_err(|error| match error {
        ConnectorError::Refused { .. } | ConnectorError::Unauthorised { .. } => {
            Error::invalid("code", "must be the code that Square just gave; begin again with ConnectSquare")
        }
        other => Error::Outside(other),
    })?;
    let locations = shops.square.list_locations(&mut tokens, &asking).await.unwrap_or_default();
    let sealed = shops.seal(tenant, &tokens)?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    connections::connect(&mut transaction, tenant, &tokens.merchant_id, &sealed, now_us).await?;
    let row = connections::get(&mut transaction, tenant).await?;
    transaction.commit().await?;
    tracing::info!(tenant.id = %tenant, connector = connections::SQUARE, "shop connected");
    state.shop_nudge.notify_one();
    Ok((row.ok_or(Error::NotConnected)?, locations))
}

/// Takes the consent back, here at once and at Square if it can be asked; tells whether Square confirmed.
///
/// # Errors
/// [`Error::NotConnected`], or the database's.
pub(crate) async fn withdraw(state: &State, tenant: &TenantId) -> Result<bool, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let row = connections::get(&mut transaction, tenant).await?.ok_or(Error::NotConnected)?;
    connections::remove(&mut transaction, tenant).await?;
    transaction.commit().await?;
    tracing::info!(tenant.id = %tenant, connector = connections::SQUARE, "shop disconnected");
    let Ok(shops) = Shops::of(&state.connectors) else { return Ok(false) };
    let Ok(tokens) = shops.open(tenant, &row.sealed_tokens) else { return Ok(false) };
    let revoked = shops.square.revoke(&tokens, &asking((state.clock)())).await;
    if let Err(error) = &revoked {
        tracing::warn!(tenant.id = %tenant, error.kind = error.kind(), "tokens were not revoked");
    }
    Ok(revoked.is_ok())
}

fn asking(now_us: i64) -> Asking {
    Asking::at(Timestamp::from_microsecond(now_us).unwrap_or_default(), PATIENCE)
}

fn sha256(text: &str) -> aws_lc_rs::digest::Digest {
    digest(&SHA256, text.as_bytes())
}
