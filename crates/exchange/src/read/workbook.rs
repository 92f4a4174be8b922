//! Workbooks: xlsx cell by cell, xls and ods as a whole.

use std::io::{BufReader, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use calamine::{Data, DataRef, ExcelDateTime, Ods, OdsError, Reader, Xls, XlsError, Xlsx, XlsxError};

use super::collect::{Collector, Wanted, too_wide};
use super::guard::{self, Packed};
use super::{Header, Limits, RawCell, RawRow, RowSink};
use crate::error::ExchangeError;
use crate::table::Table;

/// Sheets of our own files that hold no rows.
const NO_DATA: [&str; 3] = ["Summary", "Instructions", "Lists"];
/// Days between the two beginnings of time that workbooks know.
const DAYS_TO_1904: f64 = 1_462.0;

/// Reads a workbook that is a zip container.
pub(super) fn packed<R: Read + Seek>(
    mut file: R,
    table: &Table,
    limits: &Limits,
    sink: &mut dyn RowSink,
) -> Result<(), ExchangeError> {
    let packed = guard::look(&mut file, limits)?;
    file.seek(SeekFrom::Start(0))?;
    match packed {
        Packed::Xlsx => xlsx(BufReader::new(file), table, limits, sink),
        Packed::Ods => {
            let mut book = Ods::new(BufReader::new(file)).map_err(|error| match error {
                OdsError::Password => guard::encrypted(),
                error => damaged(&error),
            })?;
            let names = book.sheet_names();
            let of = |name: &str| book.worksheet_range(name).map_err(|error| damaged(&error));
            whole("ods", &names, of, false, (table, limits, sink))
        }
    }
}

/// Reads a workbook in the format before that, or finds it encrypted.
pub(super) fn compound<R: Read>(
    mut file: R,
    table: &Table,
    limits: &Limits,
    sink: &mut dyn RowSink,
) -> Result<(), ExchangeError> {
    let mut bytes = Vec::new();
    file.by_ref().take(limits.unpacked_bytes).read_to_end(&mut bytes)?;
    let wide: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.windows(wide.len()).any(|part| part == wide) {
        return Err(guard::encrypted());
    }
    let mut book = Xls::new(Cursor::new(bytes)).map_err(|error| match error {
        XlsError::Password => guard::encrypted(),
        error => damaged(&error),
    })?;
    let is_1904 = book.has_1904_epoch();
    let names = book.sheet_names();
    let of = |name: &str| book.worksheet_range(name).map_err(|error| damaged(&error));
    whole("xls", &names, of, is_1904, (table, limits, sink))
}

/// Reads sheets that are in memory as a whole.
fn whole(
    form: &str,
    names: &[String],
    mut sheet: impl FnMut(&str) -> Result<calamine::Range<Data>, ExchangeError>,
    is_1904: bool,
    (table, limits, sink): (&Table, &Limits, &mut dyn RowSink),
) -> Result<(), ExchangeError> {
    let mut collector = Collector::new(table, limits, sink, form.to_owned());
    for name in names.iter().filter(|name| !NO_DATA.contains(&name.as_str())) {
        let range = sheet(name)?;
        let Some((top, left)) = range.start() else { continue };
        if range.width() + left as usize > limits.columns {
            return Err(too_wide(range.width() + left as usize, limits));
        }
        collector.begin_sheet(name);
        for (at, cells) in range.rows().enumerate() {
            let mut row = RawRow { line: u64::from(top) + at as u64 + 1, ..RawRow::default() };
            row.cells = vec![RawCell::Empty; left as usize];
            row.cells.extend(cells.iter().map(|cell| data(cell, is_1904)));
            if collector.row(row)?.is_break() {
                return Ok(());
            }
        }
        if collector.end_sheet()?.is_break() {
            return Ok(());
        }
        if collector.has_header() {
            break;
        }
    }
    collector.finish()
}

fn xlsx<R: Read + Seek>(
    file: R,
    table: &Table,
    limits: &Limits,
    sink: &mut dyn RowSink,
) -> Result<(), ExchangeError> {
    let mut book = Xlsx::new(file).map_err(|error| match error {
        XlsxError::Password => guard::encrypted(),
        error => damaged(&error),
    })?;
    let is_1904 = book.has_1904_epoch();
    let mut titled = Titled { inner: sink, header: None };
    let names = book.sheet_names();
    let mut collector = Collector::new(table, limits, &mut titled, "xlsx".to_owned());
    let mut data_sheet: Option<String> = None;
    for name in names.iter().filter(|name| !NO_DATA.contains(&name.as_str())) {
        // Rows that did not fit on one sheet of an export go on on sheets of its name and a number.
        let goes_on = |first: &String| name.strip_prefix(first.as_str()).is_some_and(is_number);
        if data_sheet.as_ref().is_some_and(|first| !goes_on(first)) {
            continue;
        }
        collector.begin_sheet(name);
        if sheet(&mut book, name, is_1904, limits, &mut collector, data_sheet.is_some())?.is_break() {
            break;
        }
        if collector.end_sheet()?.is_break() {
            break;
        }
        if collector.has_header() && data_sheet.is_none() {
            data_sheet = Some(name.clone());
        }
    }
    collector.finish()?;
    refuse_merged(&mut book, titled.header.as_ref())
}

fn is_number(rest: &str) -> bool {
    rest.strip_prefix(' ').is_some_and(|number| number.parse::<u32>().is_ok())
}

fn sheet<R: Read + Seek>(
    book: &mut Xlsx<R>,
    name: &str,
    is_1904: bool,
    limits: &Limits,
    collector: &mut Collector<'_>,
    is_further: bool,
) -> Wanted {
    let mut cells = match book.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        // A sheet of charts has no cells.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(ControlFlow::Continue(())),
        Err(error) => return Err(damaged(&error)),
    };
    let mut row = RawRow::default();
    let mut skips_titles = is_further;
    let mut send = |row: RawRow, collector: &mut Collector<'_>| {
        if skips_titles && collector.is_title_row(&row) {
            skips_titles = false;
            return Ok(ControlFlow::Continue(()));
        }
        if skips_titles {
            return Ok(ControlFlow::Continue(()));
        }
        collector.row(row)
    };
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(|error| damaged(&error))? {
        let (line, column) = (u64::from(cell.pos.0) + 1, cell.pos.1 as usize);
        if line != row.line {
            let full = std::mem::replace(&mut row, RawRow { line, ..RawRow::default() });
            if send(full, collector)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        let mut value = data_ref(cell.value, is_1904);
        if value == RawCell::Empty {
            if cell.formula.is_none() {
                continue;
            }
            value = RawCell::Problem(
                "holds a formula that was never worked out; open the workbook, save it, and send it again"
                    .to_owned(),
            );
        }
        if column >= limits.columns {
            return Err(too_wide(column + 1, limits));
        }
        row.cells.resize(row.cells.len().max(column + 1), RawCell::Empty);
        row.cells[column] = value;
    }
    send(row, collector)
}

/// Titles over merged cells leave columns without one, and nobody can tell what those hold.
fn refuse_merged<R: Read + Seek>(book: &mut Xlsx<R>, header: Option<&Header>) -> Result<(), ExchangeError> {
    let Some(header) = header else { return Ok(()) };
    // Where every column has a title there is nothing to look for.
    if header.titles.iter().all(|title| !title.is_empty()) {
        return Ok(());
    }
    let merged = book.merge_cells_by_sheet_name(&header.sheet).unwrap_or_default();
    let line = header.line - 1;
    let over = merged.iter().find(|cells| {
        (u64::from(cells.start.0)..=u64::from(cells.end.0)).contains(&line) && cells.end.1 > cells.start.1
    });
    match over {
        Some(cells) => Err(ExchangeError::refused(format!(
            "the titles in columns {} to {} of row {} are merged; give each column a title of its own",
            crate::write::column_name(cells.start.1 as usize),
            crate::write::column_name(cells.end.1 as usize),
            header.line
        ))),
        None => Ok(()),
    }
}

fn data_ref(value: DataRef<'_>, is_1904: bool) -> RawCell {
    match value {
        DataRef::Empty => RawCell::Empty,
        DataRef::Int(number) => RawCell::Number(number as f64),
        DataRef::Float(number) => RawCell::Number(number),
        DataRef::String(text) => text_cell(&text),
        DataRef::SharedString(text) => text_cell(text),
        DataRef::Bool(yes) => RawCell::Bool(yes),
        DataRef::DateTime(at) => moment(&at, is_1904),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => RawCell::Text(text),
        DataRef::Error(error) => RawCell::Problem(format!("holds the error {error}")),
    }
}

fn data(value: &Data, is_1904: bool) -> RawCell {
    match value {
        Data::Empty => RawCell::Empty,
        Data::Int(number) => RawCell::Number(*number as f64),
        Data::Float(number) => RawCell::Number(*number),
        Data::String(text) => text_cell(text),
        Data::Bool(yes) => RawCell::Bool(*yes),
        Data::DateTime(at) => moment(at, is_1904),
        Data::DateTimeIso(text) | Data::DurationIso(text) => RawCell::Text(text.clone()),
        Data::Error(error) => RawCell::Problem(format!("holds the error {error}")),
    }
}

fn moment(at: &ExcelDateTime, is_1904: bool) -> RawCell {
    let serial = at.as_f64() + if is_1904 { DAYS_TO_1904 } else { 0.0 };
    // Excel believes in the 29th of February 1900.
    RawCell::Moment(if serial < 60.0 { serial + 1.0 } else { serial })
}

/// A text with the characters that XML cannot hold.
fn text_cell(text: &str) -> RawCell {
    if text.is_empty() {
        return RawCell::Empty;
    }
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("_x") {
        plain.push_str(&rest[..at]);
        let escape = &rest[at..];
        let code = escape.get(2..6).filter(|_| escape.as_bytes().get(6) == Some(&b'_'));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(letter) => {
                plain.push(letter);
                rest = &escape[7..];
            }
            None => {
                plain.push_str("_x");
                rest = &escape[2..];
            }
        }
    }
    plain.push_str(rest);
    RawCell::Text(plain)
}

fn damaged(error: &dyn std::fmt::Display) -> ExchangeError {
    ExchangeError::refused(format!("the workbook is damaged ({error}); save it again"))
}

/// Keeps what is known of the file for a look at it afterwards.
struct Titled<'a> {
    inner: &'a mut dyn RowSink,
    header: Option<Header>,
}

impl RowSink for Titled<'_> {
    fn header(&mut self, header: &Header) -> ControlFlow<()> {
        self.header = Some(header.clone());
        self.inner.header(header)
    }

    fn row(&mut self, row: RawRow) -> ControlFlow<()> {
        self.inner.row(row)
    }
}
