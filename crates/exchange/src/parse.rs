//! Cells that people filled in as values: days and numbers as they are written in different places, and a
//! reason where a cell could mean two things or none.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::dialect::{DateOrder, DecimalMark, Dialect};
use crate::mapping::Mapping;
use crate::read::{RawCell, RawRow};
use crate::table::{Column, ColumnKind, Row, Table, Value, split_list};
use crate::template;

/// What is wrong with one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellProblem {
    /// The column's name; empty when the whole row is at fault.
    pub column: String,
    /// What is wrong and what would be accepted.
    pub reason: String,
}

/// Reads rows as a table settled them.
#[derive(Clone, Debug)]
pub struct Parser {
    mapping: Mapping,
    dialect: Dialect,
    example: Option<Row>,
}

impl Parser {
    /// A reader of rows whose columns are settled.
    #[must_use]
    pub fn new(mapping: Mapping, dialect: Dialect) -> Self {
        let example = template::example(&mapping.table);
        Self { mapping, dialect, example }
    }

    /// A reader of cells that stand in the order of the table.
    pub(crate) fn in_order(table: Table) -> Self {
        let places = (0..table.columns.len()).map(Some).collect();
        Self { mapping: Mapping { table, places }, dialect: Dialect::default(), example: None }
    }

    /// Where the columns stand, and the table with the attributes of the file.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Whether a row is the example of the template, which somebody left in.
    #[must_use]
    pub fn is_example(&self, row: &Row) -> bool {
        self.example.as_ref().is_some_and(|example| {
            let places = self.mapping.places.iter();
            let told = example.iter().zip(row).zip(places).filter(|(_, place)| place.is_some());
            told.into_iter().all(|((example, value), _)| example == value)
        })
    }

    /// The values of a row.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with its cells.
    pub fn row(&self, raw: &RawRow) -> Result<Row, Vec<CellProblem>> {
        if let Some(reason) = &raw.problem {
            return Err(vec![CellProblem { column: String::new(), reason: reason.clone() }]);
        }
        let mut problems = Vec::new();
        let mut row = Vec::with_capacity(self.mapping.places.len());
        for (column, place) in self.mapping.table.columns.iter().zip(&self.mapping.places) {
            let cell = place.and_then(|place| raw.cells.get(place)).unwrap_or(&RawCell::Empty);
            let value = self.value(column, cell).unwrap_or_else(|reason| {
                problems.push(CellProblem { column: column.name.clone(), reason });
                Value::Absent
            });
            let is_refused = problems.last().is_some_and(|problem| problem.column == column.name);
            if column.required && value == Value::Absent && !is_refused {
                problems.push(CellProblem { column: column.name.clone(), reason: "is empty".to_owned() });
            }
            row.push(value);
        }
        self.fill_currencies(&mut row, &mut problems);
        if problems.is_empty() { Ok(row) } else { Err(problems) }
    }

    /// An amount without a currency takes the one of the import.
    fn fill_currencies(&self, row: &mut Row, problems: &mut Vec<CellProblem>) {
        for (at, column) in self.mapping.table.columns.iter().enumerate() {
            let ColumnKind::Money { currency } = column.kind else { continue };
            let Some(place) = self.mapping.table.position(currency) else { continue };
            if row[at] == Value::Absent || row[place] != Value::Absent {
                continue;
            }
            match &self.dialect.currency {
                Some(code) => row[place] = Value::Text(code.clone()),
                None => problems.push(CellProblem {
                    column: column.name.clone(),
                    reason: format!(
                        "names no currency; fill the column {currency} or choose one for all rows"
                    ),
                }),
            }
        }
    }

    fn value(&self, column: &Column, cell: &RawCell) -> Result<Value, String> {
        let cell = match cell {
            RawCell::Empty => return Ok(Value::Absent),
            RawCell::Problem(reason) => return Err(reason.clone()),
            RawCell::Text(text) if text.trim().is_empty() => return Ok(Value::Absent),
            cell => cell,
        };
        match column.kind {
            ColumnKind::Text => text(column, cell),
            ColumnKind::List => Ok(Value::list(split_list(&plain_text(cell)))),
            ColumnKind::Integer => integer(self.number(cell)?),
            ColumnKind::Decimal => Ok(Value::Decimal(self.number(cell)?)),
            ColumnKind::Money { .. } => self.money(cell),
            ColumnKind::Percent => self.percent(cell),
            ColumnKind::Date => self.date(cell).map(Value::Date),
            ColumnKind::Instant => self.instant(cell).map(Value::Instant),
            ColumnKind::Bool => boolean(cell),
        }
    }

    fn number(&self, cell: &RawCell) -> Result<f64, String> {
        match cell {
            RawCell::Number(number) if number.is_finite() => Ok(*number),
            RawCell::Text(text) => parse_number(text, self.dialect.decimal_mark),
            other => Err(format!("{:?} is no number; write one such as 2.5", plain_text(other))),
        }
    }

    /// Amounts are read by their figures, so that no cent is lost to a float.
    fn money(&self, cell: &RawCell) -> Result<Value, String> {
        let plain = match cell {
            RawCell::Text(text) => {
                let is_sign = |letter: char| letter.is_alphabetic() || "$€£¥\u{a0} ".contains(letter);
                let bare = text.trim_matches(is_sign);
                plain_number(if bare.is_empty() { text } else { bare }, self.dialect.decimal_mark)?
            }
            cell => {
                let number = self.number(cell)?;
                // What a spreadsheet worked out has traces of its arithmetic behind the sixth place.
                if number.abs() < 1e9 { format!("{number:.6}") } else { number.to_string() }
            }
        };
        let micros = micros_of(&plain);
        let too_fine = || format!("{plain} is no amount; write one with at most six places, such as 2.50");
        micros.map(Value::Money).ok_or_else(too_fine)
    }

    /// A number of a spreadsheet up to 1 is a part of one, as its cells of percent are; a text is in
    /// hundredths.
    fn percent(&self, cell: &RawCell) -> Result<Value, String> {
        match cell {
            RawCell::Number(number) if number.abs() <= 1.0 => Ok(Value::Percent(hundredfold(*number))),
            RawCell::Text(text) => {
                let bare = text.trim().trim_end_matches('%').trim();
                parse_number(bare, self.dialect.decimal_mark).map(Value::Percent)
            }
            cell => self.number(cell).map(Value::Percent),
        }
    }

    fn date(&self, cell: &RawCell) -> Result<i32, String> {
        match cell {
            RawCell::Moment(serial) => Ok((serial.floor() as i32) - DAYS_TO_1970),
            RawCell::Text(text) => self.date_of_text(text.trim()).and_then(days_since_1970),
            other => Err(format!("{:?} is no day; write one such as 2026-03-31", plain_text(other))),
        }
    }

    fn instant(&self, cell: &RawCell) -> Result<i64, String> {
        match cell {
            RawCell::Moment(serial) => {
                let days = serial.floor();
                let part = ((serial - days) * 86_400e6).round() as i64;
                Ok((days as i64 - i64::from(DAYS_TO_1970)) * 86_400_000_000 + part)
            }
            RawCell::Text(text) => self.instant_of_text(text.trim()),
            other => {
                Err(format!("{:?} is no instant; write one such as 2026-03-31T12:00:00Z", plain_text(other)))
            }
        }
    }

    fn instant_of_text(&self, text: &str) -> Result<i64, String> {
        if let Ok(at) = text.parse::<jiff::Timestamp>() {
            return Ok(at.as_microsecond());
        }
        let local = text.parse::<DateTime>().or_else(|_| {
            let (day, time) = text.rsplit_once([' ', 'T']).unwrap_or((text, "00:00:00"));
            let refusal = || format!("{text:?} is no instant; write one such as 2026-03-31T12:00:00Z");
            // A day alone may hold blanks, as in 31 Mar 2026.
            let (day, time) = if time.contains(':') { (day, time) } else { (text, "00:00:00") };
            let date = self
                .date_of_text(day.trim())
                .map_err(|reason| if reason.contains("could be") { reason } else { refusal() })?;
            let time: jiff::civil::Time = time.trim().parse().map_err(|_| refusal())?;
            Ok::<_, String>(date.to_datetime(time))
        })?;
        let at = local.to_zoned(TimeZone::UTC).map_err(|_| format!("{text:?} is beyond the calendar"))?;
        Ok(at.timestamp().as_microsecond())
    }

    fn date_of_text(&self, text: &str) -> Result<Date, String> {
        let refusal = || format!("{text:?} is no day; write one such as 2026-03-31");
        if let Ok(date) = text.parse::<Date>() {
            return Ok(date);
        }
        if text.chars().any(char::is_alphabetic) {
            return named_month(text).ok_or_else(refusal);
        }
        let parts: Vec<i16> =
            text.split(['/', '.', '-', ' ']).map_while(|part| part.trim().parse().ok()).collect();
        let &[first, second, third] = parts.as_slice() else { return Err(refusal()) };
        if first > 999 {
            return civil(first, second, third).ok_or_else(refusal);
        }
        // Nobody can tell the century of two figures.
        if third < 1_000 {
            return Err(refusal());
        }
        // Dots part days first wherever they are used.
        let order = if text.contains('.') { Some(DateOrder::DayFirst) } else { self.dialect.date_order };
        let order = match order {
            Some(order) => order,
            None if first > 12 => DateOrder::DayFirst,
            None if second > 12 => DateOrder::MonthFirst,
            None if first == second => DateOrder::DayFirst,
            None => {
                return Err(format!(
                    "{text:?} could be two days; write one such as 2026-03-31, or choose whether the day or \
                     the month comes first"
                ));
            }
        };
        let (day, month) = match order {
            DateOrder::DayFirst => (first, second),
            DateOrder::MonthFirst => (second, first),
        };
        civil(third, month, day).ok_or_else(refusal)
    }
}

const DAYS_TO_1970: i32 = 25_569;

/// The day of a year with four figures.
fn civil(year: i16, month: i16, day: i16) -> Option<Date> {
    if year < 1_000 {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Such as 31 Mar 2026, 31 March 2026, March 31, 2026.
fn named_month(text: &str) -> Option<Date> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let words: Vec<_> = text.split([' ', ',', '-', '.', '/']).filter(|word| !word.is_empty()).collect();
    let &[first, second, year] = words.as_slice() else { return None };
    let (day, month) = if first.starts_with(char::is_alphabetic) { (second, first) } else { (first, second) };
    let month = month.to_lowercase();
    let number = MONTHS.iter().position(|short| month.starts_with(short))?;
    civil(year.parse().ok()?, number as i16 + 1, day.parse().ok()?)
}

fn days_since_1970(date: Date) -> Result<i32, String> {
    let since = date.since(Date::constant(1970, 1, 1));
    since.map(|span| span.get_days()).map_err(|_| format!("{date} is beyond the calendar"))
}

fn text(column: &Column, cell: &RawCell) -> Result<Value, String> {
    let text = plain_text(cell);
    let text = text.trim();
    if column.allowed.is_empty() {
        return Ok(Value::Text(text.to_owned()));
    }
    let plain = text.to_lowercase().replace([' ', '-'], "_");
    let known = column.allowed.iter().find(|allowed| plain == **allowed || is_enum_name(&plain, allowed));
    known
        .map(|known| Value::Text((*known).to_owned()))
        .ok_or_else(|| format!("{text:?} is not known; write one of {}", column.allowed.join(", ")))
}

/// Whether a text is the contract's own name of a value, such as `SEX_FEMALE`.
fn is_enum_name(plain: &str, allowed: &str) -> bool {
    ["sex", "activity_level", "nutrition_goal", "life_stage"]
        .iter()
        .any(|of| plain == format!("{of}_{allowed}"))
}

fn integer(number: f64) -> Result<Value, String> {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        Ok(Value::Integer(number as i64))
    } else {
        Err(format!("{number} is no whole number"))
    }
}

fn boolean(cell: &RawCell) -> Result<Value, String> {
    match cell {
        RawCell::Bool(yes) => Ok(Value::Bool(*yes)),
        RawCell::Number(number) if *number == 0.0 || *number == 1.0 => Ok(Value::Bool(*number == 1.0)),
        cell => match plain_text(cell).trim().to_lowercase().as_str() {
            "true" | "yes" | "y" | "1" | "x" => Ok(Value::Bool(true)),
            "false" | "no" | "n" | "0" => Ok(Value::Bool(false)),
            other => Err(format!("{other:?} is neither yes nor no")),
        },
    }
}

/// A cell as people see it: 42 for a number that a spreadsheet keeps as 42.0.
fn plain_text(cell: &RawCell) -> String {
    match cell {
        RawCell::Empty => String::new(),
        RawCell::Text(text) | RawCell::Problem(text) => text.clone(),
        RawCell::Number(number) => number.to_string(),
        RawCell::Bool(yes) => yes.to_string(),
        RawCell::Moment(serial) => {
            let day = crate::write::text::date(serial.floor() as i32 - DAYS_TO_1970);
            if serial.fract() == 0.0 {
                return day;
            };
            let at = (serial.floor() as i64 - i64::from(DAYS_TO_1970)) * 86_400_000_000;
            crate::write::text::instant(at + (serial.fract() * 86_400e6).round() as i64)
        }
    }
}

/// A number as it is written with dots, commas, blanks and apostrophes.
fn parse_number(text: &str, mark: Option<DecimalMark>) -> Result<f64, String> {
    let plain = plain_number(text, mark)?;
    let number = plain.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{text:?} is no number; write one such as 2.5"))
}

/// The figures of a number with a dot before the places.
fn plain_number(text: &str, mark: Option<DecimalMark>) -> Result<String, String> {
    let is_mark_of_thousands = |letter: &char| matches!(letter, ' ' | '\u{a0}' | '\u{202f}' | '\'' | '’');
    let bare: String = text.trim().chars().filter(|letter| !is_mark_of_thousands(letter)).collect();
    let bare = bare.replace('−', "-");
    let is_number =
        |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ',' | '-' | '+' | 'e' | 'E');
    if bare.is_empty() || !bare.chars().all(is_number) {
        return Err(format!("{text:?} is no number; write one such as 2.5"));
    }
    let mark = mark.or_else(|| guessed_mark(&bare)).ok_or_else(|| {
        format!(
            "{text:?} could be two numbers; write it without marks between thousands, or choose the decimal \
             mark"
        )
    })?;
    Ok(match mark {
        DecimalMark::Dot => bare.replace(',', ""),
        DecimalMark::Comma => bare.replace('.', "").replace(',', "."),
    })
}

/// Millionths of an amount by its figures; `None` when it is finer, too large or no number.
fn micros_of(plain: &str) -> Option<i64> {
    let (is_negative, figures) = match plain.strip_prefix('-') {
        Some(figures) => (true, figures),
        None => (false, plain.strip_prefix('+').unwrap_or(plain)),
    };
    let (whole, places) = figures.split_once('.').unwrap_or((figures, ""));
    let places = places.trim_end_matches('0');
    let all_figures = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if places.len() > 6 || !all_figures(whole) || !all_figures(places) || figures.is_empty() || figures == "."
    {
        return None;
    }
    let number: i64 = format!("{whole}{places:0<6}").parse().ok()?;
    Some(if is_negative { -number } else { number })
}

fn guessed_mark(bare: &str) -> Option<DecimalMark> {
    match (bare.rfind('.'), bare.rfind(',')) {
        (_, None) if bare.matches('.').count() < 2 => Some(DecimalMark::Dot),
        (_, None) => Some(DecimalMark::Comma),
        (Some(dot), Some(comma)) => Some(if dot > comma { DecimalMark::Dot } else { DecimalMark::Comma }),
        (None, Some(_)) if bare.matches(',').count() > 1 => Some(DecimalMark::Dot),
        (None, Some(comma)) => {
            let (before, behind) = (bare[..comma].trim_start_matches(['-', '+']), bare.len() - comma - 1);
            // 1,234 is either; 1,25 and 0,125 and 1234,567 are not.
            let is_plain = behind != 3 || before.len() > 3 || before == "0" || before.is_empty();
            is_plain.then_some(DecimalMark::Comma)
        }
    }
}

/// A hundred times a number, as the shortest one whose hundredth part it is.
fn hundredfold(number: f64) -> f64 {
    let near = number * 100.0;
    (0..15)
        .filter_map(|places| format!("{near:.places$}").parse::<f64>().ok())
        .find(|rounded| rounded / 100.0 == number)
        .unwrap_or(near)
}

#[cfg(test)]
mod tests;
