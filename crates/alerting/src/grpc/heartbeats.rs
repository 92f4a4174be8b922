//! Calls about signs of life.

use larder_identity::Caller;
use larder_proto::larder::alerting::v1::*;

use crate::convert;
use crate::error::Error;
use crate::state::State;
use crate::store::{heartbeats, tenants};

/// Signs that come more often cannot be told from a slow network.
const SHORTEST_S: i32 = 5;
const LONGEST_S: i32 = 31 * 86_400;

pub(super) async fn record(
    state: &State,
    caller: &Caller,
    request: RecordHeartbeatRequest,
) -> Result<RecordHeartbeatResponse, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let is_known = heartbeats::beat(&mut transaction, &caller.tenant, &request.name, (state.clock)()).await?;
    transaction.commit().await?;
    if is_known { Ok(RecordHeartbeatResponse {}) } else { Err(Error::NotFound { noun: "heartbeat" }) }
}

pub(super) async fn upsert(
    state: &State,
    caller: &Caller,
    request: UpsertHeartbeatRequest,
) -> Result<UpsertHeartbeatResponse, Error> {
    let wanted = request.heartbeat.ok_or_else(|| Error::invalid("heartbeat", "must be given"))?;
    if !convert::is_id(&wanted.name) {
        return Err(Error::invalid("heartbeat.name", "must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -"));
    }
    if !(SHORTEST_S..=LONGEST_S).contains(&wanted.interval_seconds) {
        let accepted = format!("must be from {SHORTEST_S} to {LONGEST_S}");
        return Err(Error::invalid("heartbeat.interval_seconds", accepted));
    }
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    tenants::remember(&mut transaction, &caller.tenant).await?;
    let (name, interval_s) = (&wanted.name, wanted.interval_seconds);
    heartbeats::expect(&mut transaction, &caller.tenant, name, interval_s, (state.clock)()).await?;
    let rows = heartbeats::list(&mut transaction, &caller.tenant).await?;
    transaction.commit().await?;
    let row = rows.iter().find(|row| row.name == wanted.name);
    Ok(UpsertHeartbeatResponse { heartbeat: row.map(convert::heartbeat) })
}

pub(super) async fn list(
    state: &State,
    caller: &Caller,
    _request: ListHeartbeatsRequest,
) -> Result<ListHeartbeatsResponse, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    let rows = heartbeats::list(&mut transaction, &caller.tenant).await?;
    transaction.commit().await?;
    Ok(ListHeartbeatsResponse { heartbeats: rows.iter().map(convert::heartbeat).collect() })
}

pub(super) async fn delete(
    state: &State,
    caller: &Caller,
    request: DeleteHeartbeatRequest,
) -> Result<DeleteHeartbeatResponse, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, &caller.tenant).await?;
    heartbeats::remove(&mut transaction, &caller.tenant, &request.name).await?;
    transaction.commit().await?;
    Ok(DeleteHeartbeatResponse {})
}
