//! Erasure: every trace of a customer goes, from the tables of the inventory, from memory and from the
//! snapshot files, and what went is counted and proved. Hashes alone stay, so that other replicas
//! forget too.

use larder_identity::{Caller, TenantId};

use crate::error::Error;
use crate::jobs::train::Wish;
use crate::metrics;
use crate::privacy::inventory::TABLES;
use crate::privacy::reports::{self, Proved, Removed};
use crate::state::State;
use crate::store::erasure_reports::{self, ReportRow};
use crate::store::{erasures, imports, interactions, legal_holds, models, personal_data};

/// What an erasure did.
pub(crate) struct Erased {
    pub(crate) removed: Vec<Removed>,
    pub(crate) erased_at_us: i64,
    pub(crate) snapshot_count: i64,
    /// None when there was nothing to remove.
    pub(crate) report: Option<ReportRow>,
}

impl Erased {
    /// How many rows of a table went.
    pub(crate) fn rows(&self, table: &str) -> i64 {
        let removed = self.removed.iter().find(|removed| removed.table == table);
        removed.map_or(0, |removed| i64::try_from(removed.row_count).unwrap_or(i64::MAX))
    }
}

/// Erases a customer somebody asks about by their id, once: whoever was erased before is answered with the
/// report of then and `true`.
///
/// # Errors
/// [`Error::NotFound`] for an id that nothing is known of, [`Error::UnderLegalHold`], or the database's.
pub(crate) async fn erase_known_customer(
    state: &State,
    caller: &Caller,
    customer_id: &str,
    reason: &str,
) -> Result<(ReportRow, bool, i64), Error> {
    let tenant = &caller.tenant;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let mut rows = 0;
    for table in &TABLES {
        rows += personal_data::count(&mut transaction, tenant, table, customer_id).await?;
    }
    let earlier = erasure_reports::of_customer(&mut transaction, tenant, customer_id).await?;
    drop(transaction);
    if rows > 0 || is_in_memory(state, tenant, customer_id) {
        let erased = erase_customer(state, caller, customer_id, reason).await?;
        if let Some(report) = erased.report {
            return Ok((report, false, erased.snapshot_count));
        }
    }
    earlier.map(|report| (report, true, 0)).ok_or(Error::NotFound { noun: "customer" })
}

/// Erases a customer. One that is unknown is reported with zeros: a foreign id and a
/// missing one answer alike.
pub(crate) async fn erase_customer(
    state: &State,
    caller: &Caller,
    customer_id: &str,
    reason: &str,
) -> Result<Erased, Error> {
    let tenant = &caller.tenant;
    // Any file that waits may name them. This goes first and by itself: an import that is under way holds
    // rows that are removed below, and lets them go once it sees that its file is gone.
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    legal_holds::refuse_held(&mut transaction, tenant, customer_id).await?;
    imports::remove_files(&mut transaction, tenant).await?;
    transaction.commit().await?;
    let was_known = is_in_memory(state, tenant, customer_id);
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    erasure_reports::take_turn(&mut transaction, tenant).await?;
    legal_holds::keep_away(&mut transaction, tenant).await?;
    legal_holds::refuse_held(&mut transaction, tenant, customer_id).await?;
    imports::forget_purchases(&mut transaction, tenant, customer_id).await?;
    let mut removed = Vec::new();
    for table in &TABLES {
        let row_count = personal_data::remove(&mut transaction, tenant, table, customer_id).await?;
        removed.push(Removed { table: table.name.to_owned(), row_count });
    }
    let erased_at_us = erasures::note(&mut transaction, tenant, customer_id).await?;
    let is_something = was_known || removed.iter().any(|removed| removed.row_count > 0);
    let report = if is_something {
        let proved =
            Proved { customer_id, by: &caller.subject, reason, erased_at_us, removed: removed.as_slice() };
        Some(reports::write(&mut transaction, tenant, &proved).await?)
    } else {
        None
    };
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
    let rows: u64 = removed.iter().map(|removed| removed.row_count).sum();
    if report.is_some() {
        metrics::customer_erased(rows);
    }
    tracing::info!(tenant.id = %tenant, rows.removed = rows, "customer erased");
    Ok(Erased { removed, erased_at_us, snapshot_count, report })
}

/// Whether the model that serves, or what was read since, knows them.
fn is_in_memory(state: &State, tenant: &TenantId, customer_id: &str) -> bool {
    let Some(served) = state.served.find(tenant.as_str()) else { return false };
    served.read().serving.knows_customer(customer_id)
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
    Ok(i64::try_from(rewritten.len()).unwrap_or(i64::MAX))
}
