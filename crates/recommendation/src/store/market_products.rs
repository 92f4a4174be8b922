//! The shelf of terms: on what terms a product is sold at a market, or at every one.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

/// Checked terms on their way in, or as they lie in the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct MarketProductRow {
    pub(crate) product_id: String,
    /// Empty for every market without terms of its own.
    pub(crate) market_id: String,
    pub(crate) currency: String,
    pub(crate) price_micros: i64,
    pub(crate) unit_cost_micros: i64,
    pub(crate) salvage_micros: i64,
    pub(crate) goodwill_micros: i64,
    pub(crate) disposal_micros: i64,
    pub(crate) pack_units: f64,
    pub(crate) min_units: f64,
    /// 0 is any number.
    pub(crate) max_units: f64,
    pub(crate) volume_l: Option<f64>,
    pub(crate) weight_kg: Option<f64>,
    pub(crate) shelf_life_days: i32,
    pub(crate) left_over_units: f64,
    pub(crate) is_fractional: bool,
    pub(crate) share_of_visitors: Option<f64>,
    pub(crate) is_retired: bool,
    /// 0 on the way in.
    pub(crate) updated_at_us: i64,
}

/// Inserts or replaces terms in one statement; no two may be of one product and market.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    rows: &[MarketProductRow],
) -> sqlx::Result<()> {
    sqlx::query_file!("src/store/sql/upsert_market_products.sql", tenant.as_str(), Json(rows) as _)
        .execute(db)
        .await?;
    Ok(())
}

/// A page of terms by product and market.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    (after_product, after_market): (&str, &str),
    market_id: Option<&str>,
    size: i64,
) -> sqlx::Result<Vec<MarketProductRow>> {
    sqlx::query_as!(
        MarketProductRow,
        r#"select product_id, market_id, currency, price_micros, unit_cost_micros, salvage_micros,
                  goodwill_micros, disposal_micros, pack_units, min_units, max_units, volume_l, weight_kg,
                  shelf_life_days, left_over_units, is_fractional, share_of_visitors, is_retired,
                  recommendation.to_micros(updated_at) as "updated_at_us!"
           from recommendation.market_products
           where tenant_id = $1
                 and (product_id, market_id) > ($2, $3)
                 and ($4::text is null or market_id = $4)
           order by product_id, market_id
           limit $5"#,
        tenant.as_str(),
        after_product,
        after_market,
        market_id,
        size
    )
    .fetch_all(db)
    .await
}

/// The terms that hold at a market: its own, and where it has none, those of every market.
pub(crate) async fn at_market(
    db: &mut PgConnection,
    tenant: &TenantId,
    market_id: &str,
) -> sqlx::Result<Vec<MarketProductRow>> {
    sqlx::query_as!(
        MarketProductRow,
        r#"select distinct on (product_id)
                  product_id, market_id, currency, price_micros, unit_cost_micros, salvage_micros,
                  goodwill_micros, disposal_micros, pack_units, min_units, max_units, volume_l, weight_kg,
                  shelf_life_days, left_over_units, is_fractional, share_of_visitors, is_retired,
                  recommendation.to_micros(updated_at) as "updated_at_us!"
           from recommendation.market_products
           where tenant_id = $1 and market_id in ('', $2)
           order by product_id, market_id desc"#,
        tenant.as_str(),
        market_id
    )
    .fetch_all(db)
    .await
}

/// What a product is called and which shelf it stands on.
pub(crate) struct ProductName {
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) category: String,
}

/// The names of the products that are sold at markets and are in the catalogue.
pub(crate) async fn names(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<Vec<ProductName>> {
    sqlx::query_as!(
        ProductName,
        r#"select product_id, name, category
           from recommendation.products
           where tenant_id = $1
                 and product_id in (
                     select product_id from recommendation.market_products where tenant_id = $1
                     union
                     select product_id from recommendation.sale_hours where tenant_id = $1
                 )"#,
        tenant.as_str()
    )
    .fetch_all(db)
    .await
}
