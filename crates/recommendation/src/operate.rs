//! Changing which model serves, by request: promote, roll back, pin. A model whose file does not
//! hold what was registered never begins to serve; the one that serves goes on.

use std::time::Duration;

use larder_identity::TenantId;
use sqlx::PgConnection;

use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::interactions;
use crate::store::models::{self, Cause, ModelRow, Promotion};

/// How often, and how many times, it is looked whether a model serves.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: u32 = 500;

/// One model.
pub(crate) async fn get(state: &State, tenant: &TenantId, version: &str) -> Result<ModelRow, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let row = find(&mut transaction, tenant, version).await?;
    transaction.commit().await?;
    Ok(row)
}

/// Makes a model the one that serves, whatever its evaluation says.
pub(crate) async fn promote(state: &State, tenant: &TenantId, version: &str) -> Result<ModelRow, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    models::lock(&mut transaction, tenant.as_str()).await?;
    let row = find(&mut transaction, tenant, version).await?;
    if row.promoted {
        return Ok(row);
    }
    if let Err(cause) = check_file(state, tenant, version, &row.checksum_sha256).await {
        state.served.note_damage(tenant.as_str(), Some(format!("{version}: {cause}")));
        return Err(Error::SnapshotRefused(format!("{version} cannot serve: {cause}")));
    }
    let promotion = Promotion {
        model_version: version,
        cause: Cause::Requested,
        reason: "promoted by request",
        at_us: (state.clock)(),
    };
    swap(state, transaction, tenant, &promotion).await
}

/// Makes the model that served before the present one serve again; one whose file is missing or
/// damaged is passed over.
pub(crate) async fn roll_back(state: &State, tenant: &TenantId) -> Result<ModelRow, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    models::lock(&mut transaction, tenant.as_str()).await?;
    let mut refused = None;
    for (version, checksum) in models::earlier(&mut transaction, tenant.as_str()).await? {
        match check_file(state, tenant, &version, &checksum).await {
            Ok(()) => {
                let promotion = Promotion {
                    model_version: &version,
                    cause: Cause::RolledBack,
                    reason: "it served before, and the model after it was rolled back",
                    at_us: (state.clock)(),
                };
                return swap(state, transaction, tenant, &promotion).await;
            }
            Err(cause) => {
                tracing::warn!(tenant.id = %tenant, model.version = version, error.cause = cause, "passed over by a roll back");
                state.served.note_damage(tenant.as_str(), Some(format!("{version}: {cause}")));
                refused = Some(version);
            }
        }
    }
    Err(match refused {
        None => Error::NoEarlierModel,
        Some(version) => Error::SnapshotRefused(format!(
            "no earlier model has a file that is whole; {version} was the last one looked at"
        )),
    })
}

/// Pins a model, or takes the pin out.
pub(crate) async fn pin(
    state: &State,
    tenant: &TenantId,
    version: &str,
    pinned: bool,
) -> Result<ModelRow, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    models::lock(&mut transaction, tenant.as_str()).await?;
    models::pin(&mut transaction, tenant, version, pinned).await?;
    let row = find(&mut transaction, tenant, version).await?;
    transaction.commit().await?;
    tracing::info!(tenant.id = %tenant, model.version = version, model.pinned = pinned, "pin changed");
    Ok(row)
}

/// Waits until the answers of this process come from the model, or for a while.
pub(crate) async fn until_it_serves(state: &State, tenant: &TenantId, version: &str) {
    for _ in 0..LOOKS {
        if state.served.serves(tenant.as_str(), version) {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn find(db: &mut PgConnection, tenant: &TenantId, version: &str) -> Result<ModelRow, Error> {
    models::get(db, tenant, version).await?.ok_or(Error::ModelNotFound)
}

async fn check_file(state: &State, tenant: &TenantId, version: &str, checksum: &str) -> Result<(), String> {
    let (folder, tenant) = (state.snapshots.clone(), tenant.as_str().to_owned());
    let (version, checksum) = (version.to_owned(), checksum.to_owned());
    let read = tokio::task::spawn_blocking(move || folder.read(&tenant, &version, &checksum).map(drop)).await;
    match read {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(format!("reading it stopped: {error}")),
    }
}

async fn swap(
    state: &State,
    mut transaction: sqlx::Transaction<'_, sqlx::Postgres>,
    tenant: &TenantId,
    promotion: &Promotion<'_>,
) -> Result<ModelRow, Error> {
    models::promote(&mut transaction, tenant.as_str(), promotion).await?;
    interactions::wake_followers(&mut transaction).await?;
    let row = find(&mut transaction, tenant, promotion.model_version).await?;
    transaction.commit().await?;
    metrics::model_promoted(promotion.cause);
    tracing::info!(tenant.id = %tenant, model.version = promotion.model_version, cause = promotion.cause.name(), "model promoted");
    state.nudge.notify_one();
    until_it_serves(state, tenant, promotion.model_version).await;
    Ok(row)
}
