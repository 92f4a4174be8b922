//! Tables in: a file that somebody made, read row by row. Whatever it is and whatever is wrong with it,
//! nothing is read beyond the limits, and a refusal says what to do about it.

mod collect;
mod encoding;
mod guard;
mod separated;
mod workbook;

use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use crate::error::ExchangeError;
use crate::table::Table;

/// How much of a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that the parts of a workbook may have when they are unpacked.
    pub unpacked_bytes: u64,
    /// Rows of data.
    pub rows: u64,
    /// Columns.
    pub columns: usize,
    /// Bytes of one row.
    pub row_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { unpacked_bytes: 1 << 30, rows: 2_000_000, columns: 256, row_bytes: 256 * 1024 }
    }
}

/// A cell as the file has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum RawCell {
    /// Nothing.
    #[default]
    Empty,
    /// A text.
    Text(String),
    /// A number of a spreadsheet.
    Number(f64),
    /// Yes or no of a spreadsheet.
    Bool(bool),
    /// A day or instant of a spreadsheet, in days from the last of 1899.
    Moment(f64),
    /// A cell without a value, and why.
    Problem(String),
}

/// A row as the file has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawRow {
    /// The row of the sheet or the line of the text, from 1.
    pub line: u64,
    /// The cells from the first column on; those at the end may be missing.
    pub cells: Vec<RawCell>,
    /// Why the row as a whole cannot be read.
    pub problem: Option<String>,
}

impl RawRow {
    /// Whether nothing stands in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.problem.is_none()
            && self.cells.iter().all(|cell| match cell {
                RawCell::Empty => true,
                RawCell::Text(text) => text.trim().is_empty(),
                _ => false,
            })
    }
}

/// What is known of a file once its titles are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The titles of the columns; empty where a column has none.
    pub titles: Vec<String>,
    /// Their row or line, from 1.
    pub line: u64,
    /// Such as `xlsx` or `csv in windows-1252, parted by ';'`.
    pub form: String,
    /// The sheet; empty of a text.
    pub sheet: String,
}

/// Who takes rows in as they are read. A break ends the reading.
pub trait RowSink {
    /// The titles, once.
    fn header(&mut self, header: &Header) -> ControlFlow<()>;
    /// A row that is not empty.
    fn row(&mut self, row: RawRow) -> ControlFlow<()>;
}

/// Reads a file that holds rows of `table`.
///
/// # Errors
///
/// When the file is no table that can be read, or is larger than the limits.
pub fn read<R: Read + Seek>(
    mut file: R,
    table: &Table,
    limits: &Limits,
    sink: &mut dyn RowSink,
) -> Result<(), ExchangeError> {
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    if start.is_empty() {
        return Err(ExchangeError::refused("the file is empty"));
    }
    if start.starts_with(b"PK") {
        return workbook::packed(file, table, limits, sink);
    }
    if start.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return workbook::compound(file, table, limits, sink);
    }
    for (magic, name) in [(&b"%PDF"[..], "a PDF"), (&[0x1F, 0x8B], "packed by gzip"), (b"PAR1", "Parquet")] {
        if start.starts_with(magic) {
            return Err(ExchangeError::refused(format!(
                "the file is {name}; send an xlsx, xls, ods or csv file"
            )));
        }
    }
    separated::text(file, table, limits, sink)
}
