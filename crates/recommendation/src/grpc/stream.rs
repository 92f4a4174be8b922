//! `StreamInteractions`: rows are gathered into small batches that are durable one after
//! the other; the answer counts what went in.

use larder_identity::TenantId;
use larder_proto::larder::catalog::v1::{Interaction, StreamInteractionsRequest, StreamInteractionsResponse};
use tonic::{Status, Streaming};

use crate::record;
use crate::state::State;

const ROWS: usize = 1_000;
const MOST_REFUSALS: usize = 1_000;

/// Records a stream to its end.
pub(crate) async fn record(
    state: &State,
    tenant: &TenantId,
    mut stream: Streaming<StreamInteractionsRequest>,
) -> Result<StreamInteractionsResponse, Status> {
    let mut summary = StreamInteractionsResponse::default();
    let (mut rows, mut first_index) = (Vec::with_capacity(ROWS), 0_i64);
    while let Some(message) = stream.message().await? {
        rows.push(message.interaction.unwrap_or_default());
        if rows.len() == ROWS {
            let full = std::mem::replace(&mut rows, Vec::with_capacity(ROWS));
            record_rows(state, tenant, full, first_index, &mut summary).await?;
            first_index += ROWS as i64;
        }
    }
    record_rows(state, tenant, rows, first_index, &mut summary).await?;
    Ok(summary)
}

async fn record_rows(
    state: &State,
    tenant: &TenantId,
    rows: Vec<Interaction>,
    first_index: i64,
    summary: &mut StreamInteractionsResponse,
) -> Result<(), Status> {
    let batch = record::check(state, tenant, rows).await?;
    summary.accepted_count += i64::from(batch.accepted_count());
    summary.rejected_count += i64::from(batch.rejected_count());
    let refused =
        batch.verdicts.into_iter().filter(|verdict| verdict.status.as_ref().is_some_and(|s| s.code != 0));
    for mut verdict in refused {
        if summary.refusals.len() < MOST_REFUSALS {
            verdict.index = i32::try_from(i64::from(verdict.index) + first_index).unwrap_or(i32::MAX);
            summary.refusals.push(verdict);
        }
    }
    let rows: Vec<_> = batch.rows.into_iter().map(|(_, row)| row).collect();
    if !rows.is_empty() {
        let new_count = record::record_checked(state, tenant, &rows).await?;
        summary.duplicate_count += i64::try_from(rows.len() - new_count).unwrap_or(i64::MAX);
    }
    Ok(())
}
