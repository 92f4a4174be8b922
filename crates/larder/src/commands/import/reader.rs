//! Reads the files on a thread of its own and hands over batches. A row that is no row is
//! put aside with its line and reason; reading goes on.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, StringRecord};
use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use larder_exchange::{Remembered, first_line};
use tokio::sync::mpsc::Sender;

use super::columns::{Columns, REJECT_COLUMNS};
use super::kinds::Records;
use super::parse::Row;
use super::rejections::Rejection;
use super::{ImportArgs, Kind};
use crate::error::CommandError;

/// A batch is closed early when its text reaches this size, to stay below the limit of a
/// message whatever the rows hold.
const BATCH_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// No row of the contract is as long as this.
const ROW_LIMIT_BYTES: usize = 1024 * 1024;

/// What is to be read, and how.
#[derive(Debug, Clone)]
pub(super) struct ReadPlan {
    kind: Kind,
    files: Vec<(PathBuf, Columns)>,
    currency: Option<String>,
    batch_rows: usize,
    keep_text: bool,
}

/// Rows that belong to one call, and those among them that cannot be sent.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) file: PathBuf,
    pub(super) records: Records,
    /// The line of each record, and its text when refused rows are to be written.
    pub(super) sources: Vec<RowSource>,
    pub(super) rejected: Vec<Rejection>,
}

/// Where a row stood.
#[derive(Debug, Clone)]
pub(super) struct RowSource {
    pub(super) line: u64,
    pub(super) text: Option<ByteRecord>,
}

impl ReadPlan {
    /// Opens every file once and judges its header, before anything is sent.
    pub(super) fn new(args: &ImportArgs, kind: Kind) -> Result<Self, CommandError> {
        let mut files: Vec<(PathBuf, Columns)> = Vec::new();
        for path in &args.files {
            let columns = read_header(kind, path)?;
            if args.rejects.is_some() && files.first().is_some_and(|(_, first)| *first != columns) {
                return Err(CommandError::Usage(format!(
                    "{}: the columns differ from those of the first file; with --rejects import it by itself",
                    path.display()
                )));
            }
            files.push((path.clone(), columns));
        }
        Ok(Self {
            kind,
            files,
            currency: args.currency.clone(),
            batch_rows: args.batch_rows as usize,
            keep_text: args.rejects.is_some(),
        })
    }

    /// The size of all files as they lie on disk.
    pub(super) fn total_bytes(&self) -> Result<u64, CommandError> {
        let size = |(path, _): &(PathBuf, Columns)| {
            std::fs::metadata(path).map(|metadata| metadata.len()).map_err(CommandError::file(path))
        };
        self.files.iter().map(size).sum()
    }

    /// The columns that a rejects file repeats, with their places in the files.
    pub(super) fn repeated_columns(&self) -> Vec<(usize, String)> {
        let first = self.files.first().map(|(_, columns)| columns.names()).unwrap_or_default();
        let columns = first.iter().cloned().enumerate();
        columns.filter(|(_, name)| !REJECT_COLUMNS.contains(&name.as_str())).collect()
    }
}

fn read_header(kind: Kind, path: &Path) -> Result<Columns, CommandError> {
    let mut reader = open(path, &ProgressBar::hidden())?;
    let header = reader.headers().map_err(|error| unreadable(path, &error))?;
    Columns::parse(kind, header)
        .map_err(|reason| CommandError::Refused(format!("{}: {reason}", path.display())))
}

fn open(path: &Path, bar: &ProgressBar) -> Result<csv::Reader<Remembered<Box<dyn Read>>>, CommandError> {
    let file = File::open(path).map_err(CommandError::file(path))?;
    let counted = bar.wrap_read(BufReader::new(file));
    let gzipped = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"));
    let text: Box<dyn Read> =
        if gzipped { Box::new(MultiGzDecoder::new(counted)) } else { Box::new(counted) };
    // Rows of the wrong length are refused one by one, with their line, not all at once.
    Ok(csv::ReaderBuilder::new().flexible(true).from_reader(Remembered::new(text)))
}

fn unreadable(path: &Path, error: &csv::Error) -> CommandError {
    CommandError::Refused(format!("{}: {error}", path.display()))
}

/// Reads every file to its end, or until nobody takes the batches any more.
pub(super) fn read_files(
    plan: &ReadPlan,
    bar: &ProgressBar,
    batches: &Sender<Batch>,
) -> Result<(), CommandError> {
    for (path, columns) in &plan.files {
        let mut reader = open(path, bar)?;
        let mut open_batch = OpenBatch::new(plan, path, columns);
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|error| unreadable(path, &error))? {
            open_batch.add(&record, first_line(&reader, record.as_slice()));
            if open_batch.is_full() && batches.blocking_send(open_batch.take()).is_err() {
                return Ok(());
            }
        }
        if batches.blocking_send(open_batch.take()).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads a gzipped table that is part of this program, in which every row has to be good.
pub(crate) fn read_embedded(kind: Kind, table: &[u8]) -> Result<Records, CommandError> {
    let damaged =
        |reason: String| CommandError::Refused(format!("the embedded {} are damaged: {reason}", kind.noun()));
    let mut reader = csv::Reader::from_reader(MultiGzDecoder::new(table));
    let header = reader.headers().map_err(|error| damaged(error.to_string()))?;
    let columns = Columns::parse(kind, header).map_err(damaged)?;
    let (mut records, mut record) = (Records::empty(kind), StringRecord::new());
    while reader.read_record(&mut record).map_err(|error| damaged(error.to_string()))? {
        let row = Row { columns: &columns, record: &record, currency: None };
        records.push(&row).map_err(|problem| damaged(format!("{}: {}", problem.field, problem.reason)))?;
    }
    Ok(records)
}

/// The batch that is being filled.
struct OpenBatch<'a> {
    plan: &'a ReadPlan,
    path: &'a Path,
    columns: &'a Columns,
    batch: Batch,
    size_bytes: usize,
}

impl<'a> OpenBatch<'a> {
    fn new(plan: &'a ReadPlan, path: &'a Path, columns: &'a Columns) -> Self {
        Self { plan, path, columns, batch: empty_batch(plan, path), size_bytes: 0 }
    }

    fn is_full(&self) -> bool {
        let rows = self.batch.sources.len() + self.batch.rejected.len();
        rows >= self.plan.batch_rows || self.size_bytes >= BATCH_LIMIT_BYTES
    }

    fn take(&mut self) -> Batch {
        self.size_bytes = 0;
        std::mem::replace(&mut self.batch, empty_batch(self.plan, self.path))
    }

    fn add(&mut self, record: &ByteRecord, line: u64) {
        let text = self.plan.keep_text.then(|| record.clone());
        match self.read_row(record) {
            Ok(()) => {
                self.size_bytes += record.as_slice().len();
                self.batch.sources.push(RowSource { line, text });
            }
            Err((field, reason)) => {
                let file = self.path.to_owned();
                self.batch.rejected.push(Rejection { file, line, field, reason, text });
            }
        }
    }

    fn read_row(&mut self, record: &ByteRecord) -> Result<(), (String, String)> {
        let (has, wanted) = (record.len(), self.columns.names().len());
        if has != wanted {
            return Err((String::new(), format!("has {has} cells; the header has {wanted}")));
        }
        let size_bytes = record.as_slice().len();
        if size_bytes > ROW_LIMIT_BYTES {
            return Err((
                String::new(),
                format!("is {size_bytes} bytes long; {ROW_LIMIT_BYTES} are accepted"),
            ));
        }
        let record = StringRecord::from_byte_record(record.clone()).map_err(|error| {
            let name = self.columns.names().get(error.utf8_error().field()).cloned().unwrap_or_default();
            (name, "is no UTF-8 text".to_owned())
        })?;
        let row = Row { columns: self.columns, record: &record, currency: self.plan.currency.as_deref() };
        self.batch.records.push(&row).map_err(|problem| (problem.field, problem.reason))
    }
}

fn empty_batch(plan: &ReadPlan, path: &Path) -> Batch {
    Batch {
        file: path.to_owned(),
        records: Records::empty(plan.kind),
        sources: Vec::new(),
        rejected: Vec::new(),
    }
}
