//! What a training asks of the shelf of models: its lock, the model that serves, and what is to be
//! written down or forgotten afterwards. All of it is for the worker role alone.

use sqlx::PgConnection;
use sqlx::types::Json;

use crate::training::{ModelCard, TrainingParameters};

/// The promoted model of one tenant, as a training has to know it.
pub(crate) struct ServingModel {
    pub(crate) model_version: String,
    pub(crate) checksum_sha256: String,
    pub(crate) trained_at_us: i64,
    pub(crate) pinned: bool,
    pub(crate) parameters: Option<Json<TrainingParameters>>,
}

/// Takes the lock that lets one training a tenant run, over all replicas; it is freed
/// with the transaction.
pub(crate) async fn take_training_lock(db: &mut PgConnection, tenant_id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select pg_try_advisory_xact_lock(hashtextextended('train/' || $1, 0)) as "taken!""#,
        tenant_id
    )
    .fetch_one(db)
    .await
}

/// Keeps a transaction that only holds a lock from being ended for idling, and finds out whether
/// the database is still there.
pub(crate) async fn hold_lock(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select 1 as one").fetch_one(db).await?;
    Ok(())
}

/// When the newest model of a tenant was trained, in microseconds since 1970; 0 when there
/// is none. For the worker role alone.
pub(crate) async fn newest_trained_at_us(db: &mut PgConnection, tenant_id: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select coalesce(recommendation.to_micros(max(trained_at)), 0) as "trained_at_us!"
           from recommendation.models where tenant_id = $1"#,
        tenant_id
    )
    .fetch_one(db)
    .await
}

/// Whether somebody was erased since the newest model was trained, so that its aggregates still
/// count them. For the worker role alone.
pub(crate) async fn is_older_than_an_erasure(db: &mut PgConnection, tenant_id: &str) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (
               select from recommendation.erasures
               where tenant_id = $1 and recorded_xid >= (
                   select max(watermark_xid) from recommendation.models where tenant_id = $1
               )
           ) as "is_older!""#,
        tenant_id
    )
    .fetch_one(db)
    .await
}

/// The promoted model of one tenant.
pub(crate) async fn serving(db: &mut PgConnection, tenant_id: &str) -> sqlx::Result<Option<ServingModel>> {
    sqlx::query_as!(
        ServingModel,
        r#"select model_version, checksum_sha256, pinned,
                  recommendation.to_micros(trained_at) as "trained_at_us!",
                  parameters as "parameters: Json<TrainingParameters>"
           from recommendation.models where tenant_id = $1 and promoted"#,
        tenant_id
    )
    .fetch_optional(db)
    .await
}

/// Notes how good a model was measured to be after it was registered; for the worker role alone.
pub(crate) async fn note_card(
    db: &mut PgConnection,
    tenant_id: &str,
    model_version: &str,
    card: Option<&ModelCard>,
    reason: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.models set card = $3, ndcg = $4,
             state_reason = case when promoted then $5 else state_reason end
         where tenant_id = $1 and model_version = $2",
        tenant_id,
        model_version,
        card.map(Json) as _,
        card.and_then(ModelCard::ndcg),
        reason
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets all but the newest models of a tenant, the one that serves, `before`, which served before
/// it, those that are pinned, and those by which an experiment that runs answers. Returns the versions
/// it forgot; for the worker role alone.
pub(crate) async fn forget_old(
    db: &mut PgConnection,
    tenant_id: &str,
    kept: i64,
    before: Option<&str>,
) -> sqlx::Result<Vec<String>> {
    let forgotten = sqlx::query_scalar!(
        "delete from recommendation.models
         where tenant_id = $1 and not promoted and not pinned
             and model_version is distinct from $3 and model_version not in (
                 select model_version from recommendation.models
                 where tenant_id = $1 order by model_version desc limit $2
             )
             and not exists (
                 select from recommendation.experiments, jsonb_array_elements(arms) arm
                 where experiments.tenant_id = $1 and stopped_at is null
                     and arm ->> 'model_version' = models.model_version
             )
         returning model_version",
        tenant_id,
        kept,
        before
    )
    .fetch_all(&mut *db)
    .await?;
    sqlx::query!(
        "delete from recommendation.model_promotions where tenant_id = $1 and model_version = any($2)",
        tenant_id,
        &forgotten
    )
    .execute(db)
    .await?;
    Ok(forgotten)
}
