//! The shelves: all SQL of this service, one shelf a table. Each function asks for the
//! tenant first and runs in the transaction its caller opened; none commits.

pub(crate) mod body_measurements;
pub(crate) mod budgets;
pub(crate) mod connection_states;
pub(crate) mod connections;
pub(crate) mod customers;
pub(crate) mod demand_models;
pub(crate) mod erasure_reports;
pub(crate) mod erasures;
pub(crate) mod experiments;
pub(crate) mod exposures;
pub(crate) mod food_matches;
pub(crate) mod held_out;
pub(crate) mod idempotency;
pub(crate) mod imported;
pub(crate) mod imports;
pub(crate) mod intakes;
pub(crate) mod interactions;
pub(crate) mod legal_holds;
pub(crate) mod market_days;
pub(crate) mod market_feedback;
pub(crate) mod market_outlooks;
pub(crate) mod market_plans;
pub(crate) mod market_products;
pub(crate) mod markets;
pub(crate) mod models;
pub(crate) mod personal_data;
pub(crate) mod products;
pub(crate) mod promotions;
pub(crate) mod retention_runs;
pub(crate) mod sales;
pub(crate) mod sales_analytics;
pub(crate) mod shop_products;
pub(crate) mod stock_counts;
pub(crate) mod tenants;
pub(crate) mod webhook_events;

use sqlx::PgConnection;

/// A place in a log that other transactions may still be writing to: everything of
/// transactions below `xid` has been seen, and of `xid` itself up to `sequence`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogPosition {
    pub(crate) xid: i64,
    pub(crate) sequence: i64,
}

/// Makes a transaction that was just begun read one and the same state to its end.
pub(crate) async fn freeze(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("set transaction isolation level repeatable read, read only").execute(db).await?;
    Ok(())
}
