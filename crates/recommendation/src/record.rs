//! Recording what customers did: each event once, durable before it is acknowledged, and
//! known to the very next answer.

use std::collections::HashSet;

use futures::FutureExt;
use larder_identity::TenantId;
use larder_proto::larder::catalog::v1::{
    BatchRecordInteractionsRequest, BatchRecordInteractionsResponse, Interaction,
};
use larder_settings::UnknownReferences;

use crate::batch::CheckedBatch;
use crate::convert::interaction;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::interactions::{self, Appended, NewInteraction};
use crate::store::{customers, products, tenants};
use crate::validate::Fields;
use crate::write::Write;

/// Records a batch and says of each row whether it went in.
pub(crate) async fn record_batch(
    state: &State,
    tenant: &TenantId,
    key: Option<String>,
    request: BatchRecordInteractionsRequest,
) -> Result<BatchRecordInteractionsResponse, Error> {
    let keyed = if key.is_some() { request.clone() } else { BatchRecordInteractionsRequest::default() };
    let batch = check(state, tenant, request.interactions).await?;
    let rows: Vec<_> = batch.rows.iter().map(|(_, row)| row.clone()).collect();
    let (accepted_count, rejected_count) = (batch.accepted_count(), batch.rejected_count());
    let verdicts = batch.verdicts;
    let write = Write { pool: &state.app, tenant, method: "BatchRecordInteractions", key };
    let written = write
        .run(&keyed, |db| {
            let (rows, tenant) = (rows.clone(), tenant.clone());
            async move {
                tenants::remember(db, &tenant).await?;
                let appended = interactions::append(db, &tenant, &rows).await?;
                let new_count = i32::try_from(appended.event_ids.len()).unwrap_or(i32::MAX);
                let response = BatchRecordInteractionsResponse {
                    verdicts,
                    accepted_count,
                    rejected_count,
                    duplicate_count: accepted_count.saturating_sub(new_count),
                };
                Ok((response, appended))
            }
            .boxed()
        })
        .await?;
    metrics::rows_refused("interactions", rejected_count);
    if let Some(appended) = written.after {
        overlay(state, tenant, &rows, appended);
    }
    Ok(written.response)
}

/// Records rows that were checked already and tells how many were new.
pub(crate) async fn record_checked(
    state: &State,
    tenant: &TenantId,
    rows: &[NewInteraction],
) -> Result<usize, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    tenants::remember(&mut transaction, tenant).await?;
    let appended = interactions::append(&mut transaction, tenant, rows).await?;
    transaction.commit().await?;
    let new_count = appended.event_ids.len();
    overlay(state, tenant, rows, appended);
    Ok(new_count)
}

/// Checks rows one by one; what they name must be known where the settings say so.
pub(crate) async fn check(
    state: &State,
    tenant: &TenantId,
    rows: Vec<Interaction>,
) -> Result<CheckedBatch<NewInteraction>, Error> {
    let now_us = (state.clock)();
    let most = state.settings.batch_limit_rows;
    let mut batch =
        CheckedBatch::check("interactions", rows, most, |row| interaction::from_wire(row, now_us))?;
    if state.settings.unknown_references == UnknownReferences::Refuse {
        refuse_unknown(state, tenant, &mut batch).await?;
    }
    Ok(batch)
}

async fn refuse_unknown(
    state: &State,
    tenant: &TenantId,
    batch: &mut CheckedBatch<NewInteraction>,
) -> Result<(), Error> {
    let ids = |id: fn(&NewInteraction) -> &String| {
        let named: HashSet<_> = batch.rows.iter().map(|(_, row)| id(row).clone()).collect();
        named.into_iter().collect::<Vec<_>>()
    };
    let (product_ids, customer_ids) = (ids(|row| &row.product_id), ids(|row| &row.customer_id));
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let products = products::known(&mut transaction, tenant, &product_ids).await?;
    let customers = customers::known(&mut transaction, tenant, &customer_ids).await?;
    transaction.commit().await?;
    batch.refuse(|row| {
        let mut fields = Fields::default();
        if !customers.contains(&row.customer_id) {
            fields.refuse("customer_id", "must be a customer who was upserted and not deleted");
        }
        if !products.contains(&row.product_id) {
            fields.refuse("product_id", "must be a product that was upserted and not deleted");
        }
        fields.finish(())
    });
    Ok(())
}

fn overlay(state: &State, tenant: &TenantId, rows: &[NewInteraction], mut appended: Appended) {
    let new_count = appended.event_ids.len();
    metrics::events_recorded(new_count, rows.len() - new_count);
    // An id that stands twice in the batch went in once: the first row has it.
    let new = rows.iter().filter(|row| appended.event_ids.remove(&row.event_id));
    let events: Vec<_> = new.filter_map(interaction::to_event).collect();
    state.served.record(tenant, appended.xid, events);
    state.pending.add(tenant.as_str(), new_count as u64);
}
