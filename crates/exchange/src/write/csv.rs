//! A table as CSV (RFC 4180) in UTF-8, with the contract's names as titles.

use std::io::Write;

use super::text;
use crate::error::ExchangeError;
use crate::injection;
use crate::table::{Row, Table, Value};

/// A CSV file on its way out.
pub(super) struct CsvTable<W: Write> {
    out: W,
    lines: String,
}

impl<W: Write> CsvTable<W> {
    pub(super) fn new(mut out: W, table: &Table) -> Result<Self, ExchangeError> {
        let titles = table.columns.iter().map(|column| column.name.as_str());
        out.write_all(injection::line(titles).as_bytes())?;
        Ok(Self { out, lines: String::new() })
    }

    pub(super) fn write(&mut self, rows: &[Row]) -> Result<(), ExchangeError> {
        self.lines.clear();
        for row in rows {
            for (at, value) in row.iter().enumerate() {
                if at > 0 {
                    self.lines.push(',');
                }
                match value {
                    Value::Text(text) => injection::push_field(&mut self.lines, text),
                    Value::List(_) => injection::push_field(&mut self.lines, &text::plain(value)),
                    // A number below 0 is no formula.
                    other => self.lines.push_str(&text::plain(other)),
                }
            }
            self.lines.push_str("\r\n");
        }
        self.out.write_all(self.lines.as_bytes())?;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), ExchangeError> {
        self.out.flush()?;
        Ok(())
    }
}
