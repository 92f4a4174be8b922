//! Erasure: every trace of a customer goes, from the tables, from memory and from the
//! snapshot files, and what went is counted. A hash alone stays, so that other replicas
//! forget too.

use larder_identity::TenantId;
use larder_proto::larder::catalog::v1::EraseCustomerResponse;

use crate::convert::timestamp;
use crate::error::Error;
use crate::jobs::train::Wish;
use crate::state::State;
use crate::store::{
    body_measurements, budgets, customers, erasures, exposures, imports, intakes, interactions, models,
};

/// Erases a customer. One that is unknown is reported with zeros: a foreign id and a
/// missing one answer alike.
pub(crate) async fn erase_customer(
    state: &State,
    tenant: &TenantId,
    customer_id: &str,
) -> Result<EraseCustomerResponse, Error> {
    // Any file that waits may name them. This goes first and by itself: an import that is under way holds
    // rows that are removed below, and lets them go once it sees that its file is gone.
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    imports::remove_files(&mut transaction, tenant).await?;
    transaction.commit().await?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    imports::forget_customer(&mut transaction, tenant, customer_id).await?;
    let customer_count = customers::remove(&mut transaction, tenant, customer_id).await?;
    let interaction_count = interactions::remove_of_customer(&mut transaction, tenant, customer_id).await?;
    let budget_count = budgets::remove_of_customer(&mut transaction, tenant, customer_id).await?;
    let body_measurement_count =
        body_measurements::remove_of_customer(&mut transaction, tenant, customer_id).await?;
    let intake_count = intakes::remove_of_customer(&mut transaction, tenant, customer_id).await?;
    let exposure_count = exposures::remove_of_customer(&mut transaction, tenant, customer_id).await?;
    let erased_at_us = erasures::note(&mut transaction, tenant, customer_id).await?;
    interactions::wake_followers(&mut transaction).await?;
    transaction.commit().await?;
    if let Some(served) = state.served.find(tenant.as_str()) {
        served.erase(customer_id);
        state.recommender.forget(tenant, customer_id);
    }
    forget_on_disk(state, tenant).await?;
    let snapshot_count = erase_from_snapshots(state, tenant, customer_id).await?;
    // What was learnt from everybody together forgets only by being learnt again.
    state.pending.wish(tenant.as_str(), Wish::Forget);
    state.nudge.notify_one();
    tracing::info!(
        tenant.id = %tenant,
        interactions.removed = interaction_count,
        exposures.removed = exposure_count,
        "customer erased"
    );
    Ok(EraseCustomerResponse {
        customer_id: customer_id.to_owned(),
        customer_count: count(customer_count),
        interaction_count: count(interaction_count),
        budget_count: count(budget_count),
        snapshot_count,
        erased_at: Some(timestamp(erased_at_us)),
        body_measurement_count: count(body_measurement_count),
        intake_count: count(intake_count),
    })
}

/// Writes the profiles that are kept on disk anew, without whoever was erased from memory.
async fn forget_on_disk(state: &State, tenant: &TenantId) -> Result<(), Error> {
    let (keeper, served) = (state.keeper.clone(), state.served.clone());
    let (name, now_us) = (tenant.as_str().to_owned(), (state.clock)());
    tokio::task::spawn_blocking(move || keeper.forget(&name, &served, now_us))
        .await
        .map_err(|error| Error::Internal(format!("rewriting profiles: {error}")))?
        .map_err(|error| Error::Internal(format!("rewriting profiles: {error}")))
}

async fn erase_from_snapshots(state: &State, tenant: &TenantId, customer_id: &str) -> Result<i64, Error> {
    let folder = state.snapshots.clone();
    let (name, id) = (tenant.as_str().to_owned(), customer_id.to_owned());
    let rewritten = tokio::task::spawn_blocking(move || folder.erase_customer(&name, &id))
        .await
        .map_err(|error| Error::Internal(format!("rewriting snapshots: {error}")))?
        .map_err(|error| Error::Internal(format!("rewriting snapshots: {error}")))?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    // A model that is being registered meanwhile is there once this is granted.
    models::lock(&mut transaction, tenant.as_str()).await?;
    for (version, written) in &rewritten {
        models::rewritten(&mut transaction, tenant, version, written.size_bytes, &written.checksum_sha256)
            .await?;
    }
    transaction.commit().await?;
    Ok(count(rewritten.len() as u64))
}

fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
