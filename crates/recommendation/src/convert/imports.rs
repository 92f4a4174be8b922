//! Imports in and out.

use larder_proto::larder::exchange::v1::*;

use crate::convert::timestamp;
use crate::error::Error;
use crate::exchange::imports::reading::{Judged, KnownFile};
use crate::exchange::imports::{Previewed, running};
use crate::exchange::table_of;
use crate::store::imports::{Answers, ImportRow, Outcome, Run};
use crate::validate::Fields;

/// Titles that may be told of.
const MOST_COLUMNS: usize = 512;

/// Checks how a file is to be read.
pub(crate) fn answers(wire: ImportAnswers) -> Result<Answers, Error> {
    let mut fields = Fields::within("answers.");
    if wire.columns.len() > MOST_COLUMNS {
        fields.refuse("columns", format!("must have at most {MOST_COLUMNS} entries"));
    }
    for (index, column) in wire.columns.iter().enumerate().take(MOST_COLUMNS) {
        fields.text(&format!("columns[{index}].title"), &column.title, 0, 1_024);
        fields.text(&format!("columns[{index}].column"), &column.column, 0, 128);
    }
    if !["", ".", ","].contains(&wire.decimal_mark.as_str()) {
        fields.refuse("decimal_mark", "must be . or , or empty");
    }
    if !["", "day_first", "month_first"].contains(&wire.date_order.as_str()) {
        fields.refuse("date_order", "must be day_first, month_first or empty");
    }
    let code = wire.currency.as_bytes();
    if !code.is_empty() && (code.len() != 3 || !code.iter().all(u8::is_ascii_uppercase)) {
        fields.refuse("currency", "must be three capital letters of ISO 4217, such as ZAR, or empty");
    }
    let columns = wire.columns.into_iter().map(|column| (column.title, column.column)).collect();
    fields.finish(Answers {
        columns,
        decimal_mark: wire.decimal_mark,
        date_order: wire.date_order,
        currency: wire.currency,
    })
}

/// The message of an import.
pub(crate) fn to_wire(row: ImportRow, now_us: i64) -> Import {
    let run = row.run.map(|run| run.0);
    let is_running = run.as_ref().is_some_and(|run| running::goes_on(run, now_us));
    let state = if row.undone_at_us.is_some() {
        ImportState::Undone
    } else if row.committed_at_us.is_some() {
        ImportState::Committed
    } else if is_running {
        ImportState::Running
    } else if row.part_count.is_some() {
        ImportState::Ready
    } else {
        ImportState::Uploading
    };
    let answers = row.answers.0;
    let column = |(title, column)| ColumnMapping { title, column, is_exact: false };
    Import {
        import_id: row.import_id,
        kind: row.kind,
        file_name: row.file_name,
        state: state.into(),
        size_bytes: row.size_bytes,
        answers: Some(ImportAnswers {
            columns: answers.columns.into_iter().map(column).collect(),
            decimal_mark: answers.decimal_mark,
            date_order: answers.date_order,
            currency: answers.currency,
        }),
        run: run.map(|run| run_to_wire(run, is_running)),
        created_at: Some(timestamp(row.created_at_us)),
        committed_at: row.committed_at_us.map(timestamp),
        kept_count: row.kept_count,
    }
}

fn run_to_wire(run: Run, is_running: bool) -> ImportRun {
    let (outcome, message) = match run.outcome {
        Outcome::Running if is_running => (ImportOutcome::Running, run.message),
        // Its process ended, and with it the transaction.
        Outcome::Running => (
            ImportOutcome::Failed,
            "the service stopped in the middle; nothing was written, run it again".to_owned(),
        ),
        Outcome::Succeeded => (ImportOutcome::Succeeded, run.message),
        Outcome::Refused => (ImportOutcome::Refused, run.message),
        Outcome::Cancelled => (ImportOutcome::Cancelled, run.message),
        Outcome::Failed => (ImportOutcome::Failed, run.message),
    };
    let mode = if run.valid_rows_only { ImportMode::ValidRows } else { ImportMode::AllOrNothing };
    ImportRun {
        outcome: outcome.into(),
        dry_run: run.dry_run,
        mode: mode.into(),
        read_count: run.read,
        accepted_count: run.accepted,
        rejected_count: run.rejected,
        passed_over_count: run.passed_over,
        duplicate_count: run.duplicates,
        message,
        read_percent: run.read_percent,
        started_at: Some(timestamp(run.started_at_us)),
        finished_at: run.finished_at_us.map(timestamp),
    }
}

/// What each title is taken for.
pub(crate) fn columns(known: &KnownFile) -> Vec<ColumnMapping> {
    let column = |one: &larder_exchange::Suggestion| ColumnMapping {
        title: one.title.clone(),
        column: one.column.clone(),
        is_exact: one.is_exact,
    };
    known.columns.iter().map(column).collect()
}

/// The columns that a file of a kind may have. What the service sets itself is passed over.
pub(crate) fn table_columns(kind: &str) -> Result<Vec<ImportColumn>, Error> {
    let columns = table_of(kind)?.columns.into_iter().filter(|column| !column.is_told);
    let column = |column: larder_exchange::Column| ImportColumn {
        name: column.name,
        required: column.required,
        help: column.help.to_owned(),
    };
    Ok(columns.map(column).collect())
}

/// What would happen to a row.
pub(crate) fn verdict(kind: &str, previewed: Previewed) -> ImportRowVerdict {
    let line = i64::try_from(previewed.row.raw.line).unwrap_or(i64::MAX);
    let of = |outcome: RowOutcome, row_id: String, problems: Vec<CellVerdict>| ImportRowVerdict {
        line,
        row_id,
        outcome: outcome.into(),
        problems,
        notices: previewed.notices,
    };
    match previewed.row.judged {
        Judged::Bad(problems) => {
            let told = problems
                .into_iter()
                .map(|problem| CellVerdict { column: problem.column, description: problem.reason });
            of(RowOutcome::Refused, String::new(), told.collect())
        }
        Judged::Example => of(RowOutcome::PassedOver, String::new(), Vec::new()),
        Judged::Good(record) => {
            let outcome = match (previewed.is_there, kind) {
                (false, _) => RowOutcome::New,
                // A purchase is recorded once.
                (true, "transactions") => RowOutcome::PassedOver,
                (true, _) => RowOutcome::Replaced,
            };
            of(outcome, record.id().to_owned(), Vec::new())
        }
    }
}
