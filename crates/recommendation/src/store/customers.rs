//! The shelf of customers.

use std::collections::{BTreeMap, HashMap, HashSet};

use larder_identity::TenantId;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;
use crate::profile::{Body, Profile};
use crate::store::LogPosition;

/// A checked customer on its way in; the day counts from 1970.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct NewCustomer {
    pub(crate) customer_id: String,
    pub(crate) name: String,
    pub(crate) birth_day: Option<i32>,
    pub(crate) sex: i16,
    pub(crate) height_cm: Option<f64>,
    pub(crate) weight_kg: Option<f64>,
    pub(crate) activity_level: i16,
    pub(crate) goal: i16,
    pub(crate) diets: Vec<String>,
    pub(crate) allergens: Vec<String>,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) body_fat_percent: Option<f64>,
    pub(crate) guideline: String,
    pub(crate) life_stage: i16,
    pub(crate) goal_rate_kg_per_week: Option<f64>,
    pub(crate) score_goal: String,
}

/// A customer as it lies in the table.
pub(crate) struct CustomerRow {
    pub(crate) customer_id: String,
    pub(crate) name: String,
    pub(crate) birth_day: Option<i32>,
    pub(crate) sex: i16,
    pub(crate) height_cm: Option<f64>,
    pub(crate) weight_kg: Option<f64>,
    pub(crate) activity_level: i16,
    pub(crate) goal: i16,
    pub(crate) diets: Vec<String>,
    pub(crate) allergens: Vec<String>,
    pub(crate) attributes: Json<BTreeMap<String, String>>,
    pub(crate) body_fat_percent: Option<f64>,
    pub(crate) guideline: String,
    pub(crate) life_stage: i16,
    pub(crate) goal_rate_kg_per_week: Option<f64>,
    pub(crate) score_goal: String,
    pub(crate) created_at_us: i64,
    pub(crate) updated_at_us: i64,
}

/// Inserts or replaces customers in one statement; their ids must differ. Returns the place
/// of each in the order of changes.
pub(crate) async fn upsert(
    db: &mut PgConnection,
    tenant: &TenantId,
    customers: &[NewCustomer],
) -> sqlx::Result<HashMap<String, LogPosition>> {
    let rows = sqlx::query_file!("src/store/sql/upsert_customers.sql", tenant.as_str(), Json(customers) as _)
        .fetch_all(db)
        .await?;
    let place = |xid, sequence| LogPosition { xid, sequence };
    Ok(rows.into_iter().map(|row| (row.customer_id, place(row.changed_xid, row.changed_sequence))).collect())
}

/// One customer that is not hidden.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
) -> Result<CustomerRow, Error> {
    let row =
        sqlx::query_file_as!(CustomerRow, "src/store/sql/get_customer.sql", tenant.as_str(), customer_id)
            .fetch_optional(db)
            .await?;
    row.ok_or(Error::NotFound { noun: "customer" })
}

/// Which of these customers are there and not hidden.
pub(crate) async fn known(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_ids: &[String],
) -> sqlx::Result<HashSet<String>> {
    let known = sqlx::query_scalar!(
        "select customer_id from recommendation.customers
         where tenant_id = $1 and customer_id = any($2) and deleted_at is null",
        tenant.as_str(),
        customer_ids
    )
    .fetch_all(db)
    .await?;
    Ok(known.into_iter().collect())
}

/// A page of customers by id.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    after: &str,
    size: i64,
) -> sqlx::Result<Vec<CustomerRow>> {
    sqlx::query_file_as!(CustomerRow, "src/store/sql/list_customers.sql", tenant.as_str(), after, size)
        .fetch_all(db)
        .await
}

/// Customers by id, from after `after` on, with what is told of them.
pub(crate) async fn profiles(
    db: &mut PgConnection,
    tenant: &str,
    after: &str,
    most: i64,
) -> sqlx::Result<Vec<(String, Profile)>> {
    let rows = sqlx::query_file_as!(CustomerRow, "src/store/sql/list_customers.sql", tenant, after, most)
        .fetch_all(db)
        .await?;
    let of_row = |row: CustomerRow| {
        let profile = Profile {
            birth_day: row.birth_day,
            sex: row.sex,
            goal: row.goal,
            diets: row.diets,
            allergens: row.allergens,
            attributes: row.attributes.0,
            guideline: row.guideline,
            score_goal: row.score_goal,
            body: Body {
                height_cm: row.height_cm,
                weight_kg: row.weight_kg,
                activity_level: row.activity_level,
                body_fat_percent: row.body_fat_percent,
                life_stage: row.life_stage,
                goal_rate_kg_per_week: row.goal_rate_kg_per_week,
            },
        };
        (row.customer_id, profile)
    };
    Ok(rows.into_iter().map(of_row).collect())
}

/// Hides a customer and returns its place in the order of changes.
pub(crate) async fn hide(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
) -> Result<LogPosition, Error> {
    let place = sqlx::query_as!(
        LogPosition,
        "update recommendation.customers
         set deleted_at = now(), changed_xid = pg_current_xact_id()::text::bigint,
             changed_sequence = nextval('recommendation.change_sequence')
         where tenant_id = $1 and customer_id = $2 and deleted_at is null
         returning changed_xid as xid, changed_sequence as sequence",
        tenant.as_str(),
        customer_id
    )
    .fetch_optional(db)
    .await?;
    place.ok_or(Error::NotFound { noun: "customer" })
}

/// A customer in the log of changes, as the follower reads it.
pub(crate) struct ChangedCustomer {
    pub(crate) tenant_id: String,
    pub(crate) customer_id: String,
    pub(crate) position: LogPosition,
    /// `None` when the customer is hidden.
    pub(crate) profile: Option<Profile>,
}

/// The next changes of customers of all tenants after `after`; for the worker role alone.
pub(crate) async fn changes(
    db: &mut PgConnection,
    after: LogPosition,
    most: i64,
) -> sqlx::Result<Vec<ChangedCustomer>> {
    let rows = sqlx::query!(
        r#"select tenant_id, customer_id, birth_date - date '1970-01-01' as birth_day, sex, goal, diets,
                  allergens, attributes as "attributes: Json<BTreeMap<String, String>>", height_cm,
                  weight_kg, activity_level, body_fat_percent, guideline, life_stage,
                  goal_rate_kg_per_week, score_goal,
                  deleted_at is not null as "hidden!", changed_xid, changed_sequence
           from recommendation.customers
           where (changed_xid, changed_sequence) > ($1, $2)
           order by changed_xid, changed_sequence
           limit $3"#,
        after.xid,
        after.sequence,
        most
    )
    .fetch_all(db)
    .await?;
    let changed = rows.into_iter().map(|row| ChangedCustomer {
        tenant_id: row.tenant_id,
        customer_id: row.customer_id,
        position: LogPosition { xid: row.changed_xid, sequence: row.changed_sequence },
        profile: (!row.hidden).then_some(Profile {
            birth_day: row.birth_day,
            sex: row.sex,
            goal: row.goal,
            diets: row.diets,
            allergens: row.allergens,
            attributes: row.attributes.0,
            guideline: row.guideline,
            score_goal: row.score_goal,
            body: Body {
                height_cm: row.height_cm,
                weight_kg: row.weight_kg,
                activity_level: row.activity_level,
                body_fat_percent: row.body_fat_percent,
                life_stage: row.life_stage,
                goal_rate_kg_per_week: row.goal_rate_kg_per_week,
            },
        }),
    });
    Ok(changed.collect())
}

/// The keys of attributes that customers have, up to `most`.
pub(crate) async fn attribute_keys(
    db: &mut PgConnection,
    tenant: &TenantId,
    most: i64,
) -> sqlx::Result<Vec<String>> {
    sqlx::query_scalar!(
        r#"select distinct key as "key!"
           from recommendation.customers, jsonb_object_keys(attributes) as key
           where tenant_id = $1 and deleted_at is null
           order by 1
           limit $2"#,
        tenant.as_str(),
        most
    )
    .fetch_all(db)
    .await
}
