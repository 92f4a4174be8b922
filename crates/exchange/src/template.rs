//! Templates: an empty table to fill in, with an example row, drop-downs and instructions. Columns that are
//! needed have a star.

use rust_xlsxwriter::{Color, DataValidation, Format as CellFormat, Workbook, Worksheet};

use crate::error::ExchangeError;
use crate::injection;
use crate::parse::Parser;
use crate::read::{RawCell, RawRow};
use crate::table::{Column, ColumnKind, Row, Table, Value};
use crate::write::{Format, format_of, title_format};

/// Rows that have drop-downs.
const ROWS: u32 = 10_000;

/// The template of a table.
///
/// # Errors
///
/// When the table is not imported, or the format has no templates.
pub fn template(table: &Table, format: Format) -> Result<Vec<u8>, ExchangeError> {
    if !table.is_imported {
        return Err(ExchangeError::refused(format!("kind: {} are not imported", table.kind)));
    }
    let columns: Vec<&Column> = table.columns.iter().filter(|column| !column.is_told).collect();
    match format {
        Format::Xlsx => workbook(table, &columns),
        Format::Csv => Ok(separated(&columns).into_bytes()),
        Format::Parquet => Err(ExchangeError::refused("format: templates are xlsx or csv")),
    }
}

/// The example row of a template as it reads back, so that one that was left in is known.
pub(crate) fn example(table: &Table) -> Option<Row> {
    let cells = table.columns.iter().map(|column| match column.example {
        "" => RawCell::Empty,
        text => RawCell::Text(text.to_owned()),
    });
    let raw = RawRow { line: 0, cells: cells.collect(), problem: None };
    Parser::in_order(table.clone()).row(&raw).ok()
}

fn separated(columns: &[&Column]) -> String {
    let names = columns.iter().map(|column| column.name.as_str());
    injection::line(names) + &injection::line(columns.iter().map(|column| column.example))
}

fn workbook(table: &Table, columns: &[&Column]) -> Result<Vec<u8>, ExchangeError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(table.title)?;
    let example = example(table);
    for (at, column) in (0u16..).zip(columns) {
        let star = if column.required { " *" } else { "" };
        let title = format!("{}{star}", column.title());
        sheet.write_with_format(0, at, &title, &title_format())?;
        let width = (title.chars().count() + 4).max(column.example.chars().count() + 2).clamp(12, 40);
        sheet.set_column_width(at, width as f64)?;
        sheet.set_column_format(at, &format_of(column.kind, "ZAR"))?;
        let place = table.position(&column.name);
        let value = example.as_ref().zip(place).map_or(&Value::Absent, |(row, place)| &row[place]);
        write_example(sheet, at, column, value)?;
        drop_down(sheet, at, column)?;
    }
    sheet.set_freeze_panes(1, 1)?;
    instructions(workbook.add_worksheet(), table, columns)?;
    Ok(workbook.save_to_buffer()?)
}

fn write_example(
    sheet: &mut Worksheet,
    at: u16,
    column: &Column,
    value: &Value,
) -> Result<(), ExchangeError> {
    let grey = format_of(column.kind, "ZAR").set_italic().set_font_color(Color::Gray);
    match value {
        Value::Absent => {}
        Value::Integer(number) => drop(sheet.write_with_format(1, at, *number as f64, &grey)?),
        Value::Decimal(number) => drop(sheet.write_with_format(1, at, *number, &grey)?),
        Value::Money(micros) => drop(sheet.write_with_format(1, at, *micros as f64 / 1e6, &grey)?),
        Value::Percent(percent) => drop(sheet.write_with_format(1, at, percent / 100.0, &grey)?),
        Value::Date(day) => drop(sheet.write_with_format(1, at, f64::from(day + 25_569), &grey)?),
        Value::Instant(at_us) => {
            let serial = *at_us as f64 / 86_400e6 + 25_569.0;
            sheet.write_with_format(1, at, serial, &grey)?;
        }
        Value::Bool(_) | Value::Text(_) | Value::List(_) => {
            sheet.write_with_format(1, at, column.example, &grey)?;
        }
    }
    Ok(())
}

fn drop_down(sheet: &mut Worksheet, at: u16, column: &Column) -> Result<(), ExchangeError> {
    let choices: &[&str] = match column.kind {
        ColumnKind::Bool => &["yes", "no"],
        _ => column.allowed,
    };
    if choices.is_empty() {
        return Ok(());
    }
    let validation = DataValidation::new()
        .allow_list_strings(choices)?
        .set_input_message(column.help)?
        .set_error_message(format!("Choose one of {}.", choices.join(", ")))?;
    sheet.add_data_validation(1, at, ROWS, at, &validation)?;
    Ok(())
}

fn instructions(sheet: &mut Worksheet, table: &Table, columns: &[&Column]) -> Result<(), ExchangeError> {
    sheet.set_name("Instructions")?;
    let big = CellFormat::new().set_bold().set_font_size(14);
    let wrapped = CellFormat::new().set_text_wrap();
    sheet.write_with_format(0, 0, format!("How to fill in {}", table.title.to_lowercase()), &big)?;
    let lines = [
        "One row each. Columns with a star are needed; the others may stay empty or be deleted.",
        "The grey row is an example and is passed over as long as nothing in it is changed.",
        "Write days as 2026-03-31, instants as 2026-03-31 12:00:00 in UTC, several texts in one cell parted by ;",
        "Nothing is written before you have seen what would happen to each row.",
    ];
    for (row, line) in (1u32..).zip(lines) {
        sheet.write(row, 0, line)?;
    }
    let head = lines.len() as u32 + 2;
    for (at, title) in (0u16..).zip(["Column", "Needed", "What it holds", "May be", "Example"]) {
        sheet.write_with_format(head, at, title, &title_format())?;
    }
    for (row, column) in (head + 1..).zip(columns) {
        sheet.write(row, 0, column.title())?;
        sheet.write(row, 1, if column.required { "yes" } else { "" })?;
        sheet.write_with_format(row, 2, column.help, &wrapped)?;
        let choices =
            if column.kind == ColumnKind::Bool { "yes, no".to_owned() } else { column.allowed.join(", ") };
        sheet.write_with_format(row, 3, choices, &wrapped)?;
        sheet.write(row, 4, column.example)?;
    }
    for (at, width) in [(0u16, 26.0), (1, 9.0), (2, 60.0), (3, 40.0), (4, 26.0)] {
        sheet.set_column_width(at, width)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::ops::ControlFlow;

    use super::*;
    use crate::dialect::Dialect;
    use crate::mapping::Mapping;
    use crate::read::{Header, Limits, RowSink, read};
    use crate::tables::{KINDS, table};

    #[derive(Default)]
    struct Seen(Vec<String>, Vec<RawRow>);

    impl RowSink for Seen {
        fn header(&mut self, header: &Header) -> ControlFlow<()> {
            self.0.clone_from(&header.titles);
            ControlFlow::Continue(())
        }

        fn row(&mut self, row: RawRow) -> ControlFlow<()> {
            self.1.push(row);
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn every_template_reads_back_as_its_own_example() {
        for kind in KINDS {
            let table = table(kind).unwrap();
            if !table.is_imported {
                assert!(template(&table, Format::Xlsx).is_err());
                continue;
            }
            for format in [Format::Xlsx, Format::Csv] {
                let bytes = template(&table, format).unwrap();
                let mut seen = Seen::default();
                read(Cursor::new(bytes), &table, &Limits::default(), &mut seen).unwrap();
                let mapping = Mapping::settle(&table, &seen.0, &[]).unwrap();
                let parser = Parser::new(mapping, Dialect::default());
                assert_eq!(seen.1.len(), 1, "{kind}");
                let row = parser.row(&seen.1[0]).unwrap();
                assert!(parser.is_example(&row), "{kind} {format:?}: {row:?}");
            }
        }
    }
}
