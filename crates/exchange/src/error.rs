//! Why a file cannot be read or written, as a sentence for the person who sent it.

/// A file that is refused as a whole, or could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The file is no table that can be read.
    #[error("{0}")]
    Refused(String),
    /// A text does not fit where the format keeps it.
    #[error(
        "row {row}, column {column}: the text has {length} characters and a cell of Excel takes 32,767; \
         take csv or parquet"
    )]
    CellTooLong {
        /// The row of data, from 1.
        row: u64,
        /// The column's name.
        column: String,
        /// Characters.
        length: usize,
    },
    /// The bytes could not be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A workbook could not be written.
    #[error("writing the workbook: {0}")]
    Workbook(#[from] rust_xlsxwriter::XlsxError),
    /// The container of a workbook could not be written.
    #[error("writing the workbook: {0}")]
    Zip(#[from] zip::result::ZipError),
    /// A Parquet file could not be written.
    #[error("writing parquet: {0}")]
    Parquet(#[from] parquet::errors::ParquetError),
}

impl ExchangeError {
    /// A refusal of the file with its reason.
    pub(crate) fn refused(reason: impl Into<String>) -> Self {
        Self::Refused(reason.into())
    }
}
