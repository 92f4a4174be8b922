//! The rows that were refused, as a workbook to mend and upload again: the columns of the file as they
//! were, the cells at fault marked, and before them what is wrong.

use rust_xlsxwriter::{Color, Format, Workbook, Worksheet};

use crate::error::ExchangeError;
use crate::read::RawCell;
use crate::write::title_format;

/// The title of the column that tells what is wrong; no column of a table is like it.
pub(crate) const REASON_TITLE: &str = "!! What is wrong";
const LONGEST: usize = 32_767;

/// A row that was refused.
#[derive(Clone, Debug)]
pub struct RowProblem {
    /// Its row or line in the file.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<RawCell>,
    /// The columns of the file at fault, from 0.
    pub places: Vec<usize>,
    /// Everything that is wrong.
    pub reason: String,
}

/// A workbook of refused rows on its way.
pub struct AnnotatedWorkbook {
    workbook: Workbook,
    row: u32,
    red: Format,
    day: Format,
    red_day: Format,
}

impl AnnotatedWorkbook {
    /// A workbook with the titles of a file.
    ///
    /// # Errors
    ///
    /// When the temporary file that holds the rows cannot be written.
    pub fn new(titles: &[String]) -> Result<Self, ExchangeError> {
        let mut workbook = Workbook::new();
        let red = Format::new().set_background_color(Color::RGB(0x00FF_C7CE));
        let day = Format::new().set_num_format("yyyy\\-mm\\-dd\\ hh:mm:ss");
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name("To mend")?;
        sheet.set_column_width(0, 60)?;
        sheet.set_column_width(1, 8)?;
        sheet.set_freeze_panes(1, 2)?;
        sheet.write_with_format(0, 0, REASON_TITLE, &title_format())?;
        sheet.write_with_format(0, 1, "!! Row", &title_format())?;
        for (at, title) in (2u16..).zip(titles) {
            sheet.set_column_width(at, (title.chars().count() + 4).clamp(10, 40) as f64)?;
            sheet.write_with_format(0, at, title, &title_format())?;
        }
        let red_day = red.clone().merge(&day);
        Ok(Self { workbook, row: 0, red, day, red_day })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// When the sheet is full, or the temporary file cannot be written.
    pub fn push(&mut self, problem: &RowProblem) -> Result<(), ExchangeError> {
        self.row += 1;
        let (row, red) = (self.row, self.red.clone());
        let (day, red_day) = (self.day.clone(), self.red_day.clone());
        let sheet = self.workbook.worksheet_from_index(0)?;
        sheet.write(row, 0, cut(&problem.reason))?;
        sheet.write(row, 1, problem.line as f64)?;
        for (at, cell) in problem.cells.iter().enumerate() {
            let is_bad = problem.places.contains(&at);
            let column = u16::try_from(at + 2).unwrap_or(u16::MAX);
            let (plain, moment) = if is_bad { (Some(&red), &red_day) } else { (None, &day) };
            write_cell(sheet, (row, column), cell, plain, moment)?;
        }
        Ok(())
    }

    /// The bytes of the workbook.
    ///
    /// # Errors
    ///
    /// When it cannot be put together.
    pub fn finish(mut self) -> Result<Vec<u8>, ExchangeError> {
        Ok(self.workbook.save_to_buffer()?)
    }
}

fn write_cell(
    sheet: &mut Worksheet,
    (row, column): (u32, u16),
    cell: &RawCell,
    plain: Option<&Format>,
    moment: &Format,
) -> Result<(), ExchangeError> {
    let usual = Format::new();
    let format = plain.unwrap_or(&usual);
    match cell {
        RawCell::Empty | RawCell::Problem(_) => {
            if plain.is_some() {
                sheet.write_blank(row, column, format)?;
            }
        }
        RawCell::Text(text) => drop(sheet.write_string_with_format(row, column, cut(text), format)?),
        RawCell::Number(number) => drop(sheet.write_number_with_format(row, column, *number, format)?),
        RawCell::Bool(yes) => drop(sheet.write_boolean_with_format(row, column, *yes, format)?),
        RawCell::Moment(serial) => drop(sheet.write_number_with_format(row, column, *serial, moment)?),
    }
    Ok(())
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST / 2).collect()
}
