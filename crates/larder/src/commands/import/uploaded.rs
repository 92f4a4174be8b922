//! Workbooks, and files of which all rows or none shall go in: they are uploaded, and the service judges and
//! writes them. A service that is away for a moment is asked again: what is sent twice counts once.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use larder_proto::larder::exchange::v1::exchange_service_client::ExchangeServiceClient;
use larder_proto::larder::exchange::v1::{
    CancelImportRequest, ColumnMapping, CommitImportRequest, CreateImportRequest,
    ExportImportProblemsRequest, GetImportRequest, Import, ImportAnswers, ImportMode, ImportOutcome,
    ImportRun, PreviewImportRequest, RowOutcome, UndoImportRequest, UploadImportPartRequest,
};
use tonic::{Response, Status};

use super::sender::{ATTEMPTS, FIRST_PAUSE, is_passing};
use super::{ImportArgs, Kind};
use crate::client::{Authorised, Client, call_refused};
use crate::console;
use crate::error::CommandError;

/// Bytes of a part: what a call takes.
const PART_BYTES: u64 = 1 << 20;
const LOOK: Duration = Duration::from_millis(200);
/// Rows that are judged before the others, and refused ones among them that are shown.
const PREVIEWED: i32 = 1_000;
const SHOWN: usize = 20;

/// A title and the column it means, from `TITLE=COLUMN`.
pub(super) fn mapping(text: &str) -> Result<(String, String), String> {
    let parts = text.rsplit_once('=').map(|(title, column)| (title.trim(), column.trim()));
    let parts = parts.filter(|(title, _)| !title.is_empty());
    parts.map(|(title, column)| (title.to_owned(), column.to_owned())).ok_or_else(|| {
        "must be a title of the file, =, and a column, such as \"Art. no.=product_id\"".to_owned()
    })
}

/// Whether the files are to be uploaded, and not read here.
pub(super) fn is_wanted(args: &ImportArgs) -> bool {
    let is_answered = !args.maps.is_empty() || args.decimal_mark.is_some() || args.date_order.is_some();
    args.all_or_nothing || args.dry_run || is_answered || args.files.iter().any(|path| is_workbook(path))
}

fn is_workbook(path: &Path) -> bool {
    ["xlsx", "xls", "ods"].iter().any(|known| has_extension(path, known))
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
}

/// Refuses what cannot be uploaded, before anything is sent.
pub(super) fn check(args: &ImportArgs, kind: Kind) -> Result<(), CommandError> {
    let refused = |reason: &str| Err(CommandError::Usage(reason.to_owned()));
    if kind == Kind::Interactions {
        return refused(
            "interactions are not uploaded; for workbooks of purchases, or to write all or nothing, say \
             --kind transactions",
        );
    }
    if args.rejects.is_some() && args.files.len() > 1 {
        return refused("with --rejects upload one file at a time");
    }
    if args.rejects.as_ref().is_some_and(|rejects| !has_extension(rejects, "xlsx")) {
        return refused("--rejects of a file that is uploaded is a workbook; let its name end in .xlsx");
    }
    Ok(())
}

type Exchange = ExchangeServiceClient<Authorised>;

/// Uploads and imports every file, one after the other.
pub(super) async fn run(args: &ImportArgs, kind: Kind, client: Client) -> Result<(), CommandError> {
    let mut exchange = client.exchange;
    let (mut rejected, mut total) = (0, 0);
    for path in &args.files {
        let import_id = upload(kind, &mut exchange, path).await?;
        preview(args, &mut exchange, &import_id, path).await?;
        let import = commit(args, &mut exchange, &import_id).await?;
        let run = import.run.clone().unwrap_or_default();
        report(args.json, path, &import, &run);
        rejected += run.rejected_count.unsigned_abs();
        total += run.read_count.unsigned_abs();
        if let Some(rejects) = args.rejects.as_deref().filter(|_| run.rejected_count > 0) {
            write_rejects(&mut exchange, &import_id, rejects).await?;
        }
        if run.outcome() != ImportOutcome::Succeeded {
            return Err(CommandError::Refused(format!("{}: {}", path.display(), run.message)));
        }
    }
    match (rejected, args.dry_run) {
        (0, _) => Ok(()),
        (_, true) => Err(CommandError::RowsWouldBeRejected { rejected, total }),
        (_, false) => Err(CommandError::RowsRejected { rejected, total }),
    }
}

/// Asks again while the service is away.
async fn ask<T>(
    call: &'static str,
    mut attempt: impl AsyncFnMut() -> Result<Response<T>, Status>,
) -> Result<T, CommandError> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(status) if is_passing(&status) => tokio::time::sleep(pause).await,
            answer => return answer.map(Response::into_inner).map_err(call_refused(call)),
        }
        pause *= 2;
    }
    attempt().await.map(Response::into_inner).map_err(call_refused(call))
}

async fn upload(kind: Kind, exchange: &mut Exchange, path: &Path) -> Result<String, CommandError> {
    let mut file = File::open(path).map_err(CommandError::file(path))?;
    let size = file.metadata().map_err(CommandError::file(path))?.len();
    if size == 0 {
        return Err(CommandError::Refused(format!("{}: the file is empty", path.display())));
    }
    let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let request = CreateImportRequest { kind: kind.noun().to_owned(), file_name };
    let created = ask("CreateImport", async || exchange.create_import(request.clone()).await).await?;
    let import_id = created.import.unwrap_or_default().import_id;
    let bar = console::bytes_bar(size, &format!("uploading {}", kind.noun()));
    let parts = size.div_ceil(PART_BYTES).max(1);
    for part in 0..parts {
        let mut content = Vec::new();
        file.by_ref().take(PART_BYTES).read_to_end(&mut content).map_err(CommandError::file(path))?;
        let sent = content.len() as u64;
        let request = UploadImportPartRequest {
            import_id: import_id.clone(),
            part: i32::try_from(part).unwrap_or(i32::MAX),
            content,
            is_last: part + 1 == parts,
        };
        ask("UploadImportPart", async || exchange.upload_import_part(request.clone()).await).await?;
        bar.inc(sent);
    }
    bar.finish_and_clear();
    Ok(import_id)
}

/// Settles how the file is read, and tells which of its first rows are refused.
async fn preview(
    args: &ImportArgs,
    exchange: &mut Exchange,
    import_id: &str,
    path: &Path,
) -> Result<(), CommandError> {
    let column = |(title, column): &(String, String)| ColumnMapping {
        title: title.clone(),
        column: column.clone(),
        is_exact: false,
    };
    let answers = ImportAnswers {
        columns: args.maps.iter().map(column).collect(),
        decimal_mark: args.decimal_mark.clone().unwrap_or_default(),
        date_order: args.date_order.clone().unwrap_or_default(),
        currency: args.currency.clone().unwrap_or_default(),
    };
    let request = PreviewImportRequest {
        import_id: import_id.to_owned(),
        answers: Some(answers),
        row_count: PREVIEWED,
        columns_only: false,
    };
    let shown = ask("PreviewImport", async || exchange.preview_import(request.clone()).await).await?;
    let refused = shown.verdicts.iter().filter(|verdict| verdict.outcome() == RowOutcome::Refused);
    for verdict in refused.take(if args.json { 0 } else { SHOWN }) {
        for problem in &verdict.problems {
            let column = if problem.column.is_empty() { "the row" } else { &problem.column };
            eprintln!("{}:{}: {column}: {}", path.display(), verdict.line, problem.description);
        }
    }
    Ok(())
}

/// Begins a run and waits for its end; Ctrl-C cancels it.
async fn commit(args: &ImportArgs, exchange: &mut Exchange, import_id: &str) -> Result<Import, CommandError> {
    let mode = if args.all_or_nothing { ImportMode::AllOrNothing } else { ImportMode::ValidRows };
    let import_id = import_id.to_owned();
    let request =
        CommitImportRequest { import_id: import_id.clone(), mode: mode.into(), dry_run: args.dry_run };
    ask("CommitImport", async || exchange.commit_import(request.clone()).await).await?;
    let bar = console::count_bar(100, if args.dry_run { "judging, % read" } else { "importing, % read" });
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut is_cancelled = false;
    loop {
        let request = GetImportRequest { import_id: import_id.clone() };
        let import = ask("GetImport", async || exchange.get_import(request.clone()).await).await?.import;
        let import = import.unwrap_or_default();
        let run = import.run.clone().unwrap_or_default();
        if run.outcome() != ImportOutcome::Running {
            bar.finish_and_clear();
            return Ok(import);
        }
        bar.set_position(run.read_percent.unsigned_abs().into());
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = &mut interrupted, if !is_cancelled => {
                is_cancelled = true;
                let request = CancelImportRequest { import_id: import_id.clone() };
                ask("CancelImport", async || exchange.cancel_import(request.clone()).await).await?;
            }
        }
    }
}

async fn write_rejects(exchange: &mut Exchange, import_id: &str, rejects: &Path) -> Result<(), CommandError> {
    let request = ExportImportProblemsRequest { import_id: import_id.to_owned() };
    let mut parts =
        ask("ExportImportProblems", async || exchange.export_import_problems(request.clone()).await).await?;
    let mut bytes = Vec::new();
    while let Some(message) = parts.message().await.map_err(call_refused("ExportImportProblems"))? {
        bytes.extend(message.part.unwrap_or_default().data);
    }
    std::fs::write(rejects, bytes).map_err(CommandError::file(rejects))?;
    eprintln!("refused rows are in {}", rejects.display());
    Ok(())
}

fn report(json: bool, path: &Path, import: &Import, run: &ImportRun) {
    if json {
        console::print_json(&serde_json::json!({
            "kind": import.kind,
            "file": path,
            "import_id": import.import_id,
            "dry_run": run.dry_run,
            "read_count": run.read_count,
            "accepted_count": run.accepted_count,
            "rejected_count": run.rejected_count,
            "passed_over_count": run.passed_over_count,
            "duplicate_count": run.duplicate_count,
        }));
        return;
    }
    let went = if run.outcome() != ImportOutcome::Succeeded {
        "right, none went in"
    } else if run.dry_run {
        "would go in"
    } else {
        "went in"
    };
    console::print_line(&format!(
        "{}: {} rows read, {} {went}, {} refused, {} passed over (import {})",
        import.kind,
        run.read_count,
        run.accepted_count,
        run.rejected_count,
        run.passed_over_count,
        import.import_id,
    ));
}

/// Takes an import back.
pub(super) async fn undo(import_id: String, client: Client, json: bool) -> Result<(), CommandError> {
    let mut exchange = client.exchange;
    let request = UndoImportRequest { import_id };
    let undone = ask("UndoImport", async || exchange.undo_import(request.clone()).await).await?;
    let import = undone.import.unwrap_or_default();
    if json {
        console::print_json(&serde_json::json!({
            "import_id": import.import_id,
            "kind": import.kind,
            "kept_count": import.kept_count,
        }));
    } else {
        let kept = match import.kept_count {
            0 => String::new(),
            kept => format!("; {kept} rows that were changed since stay as they are"),
        };
        console::print_line(&format!("{}: import {} is taken back{kept}", import.kind, import.import_id));
    }
    Ok(())
}
