//! The shelf of trained models: what each snapshot file holds and which one serves.

use larder_identity::TenantId;
use sqlx::PgConnection;

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

/// Registers a model and promotes it; for the worker role alone.
pub(crate) async fn promote(db: &mut PgConnection, model: &NewModel<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.models set promoted = false where tenant_id = $1 and promoted",
        model.tenant_id
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "insert into recommendation.models
             (tenant_id, model_version, trained_at, promoted, product_count, customer_count,
              interaction_count, size_bytes, checksum_sha256, watermark_xid)
         values ($1, $2, recommendation.from_micros($3), true, $4, $5, $6, $7, $8, $9)",
        model.tenant_id,
        model.model_version,
        model.trained_at_us,
        model.product_count,
        model.customer_count,
        model.interaction_count,
        model.size_bytes,
        model.checksum_sha256,
        model.watermark_xid
    )
    .execute(db)
    .await?;
    Ok(())
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

/// Forgets all but the newest models of a tenant and returns the versions it forgot; for
/// the worker role alone.
pub(crate) async fn forget_old(
    db: &mut PgConnection,
    tenant_id: &str,
    kept: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        "delete from recommendation.models
         where tenant_id = $1 and not promoted and model_version not in (
             select model_version from recommendation.models
             where tenant_id = $1 order by model_version desc limit $2
         )
         returning model_version",
        tenant_id,
        kept
    )
    .fetch_all(db)
    .await
}

/// A page of a tenant's models, the newest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    before: Option<&str>,
    size: i64,
) -> sqlx::Result<Vec<ModelRow>> {
    sqlx::query_as!(
        ModelRow,
        r#"select model_version, recommendation.to_micros(trained_at) as "trained_at_us!", promoted,
                  product_count, customer_count, interaction_count, size_bytes, checksum_sha256
           from recommendation.models
           where tenant_id = $1 and ($2::text is null or model_version < $2)
           order by model_version desc
           limit $3"#,
        tenant.as_str(),
        before,
        size
    )
    .fetch_all(db)
    .await
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
