//! Tables out: rows are written as they come, and nothing but a batch is kept.

mod csv;
mod parquet;
mod shell;
pub(crate) mod text;
mod xlsx;

use std::io::Write;

use self::csv::CsvTable;
use self::parquet::ParquetTable;
pub(crate) use self::shell::{format_of, title_format};
use self::xlsx::XlsxTable;
pub(crate) use self::xlsx::column_name;
use crate::error::ExchangeError;
use crate::table::{Row, Table};

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// An Excel workbook.
    Xlsx,
    /// Comma-separated values.
    Csv,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The format called so.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "xlsx" => Some(Self::Xlsx),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// The ending of a file name.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Xlsx => "xlsx",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// The content type.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// What stands over a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heading {
    /// Whose table it is.
    pub company: String,
    /// When it was made, in microseconds since 1970.
    pub exported_at_us: i64,
    /// What it was narrowed to; empty when it is everything.
    pub filters: Vec<(String, String)>,
}

/// A table on its way out.
pub struct TableWriter<W: Write + Send>(Kind<W>);

enum Kind<W: Write + Send> {
    Xlsx(Box<XlsxTable<W>>),
    Csv(CsvTable<W>),
    Parquet(Box<ParquetTable<W>>),
}

impl<W: Write + Send> TableWriter<W> {
    /// Begins a table.
    ///
    /// # Errors
    ///
    /// When its head cannot be written.
    pub fn new(format: Format, out: W, table: Table, heading: Heading) -> Result<Self, ExchangeError> {
        Ok(Self(match format {
            Format::Xlsx => Kind::Xlsx(Box::new(XlsxTable::new(out, table, heading))),
            Format::Csv => Kind::Csv(CsvTable::new(out, &table)?),
            Format::Parquet => Kind::Parquet(Box::new(ParquetTable::new(out, table, &heading)?)),
        }))
    }

    /// Writes further rows, each with one cell a column.
    ///
    /// # Errors
    ///
    /// When they cannot be written, or a text is too long for the format.
    pub fn write(&mut self, rows: &[Row]) -> Result<(), ExchangeError> {
        match &mut self.0 {
            Kind::Xlsx(table) => table.write(rows),
            Kind::Csv(table) => table.write(rows),
            Kind::Parquet(table) => table.write(rows),
        }
    }

    /// Ends the table.
    ///
    /// # Errors
    ///
    /// When the rest cannot be written.
    pub fn finish(self) -> Result<(), ExchangeError> {
        match self.0 {
            Kind::Xlsx(table) => table.finish(),
            Kind::Csv(table) => table.finish(),
            Kind::Parquet(table) => table.finish(),
        }
    }
}
