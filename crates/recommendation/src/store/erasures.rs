//! The shelf of erasures: the hash of who was erased, and when, and nothing else.

use larder_identity::TenantId;
use sqlx::PgConnection;

use crate::store::LogPosition;

/// An erasure in the log, as the follower reads it.
pub(crate) struct LoggedErasure {
    pub(crate) tenant_id: String,
    pub(crate) customer_hash: Vec<u8>,
    /// The transaction that erased.
    pub(crate) xid: i64,
}

/// The hash a customer is known by after erasure.
pub(crate) fn hash(tenant: &str, customer_id: &str) -> Vec<u8> {
    let text = format!("{tenant}/{customer_id}");
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

/// Notes an erasure and returns its instant in microseconds since 1970.
pub(crate) async fn note(db: &mut PgConnection, tenant: &TenantId, customer_id: &str) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"insert into recommendation.erasures (tenant_id, customer_hash) values ($1, $2)
           on conflict (tenant_id, customer_hash) do update
           set erased_at = now(), recorded_xid = excluded.recorded_xid
           returning recommendation.to_micros(erased_at) as "erased_at_us!""#,
        tenant.as_str(),
        hash(tenant.as_str(), customer_id)
    )
    .fetch_one(db)
    .await
}

/// The next erasures after `after` and below transaction `horizon`, of one tenant or of
/// all; for the worker role alone.
pub(crate) async fn log(
    db: &mut PgConnection,
    tenant: Option<&str>,
    after: LogPosition,
    horizon: i64,
) -> sqlx::Result<Vec<LoggedErasure>> {
    let rows = sqlx::query!(
        "select tenant_id, customer_hash, recorded_xid
         from recommendation.erasures
         where (recorded_xid, recorded_sequence) > ($1, $2) and recorded_xid < $3
               and ($4::text is null or tenant_id = $4)
         order by recorded_xid, recorded_sequence",
        after.xid,
        after.sequence,
        horizon,
        tenant
    )
    .fetch_all(db)
    .await?;
    let erasures = rows.into_iter().map(|row| LoggedErasure {
        tenant_id: row.tenant_id,
        customer_hash: row.customer_hash,
        xid: row.recorded_xid,
    });
    Ok(erasures.collect())
}
