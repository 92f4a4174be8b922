//! The shelf of demand models: what each learns from, what became of it, and why. The models themselves are learnt
//! from the sales and lie in memory alone.

use larder_identity::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

/// Why a model was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sign {
    pub(crate) kind: String,
    pub(crate) product_id: String,
    pub(crate) value: f64,
    pub(crate) limit: f64,
    pub(crate) sentence: String,
}

/// A model as it lies in the table; days count from 1970.
#[derive(Clone, Debug)]
pub(crate) struct DemandModelRow {
    pub(crate) model_version: String,
    pub(crate) learns_from_day: Option<i32>,
    /// "serving", "previous", "rejected" or "retired".
    pub(crate) state: String,
    pub(crate) made_at_us: i64,
    pub(crate) decided_at_us: i64,
    /// The last day that was known when it was decided.
    pub(crate) decided_on_day: Option<i32>,
    pub(crate) verdict: String,
    pub(crate) compared_days: i32,
    pub(crate) loss: Option<f64>,
    pub(crate) loss_of_champion: Option<f64>,
    pub(crate) coverage_p90: Option<f64>,
    pub(crate) coverage_p90_of_champion: Option<f64>,
    pub(crate) signs: Json<Vec<Sign>>,
}

/// A page of models behind a place, the latest first.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    before: Option<(i64, &str)>,
    size: i64,
) -> sqlx::Result<Vec<DemandModelRow>> {
    sqlx::query_as!(
        DemandModelRow,
        r#"select model_version, learns_from - date '1970-01-01' as learns_from_day, state,
                  recommendation.to_micros(made_at) as "made_at_us!",
                  recommendation.to_micros(decided_at) as "decided_at_us!",
                  decided_on - date '1970-01-01' as decided_on_day, verdict, compared_days, loss, loss_of_champion,
                  coverage_p90, coverage_p90_of_champion, signs as "signs: Json<Vec<Sign>>"
           from recommendation.demand_models
           where tenant_id = $1
                 and ($2::bigint is null or (made_at, model_version) < (recommendation.from_micros($2), $3))
           order by made_at desc, model_version desc
           limit $4"#,
        tenant.as_str(),
        before.map(|place| place.0),
        before.map_or("", |place| place.1),
        size
    )
    .fetch_all(db)
    .await
}

/// The first day that the model that answers learns from, with its version; nothing before the first was written down.
pub(crate) async fn serving(
    db: &mut PgConnection,
    tenant: &TenantId,
) -> sqlx::Result<Option<(String, Option<i32>)>> {
    let row = sqlx::query!(
        "select model_version, learns_from - date '1970-01-01' as learns_from_day
         from recommendation.demand_models where tenant_id = $1 and state = 'serving'",
        tenant.as_str()
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.model_version, row.learns_from_day)))
}

/// Lets nobody else decide about the tenant's models until the transaction ends.
pub(crate) async fn lock(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!(
        "select model_version from recommendation.demand_models where tenant_id = $1
         order by model_version for update",
        tenant.as_str()
    )
    .fetch_all(db)
    .await?;
    Ok(())
}

/// Says what becomes of a model.
pub(crate) async fn set_state(
    db: &mut PgConnection,
    tenant: &TenantId,
    (from, to): (&str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.demand_models set state = $3 where tenant_id = $1 and state = $2",
        tenant.as_str(),
        from,
        to
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Inserts or replaces a model; who made it first keeps the credit.
pub(crate) async fn keep(db: &mut PgConnection, tenant: &TenantId, row: &DemandModelRow) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.demand_models
             (tenant_id, model_version, learns_from, state, made_at, decided_at, decided_on, verdict, compared_days,
              loss, loss_of_champion, coverage_p90, coverage_p90_of_champion, signs)
         values ($1, $2, date '1970-01-01' + $3::integer, $4, recommendation.from_micros($5),
                 recommendation.from_micros($6), date '1970-01-01' + $7::integer, $8, $9, $10, $11, $12, $13, $14)
         on conflict (tenant_id, model_version) do update set
             state = excluded.state,
             decided_at = excluded.decided_at,
             decided_on = excluded.decided_on,
             verdict = excluded.verdict,
             compared_days = excluded.compared_days,
             loss = excluded.loss,
             loss_of_champion = excluded.loss_of_champion,
             coverage_p90 = excluded.coverage_p90,
             coverage_p90_of_champion = excluded.coverage_p90_of_champion,
             signs = excluded.signs",
        tenant.as_str(),
        row.model_version,
        row.learns_from_day,
        row.state,
        row.made_at_us,
        row.decided_at_us,
        row.decided_on_day,
        row.verdict,
        row.compared_days,
        row.loss,
        row.loss_of_champion,
        row.coverage_p90,
        row.coverage_p90_of_champion,
        &row.signs as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Wants somebody to look whether the model still fits.
pub(crate) async fn want_look(db: &mut PgConnection, tenant: &TenantId, now_us: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.market_changes set look_wanted_at = recommendation.from_micros($2)
         where tenant_id = $1",
        tenant.as_str(),
        now_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Nobody need look any more, unless it was wanted again since.
pub(crate) async fn looked(db: &mut PgConnection, tenant: &TenantId, wanted_at_us: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.market_changes set look_wanted_at = null
         where tenant_id = $1 and look_wanted_at <= recommendation.from_micros($2)",
        tenant.as_str(),
        wanted_at_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Of every tenant: where somebody ought to look, the longest waiting first, with since when.
pub(crate) async fn looks_wanted(db: &mut PgConnection, most: i64) -> sqlx::Result<Vec<(String, i64)>> {
    let rows = sqlx::query!(
        r#"select tenant_id, recommendation.to_micros(look_wanted_at) as "wanted_at_us!"
           from recommendation.market_changes where look_wanted_at is not null
           order by look_wanted_at limit $1"#,
        most
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.tenant_id, row.wanted_at_us)).collect())
}
