//! What stands around the rows of a workbook: styles, heads, frozen panes, filters, widths and the
//! summary. `rust_xlsxwriter` makes all of it; only the rows between are written by `xlsx`, so that they
//! need not be known before the first byte leaves.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use rust_xlsxwriter::{Color, DocProperties, ExcelDateTime, Format, FormatBorder, Workbook, Worksheet};

use super::{ExchangeError, Heading, text};
use crate::table::{ColumnKind, Table, Value};

/// The row of the titles, from 0.
pub(super) const TITLE_ROW: u32 = 3;
/// The first row of data, from 0.
pub(super) const FIRST_ROW: u32 = TITLE_ROW + 1;

/// What the workbook is made for.
pub(super) struct Shell<'a> {
    pub(super) table: &'a Table,
    pub(super) heading: &'a Heading,
    /// Widths of the columns, in characters.
    pub(super) widths: &'a [usize],
    /// Currencies whose amounts get a format of their own.
    pub(super) currencies: &'a [String],
    /// Rows of data on each sheet.
    pub(super) sheet_rows: &'a [u32],
    pub(super) summary: &'a Summary,
}

/// What is told at the end about all rows.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) rows: u64,
    /// By column and currency, in millionths.
    pub(super) sums: BTreeMap<(usize, String), i128>,
}

/// The parts of the workbook.
pub(super) struct Parts {
    /// A sheet up to where the first row of data belongs.
    pub(super) head: String,
    /// What comes behind the last row of each sheet.
    pub(super) tails: Vec<String>,
    /// The number of the style of each column, and behind them of each currency.
    pub(super) styles: Vec<u32>,
    /// Every other file of the container.
    pub(super) others: Vec<(String, Vec<u8>)>,
}

impl Shell<'_> {
    /// Makes the workbook without its rows and takes it apart.
    pub(super) fn parts(&self) -> Result<Parts, ExchangeError> {
        let bytes = self.workbook()?.save_to_buffer()?;
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes))?;
        let mut parts =
            Parts { head: String::new(), tails: Vec::new(), styles: Vec::new(), others: Vec::new() };
        for at in 0..archive.len() {
            let mut file = archive.by_index(at)?;
            let name = file.name()?.into_owned();
            let mut content = Vec::new();
            file.read_to_end(&mut content)?;
            let number = name.strip_prefix("xl/worksheets/sheet").and_then(|rest| rest.strip_suffix(".xml"));
            match number.and_then(|number| number.parse::<usize>().ok()) {
                Some(number) if number <= self.sheet_rows.len() => {
                    let (head, styles, tail) = cut(&String::from_utf8_lossy(&content))?;
                    if number == 1 {
                        (parts.head, parts.styles) = (head, styles);
                    }
                    parts.tails.resize(parts.tails.len().max(number), String::new());
                    parts.tails[number - 1] = tail;
                }
                _ => parts.others.push((name, content)),
            }
        }
        Ok(parts)
    }

    fn workbook(&self) -> Result<Workbook, ExchangeError> {
        let mut workbook = Workbook::new();
        let made_at = ExcelDateTime::from_timestamp(self.heading.exported_at_us.div_euclid(1_000_000))?;
        let properties = DocProperties::new()
            .set_title(self.table.title)
            .set_company(&self.heading.company)
            .set_creation_datetime(&made_at);
        workbook.set_properties(&properties);
        for (at, rows) in self.sheet_rows.iter().enumerate() {
            let sheet = workbook.add_worksheet();
            let name = self.table.title;
            sheet.set_name(if at == 0 { name.to_owned() } else { format!("{name} {}", at + 1) })?;
            self.data_sheet(sheet, *rows)?;
        }
        self.summary_sheet(workbook.add_worksheet())?;
        Ok(workbook)
    }

    fn data_sheet(&self, sheet: &mut Worksheet, rows: u32) -> Result<(), ExchangeError> {
        write_heading(sheet, &self.heading.company, self.table.title, &self.told())?;
        let title = title_format();
        for (at, column) in (0u16..).zip(&self.table.columns) {
            sheet.write_with_format(TITLE_ROW, at, column.title(), &title)?;
            let sample = format_of(column.kind, "");
            sheet.write_blank(FIRST_ROW, at, &sample)?;
            if let Some(width) = self.widths.get(usize::from(at)) {
                sheet.set_column_width(at, *width as f64)?;
            }
        }
        let columns = self.table.columns.len() as u16;
        for (at, currency) in (columns..).zip(self.currencies) {
            sheet.write_blank(FIRST_ROW, at, &money_format(currency))?;
        }
        sheet.set_freeze_panes(FIRST_ROW, 1)?;
        sheet.autofilter(TITLE_ROW, 0, TITLE_ROW + rows.max(1), columns.saturating_sub(1))?;
        Ok(())
    }

    fn told(&self) -> String {
        let mut told = format!("Exported {}", text::instant_for_people(self.heading.exported_at_us));
        for (name, value) in &self.heading.filters {
            told.push_str(&format!(" · {name}: {value}"));
        }
        told
    }

    fn summary_sheet(&self, sheet: &mut Worksheet) -> Result<(), ExchangeError> {
        sheet.set_name("Summary")?;
        write_heading(sheet, &self.heading.company, self.table.title, &self.told())?;
        let title = title_format();
        for (at, name) in (0u16..).zip(["What", "Currency", "Value"]) {
            sheet.write_with_format(TITLE_ROW, at, name, &title)?;
        }
        sheet.write(FIRST_ROW, 0, "Rows")?;
        sheet.write_with_format(
            FIRST_ROW,
            2,
            self.summary.rows as f64,
            &format_of(ColumnKind::Integer, ""),
        )?;
        for (row, ((column, currency), micros)) in (FIRST_ROW + 1..).zip(&self.summary.sums) {
            sheet.write(row, 0, format!("Sum of {}", self.table.columns[*column].title().to_lowercase()))?;
            sheet.write(row, 1, currency)?;
            sheet.write_with_format(row, 2, *micros as f64 / 1e6, &money_format(currency))?;
        }
        for (at, width) in [(0u16, 32.0), (1, 12.0), (2, 22.0)] {
            sheet.set_column_width(at, width)?;
        }
        sheet.set_freeze_panes(FIRST_ROW, 0)?;
        Ok(())
    }
}

/// The two lines over every table.
pub(crate) fn write_heading(
    sheet: &mut Worksheet,
    company: &str,
    title: &str,
    told: &str,
) -> Result<(), ExchangeError> {
    let big = Format::new().set_bold().set_font_size(14);
    let small = Format::new().set_font_color(Color::Gray);
    let over = if company.is_empty() { title.to_owned() } else { format!("{company} · {title}") };
    sheet.write_with_format(0, 0, over, &big)?;
    sheet.write_with_format(1, 0, told, &small)?;
    Ok(())
}

/// How titles look.
pub(crate) fn title_format() -> Format {
    Format::new()
        .set_bold()
        .set_background_color(Color::RGB(0x00E2_EFDA))
        .set_border_bottom(FormatBorder::Thin)
        .set_text_wrap()
}

/// How the cells of a column look.
pub(crate) fn format_of(kind: ColumnKind, currency: &str) -> Format {
    match kind {
        ColumnKind::Text | ColumnKind::List => Format::new().set_num_format("@"),
        ColumnKind::Integer => Format::new().set_num_format("#,##0"),
        ColumnKind::Decimal | ColumnKind::Bool => Format::new().set_num_format("General"),
        ColumnKind::Money { .. } => money_format(currency),
        ColumnKind::Percent => Format::new().set_num_format("0.00%"),
        ColumnKind::Date => Format::new().set_num_format("yyyy\\-mm\\-dd"),
        ColumnKind::Instant => Format::new().set_num_format("yyyy\\-mm\\-dd\\ hh:mm:ss"),
    }
}

/// How an amount looks in its currency: rand as `R 1,234.50`.
pub(crate) fn money_format(currency: &str) -> Format {
    let places = match currency {
        "JPY" | "KRW" | "VND" | "CLP" | "ISK" | "UGX" | "XAF" | "XOF" | "PYG" | "RWF" => "",
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => ".000",
        _ => ".00",
    };
    let sign = match currency {
        "" => String::new(),
        "ZAR" => "\"R\" ".to_owned(),
        "EUR" => "\"€\" ".to_owned(),
        "GBP" => "\"£\"".to_owned(),
        "USD" => "\"$\"".to_owned(),
        "JPY" => "\"¥\"".to_owned(),
        other => format!("\"{other}\" "),
    };
    Format::new().set_num_format(format!("{sign}#,##0{places}"))
}

/// A sheet cut around its row of samples: what is before, the samples' styles, what is behind.
fn cut(sheet: &str) -> Result<(String, Vec<u32>, String), ExchangeError> {
    let broken = || ExchangeError::refused("the workbook's shell has no row of samples");
    let row = format!("<row r=\"{}\"", FIRST_ROW + 1);
    let begins = sheet.find(&row).ok_or_else(broken)?;
    let length = sheet[begins..].find("</row>").ok_or_else(broken)? + "</row>".len();
    let samples = &sheet[begins..begins + length];
    let styles = samples.split("<c ").skip(1).map(|cell| {
        let style = cell.split_once(" s=\"").and_then(|(_, rest)| rest.split_once('"'));
        // A cell without one has the usual style.
        style.map_or(Ok(0), |(number, _)| number.parse().map_err(|_| broken()))
    });
    let styles = styles.collect::<Result<Vec<u32>, _>>()?;
    let mut head = sheet[..begins].to_owned();
    // How far the rows go is not known yet, and readers find out themselves.
    if let Some(at) = head.find("<dimension ") {
        let end = head[at..].find("/>").map_or(at, |length| at + length + 2);
        head.replace_range(at..end, "");
    }
    Ok((head, styles, sheet[begins + length..].to_owned()))
}

impl Summary {
    /// Counts a row in.
    pub(super) fn add(&mut self, columns: &[(usize, usize)], row: &[Value]) {
        self.rows += 1;
        for (at, currency_at) in columns {
            let (Value::Money(micros), Value::Text(currency)) = (&row[*at], &row[*currency_at]) else {
                continue;
            };
            match self.sums.get_mut(&(*at, currency.clone())) {
                Some(sum) => *sum += i128::from(*micros),
                None => drop(self.sums.insert((*at, currency.clone()), i128::from(*micros))),
            }
        }
    }
}
