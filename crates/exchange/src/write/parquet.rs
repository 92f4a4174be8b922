//! A table as Parquet: every column optional and of its own type, money as a decimal with six places.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use super::text;
use super::{ExchangeError, Heading};
use crate::table::{ColumnKind, Row, Table, Value, join_list};

/// Rows of one group, which are held until it is full.
const GROUP_ROWS: usize = 50_000;

/// A Parquet file on its way out.
pub(super) struct ParquetTable<W: Write + Send> {
    table: Table,
    writer: SerializedFileWriter<W>,
    held: Vec<Row>,
}

impl<W: Write + Send> ParquetTable<W> {
    pub(super) fn new(out: W, table: Table, heading: &Heading) -> Result<Self, ExchangeError> {
        let fields = table.columns.iter().map(|column| field(&column.name, column.kind));
        let fields: Vec<_> = fields.collect::<Result<_, _>>()?;
        let schema = Type::group_type_builder("table").with_fields(fields).build()?;
        let told = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by("larder".to_owned())
            .set_key_value_metadata(Some(vec![
                told("company", heading.company.clone()),
                told("exported_at", text::instant(heading.exported_at_us)),
                told("kind", table.kind.to_owned()),
            ]))
            .build();
        let writer = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
        Ok(Self { table, writer, held: Vec::new() })
    }

    pub(super) fn write(&mut self, rows: &[Row]) -> Result<(), ExchangeError> {
        self.held.extend_from_slice(rows);
        if self.held.len() >= GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> Result<(), ExchangeError> {
        if !self.held.is_empty() {
            self.flush()?;
        }
        self.writer.finish()?;
        self.writer.inner_mut().flush()?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ExchangeError> {
        let rows = std::mem::take(&mut self.held);
        let mut group = self.writer.next_row_group()?;
        for at in 0..self.table.columns.len() {
            let levels: Vec<i16> = rows.iter().map(|row| i16::from(row[at] != Value::Absent)).collect();
            let Some(mut column) = group.next_column()? else { break };
            write_column(column.untyped(), rows.iter().map(|row| &row[at]), &levels)?;
            column.close()?;
        }
        group.close()?;
        Ok(())
    }
}

fn field(name: &str, kind: ColumnKind) -> Result<Arc<Type>, ExchangeError> {
    let (physical, logical, precision, scale) = match kind {
        ColumnKind::Text | ColumnKind::List => (Physical::BYTE_ARRAY, Some(LogicalType::String), -1, -1),
        ColumnKind::Integer => (Physical::INT64, None, -1, -1),
        ColumnKind::Decimal | ColumnKind::Percent => (Physical::DOUBLE, None, -1, -1),
        ColumnKind::Money { .. } => (Physical::INT64, Some(LogicalType::decimal(6, 18)), 18, 6),
        ColumnKind::Date => (Physical::INT32, Some(LogicalType::Date), -1, -1),
        ColumnKind::Instant => {
            (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)), -1, -1)
        }
        ColumnKind::Bool => (Physical::BOOLEAN, None, -1, -1),
    };
    let field = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .with_precision(precision)
        .with_scale(scale)
        .build()?;
    Ok(Arc::new(field))
}

fn write_column<'a>(
    column: &mut ColumnWriter<'_>,
    values: impl Iterator<Item = &'a Value>,
    levels: &[i16],
) -> Result<(), ExchangeError> {
    match column {
        ColumnWriter::ByteArrayColumnWriter(column) => {
            let texts: Vec<ByteArray> = values.filter_map(bytes).collect();
            column.write_batch(&texts, Some(levels), None)?;
        }
        ColumnWriter::Int64ColumnWriter(column) => {
            let numbers = values.filter_map(|value| match value {
                Value::Integer(number) | Value::Money(number) | Value::Instant(number) => Some(*number),
                _ => None,
            });
            column.write_batch(&numbers.collect::<Vec<_>>(), Some(levels), None)?;
        }
        ColumnWriter::Int32ColumnWriter(column) => {
            let days =
                values.filter_map(|value| if let Value::Date(day) = value { Some(*day) } else { None });
            column.write_batch(&days.collect::<Vec<_>>(), Some(levels), None)?;
        }
        ColumnWriter::DoubleColumnWriter(column) => {
            let numbers = values.filter_map(|value| match value {
                Value::Decimal(number) | Value::Percent(number) => Some(*number),
                _ => None,
            });
            column.write_batch(&numbers.collect::<Vec<_>>(), Some(levels), None)?;
        }
        ColumnWriter::BoolColumnWriter(column) => {
            let flags =
                values.filter_map(|value| if let Value::Bool(yes) = value { Some(*yes) } else { None });
            column.write_batch(&flags.collect::<Vec<_>>(), Some(levels), None)?;
        }
        _ => {}
    }
    Ok(())
}

fn bytes(value: &Value) -> Option<ByteArray> {
    match value {
        Value::Text(text) => Some(text.as_str().into()),
        Value::List(texts) => Some(join_list(texts).as_str().into()),
        _ => None,
    }
}
