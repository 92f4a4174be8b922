//! Tables in and out: what their columns are, how they are written as Excel, CSV and Parquet files,
//! and how rows that people made come back in, each with a verdict. Everything is read from and
//! written to what the caller hands over; no clock, no database and no runtime is known here.

mod annotate;
mod dialect;
mod error;
pub mod injection;
mod lines;
mod mapping;
mod parse;
mod read;
mod table;
mod tables;
mod template;
mod write;

pub use annotate::{AnnotatedWorkbook, RowProblem};
pub use dialect::{DateOrder, DecimalMark, Dialect};
pub use error::ExchangeError;
pub use lines::{Remembered, first_line};
pub use mapping::{Mapping, Suggestion};
pub use parse::{CellProblem, Parser};
pub use read::{Header, Limits, RawCell, RawRow, RowSink, read};
pub use table::{Column, ColumnKind, Row, Table, Value};
pub use tables::{KINDS, table};
pub use template::template;
pub use write::{Format, Heading, TableWriter};
