//! Calls about probes.

use larder_identity::Caller;
use larder_proto::larder::alerting::v1::*;

use crate::convert;
use crate::error::Error;
use crate::state::State;
use crate::store::probes;

pub(super) async fn list(
    state: &State,
    caller: &Caller,
    _request: ListProbesRequest,
) -> Result<ListProbesResponse, Error> {
    let mut db = larder_database::begin_tenant_read_only(&state.app, &caller.tenant).await?;
    let rows = probes::list(&mut db, &caller.tenant).await?;
    db.commit().await?;
    let probes = rows.into_iter().map(|row| Probe {
        kind: row.labels.get("kind").unwrap_or_default().to_owned(),
        name: row.name,
        failing: row.is_told,
        failure_count: row.failures,
        looked_at: row.looked_at_us.map(convert::timestamp),
        error: row.last_error,
    });
    Ok(ListProbesResponse { probes: probes.collect() })
}
