//! Tables in: a file is uploaded part by part, its columns are settled, its rows are judged and shown, and
//! then written as a whole or not at all.

pub(crate) mod reading;
pub(crate) mod running;

use std::ops::ControlFlow;
use std::sync::Arc;

use larder_exchange::{AnnotatedWorkbook, CellProblem, ExchangeError, RawRow, RowProblem};
use larder_identity::TenantId;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use self::reading::{Judged, JudgedRow, KnownFile};
use super::table_of;
use crate::error::Error;
use crate::state::State;
use crate::store::imports::{self, Answers, ImportRow};
use crate::store::{imported, interactions, tenants};
use crate::validate::Fields;

/// Bytes of one part, and parts of one file: 128 MiB in all.
const MOST_PART_BYTES: usize = 1 << 20;
const MOST_PARTS: i32 = 128;
/// Imports that a tenant may have begun in a day and not committed, and bytes of all its files.
const MOST_OPEN: i64 = 50;
const MOST_BYTES: i64 = 1 << 30;
/// Rows of a workbook of problems.
const MOST_PROBLEMS: usize = 100_000;

/// A row of a preview.
pub(crate) struct Previewed {
    pub(crate) row: JudgedRow,
    /// Whether a row of its id is there.
    pub(crate) is_there: bool,
    pub(crate) notices: Vec<String>,
}

/// Begins an import.
pub(crate) async fn create(
    state: &State,
    tenant: &TenantId,
    kind: &str,
    file_name: &str,
) -> Result<ImportRow, Error> {
    let table = table_of(kind)?;
    if !table.is_imported {
        return Err(Error::invalid("kind", format!("{kind} are not imported")));
    }
    let mut fields = Fields::default();
    fields.text("file_name", file_name, 0, 256);
    fields.finish(())?;
    let import_id = Uuid::now_v7().to_string();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let load = imports::load(&mut transaction, tenant).await?;
    if load.open_count >= MOST_OPEN {
        return Err(Error::Busy("50 imports were begun today and not committed; go on with one of them"));
    }
    if load.size_bytes >= MOST_BYTES {
        return Err(Error::Busy("the files of today's imports take 1 GiB; tomorrow there is room again"));
    }
    tenants::remember(&mut transaction, tenant).await?;
    imports::create(&mut transaction, tenant, (&import_id, kind, file_name)).await?;
    let import = imports::get(&mut transaction, tenant, &import_id).await?;
    transaction.commit().await?;
    Ok(import)
}

/// Keeps a part of the file.
pub(crate) async fn upload(
    state: &State,
    tenant: &TenantId,
    import_id: &str,
    (part, content, is_last): (i32, &[u8], bool),
) -> Result<ImportRow, Error> {
    let mut fields = Fields::default();
    fields.whole("part", part.into(), 0, i64::from(MOST_PARTS) - 1);
    if content.is_empty() || content.len() > MOST_PART_BYTES {
        fields.refuse("content", format!("must be 1 to {MOST_PART_BYTES} bytes"));
    }
    fields.finish(())?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    imports::lock(&mut transaction, tenant, import_id).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    must_not_run(state, &import)?;
    if import.committed_at_us.is_some() {
        return Err(Error::Busy("the import is committed; begin another one for another file"));
    }
    imports::keep_part(&mut transaction, tenant, import_id, (part, content, is_last)).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    transaction.commit().await?;
    Ok(import)
}

fn must_not_run(state: &State, import: &ImportRow) -> Result<(), Error> {
    let runs = import.run.as_ref().is_some_and(|run| running::goes_on(&run.0, (state.clock)()));
    if runs { Err(Error::Busy("the import runs; cancel it or wait for its end")) } else { Ok(()) }
}

/// Tells what the columns of the file are taken for, and judges no row.
pub(crate) async fn columns(
    state: &State,
    tenant: &TenantId,
    import_id: &str,
) -> Result<(ImportRow, KnownFile), Error> {
    let permit = permit_to_read(state).await?;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    let file = reading::spool(&mut transaction, tenant, &import).await?;
    transaction.commit().await?;
    let (table, answers) = (table_of(&import.kind)?, import.answers.0.clone());
    let read = tokio::task::spawn_blocking(move || {
        let known = reading::titles(file, &table, &answers);
        drop(permit);
        known
    });
    let known = read.await.map_err(|error| Error::Internal(format!("reading an upload: {error}")))??;
    Ok((import, known))
}

/// Keeps how the file is read, and judges its first rows.
pub(crate) async fn preview(
    state: &State,
    tenant: &TenantId,
    import_id: &str,
    (answers, most): (Option<Answers>, usize),
) -> Result<(ImportRow, KnownFile, Vec<Previewed>, bool), Error> {
    let permit = permit_to_read(state).await?;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    imports::lock(&mut transaction, tenant, import_id).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    must_not_run(state, &import)?;
    let answers = answers.unwrap_or_else(|| import.answers.0.clone());
    imports::answer(&mut transaction, tenant, import_id, &answers).await?;
    let file = reading::spool(&mut transaction, tenant, &import).await?;
    let (table, now_us) = (table_of(&import.kind)?, (state.clock)());
    let judged = tokio::task::spawn_blocking(move || {
        let (mut rows, mut has_more) = (Vec::new(), false);
        let mut take = |_: &KnownFile, row: JudgedRow| {
            if rows.len() == most {
                has_more = true;
                return ControlFlow::Break(());
            }
            rows.push(row);
            ControlFlow::Continue(())
        };
        let known = reading::judge(file, &table, &answers, now_us, &mut take)?;
        drop(permit);
        Ok::<_, Error>((known, rows, has_more))
    });
    let (known, rows, has_more) =
        judged.await.map_err(|error| Error::Internal(format!("reading an upload: {error}")))??;
    let good: Vec<_> = rows.iter().filter_map(record).collect();
    let ids: Vec<String> = good.iter().map(|record| record.id().to_owned()).collect();
    let there = imported::present(&mut transaction, tenant, &import.kind, &ids).await?;
    let mut named: Vec<String> = good.iter().flat_map(|record| record.products()).cloned().collect();
    named.sort_unstable();
    named.dedup();
    let in_catalogue = imported::present(&mut transaction, tenant, "products", &named).await?;
    let lines: std::collections::HashMap<String, u64> =
        rows.iter().filter_map(|row| Some((record(row)?.id().to_owned(), row.raw.line))).collect();
    let previewed = rows.into_iter().map(|row| {
        let (mut notices, mut is_there) = (Vec::new(), false);
        if let Some(record) = record(&row) {
            is_there = there.contains(record.id());
            if lines.get(record.id()).is_some_and(|last| *last != row.raw.line) {
                notices.push(format!("row {} has the same id, and the last one counts", lines[record.id()]));
            }
            let missing = record.products().iter().filter(|id| !in_catalogue.contains(*id));
            let missing: Vec<_> = missing.take(5).map(String::as_str).collect();
            if !missing.is_empty() {
                notices.push(format!("not in the catalogue: {}", missing.join(", ")));
            }
        }
        Previewed { row, is_there, notices }
    });
    let previewed = previewed.collect();
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    transaction.commit().await?;
    Ok((import, known, previewed, has_more))
}

fn record(row: &JudgedRow) -> Option<&crate::convert::table::incoming::Record> {
    match &row.judged {
        Judged::Good(record) => Some(record),
        _ => None,
    }
}

/// Workbooks of the older formats are read into memory as a whole, so not many at the same time.
async fn permit_to_read(state: &State) -> Result<OwnedSemaphorePermit, Error> {
    let permit = state.import_reads.clone().acquire_owned().await;
    permit.map_err(|error| Error::Internal(format!("reading an upload: {error}")))
}

/// One import.
pub(crate) async fn get(state: &State, tenant: &TenantId, import_id: &str) -> Result<ImportRow, Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    imports::get(&mut transaction, tenant, import_id).await
}

/// The newest imports.
pub(crate) async fn list(state: &State, tenant: &TenantId) -> Result<Vec<ImportRow>, Error> {
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    Ok(imports::list(&mut transaction, tenant, None).await?)
}

/// Wishes that a run ends; it does within a second or two.
pub(crate) async fn cancel(state: &State, tenant: &TenantId, import_id: &str) -> Result<ImportRow, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    imports::lock(&mut transaction, tenant, import_id).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    if let Some(mut run) = import.run.filter(|run| running::goes_on(&run.0, (state.clock)())) {
        run.0.is_cancelled = true;
        imports::note_run(&mut transaction, tenant, import_id, &run.0).await?;
    }
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    transaction.commit().await?;
    Ok(import)
}

/// Takes a commit back.
pub(crate) async fn undo(state: &Arc<State>, tenant: &TenantId, import_id: &str) -> Result<ImportRow, Error> {
    let (state, tenant, import_id) = (state.clone(), tenant.clone(), import_id.to_owned());
    // A caller that waits no longer takes nothing back of it: asked again, it is told how that ended.
    let undoing = tokio::spawn(async move { take_back(&state, &tenant, &import_id).await });
    undoing.await.unwrap_or_else(|ended| Err(Error::Internal(ended.to_string())))
}

async fn take_back(state: &Arc<State>, tenant: &TenantId, import_id: &str) -> Result<ImportRow, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    imported::take_time(&mut transaction).await?;
    imports::lock(&mut transaction, tenant, import_id).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    if import.committed_at_us.is_none() {
        return Err(Error::NotSetUp("the import is not committed, so there is nothing to take back"));
    }
    if import.undone_at_us.is_some() {
        return Ok(import);
    }
    let kept = imported::put_back(&mut transaction, tenant, (import_id, &import.kind)).await?;
    imports::undone(&mut transaction, tenant, import_id, kept).await?;
    interactions::wake_followers(&mut transaction).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    transaction.commit().await?;
    if import.kind == "transactions" {
        // What models learnt from purchases that are gone is forgotten by learning anew.
        state.pending.wish(tenant.as_str(), crate::jobs::train::Wish::Forget);
        state.nudge.notify_one();
    }
    Ok(import)
}

/// The refused rows as a workbook.
pub(crate) async fn problems(
    state: &State,
    tenant: &TenantId,
    import_id: &str,
) -> Result<(ImportRow, Vec<u8>), Error> {
    let permit = permit_to_read(state).await?;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let import = imports::get(&mut transaction, tenant, import_id).await?;
    let file = reading::spool(&mut transaction, tenant, &import).await?;
    transaction.commit().await?;
    let (table, answers, now_us) = (table_of(&import.kind)?, import.answers.0.clone(), (state.clock)());
    let made = tokio::task::spawn_blocking(move || {
        let (mut workbook, mut count, mut failure) = (None, 0, None);
        let mut take = |known: &KnownFile, row: JudgedRow| {
            let Judged::Bad(problems) = row.judged else { return ControlFlow::Continue(()) };
            let problem = row_problem(known, row.raw, &problems);
            match push(&mut workbook, known, &problem) {
                Ok(()) => count += 1,
                Err(error) => failure = Some(error),
            }
            if count < MOST_PROBLEMS && failure.is_none() {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        };
        let known = reading::judge(file, &table, &answers, now_us, &mut take)?;
        drop(permit);
        let failed = |error| Error::Internal(format!("writing a workbook of problems: {error}"));
        if let Some(error) = failure {
            return Err(failed(error));
        }
        let workbook = workbook.map_or_else(|| AnnotatedWorkbook::new(&known.header.titles), Ok);
        workbook.and_then(AnnotatedWorkbook::finish).map_err(failed)
    });
    let bytes = made.await.map_err(|error| Error::Internal(format!("reading an upload: {error}")))??;
    Ok((import, bytes))
}

fn push(
    workbook: &mut Option<AnnotatedWorkbook>,
    known: &KnownFile,
    problem: &RowProblem,
) -> Result<(), ExchangeError> {
    if workbook.is_none() {
        *workbook = Some(AnnotatedWorkbook::new(&known.header.titles)?);
    }
    workbook.as_mut().map_or(Ok(()), |workbook| workbook.push(problem))
}

fn row_problem(known: &KnownFile, raw: RawRow, problems: &[CellProblem]) -> RowProblem {
    let place = |name: &str| known.places.iter().find(|(column, _)| column == name).map(|(_, at)| *at);
    let sentences = problems.iter().map(|problem| match problem.column.as_str() {
        "" => format!("the row {}", problem.reason),
        column => format!("{column}: {}", problem.reason),
    });
    RowProblem {
        line: raw.line,
        places: problems.iter().filter_map(|problem| place(&problem.column)).collect(),
        reason: sentences.collect::<Vec<_>>().join("; "),
        cells: raw.cells,
    }
}
