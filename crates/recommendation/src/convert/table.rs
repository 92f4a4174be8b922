//! Stored rows as rows of tables, and rows of tables as messages: between the shelves and files.

mod catalogue;
pub(crate) mod incoming;
mod market;

pub(crate) use self::catalogue::{budget, customer, product, promotion, transaction};
pub(crate) use self::market::{feedback, plan_lines};

use larder_exchange::{Row, Table, Value};
use larder_proto::google::r#type::{Date, Money};

use crate::days::day_of;

/// A row that is filled by the names of its columns.
struct Filled<'a> {
    table: &'a Table,
    row: Row,
}

impl<'a> Filled<'a> {
    fn new(table: &'a Table) -> Self {
        Self { table, row: vec![Value::Absent; table.columns.len()] }
    }

    /// Puts a value where the column of that name stands.
    fn put(mut self, name: &str, value: Value) -> Self {
        if let Some(place) = self.table.position(name) {
            self.row[place] = value;
        }
        self
    }

    fn text(self, name: &str, text: impl Into<String>) -> Self {
        self.put(name, Value::text(text))
    }

    fn number(self, name: &str, number: Option<f64>) -> Self {
        self.put(name, Value::maybe(number, Value::Decimal))
    }

    fn money(self, name: &str, money: Option<&Money>) -> Self {
        self.put(name, Value::maybe(money.map(micros), Value::Money))
    }

    fn day(self, name: &str, day: Option<&Date>) -> Self {
        let date = day.and_then(|day| {
            let part = |number: i32| i8::try_from(number).ok();
            jiff::civil::Date::new(i16::try_from(day.year).ok()?, part(day.month)?, part(day.day)?).ok()
        });
        self.put(name, Value::maybe(date.map(day_of), Value::Date))
    }
}

fn micros(money: &Money) -> i64 {
    money.units * 1_000_000 + i64::from(money.nanos) / 1_000
}

/// The name of a value of the contract as tables write it: `SEX_FEMALE` is `female`.
fn short(name: &str, prefix: &str) -> String {
    match name.strip_prefix(prefix).unwrap_or(name) {
        "UNSPECIFIED" => String::new(),
        rest => rest.to_ascii_lowercase(),
    }
}
