//! Calls about imports.

use std::sync::Arc;

use larder_exchange::Format;
use larder_identity::TenantId;
use larder_proto::google::api::HttpBody;
use larder_proto::larder::exchange::v1::*;

use super::{Parts, file_name};
use crate::convert::imports::{answers, columns, table_columns, to_wire, verdict};
use crate::error::Error;
use crate::exchange::imports;
use crate::exchange::imports::running::{self, Wanted};
use crate::state::State;
use crate::validate::Fields;

/// Rows of a preview, unless more are asked for, and at most.
const USUAL_ROWS: i32 = 100;
const MOST_ROWS: i32 = 1_000;
/// Bytes of a part of a file.
const PART_BYTES: usize = 64 * 1024;

/// The id of an import, when it can be one.
fn checked(import_id: &str) -> Result<&str, Error> {
    let mut fields = Fields::default();
    fields.id("import_id", import_id);
    fields.finish(import_id)
}

pub(super) async fn create_import(
    state: &Arc<State>,
    tenant: &TenantId,
    request: CreateImportRequest,
) -> Result<CreateImportResponse, Error> {
    let row = imports::create(state, tenant, &request.kind, &request.file_name).await?;
    Ok(CreateImportResponse { import: Some(to_wire(row, (state.clock)())) })
}

pub(super) async fn upload_import_part(
    state: &Arc<State>,
    tenant: &TenantId,
    request: UploadImportPartRequest,
) -> Result<UploadImportPartResponse, Error> {
    let part = (request.part, request.content.as_slice(), request.is_last);
    let row = imports::upload(state, tenant, checked(&request.import_id)?, part).await?;
    Ok(UploadImportPartResponse { import: Some(to_wire(row, (state.clock)())) })
}

pub(super) async fn preview_import(
    state: &Arc<State>,
    tenant: &TenantId,
    request: PreviewImportRequest,
) -> Result<PreviewImportResponse, Error> {
    let import_id = checked(&request.import_id)?;
    let mut fields = Fields::default();
    fields.whole("row_count", request.row_count.into(), 0, MOST_ROWS.into());
    fields.finish(())?;
    if request.columns_only {
        return columns_only(state, tenant, import_id).await;
    }
    let rows = if request.row_count == 0 { USUAL_ROWS } else { request.row_count };
    let answers = request.answers.map(answers).transpose()?;
    let most = usize::try_from(rows).unwrap_or_default();
    let (row, known, previewed, has_more) =
        imports::preview(state, tenant, import_id, (answers, most)).await?;
    let kind = row.kind.clone();
    Ok(PreviewImportResponse {
        import: Some(to_wire(row, (state.clock)())),
        form: known.header.form.clone(),
        columns: columns(&known),
        verdicts: previewed.into_iter().map(|previewed| verdict(&kind, previewed)).collect(),
        has_more,
        table_columns: table_columns(&kind)?,
    })
}

async fn columns_only(
    state: &Arc<State>,
    tenant: &TenantId,
    import_id: &str,
) -> Result<PreviewImportResponse, Error> {
    let (row, known) = imports::columns(state, tenant, import_id).await?;
    let table_columns = table_columns(&row.kind)?;
    Ok(PreviewImportResponse {
        import: Some(to_wire(row, (state.clock)())),
        form: known.header.form.clone(),
        columns: columns(&known),
        table_columns,
        ..PreviewImportResponse::default()
    })
}

pub(super) async fn commit_import(
    state: &Arc<State>,
    tenant: &TenantId,
    request: CommitImportRequest,
) -> Result<CommitImportResponse, Error> {
    let mode = ImportMode::try_from(request.mode).map_err(|_| {
        Error::invalid("mode", "must be IMPORT_MODE_ALL_OR_NOTHING or IMPORT_MODE_VALID_ROWS")
    })?;
    let wanted = Wanted { dry_run: request.dry_run, valid_rows_only: mode == ImportMode::ValidRows };
    let row = running::begin(state, tenant, checked(&request.import_id)?, wanted).await?;
    Ok(CommitImportResponse { import: Some(to_wire(row, (state.clock)())) })
}

pub(super) async fn get_import(
    state: &Arc<State>,
    tenant: &TenantId,
    request: GetImportRequest,
) -> Result<GetImportResponse, Error> {
    let row = imports::get(state, tenant, checked(&request.import_id)?).await?;
    Ok(GetImportResponse { import: Some(to_wire(row, (state.clock)())) })
}

pub(super) async fn list_imports(
    state: &Arc<State>,
    tenant: &TenantId,
    _: ListImportsRequest,
) -> Result<ListImportsResponse, Error> {
    let now_us = (state.clock)();
    let rows = imports::list(state, tenant).await?;
    Ok(ListImportsResponse { imports: rows.into_iter().map(|row| to_wire(row, now_us)).collect() })
}

pub(super) async fn cancel_import(
    state: &Arc<State>,
    tenant: &TenantId,
    request: CancelImportRequest,
) -> Result<CancelImportResponse, Error> {
    let row = imports::cancel(state, tenant, checked(&request.import_id)?).await?;
    Ok(CancelImportResponse { import: Some(to_wire(row, (state.clock)())) })
}

pub(super) async fn undo_import(
    state: &Arc<State>,
    tenant: &TenantId,
    request: UndoImportRequest,
) -> Result<UndoImportResponse, Error> {
    let row = imports::undo(state, tenant, checked(&request.import_id)?).await?;
    Ok(UndoImportResponse { import: Some(to_wire(row, (state.clock)())) })
}

pub(super) async fn export_import_problems(
    state: &Arc<State>,
    tenant: &TenantId,
    request: ExportImportProblemsRequest,
) -> Result<Parts<ExportImportProblemsResponse>, Error> {
    let (row, bytes) = imports::problems(state, tenant, checked(&request.import_id)?).await?;
    let name = file_name(&[tenant.as_str(), &row.kind, "to-mend"], Some((state.clock)()), Format::Xlsx);
    let parts: Vec<_> = bytes.chunks(PART_BYTES).map(<[u8]>::to_vec).collect();
    let message = move |(at, data): (usize, Vec<u8>)| {
        let content_type = Format::Xlsx.content_type().to_owned();
        let file_name = if at == 0 { name.clone() } else { String::new() };
        let part = Some(HttpBody { content_type, data, ..HttpBody::default() });
        Ok(ExportImportProblemsResponse { part, file_name })
    };
    Ok(Box::pin(tokio_stream::iter(parts.into_iter().enumerate().map(message))))
}
