//! What imports change in the tables of their kinds: which rows are there, what they were before, and how
//! they become so again. The kinds differ in the names of a table and its id alone, so statements are made
//! of those two names, which are constants of this file.

use std::collections::HashSet;

use larder_identity::TenantId;
use sqlx::{AssertSqlSafe, PgConnection};

/// The table of a kind and its id.
fn named(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "customers" => ("customers", "customer_id"),
        "products" => ("products", "product_id"),
        "promotions" => ("promotions", "promotion_id"),
        "budgets" => ("budgets", "budget_id"),
        _ => (PURCHASES, "event_id"),
    }
}

/// The table of purchases, which are appended and never changed.
const PURCHASES: &str = "interactions";

/// Which of these ids are there and not hidden.
pub(crate) async fn present(
    db: &mut PgConnection,
    tenant: &TenantId,
    kind: &str,
    ids: &[String],
) -> sqlx::Result<HashSet<String>> {
    let (table, id) = named(kind);
    let shown = if table == PURCHASES { "" } else { "and deleted_at is null" };
    let query =
        format!("select {id} from recommendation.{table} where tenant_id = $1 and {id} = any($2) {shown}");
    let ids: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(query)).bind(tenant.as_str()).bind(ids).fetch_all(db).await?;
    Ok(ids.into_iter().collect())
}

/// Keeps what rows are before an import writes them, once a row; nobody changes them until it has.
pub(crate) async fn keep_before(
    db: &mut PgConnection,
    tenant: &TenantId,
    (import_id, kind): (&str, &str),
    ids: &[String],
) -> sqlx::Result<()> {
    let (table, id) = named(kind);
    let held = format!(
        "select from recommendation.{table} where tenant_id = $1 and {id} = any($2) order by {id} for update"
    );
    sqlx::query(AssertSqlSafe(held)).bind(tenant.as_str()).bind(ids).execute(&mut *db).await?;
    let query = format!(
        "insert into recommendation.import_undo (tenant_id, import_id, row_id, before)
         select $1, $2, ids.id, to_jsonb(rows)
         from unnest($3::text[]) as ids (id)
         left join recommendation.{table} as rows on rows.tenant_id = $1 and rows.{id} = ids.id
         on conflict do nothing"
    );
    sqlx::query(AssertSqlSafe(query)).bind(tenant.as_str()).bind(import_id).bind(ids).execute(db).await?;
    Ok(())
}

/// Keeps which purchases a batch of an import added.
pub(crate) async fn keep_added(
    db: &mut PgConnection,
    tenant: &TenantId,
    (import_id, batch): (&str, i32),
    event_ids: &[String],
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.import_purchases (tenant_id, import_id, batch, event_ids)
         values ($1, $2, $3, $4)",
        tenant.as_str(),
        import_id,
        batch,
        event_ids
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Statements of this transaction may take as long as a million rows take them.
pub(crate) async fn take_time(db: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query("set local statement_timeout = 0").execute(db).await?;
    Ok(())
}

/// Makes everything as it was before an import, but for rows that somebody changed since; tells how many
/// those are.
pub(crate) async fn put_back(
    db: &mut PgConnection,
    tenant: &TenantId,
    (import_id, kind): (&str, &str),
) -> sqlx::Result<i64> {
    let (table, id) = named(kind);
    if table == PURCHASES {
        take_purchases_away(db, tenant, import_id).await?;
        return Ok(0);
    }
    let columns: Vec<String> = sqlx::query_scalar!(
        r#"select column_name::text as "name!" from information_schema.columns
           where table_schema = 'recommendation' and table_name = $1::text order by ordinal_position"#,
        table
    )
    .fetch_all(&mut *db)
    .await?;
    // Every column is as it was but for those that tell replicas of the change.
    let (told, kept): (Vec<_>, Vec<_>) =
        columns.into_iter().partition(|name| name == "changed_xid" || name == "changed_sequence");
    let change = if told.is_empty() {
        ""
    } else {
        ", changed_xid = pg_current_xact_id()::text::bigint, \
         changed_sequence = nextval('recommendation.change_sequence')"
    };
    let set: Vec<_> = kept.iter().map(|column| format!("{column} = (old.was).{column}")).collect();
    // Whoever hides a row does not touch its time.
    let unchanged = "rows.updated_at = imports.committed_at and rows.deleted_at is null";
    let restored = format!(
        "update recommendation.{table} as rows set {}{change}
         from (
             select undo.row_id, undo.import_id,
                 jsonb_populate_record(null::recommendation.{table}, undo.before) as was
             from recommendation.import_undo as undo
             where undo.tenant_id = $1 and undo.import_id = $2 and undo.before is not null
         ) as old
         join recommendation.imports on imports.tenant_id = $1 and imports.import_id = old.import_id
         where rows.tenant_id = $1 and rows.{id} = old.row_id and {unchanged}",
        set.join(", ")
    );
    let hidden = format!(
        "update recommendation.{table} as rows set deleted_at = now(), updated_at = now(){change}
         from recommendation.import_undo as undo
         join recommendation.imports on imports.tenant_id = $1 and imports.import_id = undo.import_id
         where rows.tenant_id = $1 and undo.tenant_id = $1 and undo.import_id = $2
             and undo.before is null and rows.{id} = undo.row_id and {unchanged}"
    );
    let mut touched = 0;
    for query in [restored, hidden] {
        let done =
            sqlx::query(AssertSqlSafe(query)).bind(tenant.as_str()).bind(import_id).execute(&mut *db).await?;
        touched += i64::try_from(done.rows_affected()).unwrap_or(i64::MAX);
    }
    let all = sqlx::query_scalar!(
        r#"select count(*) as "count!" from recommendation.import_undo
           where tenant_id = $1 and import_id = $2"#,
        tenant.as_str(),
        import_id
    )
    .fetch_one(db)
    .await?;
    Ok(all - touched)
}

async fn take_purchases_away(db: &mut PgConnection, tenant: &TenantId, import_id: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "delete from recommendation.interactions as rows
         using (
             select unnest(event_ids) as event_id from recommendation.import_purchases
             where tenant_id = $1 and import_id = $2
         ) as added
         where rows.tenant_id = $1 and rows.event_id = added.event_id",
        tenant.as_str(),
        import_id
    )
    .execute(db)
    .await?;
    Ok(())
}
