//! A message from Square: whose shop it is about, and that there is something to fetch. What it says was sold is
//! not believed; that is asked for.

use larder_connectors::square::{WebhookEvent, WebhookRefusal};
use larder_identity::TenantId;

use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{connections, webhook_events};

/// The message that an owner took the consent back.
const REVOKED: &str = "oauth.authorization.revoked";

/// Takes a message; tells whether anything came of it.
///
/// # Errors
/// [`Error::Forged`] when Square did not sign it; [`Error::Invalid`] when it is signed and of another shape.
pub(crate) async fn receive(state: &State, body: &[u8], signature: &str) -> Result<bool, Error> {
    let keys = state.connectors.square_webhook.as_ref().ok_or(Error::NotSetUp(
        "messages of Square are not set up here: connectors.square_webhook_url and square_webhook_keys are wanted",
    ))?;
    let event = keys.read(Some(signature), body).map_err(|refusal| {
        metrics::webhook_received("refused");
        match refusal {
            WebhookRefusal::Signature => Error::Forged,
            WebhookRefusal::TooLarge | WebhookRefusal::Shape => Error::invalid("body", refusal.to_string()),
        }
    })?;
    let mut connection = state.worker.acquire().await?;
    let tenants = connections::tenants_of(&mut connection, &event.merchant_id).await?;
    drop(connection);
    let mut is_new = false;
    for tenant in tenants {
        let Ok(tenant) = TenantId::parse(&tenant) else { continue };
        is_new |= take(state, &tenant, &event).await?;
    }
    metrics::webhook_received(if is_new { "taken" } else { "ignored" });
    if is_new {
        state.shop_nudge.notify_one();
    }
    Ok(is_new)
}

async fn take(state: &State, tenant: &TenantId, event: &WebhookEvent) -> Result<bool, Error> {
    let now_us = (state.clock)();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let is_new = webhook_events::remember(&mut transaction, tenant, &event.dedupe_key(), now_us).await?;
    if is_new && event.kind == REVOKED {
        connections::note_revoked(&mut transaction, tenant).await?;
    } else if is_new {
        connections::want_sync(&mut transaction, tenant, now_us).await?;
    }
    transaction.commit().await?;
    Ok(is_new)
}
