//! The cells of one row as values of the contract. Pure; a cell that is no value of its
//! field becomes a `Problem` that names the field and says what would be accepted.

use std::collections::HashMap;

use csv::StringRecord;
use jiff::civil::{Date as CivilDate, DateTime};
use larder_proto::google::r#type::{Date, Money};
use prost_types::Timestamp;

use super::columns::Columns;

/// Why a row cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) field: String,
    pub(super) reason: String,
}

impl Problem {
    fn new(field: &str, reason: impl Into<String>) -> Self {
        Self { field: field.to_owned(), reason: reason.into() }
    }
}

/// One row, read by the names of its columns.
pub(super) struct Row<'a> {
    pub(super) columns: &'a Columns,
    pub(super) record: &'a StringRecord,
    pub(super) currency: Option<&'a str>,
}

impl Row<'_> {
    /// The cell of a column without the blanks around it; `None` when empty or not there.
    fn cell(&self, name: &str) -> Option<&str> {
        let cell = self.record.get(self.columns.position(name)?)?.trim();
        (!cell.is_empty()).then_some(cell)
    }

    /// A text that may be absent, which the contract writes as the empty text.
    pub(super) fn text(&self, name: &str) -> String {
        self.cell(name).unwrap_or_default().to_owned()
    }

    /// A text that has to be there.
    pub(super) fn required_text(&self, name: &str) -> Result<String, Problem> {
        self.cell(name).map(str::to_owned).ok_or_else(|| Problem::new(name, "is empty"))
    }

    /// Several texts in one cell, parted by `;`.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let parts = self.cell(name).unwrap_or_default().split(';').map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The cells of the `attributes.<key>` columns that are not empty.
    pub(super) fn attributes(&self) -> HashMap<String, String> {
        let names = self.columns.names().iter();
        let keys = names.filter_map(|name| Some((name, name.strip_prefix("attributes.")?)));
        keys.filter_map(|(name, key)| Some((key.to_owned(), self.cell(name)?.to_owned()))).collect()
    }

    /// A decimal number.
    pub(super) fn number(&self, name: &str) -> Result<Option<f64>, Problem> {
        let Some(cell) = self.cell(name) else { return Ok(None) };
        match cell.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(Problem::new(name, format!("{cell:?} is no number; write one such as 2.5"))),
        }
    }

    /// `true` or `false`, also as `yes`, `no`, `1`, `0`.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Problem> {
        let Some(cell) = self.cell(name) else { return Ok(None) };
        match cell.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(Some(true)),
            "false" | "no" | "0" => Ok(Some(false)),
            _ => Err(Problem::new(name, format!("{cell:?} is neither true nor false"))),
        }
    }

    /// An instant; one without an offset is taken for UTC, a day for its midnight.
    pub(super) fn instant(&self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let Some(cell) = self.cell(name) else { return Ok(None) };
        let instant = cell.parse::<jiff::Timestamp>().ok().or_else(|| {
            let local =
                cell.parse::<DateTime>().or_else(|_| cell.parse::<CivilDate>().map(DateTime::from)).ok()?;
            Some(local.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        });
        let instant = instant.ok_or_else(|| {
            Problem::new(name, format!("{cell:?} is no instant; write one such as 2026-03-31T12:00:00Z"))
        })?;
        // A protobuf instant counts its nanoseconds forwards, also before 1970.
        let nanos = instant.as_nanosecond();
        let seconds = nanos.div_euclid(1_000_000_000) as i64;
        Ok(Some(Timestamp { seconds, nanos: nanos.rem_euclid(1_000_000_000) as i32 }))
    }

    /// A day.
    pub(super) fn day(&self, name: &str) -> Result<Option<Date>, Problem> {
        let Some(cell) = self.cell(name) else { return Ok(None) };
        let day = cell
            .parse::<CivilDate>()
            .map_err(|_| Problem::new(name, format!("{cell:?} is no day; write one such as 2026-03-31")))?;
        Ok(Some(Date { year: day.year().into(), month: day.month().into(), day: day.day().into() }))
    }

    /// An amount of money: `3.49 EUR`, or `3.49` in the currency of the row or of the import.
    pub(super) fn money(&self, name: &str) -> Result<Option<Money>, Problem> {
        let Some(cell) = self.cell(name) else { return Ok(None) };
        let (amount, currency) = match cell.split_once(' ') {
            Some((amount, currency)) => (amount, Some(currency.trim())),
            None => (cell, self.cell("currency").or(self.currency)),
        };
        let currency = currency.ok_or_else(|| {
            Problem::new(
                name,
                format!("{cell:?} names no currency; write \"{cell} EUR\" or pass --currency EUR"),
            )
        })?;
        let (units, nanos) = decimal(amount).ok_or_else(|| {
            Problem::new(
                name,
                format!("{amount:?} is no amount; write one such as 3.49, with 9 decimals at most"),
            )
        })?;
        Ok(Some(Money { currency_code: currency.to_owned(), units, nanos }))
    }

    /// A value of an enum, by its full name or by the part after `prefix`.
    pub(super) fn one_of(&self, name: &str, choices: &EnumChoices) -> Result<i32, Problem> {
        let Some(cell) = self.cell(name) else { return Ok(0) };
        let wanted = cell.to_ascii_uppercase().replace([' ', '-'], "_");
        let full =
            if wanted.starts_with(choices.prefix) { wanted } else { format!("{}{wanted}", choices.prefix) };
        (choices.from_name)(&full).filter(|number| *number != 0).ok_or_else(|| {
            let accepted = choices.accepted.join(", ");
            Problem::new(name, format!("{cell:?} is not accepted; it may be {accepted}"))
        })
    }
}

/// The names of an enum of the contract.
pub(super) struct EnumChoices {
    pub(super) prefix: &'static str,
    pub(super) accepted: &'static [&'static str],
    pub(super) from_name: fn(&str) -> Option<i32>,
}

/// Units and billionths of a decimal number, exactly; both carry the sign.
fn decimal(text: &str) -> Option<(i64, i32)> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || fraction.len() > 9 {
        return None;
    }
    let units: i64 = whole.parse().ok()?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    Some(if negative { (-units, -nanos) } else { (units, nanos) })
}

#[cfg(test)]
mod tests;
