//! The shelf of erasures' reports: each proves what was removed when, follows the one before, and names nobody.

use larder_identity::TenantId;
use sqlx::PgConnection;

/// A report as it lies in the table.
pub(crate) struct ReportRow {
    pub(crate) erasure_id: String,
    pub(crate) report_number: i64,
    pub(crate) salt: Vec<u8>,
    pub(crate) customer_hash: Vec<u8>,
    pub(crate) report: String,
    pub(crate) digest: Vec<u8>,
    /// The transaction that erased.
    pub(crate) recorded_xid: i64,
}

/// A report on its way in.
pub(crate) struct NewReport<'a> {
    pub(crate) erasure_id: &'a str,
    pub(crate) erased_at_us: i64,
    pub(crate) salt: &'a [u8],
    pub(crate) customer_hash: &'a [u8],
    pub(crate) report: &'a str,
    pub(crate) digest: &'a [u8],
}

/// Waits until no other erasure of the tenant is being written: each follows the one before.
pub(crate) async fn take_turn(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('erasures of ' || $1, 0))", tenant.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps a report.
pub(crate) async fn keep(
    db: &mut PgConnection,
    tenant: &TenantId,
    report: &NewReport<'_>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.erasure_reports
             (tenant_id, erasure_id, erased_at, salt, customer_hash, report, digest)
         values ($1, $2, recommendation.from_micros($3), $4, $5, $6, $7)",
        tenant.as_str(),
        report.erasure_id,
        report.erased_at_us,
        report.salt,
        report.customer_hash,
        report.report,
        report.digest
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One report.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    erasure_id: &str,
) -> sqlx::Result<Option<ReportRow>> {
    sqlx::query_as!(
        ReportRow,
        "select erasure_id, report_number, salt, customer_hash, report, digest, recorded_xid
         from recommendation.erasure_reports where tenant_id = $1 and erasure_id = $2",
        tenant.as_str(),
        erasure_id
    )
    .fetch_optional(db)
    .await
}

/// A page of reports before a place, the newest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    before: Option<i64>,
    size: i64,
) -> sqlx::Result<Vec<ReportRow>> {
    sqlx::query_as!(
        ReportRow,
        "select erasure_id, report_number, salt, customer_hash, report, digest, recorded_xid
         from recommendation.erasure_reports
         where tenant_id = $1 and ($2::bigint is null or report_number < $2)
         order by report_number desc
         limit $3",
        tenant.as_str(),
        before,
        size
    )
    .fetch_all(db)
    .await
}

/// The newest report about a customer.
pub(crate) async fn of_customer(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
) -> sqlx::Result<Option<ReportRow>> {
    sqlx::query_as!(
        ReportRow,
        "select erasure_id, report_number, salt, customer_hash, report, digest, recorded_xid
         from recommendation.erasure_reports
         where tenant_id = $1 and customer_hash = sha256(salt || convert_to($2, 'UTF8'))
         order by report_number desc
         limit 1",
        tenant.as_str(),
        customer_id
    )
    .fetch_optional(db)
    .await
}
