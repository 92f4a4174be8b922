//! The shelf of plans: the latest of each market day, as it was answered.

use larder_identity::TenantId;
use sqlx::PgConnection;

use crate::store::market_feedback::FeedbackFilter;

/// A plan on its way in; the day counts from 1970.
#[derive(Clone, Debug)]
pub(crate) struct KeptPlan {
    pub(crate) market_id: String,
    pub(crate) held_on_day: i32,
    /// An encoded `larder.market.v1.MarketPlan`.
    pub(crate) plan: Vec<u8>,
    pub(crate) model_version: String,
    pub(crate) planned_at_us: i64,
}

/// Keeps a plan in the place of an earlier one of the day.
pub(crate) async fn keep(db: &mut PgConnection, tenant: &TenantId, plan: &KeptPlan) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.market_plans
             (tenant_id, market_id, held_on, plan, model_version, planned_at)
         values ($1, $2, date '1970-01-01' + $3::integer, $4, $5, recommendation.from_micros($6))
         on conflict (tenant_id, market_id, held_on) do update set
             plan = excluded.plan,
             model_version = excluded.model_version,
             planned_at = excluded.planned_at",
        tenant.as_str(),
        plan.market_id,
        plan.held_on_day,
        plan.plan,
        plan.model_version,
        plan.planned_at_us
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The plan of a market day, if one was kept.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    market_id: &str,
    held_on_day: i32,
) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select plan from recommendation.market_plans
         where tenant_id = $1 and market_id = $2 and held_on = date '1970-01-01' + $3::integer",
        tenant.as_str(),
        market_id,
        held_on_day
    )
    .fetch_optional(db)
    .await
}

/// A kept plan in a list.
pub(crate) struct ListedPlan {
    pub(crate) held_on_day: i32,
    pub(crate) market_id: String,
    /// An encoded `larder.market.v1.MarketPlan`.
    pub(crate) plan: Vec<u8>,
}

/// A page of plans, the latest day first, then by market.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    filter: &FeedbackFilter,
    after: Option<(i32, &str)>,
    size: i64,
) -> sqlx::Result<Vec<ListedPlan>> {
    sqlx::query_file_as!(
        ListedPlan,
        "src/store/sql/list_market_plans.sql",
        tenant.as_str(),
        filter.market_id,
        filter.from_day,
        filter.until_day,
        after.map(|(day, _)| day),
        after.map(|(_, market_id)| market_id),
        size
    )
    .fetch_all(db)
    .await
}
