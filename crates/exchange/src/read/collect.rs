//! Finds the row of titles among the first rows, and counts what comes behind it.

use std::ops::ControlFlow;

use super::{Header, Limits, RawCell, RawRow, RowSink};
use crate::error::ExchangeError;
use crate::mapping;
use crate::table::Table;

/// Among so many rows the titles are looked for.
const FIRST_ROWS: usize = 20;

/// Rows on their way to whoever wants them.
pub(super) struct Collector<'a> {
    table: &'a Table,
    limits: &'a Limits,
    sink: &'a mut dyn RowSink,
    form: String,
    /// Whether a row with fewer cells than titles is torn, as it is in text and not on a sheet.
    is_even: bool,
    sheet: String,
    first: Vec<RawRow>,
    titles: Option<Vec<String>>,
    rows: u64,
}

/// Whether more rows are wanted; an error is a refusal of the file.
pub(super) type Wanted = Result<ControlFlow<()>, ExchangeError>;

impl<'a> Collector<'a> {
    pub(super) fn new(table: &'a Table, limits: &'a Limits, sink: &'a mut dyn RowSink, form: String) -> Self {
        let is_even = form.starts_with("csv");
        Self {
            table,
            limits,
            sink,
            form,
            is_even,
            sheet: String::new(),
            first: Vec::new(),
            titles: None,
            rows: 0,
        }
    }

    /// Rows of this sheet follow.
    pub(super) fn begin_sheet(&mut self, name: &str) {
        name.clone_into(&mut self.sheet);
    }

    /// Whether the titles were found.
    pub(super) fn has_header(&self) -> bool {
        self.titles.is_some()
    }

    /// How many columns have titles; 0 until they are found.
    fn width(&self) -> usize {
        self.titles.as_ref().map_or(0, Vec::len)
    }

    pub(super) fn row(&mut self, row: RawRow) -> Wanted {
        if row.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        if self.titles.is_some() {
            return self.pass_on(row);
        }
        self.first.push(row);
        if self.first.len() >= FIRST_ROWS { self.settle() } else { Ok(ControlFlow::Continue(())) }
    }

    /// The sheet has ended: what was held back goes on.
    pub(super) fn end_sheet(&mut self) -> Wanted {
        if self.titles.is_none() && !self.first.is_empty() {
            return self.settle();
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The file has ended.
    pub(super) fn finish(self) -> Result<(), ExchangeError> {
        if self.titles.is_none() {
            return Err(ExchangeError::refused("the file has no rows; its first row must hold the titles"));
        }
        Ok(())
    }

    /// A following sheet repeats the titles, which are no data.
    pub(super) fn is_title_row(&self, row: &RawRow) -> bool {
        self.titles.as_ref().is_some_and(|titles| titles_of(row) == *titles)
    }

    fn settle(&mut self) -> Wanted {
        let scores = self.first.iter().map(|row| mapping::score(self.table, &titles_of(row)));
        let (place, score) = scores.enumerate().rev().max_by_key(|(_, score)| *score).unwrap_or_default();
        // Titles in words of its own are the first row that is all text.
        let is_text =
            |row: &RawRow| row.cells.iter().all(|cell| matches!(cell, RawCell::Text(_) | RawCell::Empty));
        let place = if score > 0 { Some(place) } else { self.first.iter().position(is_text) };
        let Some(place) = place else {
            return Err(ExchangeError::refused(
                "the file has no row of titles; its first row must name the columns",
            ));
        };
        let rows = std::mem::take(&mut self.first).split_off(place);
        let mut rows = rows.into_iter();
        let title_row = rows.next().unwrap_or_default();
        if let Some(problem) = title_row.problem {
            return Err(ExchangeError::refused(format!("the row of titles {problem}")));
        }
        let titles = titles_of(&title_row);
        if titles.len() > self.limits.columns {
            return Err(too_wide(titles.len(), self.limits));
        }
        self.titles = Some(titles.clone());
        let header =
            Header { titles, line: title_row.line, form: self.form.clone(), sheet: self.sheet.clone() };
        if self.sink.header(&header).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        for row in rows {
            if self.pass_on(row)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn pass_on(&mut self, mut row: RawRow) -> Wanted {
        self.rows += 1;
        if self.rows > self.limits.rows {
            return Err(ExchangeError::refused(format!(
                "the file has more than {} rows; split it",
                self.limits.rows
            )));
        }
        let width = self.width();
        let beyond = row.cells.iter().skip(width).position(|cell| *cell != RawCell::Empty);
        if let (Some(beyond), None) = (beyond, &row.problem) {
            let name = crate::write::column_name(width + beyond);
            row.problem = Some(format!("has a value in column {name}, which has no title"));
        }
        if self.is_even && row.problem.is_none() && row.cells.len() < width {
            row.problem = Some(format!("has {} cells; the titles are {width}", row.cells.len()));
        }
        let size: usize = row.cells.iter().map(cell_bytes).sum();
        if size > self.limits.row_bytes {
            row.problem = Some(format!("is {size} bytes long; {} are accepted", self.limits.row_bytes));
            row.cells.clear();
        }
        Ok(self.sink.row(row))
    }
}

/// The refusal of a table with more columns than anybody needs.
pub(super) fn too_wide(columns: usize, limits: &Limits) -> ExchangeError {
    ExchangeError::refused(format!(
        "the table has {columns} columns; {} are accepted. Delete the columns that are not needed",
        limits.columns
    ))
}

/// The cells of a row as titles.
fn titles_of(row: &RawRow) -> Vec<String> {
    let title = |cell: &RawCell| match cell {
        RawCell::Text(text) => text.trim().trim_start_matches('\u{feff}').to_owned(),
        RawCell::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let mut titles: Vec<_> = row.cells.iter().map(title).collect();
    while titles.last().is_some_and(String::is_empty) {
        titles.pop();
    }
    titles
}

fn cell_bytes(cell: &RawCell) -> usize {
    match cell {
        RawCell::Text(text) => text.len(),
        _ => 0,
    }
}
