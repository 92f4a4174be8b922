//! Legal holds: put on with a reason, ended with one. Whether somebody is held says the database to whoever deletes.

use larder_identity::{Caller, TenantId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::inventory::TABLES;
use crate::error::Error;
use crate::state::State;
use crate::store::legal_holds::{self, HoldRow, Told};
use crate::store::personal_data;

/// Holds that one answer lists.
const MOST_LISTED: i64 = 1_000;

/// Puts a hold on a customer of whom something is kept.
pub(crate) async fn set(
    state: &State,
    caller: &Caller,
    customer_id: &str,
    reason: &str,
) -> Result<HoldRow, Error> {
    let tenant = &caller.tenant;
    let hold_id = Uuid::now_v7().to_string();
    let told = Told { hold_id: &hold_id, reason, by: &caller.subject, at_us: (state.clock)() };
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    legal_holds::wait_for_deletions(&mut transaction, tenant).await?;
    if !is_known(&mut transaction, tenant, customer_id).await? {
        return Err(Error::NotFound { noun: "customer" });
    }
    legal_holds::set(&mut transaction, tenant, customer_id, &told).await?;
    let hold = one(&mut transaction, tenant, &hold_id).await?;
    transaction.commit().await?;
    Ok(hold)
}

/// Ends a hold; one that has ended stays as it was.
pub(crate) async fn release(
    state: &State,
    caller: &Caller,
    hold_id: &str,
    reason: &str,
) -> Result<HoldRow, Error> {
    let tenant = &caller.tenant;
    let told = Told { hold_id, reason, by: &caller.subject, at_us: (state.clock)() };
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    legal_holds::release(&mut transaction, tenant, &told).await?;
    let hold = one(&mut transaction, tenant, hold_id).await?;
    transaction.commit().await?;
    Ok(hold)
}

/// Holds, the newest first.
pub(crate) async fn list(
    state: &State,
    tenant: &TenantId,
    customer_id: Option<&str>,
    with_released: bool,
) -> Result<Vec<HoldRow>, Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let asked = (None, customer_id);
    Ok(legal_holds::list(&mut transaction, tenant, asked, with_released, MOST_LISTED).await?)
}

async fn one(db: &mut PgConnection, tenant: &TenantId, hold_id: &str) -> Result<HoldRow, Error> {
    let found = legal_holds::list(db, tenant, (Some(hold_id), None), true, 1).await?;
    found.into_iter().next().ok_or(Error::NotFound { noun: "hold" })
}

/// Whether any table has something about a customer.
async fn is_known(db: &mut PgConnection, tenant: &TenantId, customer_id: &str) -> Result<bool, Error> {
    for table in &TABLES {
        if personal_data::count(db, tenant, table, customer_id).await? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}
