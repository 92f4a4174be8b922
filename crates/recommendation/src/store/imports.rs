//! The shelf of imports: files on their way in, part by part, and what was there before they were written.

use larder_identity::TenantId;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::error::Error;

/// How a file is read, where it does not tell.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Answers {
    /// Titles with the columns they are taken for.
    pub(crate) columns: Vec<(String, String)>,
    pub(crate) decimal_mark: String,
    pub(crate) date_order: String,
    pub(crate) currency: String,
}

/// How a run ended, or that it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Running,
    Succeeded,
    Refused,
    Cancelled,
    Failed,
}

impl Outcome {
    /// The label of metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// What came of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) outcome: Outcome,
    pub(crate) dry_run: bool,
    pub(crate) valid_rows_only: bool,
    pub(crate) read: i64,
    pub(crate) accepted: i64,
    pub(crate) rejected: i64,
    pub(crate) passed_over: i64,
    pub(crate) duplicates: i64,
    /// How much of the file is read, in hundredths.
    pub(crate) read_percent: i32,
    pub(crate) message: String,
    pub(crate) started_at_us: i64,
    pub(crate) finished_at_us: Option<i64>,
    /// When it last showed that it goes on.
    pub(crate) alive_at_us: i64,
    /// Whether somebody wants it to end.
    #[serde(default)]
    pub(crate) is_cancelled: bool,
}

/// An import as it lies in the table.
pub(crate) struct ImportRow {
    pub(crate) import_id: String,
    pub(crate) kind: String,
    pub(crate) file_name: String,
    pub(crate) part_count: Option<i32>,
    pub(crate) size_bytes: i64,
    pub(crate) answers: Json<Answers>,
    pub(crate) run: Option<Json<Run>>,
    pub(crate) created_at_us: i64,
    pub(crate) committed_at_us: Option<i64>,
    pub(crate) undone_at_us: Option<i64>,
    pub(crate) kept_count: i64,
}

/// Begins an import.
pub(crate) async fn create(
    db: &mut PgConnection,
    tenant: &TenantId,
    (import_id, kind, file_name): (&str, &str, &str),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.imports (tenant_id, import_id, kind, file_name) values ($1, $2, $3, $4)",
        tenant.as_str(),
        import_id,
        kind,
        file_name
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What a tenant's imports of the last day take.
pub(crate) struct Load {
    /// Those that were begun and not committed.
    pub(crate) open_count: i64,
    /// Of all files.
    pub(crate) size_bytes: i64,
}

/// How much the tenant's imports of the last day are.
pub(crate) async fn load(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<Load> {
    sqlx::query_as!(
        Load,
        r#"select
            (
                select count(*) from recommendation.imports
                where tenant_id = $1 and committed_at is null and created_at > now() - interval '1 day'
            ) as "open_count!",
            (
                select coalesce(sum(length(content)), 0)::bigint from recommendation.import_parts
                where tenant_id = $1
            ) as "size_bytes!""#,
        tenant.as_str()
    )
    .fetch_one(db)
    .await
}

/// One import.
pub(crate) async fn get(
    db: &mut PgConnection,
    tenant: &TenantId,
    import_id: &str,
) -> Result<ImportRow, Error> {
    let rows = list(db, tenant, Some(import_id)).await?;
    rows.into_iter().next().ok_or(Error::NotFound { noun: "import" })
}

/// The newest imports, or the one of an id.
pub(crate) async fn list(
    db: &mut PgConnection,
    tenant: &TenantId,
    import_id: Option<&str>,
) -> sqlx::Result<Vec<ImportRow>> {
    sqlx::query_file_as!(ImportRow, "src/store/sql/list_imports.sql", tenant.as_str(), import_id)
        .fetch_all(db)
        .await
}

/// Takes an import for the rest of the transaction: whoever comes second waits. A transaction that writes the
/// import's rows refers to it and does not wait.
pub(crate) async fn lock(db: &mut PgConnection, tenant: &TenantId, import_id: &str) -> sqlx::Result<()> {
    sqlx::query!(
        "select import_id from recommendation.imports where tenant_id = $1 and import_id = $2
         for no key update",
        tenant.as_str(),
        import_id
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Keeps a part of the file; one that is sent again replaces itself.
pub(crate) async fn keep_part(
    db: &mut PgConnection,
    tenant: &TenantId,
    import_id: &str,
    (part, content, is_last): (i32, &[u8], bool),
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into recommendation.import_parts (tenant_id, import_id, part, content) values ($1, $2, $3, $4)
         on conflict (tenant_id, import_id, part) do update set content = excluded.content",
        tenant.as_str(),
        import_id,
        part,
        content
    )
    .execute(&mut *db)
    .await?;
    // A part behind the last one goes on with the file, which is whole once another last one comes.
    sqlx::query!(
        "update recommendation.imports set part_count = case when $4 then $3 + 1 end
         where tenant_id = $1 and import_id = $2 and ($4 or part_count <= $3)",
        tenant.as_str(),
        import_id,
        part,
        is_last
    )
    .execute(&mut *db)
    .await?;
    if is_last {
        // The file may have been longer when it was sent before.
        sqlx::query!(
            "delete from recommendation.import_parts where tenant_id = $1 and import_id = $2 and part > $3",
            tenant.as_str(),
            import_id,
            part
        )
        .execute(db)
        .await?;
    }
    Ok(())
}

/// A part of the file.
pub(crate) async fn part(
    db: &mut PgConnection,
    tenant: &TenantId,
    import_id: &str,
    part: i32,
) -> sqlx::Result<Option<Vec<u8>>> {
    sqlx::query_scalar!(
        "select content from recommendation.import_parts
         where tenant_id = $1 and import_id = $2 and part = $3",
        tenant.as_str(),
        import_id,
        part
    )
    .fetch_optional(db)
    .await
}

/// Keeps how the file is read.
pub(crate) async fn answer(
    db: &mut PgConnection,
    tenant: &TenantId,
    import_id: &str,
    answers: &Answers,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.imports set answers = $3 where tenant_id = $1 and import_id = $2",
        tenant.as_str(),
        import_id,
        Json(answers) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps how a run goes on.
pub(crate) async fn note_run(
    db: &mut PgConnection,
    tenant: &TenantId,
    import_id: &str,
    run: &Run,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.imports set run = $3 where tenant_id = $1 and import_id = $2",
        tenant.as_str(),
        import_id,
        Json(run) as _
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Marks an import as committed by this transaction, unless somebody wants it to end or its file was taken
/// away meanwhile; tells whether it is. Whoever wants that from now on waits for the transaction.
pub(crate) async fn committed(
    db: &mut PgConnection,
    tenant: &TenantId,
    import_id: &str,
    run: &Run,
) -> sqlx::Result<bool> {
    let marked = sqlx::query!(
        "update recommendation.imports set committed_at = now(), run = $3
         where tenant_id = $1 and import_id = $2 and part_count is not null
             and not coalesce((run ->> 'is_cancelled')::boolean, false)",
        tenant.as_str(),
        import_id,
        Json(run) as _
    )
    .execute(db)
    .await?;
    Ok(marked.rows_affected() > 0)
}

/// Marks an import as taken back.
pub(crate) async fn undone(
    db: &mut PgConnection,
    tenant: &TenantId,
    import_id: &str,
    kept_count: i64,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update recommendation.imports set undone_at = now(), kept_count = $3
         where tenant_id = $1 and import_id = $2",
        tenant.as_str(),
        import_id,
        kept_count
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from recommendation.import_undo where tenant_id = $1 and import_id = $2",
        tenant.as_str(),
        import_id
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "delete from recommendation.import_purchases where tenant_id = $1 and import_id = $2",
        tenant.as_str(),
        import_id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes every file away that waits. An import that is under way is not committed any more; one that is
/// being committed is waited for, so what it wrote is there for whoever looks behind this.
pub(crate) async fn remove_files(db: &mut PgConnection, tenant: &TenantId) -> sqlx::Result<()> {
    sqlx::query!("update recommendation.imports set part_count = null where tenant_id = $1", tenant.as_str())
        .execute(&mut *db)
        .await?;
    sqlx::query!("delete from recommendation.import_parts where tenant_id = $1", tenant.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets which purchases of a customer imports added; before those are removed themselves.
pub(crate) async fn forget_purchases(
    db: &mut PgConnection,
    tenant: &TenantId,
    customer_id: &str,
) -> sqlx::Result<()> {
    let concerned = sqlx::query_scalar!(
        r#"select count(*) as "count!"
           from recommendation.import_purchases as added
           cross join lateral unnest(added.event_ids) as event (event_id)
           join recommendation.interactions on interactions.tenant_id = $1
               and interactions.event_id = event.event_id and interactions.customer_id = $2
           where added.tenant_id = $1"#,
        tenant.as_str(),
        customer_id
    )
    .fetch_one(&mut *db)
    .await?;
    // Whoever writes there now wrote nothing of theirs that this could see.
    if concerned == 0 {
        return Ok(());
    }
    sqlx::query!(
        "with gone as (
             select event_id from recommendation.interactions where tenant_id = $1 and customer_id = $2
         ),
         concerned as (
             select distinct added.import_id, added.batch
             from recommendation.import_purchases as added
             cross join lateral unnest(added.event_ids) as event (event_id)
             join gone on gone.event_id = event.event_id
             where added.tenant_id = $1
         )
         update recommendation.import_purchases as added
         set event_ids = array(
             select event.event_id from unnest(added.event_ids) as event (event_id)
             where not exists (select from gone where gone.event_id = event.event_id)
         )
         from concerned
         where added.tenant_id = $1 and added.import_id = concerned.import_id
             and added.batch = concerned.batch",
        tenant.as_str(),
        customer_id
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes files after a day and the rest after a week; for the worker role alone.
pub(crate) async fn remove_old(db: &mut PgConnection) -> sqlx::Result<u64> {
    let parts = sqlx::query!(
        "delete from recommendation.import_parts as parts using recommendation.imports
         where imports.tenant_id = parts.tenant_id and imports.import_id = parts.import_id
             and imports.created_at <= now() - interval '1 day'"
    )
    .execute(&mut *db)
    .await?;
    let imports =
        sqlx::query!("delete from recommendation.imports where created_at <= now() - interval '7 days'")
            .execute(db)
            .await?;
    Ok(parts.rows_affected() + imports.rows_affected())
}
