//! The shelf of products.

use std::collections::{BTreeMap, HashMap, HashSet};

use larder_identity::TenantId;
use larder_ranking::ProductRecord;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::convert::product::nutrition_to_ranking;
use crate::error::Error;
use crate::nutrition::labels;
use crate::profile::Declaration;
use crate::store::LogPosition;

/// Nutrients of 100 g; absent means not measured.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StoredNutrition {
    pub(crate) energy_kcal: Option<f64>,
    pub(crate) protein_g: Option<f64>,
    pub(crate) fat_g: Option<f64>,
    pub(crate) saturated_fat_g: Option<f64>,
    pub(crate) carbohydrate_g: Option<f64>,
    pub(crate) sugars_g: Option<f64>,
    pub(crate) fibre_g: Option<f64>,
    pub(crate) sodium_mg: Option<f64>,
}

/// A checked product on its way in.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewProduct {
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) brand: String,
    pub(crate) tags: Vec<String>,
    pub(crate) price_micros: Option<i64>,
    pub(crate) price_currency: Option<String>,
    pub(crate) in_stock: bool,
    pub(crate) package_size: String,
    pub(crate) nutrition: Option<StoredNutrition>,
    pub(crate) allergens: Vec<String>,
    pub(crate) allergens_complete: bool,
    pub(crate) diets: Vec<String>,
    pub(crate) attributes: BTreeMap<String, String>,
}

/// A product as it lies in the table.
pub(crate) struct ProductRow {
    pub(crate) product_id: String,
    pub(crate) name: String,
    pub(crate) category: String,
    pub(crate) brand: String,
    pub(crate) tags: Vec<String>,
    pub(crate) price_micros: Option<i64>,
    pub(crate) price_currency: Option<String>,
    pub(crate) in_stock: bool,
    pub(crate) package_size: String,
    pub(crate) nutrition: Option<Json<StoredNutrition>>,
    pub(crate) allergens: Vec<String>,
    pub(crate) allergens_complete: bool,
    pub(crate) diets: Vec<String>,
    pub(crate) attributes: Json<BTreeMap<String, String>>,
    pub(crate) created_at_us: i64,
    pub(crate) updated_at_us: i64,
}

/// Which page of the products is asked for.
pub(crate) struct ProductPage<'a> {
    pub(crate) after: &'a str,
    pub(crate) category: Option<&'a str>,
    pub(crate) in_stock: Option<bool>,
    pub(crate) size: i64,
}

/// Inserts or replaces products in one statement; their ids must differ. Returns the place
/// of each in the order of changes: a product's later change has the higher one.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    products: &[NewProduct],
) -> sqlx::Result<HashMap<String, i64>> {
    let rows = sqlx::query_file!("src/store/sql/upsert_products.sql", tenant.as_str(), Json(products) as _)
        .fetch_all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.product_id, row.changed_sequence)).collect())
}

/// One product that is not hidden.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    product_id: &str,
) -> Result<ProductRow, Error> {
    let row = sqlx::query_file_as!(ProductRow, "src/store/sql/get_product.sql", tenant.as_str(), product_id)
        .fetch_optional(db)
        .await?;
    row.ok_or(Error::NotFound { noun: "product" })
}

/// Which of these products are there and not hidden.
pub(crate) async fn known(
    db: &mut PgConnection,
    tenant: &TenantId,
    product_ids: &[String],
) -> sqlx::Result<HashSet<String>> {
    let known = sqlx::query_scalar!(
        "select product_id from recommendation.products
         where tenant_id = $1 and product_id = any($2) and deleted_at is null",
        tenant.as_str(),
        product_ids
    )
    .fetch_all(db)
    .await?;
    Ok(known.into_iter().collect())
}

/// A page of products by id.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    page: ProductPage<'_>,
) -> sqlx::Result<Vec<ProductRow>> {
    sqlx::query_file_as!(
        ProductRow,
        "src/store/sql/list_products.sql",
        tenant.as_str(),
        page.after,
        page.category,
        page.in_stock,
        page.size
    )
    .fetch_all(db)
    .await
}

/// Hides a product and returns its place in the order of changes.
pub(crate) async fn hide(db: &mut PgConnection, tenant: &TenantId, product_id: &str) -> Result<i64, Error> {
    let sequence = sqlx::query_scalar!(
        "update recommendation.products
         set deleted_at = now(), changed_xid = pg_current_xact_id()::text::bigint,
             changed_sequence = nextval('recommendation.change_sequence')
         where tenant_id = $1 and product_id = $2 and deleted_at is null
         returning changed_sequence",
        tenant.as_str(),
        product_id
    )
    .fetch_optional(db)
    .await?;
    sequence.ok_or(Error::NotFound { noun: "product" })
}

/// A product in the log of changes, as the follower reads it.
pub(crate) struct ChangedProduct {
    pub(crate) tenant_id: String,
    pub(crate) position: LogPosition,
    pub(crate) record: ProductRecord,
}

/// The next changes of products after `after`, and below transaction `horizon` if there
/// is one, of one tenant or of all; for the worker role alone.
pub(crate) async fn changes(
    db: &mut PgConnection,
    tenant: Option<&str>,
    after: LogPosition,
    horizon: Option<i64>,
    most: i64,
) -> sqlx::Result<Vec<ChangedProduct>> {
    let rows = sqlx::query!(
        r#"select tenant_id, product_id, name, category, brand, tags, price_micros, price_currency, in_stock,
                  nutrition as "nutrition: Json<StoredNutrition>", allergens,
                  allergens_complete, diets, attributes as "attributes: Json<BTreeMap<String, String>>",
                  deleted_at is not null as "hidden!", changed_xid, changed_sequence
           from recommendation.products
           where (changed_xid, changed_sequence) > ($1, $2) and ($3::bigint is null or changed_xid < $3)
                 and ($5::text is null or tenant_id = $5)
           order by changed_xid, changed_sequence
           limit $4"#,
        after.xid,
        after.sequence,
        horizon,
        most,
        tenant
    )
    .fetch_all(db)
    .await?;
    let changed = rows.into_iter().map(|row| {
        let mut record = ProductRecord {
            product_id: row.product_id,
            name: row.name,
            category: row.category,
            brand: row.brand,
            tags: row.tags,
            price_micros: row.price_micros,
            currency: row.price_currency.unwrap_or_default(),
            allergens: row.allergens,
            allergens_complete: row.allergens_complete,
            diets: row.diets,
            nutrition: row.nutrition.map(|nutrition| nutrition_to_ranking(&nutrition)).unwrap_or_default(),
            attributes: row.attributes.0,
            in_stock: row.in_stock,
            hidden: row.hidden,
        };
        labels::widen(&mut record);
        let position = LogPosition { xid: row.changed_xid, sequence: row.changed_sequence };
        ChangedProduct { tenant_id: row.tenant_id, position, record }
    });
    Ok(changed.collect())
}

/// What is said of a product for nutrition alone, in the log of changes.
pub(crate) struct ChangedDeclaration {
    pub(crate) tenant_id: String,
    pub(crate) product_id: String,
    pub(crate) position: LogPosition,
    pub(crate) declaration: Declaration,
}

/// What the next changes of products of all tenants after `after` say for nutrition alone; for the
/// worker role alone.
pub(crate) async fn declaration_changes(
    db: &mut PgConnection,
    after: LogPosition,
    most: i64,
) -> sqlx::Result<Vec<ChangedDeclaration>> {
    let rows = sqlx::query!(
        "select tenant_id, product_id, package_size, allergens, changed_xid, changed_sequence
         from recommendation.products
         where (changed_xid, changed_sequence) > ($1, $2)
         order by changed_xid, changed_sequence
         limit $3",
        after.xid,
        after.sequence,
        most
    )
    .fetch_all(db)
    .await?;
    let changed = rows.into_iter().map(|row| ChangedDeclaration {
        tenant_id: row.tenant_id,
        product_id: row.product_id,
        position: LogPosition { xid: row.changed_xid, sequence: row.changed_sequence },
        declaration: Declaration { package_size: row.package_size, allergens: row.allergens },
    });
    Ok(changed.collect())
}

/// The keys of attributes that products have, up to `most`.
pub(crate) async fn attribute_keys(
    db: &mut PgConnection,
    tenant: &TenantId,
    most: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select distinct key as "key!"
           from recommendation.products, jsonb_object_keys(attributes) as key
           where tenant_id = $1 and deleted_at is null
           order by 1
           limit $2"#,
        tenant.as_str(),
        most
    )
    .fetch_all(db)
    .await
}
