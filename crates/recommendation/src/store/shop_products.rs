//! The shelf of what is sold in shops, and which product here each thing is.

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::connections::SQUARE;

/// A thing in a shop.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
pub(crate) struct ShopProductRow {
    pub(crate) reference: String,
    pub(crate) name: String,
    pub(crate) sku: String,
    pub(crate) product_id: String,
    /// "told", "sku", "name" or "new".
    pub(crate) basis: String,
    pub(crate) seen_at_us: i64,
}

/// Inserts or replaces rows, whose references must differ. What somebody told is kept as it was told.
pub(crate) async fn keep(
    db: &mut PgConnection,
    tenant: &TenantId,
    rows: &[ShopProductRow],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.shop_products
             (tenant_id, connector, reference, name, sku, product_id, basis, seen_at)
         select $1, $2, reference, name, sku, product_id, basis, recommendation.from_micros(seen_at_us)
         from jsonb_to_recordset($3::jsonb) as incoming (
             reference text, name text, sku text, product_id text, basis text, seen_at_us bigint
         )
         order by reference
         on conflict (tenant_id, connector, reference) do update set
             name = excluded.name,
             sku = excluded.sku,
             seen_at = excluded.seen_at,
             product_id = case when shop_products.basis = 'told' then shop_products.product_id else excluded.product_id end,
             basis = case when shop_products.basis = 'told' then 'told' else excluded.basis end",
        tenant.as_str(),
        SQUARE,
        Json(rows) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Says which product each of these references is; those that nobody saw yet are kept for when they are.
pub(crate) async fn tell(
    db: &mut PgConnection,
    tenant: &TenantId,
    rows: &[ShopProductRow],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.shop_products
             (tenant_id, connector, reference, name, sku, product_id, basis, seen_at)
         select $1, $2, reference, name, sku, product_id, 'told', recommendation.from_micros(seen_at_us)
         from jsonb_to_recordset($3::jsonb) as incoming (
             reference text, name text, sku text, product_id text, seen_at_us bigint
         )
         order by reference
         on conflict (tenant_id, connector, reference) do update set
             product_id = excluded.product_id,
             basis = 'told'",
        tenant.as_str(),
        SQUARE,
        Json(rows) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A page by reference.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: &str,
    size: i64,
) -> sqlx::Result<Vec<ShopProductRow>> {
    sqlx::query_as!(
        ShopProductRow,
        r#"select reference, name, sku, product_id, basis, recommendation.to_micros(seen_at) as "seen_at_us!"
           from recommendation.shop_products
           where tenant_id = $1 and connector = $2 and reference > $3
           order by reference limit $4"#,
        tenant.as_str(),
        SQUARE,
        after,
        size
    )
    .fetch_all(db)
    .await
}

/// How many things resemble no product here.
pub(crate) async fn count_new(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from recommendation.shop_products
           where tenant_id = $1 and connector = $2 and basis = 'new'"#,
        tenant.as_str(),
        SQUARE
    );
    count.fetch_one(db).await
}

/// A product here, by what shops call it.
#[derive(Clone, Debug)]
pub(crate) struct KnownProduct {
    pub(crate) product_id: String,
    /// Empty for products that have terms and stand in no catalogue.
    pub(crate) name: String,
}

/// The products here that have one of these ids, or one of these names in small letters.
pub(crate) async fn known(
    db: &mut PgConnection,
    tenant: &TenantId,
    ids: &[String],
    names: &[String],
) -> sqlx::Result<Vec<KnownProduct>> {
    sqlx::query_as!(
        KnownProduct,
        r#"select product_id as "product_id!", name as "name!" from recommendation.products
           where tenant_id = $1 and deleted_at is null and (product_id = any($2) or lower(name) = any($3))
           union
           select distinct product_id, '' from recommendation.market_products
           where tenant_id = $1 and product_id = any($2)
           order by 1, 2"#,
        tenant.as_str(),
        ids,
        names
    )
    .fetch_all(db)
    .await
}
