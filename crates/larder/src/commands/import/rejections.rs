//! The rows that were refused: the first ones are kept to be shown, all of them can be
//! written to a file that may be mended and imported again.

use std::fs::File;
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::columns::REJECT_COLUMNS;
use super::reader::ReadPlan;
use crate::error::CommandError;

/// How many refusals are shown.
const SHOWN: usize = 20;

/// One refused row.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Rejection {
    pub(super) file: PathBuf,
    pub(super) line: u64,
    /// Empty when the row as a whole is at fault.
    pub(super) field: String,
    pub(super) reason: String,
    #[serde(skip)]
    pub(super) text: Option<ByteRecord>,
}

/// Every refusal of an import.
pub(super) struct Rejections {
    first: Vec<Rejection>,
    count: u64,
    file: Option<RejectsFile>,
}

struct RejectsFile {
    path: PathBuf,
    writer: csv::Writer<File>,
    /// The places of the columns that are repeated.
    columns: Vec<usize>,
}

impl Rejections {
    /// None yet; creates the rejects file when one is wanted.
    pub(super) fn new(path: Option<&Path>, plan: &ReadPlan) -> Result<Self, CommandError> {
        let file = path.map(|path| RejectsFile::create(path, plan)).transpose()?;
        Ok(Self { first: Vec::new(), count: 0, file })
    }

    /// Takes refused rows in.
    pub(super) fn take(&mut self, rejected: Vec<Rejection>) -> Result<(), CommandError> {
        for mut rejection in rejected {
            self.count += 1;
            if let (Some(file), Some(text)) = (&mut self.file, rejection.text.take()) {
                file.write(&rejection, &text)?;
            }
            if self.first.len() < SHOWN {
                self.first.push(rejection);
            }
        }
        Ok(())
    }

    /// Writes out what is still in memory.
    pub(super) fn finish(&mut self) -> Result<(), CommandError> {
        match &mut self.file {
            Some(file) => file.writer.flush().map_err(CommandError::file(&file.path)),
            None => Ok(()),
        }
    }

    /// The first refusals.
    pub(super) fn first(&self) -> &[Rejection] {
        &self.first
    }

    /// The first refusals as lines to print, and how many more there are.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.first.iter().map(line).collect();
        let more = self.count - self.first.len() as u64;
        if more > 0 {
            lines.push(format!("… and {more} more"));
        }
        if let Some(file) = self.file.as_ref().filter(|_| self.count > 0) {
            lines.push(format!("refused rows are in {}", file.path.display()));
        }
        lines
    }
}

fn line(rejection: &Rejection) -> String {
    let place = format!("{}:{}", rejection.file.display(), rejection.line);
    if rejection.field.is_empty() {
        return format!("{place}: the row {}", rejection.reason);
    }
    format!("{place}: {}: {}", rejection.field, rejection.reason)
}

impl RejectsFile {
    fn create(path: &Path, plan: &ReadPlan) -> Result<Self, CommandError> {
        let file = File::create(path).map_err(CommandError::file(path))?;
        let mut writer = csv::Writer::from_writer(file);
        let (columns, names): (Vec<usize>, Vec<String>) = plan.repeated_columns().into_iter().unzip();
        let header = REJECT_COLUMNS.iter().copied().chain(names.iter().map(String::as_str));
        writer.write_record(header).map_err(|error| csv_error(path, error))?;
        Ok(Self { path: path.to_owned(), writer, columns })
    }

    fn write(&mut self, rejection: &Rejection, text: &ByteRecord) -> Result<(), CommandError> {
        let mut record = ByteRecord::new();
        record.push_field(rejection.file.as_os_str().as_encoded_bytes());
        record.push_field(rejection.line.to_string().as_bytes());
        record.push_field(rejection.field.as_bytes());
        record.push_field(rejection.reason.as_bytes());
        for column in &self.columns {
            record.push_field(text.get(*column).unwrap_or_default());
        }
        self.writer.write_byte_record(&record).map_err(|error| csv_error(&self.path, error))
    }
}

fn csv_error(path: &Path, error: csv::Error) -> CommandError {
    CommandError::File { path: path.to_owned(), source: error.into() }
}
