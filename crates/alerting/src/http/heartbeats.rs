//! Signs of life over HTTP, for cron jobs, backups and whatever else can call an address.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State as Shared};
use http::StatusCode;

use crate::error::Error;
use crate::http::access::Source;
use crate::state::State;
use crate::store::heartbeats;

/// `GET` or `POST /heartbeats/{name}`, and Opsgenie's address for the same.
pub(crate) async fn beat(
    Shared(state): Shared<Arc<State>>,
    source: Source,
    Path(params): Path<HashMap<String, String>>,
) -> Result<StatusCode, Error> {
    let name = params.get("name").cloned().unwrap_or_default();
    let tenant = &source.0.tenant;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let is_known = heartbeats::beat(&mut transaction, tenant, &name, (state.clock)()).await?;
    transaction.commit().await?;
    if is_known { Ok(StatusCode::ACCEPTED) } else { Err(Error::NotFound { noun: "heartbeat" }) }
}
