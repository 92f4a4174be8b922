//! A table as an Excel workbook, written row by row into the container as it leaves: memory holds one
//! batch, and the first byte does not wait for the last row. What stands around the rows is `shell`'s.

use std::fmt::Write as _;
use std::io::Write;

use zip::write::{SimpleFileOptions, StreamWriter, ZipWriter};
use zip::{CompressionMethod, DateTime};

use super::shell::{FIRST_ROW, Parts, Shell, Summary};
use super::{ExchangeError, Heading, text};
use crate::table::{ColumnKind, Row, Table, Value, join_list};

/// Rows that a sheet takes.
const SHEET_ROWS: u32 = 1_048_576;
/// Bytes of a sheet; one more and the container would need a form that some programs do not read.
const SHEET_BYTES: u64 = 3_500_000_000;
/// Characters that a cell takes.
const CELL_LETTERS: usize = 32_767;
/// Characters that a column is wide, at most and at least.
const WIDEST: usize = 60;
const NARROWEST: usize = 9;
/// Days from the first day of Excel to 1970.
const DAYS_TO_1970: i64 = 25_569;
const MICROS_OF_A_DAY: i64 = 86_400_000_000;

/// A workbook on its way out.
pub(super) struct XlsxTable<W: Write + Send> {
    table: Table,
    heading: Heading,
    /// Columns of money, with where their currency stands.
    money: Vec<(usize, usize)>,
    /// The currency column of each column of money, by column.
    currency_of: Vec<Option<usize>>,
    names: Vec<String>,
    widths: Vec<usize>,
    currencies: Vec<String>,
    sheet_rows: Vec<u32>,
    summary: Summary,
    styles: Vec<u32>,
    head: String,
    xml: String,
    sheet_bytes: u64,
    zip: ZipWriter<StreamWriter<W>>,
    begun: bool,
}

impl<W: Write + Send> XlsxTable<W> {
    pub(super) fn new(out: W, table: Table, heading: Heading) -> Self {
        let currency_of: Vec<_> = table
            .columns
            .iter()
            .map(|column| match column.kind {
                ColumnKind::Money { currency } => table.position(currency),
                _ => None,
            })
            .collect();
        let money = currency_of.iter().enumerate().filter_map(|(at, of)| Some((at, (*of)?))).collect();
        let names = (0..table.columns.len()).map(column_name).collect();
        Self {
            table,
            heading,
            money,
            currency_of,
            names,
            widths: Vec::new(),
            currencies: Vec::new(),
            sheet_rows: Vec::new(),
            summary: Summary::default(),
            styles: Vec::new(),
            head: String::new(),
            xml: String::new(),
            sheet_bytes: 0,
            zip: ZipWriter::new_stream(out),
            begun: false,
        }
    }

    pub(super) fn write(&mut self, rows: &[Row]) -> Result<(), ExchangeError> {
        if !self.begun {
            self.begin(rows)?;
        }
        for row in rows {
            let full = self.sheet_rows.last().is_none_or(|rows| FIRST_ROW + rows >= SHEET_ROWS);
            if full || self.sheet_bytes >= SHEET_BYTES {
                self.begin_sheet()?;
            }
            self.learn_currencies(row)?;
            self.summary.add(&self.money, row);
            self.push_row(row)?;
            if self.xml.len() >= 1 << 16 {
                self.flush()?;
            }
        }
        self.flush()
    }

    pub(super) fn finish(mut self) -> Result<(), ExchangeError> {
        if !self.begun {
            self.begin(&[])?;
        }
        if self.sheet_rows.is_empty() {
            self.begin_sheet()?;
        }
        let parts = self.parts()?;
        if parts.styles != self.styles {
            return Err(ExchangeError::refused("the styles of the workbook changed under way"));
        }
        // The tails tell ranges of filters alone, so those of the sheets before fit as well.
        self.zip.write_all(parts.tails.last().map_or("", String::as_str).as_bytes())?;
        for (name, content) in &parts.others {
            self.zip.start_file(name.as_str(), options())?;
            self.zip.write_all(content)?;
        }
        self.zip.finish()?.into_inner().flush()?;
        Ok(())
    }

    fn parts(&self) -> Result<Parts, ExchangeError> {
        let one = [1];
        Shell {
            table: &self.table,
            heading: &self.heading,
            widths: &self.widths,
            currencies: &self.currencies,
            sheet_rows: if self.sheet_rows.is_empty() { &one } else { &self.sheet_rows },
            summary: &self.summary,
        }
        .parts()
    }

    /// Fits the widths to the first rows and makes the styles.
    fn begin(&mut self, rows: &[Row]) -> Result<(), ExchangeError> {
        self.begun = true;
        // Room for the button of the filter.
        let titles = self.table.columns.iter().map(|column| column.title().chars().count() + 4);
        self.widths = titles.collect();
        for row in rows.iter().take(1_000) {
            for (width, value) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(shown_width(value));
            }
        }
        for width in &mut self.widths {
            *width = (*width).clamp(NARROWEST, WIDEST);
        }
        let parts = self.parts()?;
        (self.head, self.styles) = (parts.head, parts.styles);
        self.begin_sheet()
    }

    fn begin_sheet(&mut self) -> Result<(), ExchangeError> {
        self.flush()?;
        if !self.sheet_rows.is_empty() {
            let parts = self.parts()?;
            let tail = parts.tails.last().map_or("", String::as_str);
            self.zip.write_all(tail.as_bytes())?;
        }
        self.sheet_rows.push(0);
        self.sheet_bytes = 0;
        let name = format!("xl/worksheets/sheet{}.xml", self.sheet_rows.len());
        self.zip.start_file(name, options())?;
        // Only one sheet of a workbook is the one in front.
        let head = if self.sheet_rows.len() > 1 {
            self.head.replace(" tabSelected=\"1\"", "")
        } else {
            self.head.clone()
        };
        self.zip.write_all(head.as_bytes())?;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ExchangeError> {
        if !self.xml.is_empty() {
            self.zip.write_all(self.xml.as_bytes())?;
            self.sheet_bytes += self.xml.len() as u64;
            self.xml.clear();
        }
        Ok(())
    }

    /// Gets the style of a currency that was not met before.
    fn learn_currencies(&mut self, row: &Row) -> Result<(), ExchangeError> {
        for (_, currency_at) in &self.money {
            let Value::Text(currency) = &row[*currency_at] else { continue };
            if !self.currencies.iter().any(|known| known == currency) {
                self.currencies.push(currency.clone());
                self.styles = self.parts()?.styles;
            }
        }
        Ok(())
    }

    fn push_row(&mut self, row: &Row) -> Result<(), ExchangeError> {
        let rows = self.sheet_rows.last_mut().map_or(0, |rows| {
            *rows += 1;
            *rows
        });
        let number = FIRST_ROW + rows;
        // Writing into a String cannot fail.
        write!(self.xml, "<row r=\"{number}\">").ok();
        for (at, value) in row.iter().enumerate() {
            if *value == Value::Absent {
                continue;
            }
            let style = self.style(at, row);
            write!(self.xml, "<c r=\"{}{number}\" s=\"{style}\"", self.names[at]).ok();
            push_value(&mut self.xml, value).map_err(|length| ExchangeError::CellTooLong {
                row: self.summary.rows,
                column: self.table.columns[at].name.clone(),
                length,
            })?;
        }
        self.xml.push_str("</row>");
        Ok(())
    }

    fn style(&self, at: usize, row: &Row) -> u32 {
        let currency = self.currency_of[at].and_then(|currency_at| match &row[currency_at] {
            Value::Text(currency) => self.currencies.iter().position(|known| known == currency),
            _ => None,
        });
        let place = currency.map_or(at, |place| self.table.columns.len() + place);
        self.styles.get(place).copied().unwrap_or_default()
    }
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1))
        .last_modified_time(DateTime::default())
}

/// The rest of a cell behind its place and style; the length of a text that is too long is the error.
fn push_value(xml: &mut String, value: &Value) -> Result<(), usize> {
    match value {
        Value::Absent => xml.push_str("/>"),
        Value::Text(text) => push_text(xml, text)?,
        Value::List(texts) => push_text(xml, &join_list(texts))?,
        Value::Integer(number) => write!(xml, "><v>{number}</v></c>").unwrap_or_default(),
        Value::Decimal(number) => write!(xml, "><v>{number}</v></c>").unwrap_or_default(),
        Value::Money(micros) => write!(xml, "><v>{}</v></c>", text::money(*micros)).unwrap_or_default(),
        Value::Percent(percent) => write!(xml, "><v>{}</v></c>", percent / 100.0).unwrap_or_default(),
        Value::Date(day) => write!(xml, "><v>{}</v></c>", i64::from(*day) + DAYS_TO_1970).unwrap_or_default(),
        Value::Instant(at_us) => {
            let days = at_us.div_euclid(MICROS_OF_A_DAY) + DAYS_TO_1970;
            let part = at_us.rem_euclid(MICROS_OF_A_DAY) as f64 / MICROS_OF_A_DAY as f64;
            write!(xml, "><v>{}</v></c>", days as f64 + part).unwrap_or_default();
        }
        Value::Bool(yes) => write!(xml, " t=\"b\"><v>{}</v></c>", u8::from(*yes)).unwrap_or_default(),
    }
    Ok(())
}

fn push_text(xml: &mut String, text: &str) -> Result<(), usize> {
    if text.len() > CELL_LETTERS {
        let length = text.encode_utf16().count();
        if length > CELL_LETTERS {
            return Err(length);
        }
    }
    xml.push_str(" t=\"inlineStr\"><is><t");
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        xml.push_str(" xml:space=\"preserve\"");
    }
    xml.push('>');
    escape(xml, text);
    xml.push_str("</t></is></c>");
    Ok(())
}

fn escape(xml: &mut String, text: &str) {
    if !text.bytes().any(|byte| matches!(byte, b'&' | b'<' | b'>' | b'_' | 0..=31) || byte > 0x7f) {
        return xml.push_str(text);
    }
    for (at, letter) in text.char_indices() {
        match letter {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            // `_x000D_` stands for a character, so a text that reads so is told apart.
            '_' if is_escape(&text[at..]) => xml.push_str("_x005F_"),
            '\t' | '\n' => xml.push(letter),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                write!(xml, "_x{:04X}_", letter as u32).unwrap_or_default()
            }
            letter => xml.push(letter),
        }
    }
}

fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 7 && bytes[1] == b'x' && bytes[6] == b'_' && bytes[2..6].iter().all(u8::is_ascii_hexdigit)
}

fn shown_width(value: &Value) -> usize {
    match value {
        Value::Absent => 0,
        Value::Text(text) => text.chars().take(WIDEST).count() + 1,
        Value::List(texts) => join_list(texts).chars().take(WIDEST).count() + 1,
        Value::Money(micros) => text::money(*micros).len() + 6,
        Value::Instant(_) => 20,
        Value::Date(_) => 11,
        other => text::plain(other).len() + 2,
    }
}

/// A column as Excel calls it: 0 is A, 26 is AA.
pub(crate) fn column_name(at: usize) -> String {
    let (mut rest, mut name) = (at + 1, String::new());
    while rest > 0 {
        let letter = (rest - 1) % 26;
        name.insert(0, char::from(b'A' + letter as u8));
        rest = (rest - 1) / 26;
    }
    name
}
