//! The shelf of trained models: what each snapshot file holds, what became of it, and which one
//! serves. Every change of what serves happens under [`lock`].

mod of_training;

use larder_identity::TenantId;
use sqlx::PgConnection;
use sqlx::types::Json;

pub(crate) use self::of_training::{
    ServingModel, forget_old, hold_lock, is_older_than_an_erasure, newest_trained_at_us, note_card, serving,
    take_training_lock,
};
use crate::training::{ModelCard, TrainingParameters};

/// What became of a model, as the table tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It serves.
    Promoted,
    /// It served before.
    Retired,
    /// It was measured to be worse, and never served.
    Rejected,
    /// It was kept back by request or by a pin, and never served.
    KeptBack,
}

/// A model as it lies in the table.
pub(crate) struct ModelRow {
    pub(crate) model_version: String,
    pub(crate) trained_at_us: i64,
    pub(crate) promoted: bool,
    pub(crate) product_count: i64,
    pub(crate) customer_count: i64,
    pub(crate) interaction_count: i64,
    pub(crate) size_bytes: i64,
    pub(crate) checksum_sha256: String,
    pub(crate) pinned: bool,
    /// What was decided when it was trained; see [`ModelRow::state`].
    pub(crate) decided: String,
    pub(crate) state_reason: String,
    pub(crate) promoted_at_us: Option<i64>,
    pub(crate) ndcg: Option<f64>,
    pub(crate) card: Option<Json<ModelCard>>,
}

impl ModelRow {
    pub(crate) fn state(&self) -> State {
        if self.promoted {
            return State::Promoted;
        }
        match self.decided.as_str() {
            "rejected" if self.promoted_at_us.is_none() => State::Rejected,
            "kept_back" if self.promoted_at_us.is_none() => State::KeptBack,
            _ => State::Retired,
        }
    }
}

/// A model that was just trained.
pub(crate) struct NewModel<'a> {
    pub(crate) tenant_id: &'a str,
    pub(crate) model_version: &'a str,
    pub(crate) trained_at_us: i64,
    pub(crate) product_count: i64,
    pub(crate) customer_count: i64,
    pub(crate) interaction_count: i64,
    pub(crate) size_bytes: i64,
    pub(crate) checksum_sha256: &'a str,
    pub(crate) watermark_xid: i64,
    /// `Retired` is not for a new one.
    pub(crate) state: State,
    pub(crate) state_reason: &'a str,
    pub(crate) card: Option<&'a ModelCard>,
    pub(crate) parameters: &'a TrainingParameters,
}

/// Why a model serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It was trained and found good enough.
    Trained,
    /// It was trained, and promoted whatever its evaluation said.
    Forced,
    /// A call promoted it.
    Requested,
    /// The one after it was rolled back.
    RolledBack,
}

impl Cause {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trained => "trained",
            Self::Forced => "forced",
            Self::Requested => "requested",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// The promoted model of a tenant.
pub(crate) struct PromotedModel {
    pub(crate) tenant_id: String,
    pub(crate) model_version: String,
    pub(crate) checksum_sha256: String,
}

/// Where a model stands: what it takes to read it, and what it knows.
pub(crate) struct RegisteredModel {
    pub(crate) model_version: String,
    pub(crate) trained_at_us: i64,
    pub(crate) checksum_sha256: String,
    /// It knows every transaction below this one.
    pub(crate) watermark_xid: i64,
}

/// A model of a tenant, or without a version the promoted one.
pub(crate) async fn registered(
    db: &mut PgConnection,
    tenant: &TenantId,
    model_version: Option<&str>,
) -> sqlx::Result<Option<RegisteredModel>> {
    sqlx::query_as!(
        RegisteredModel,
        r#"select model_version, recommendation.to_micros(trained_at) as "trained_at_us!",
                  checksum_sha256, watermark_xid
           from recommendation.models
           where tenant_id = $1 and (model_version = $2 or ($2 is null and promoted))"#,
        tenant.as_str(),
        model_version
    )
    .fetch_optional(db)
    .await
}

/// Waits until nobody else changes what serves for the tenant; freed with the transaction.
pub(crate) async fn lock(db: &mut PgConnection, tenant_id: &str) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('models/' || $1, 0))", tenant_id)
        .execute(db)
        .await?;
    Ok(())
}

/// Registers a model; when its state is `Promoted`, it takes the place of the one that serves.
pub(crate) async fn register(db: &mut PgConnection, model: &NewModel<'_>, cause: Cause) -> sqlx::Result<()> {
    let decided = match model.state {
        State::Promoted | State::Retired => "promoted",
        State::Rejected => "rejected",
        State::KeptBack => "kept_back",
    };
    sqlx::query!(
        "insert into recommendation.models
             (tenant_id, model_version, trained_at, promoted, product_count, customer_count,
              interaction_count, size_bytes, checksum_sha256, watermark_xid, state, state_reason,
              ndcg, card, parameters)
         values ($1, $2, recommendation.from_micros($3), false, $4, $5, $6, $7, $8, $9, $10, $11,
                 $12, $13, $14)",
        model.tenant_id,
        model.model_version,
        model.trained_at_us,
        model.product_count,
        model.customer_count,
        model.interaction_count,
        model.size_bytes,
        model.checksum_sha256,
        model.watermark_xid,
        decided,
        model.state_reason,
        model.card.and_then(ModelCard::ndcg),
        model.card.map(Json) as _,
        Json(model.parameters) as _
    )
    .execute(&mut *db)
    .await?;
    if model.state == State::Promoted {
        let promotion = Promotion {
            model_version: model.model_version,
            cause,
            reason: model.state_reason,
            at_us: model.trained_at_us,
        };
        promote(db, model.tenant_id, &promotion).await?;
    }
    Ok(())
}

/// A model that begins to serve.
pub(crate) struct Promotion<'a> {
    pub(crate) model_version: &'a str,
    pub(crate) cause: Cause,
    pub(crate) reason: &'a str,
    pub(crate) at_us: i64,
}

/// Makes a registered model the one that serves.
pub(crate) async fn promote(
    db: &mut PgConnection,
    tenant_id: &str,
    promotion: &Promotion<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.models set promoted = false, state_reason = $3
         where tenant_id = $1 and promoted and model_version <> $2",
        tenant_id,
        promotion.model_version,
        format!("{} took its place", promotion.model_version)
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "update recommendation.models
         set promoted = true, promoted_at = recommendation.from_micros($3), state_reason = $4
         where tenant_id = $1 and model_version = $2",
        tenant_id,
        promotion.model_version,
        promotion.at_us,
        promotion.reason
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into recommendation.model_promotions (tenant_id, model_version, promoted_at, cause)
         values ($1, $2, recommendation.from_micros($3), $4)",
        tenant_id,
        promotion.model_version,
        promotion.at_us,
        promotion.cause.name()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Pins a model or takes the pin out; tells whether there is such a model.
pub(crate) async fn pin(
    db: &mut PgConnection,
    tenant: &TenantId,
    model_version: &str,
    pinned: bool,
) -> sqlx::Result<bool> {
    let updated = sqlx::query!(
        "update recommendation.models set pinned = $3 where tenant_id = $1 and model_version = $2",
        tenant.as_str(),
        model_version,
        pinned
    )
    .execute(db)
    .await?;
    Ok(updated.rows_affected() > 0)
}

/// The models that served before the present one, the latest first, with their checksums. A model
/// that came back by a roll back keeps its old place, so rolling back twice goes back twice.
pub(crate) async fn earlier(db: &mut PgConnection, tenant_id: &str) -> sqlx::Result<Vec<(String, String)>> {
    let rows = sqlx::query_file!("src/store/sql/list_earlier_models.sql", tenant_id).fetch_all(db).await?;
    Ok(rows.into_iter().map(|row| (row.model_version, row.checksum_sha256)).collect())
}

/// Notes that a snapshot was rewritten without a customer.
pub(crate) async fn rewritten(
    db: &mut PgConnection,
    tenant: &TenantId,
    model_version: &str,
    size_bytes: i64,
    checksum_sha256: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.models
         set size_bytes = $3, checksum_sha256 = $4, customer_count = customer_count - 1
         where tenant_id = $1 and model_version = $2",
        tenant.as_str(),
        model_version,
        size_bytes,
        checksum_sha256
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The promoted models of every tenant; for the worker role alone.
pub(crate) async fn promoted(db: &mut PgConnection) -> sqlx::Result<Vec<PromotedModel>> {
    sqlx::query_as!(
        PromotedModel,
        "select tenant_id, model_version, checksum_sha256 from recommendation.models where promoted"
    )
    .fetch_all(db)
    .await
}

/// The registered checksum of a model, if there is such a model; for the worker role alone.
pub(crate) async fn checksum(
    db: &mut PgConnection,
    tenant_id: &str,
    model_version: &str,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar!(
        "select checksum_sha256 from recommendation.models where tenant_id = $1 and model_version = $2",
        tenant_id,
        model_version
    )
    .fetch_optional(db)
    .await
}

/// A page of a tenant's models, the newest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    before: Option<&str>,
    size: i64,
) -> sqlx::Result<Vec<ModelRow>> {
    sqlx::query_file_as!(
        ModelRow,
        "src/store/sql/list_models.sql",
        tenant.as_str(),
        before,
        size,
        None::<&str>
    )
    .fetch_all(db)
    .await
}

/// One model.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    model_version: &str,
) -> sqlx::Result<Option<ModelRow>> {
    let version = Some(model_version);
    sqlx::query_file_as!(ModelRow, "src/store/sql/list_models.sql", tenant.as_str(), None::<&str>, 1, version)
        .fetch_optional(db)
        .await
}
