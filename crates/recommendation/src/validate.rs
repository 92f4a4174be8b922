//! The rules that single fields must keep, collected so that a caller hears of every bad
//! field at once. Each rule says what would be accepted; nothing here knows a message.

use std::collections::BTreeMap;

use crate::days::day_of;
use crate::error::{Error, Violation};

/// Micros in one unit of a currency.
const MICROS: i64 = 1_000_000;
/// The largest amount that is believed, in whole units: one trillion.
const MOST_UNITS: i64 = 1_000_000_000_000;
/// 9999-12-31T23:59:59Z, the last second that the wire format can tell.
const LAST_SECOND: i64 = 253_402_300_799;

/// So many refused fields are told; more would not fit into the trailers of a call.
const MOST_TOLD: usize = 40;

/// An amount as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Amount {
    /// Millionths of a unit.
    pub(crate) micros: i64,
    /// ISO 4217, three capital letters.
    pub(crate) currency: String,
}

/// Collects the violations of one message.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    violations: Vec<Violation>,
    /// Stands before the name of every field, such as `plan.`.
    within: String,
}

impl Fields {
    /// Collects the violations of a message that stands within another one.
    pub(crate) fn within(within: &str) -> Self {
        Self { violations: Vec::new(), within: within.to_owned() }
    }

    /// Ends the collection: `value` when every field could be true.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<T, Error> {
        let more = self.violations.len().saturating_sub(MOST_TOLD);
        self.violations.truncate(MOST_TOLD);
        if more > 0 {
            self.refuse("", format!("{more} more fields are refused"));
        }
        if self.violations.is_empty() { Ok(value) } else { Err(Error::Invalid(self.violations)) }
    }

    /// Notes that `field` is refused.
    pub(crate) fn refuse(&mut self, field: &str, description: impl Into<String>) {
        let field = format!("{}{field}", self.within);
        self.violations.push(Violation { field, description: description.into() });
    }

    /// An id of a client: 1 to 128 characters of `[A-Za-z0-9._~-]`.
    pub(crate) fn id(&mut self, field: &str, id: &str) {
        if !is_id(id) {
            self.refuse(field, "must be 1 to 128 characters of A-Z a-z 0-9 . _ ~ -");
        }
    }

    /// An id that may be left out.
    pub(crate) fn optional_id(&mut self, field: &str, id: &str) {
        if !id.is_empty() {
            self.id(field, id);
        }
    }

    /// A text of `least` to `most` characters without control characters.
    pub(crate) fn text(&mut self, field: &str, text: &str, least: usize, most: usize) {
        // The byte length is checked first so that a text of many megabytes costs nothing.
        let fits = text.len() <= most * 4 && (least..=most).contains(&text.chars().count());
        if !fits {
            self.refuse(field, format!("must be {least} to {most} characters long"));
        } else if text.chars().any(char::is_control) {
            self.refuse(field, "must not contain control characters");
        }
    }

    /// A list of at most `most` texts of 1 to `length` characters.
    pub(crate) fn texts(&mut self, field: &str, texts: &[String], most: usize, length: usize) {
        if texts.len() > most {
            return self.refuse(field, format!("must have at most {most} entries"));
        }
        for (index, text) in texts.iter().enumerate() {
            self.text(&format!("{field}[{index}]"), text, 1, length);
        }
    }

    /// A list of at most `most` ids.
    pub(crate) fn ids(&mut self, field: &str, ids: &[String], most: usize) {
        if ids.len() > most {
            return self.refuse(field, format!("must have at most {most} entries"));
        }
        for (index, id) in ids.iter().enumerate() {
            self.id(&format!("{field}[{index}]"), id);
        }
    }

    /// Up to 32 free keys with values up to 256 characters.
    pub(crate) fn attributes(&mut self, field: &str, attributes: &BTreeMap<String, String>) {
        if attributes.len() > 32 {
            return self.refuse(field, "must have at most 32 entries");
        }
        for (index, (key, value)) in attributes.iter().enumerate() {
            self.text(&format!("{field}[{index}].key"), key, 1, 64);
            self.text(&format!("{field}[{index}].value"), value, 0, 256);
        }
    }

    /// The name of a placement: 1 to 64 characters of `[a-z0-9_-]`.
    pub(crate) fn placement(&mut self, field: &str, name: &str) {
        let is_name = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'));
        if !is_name {
            self.refuse(field, "must be 1 to 64 characters of a-z 0-9 _ -");
        }
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn whole(&mut self, field: &str, number: i64, least: i64, most: i64) {
        if !(least..=most).contains(&number) {
            self.refuse(field, format!("must be a whole number from {least} to {most}"));
        }
    }

    /// A finite number from `least` to `most`.
    pub(crate) fn number(&mut self, field: &str, number: f64, least: f64, most: f64) {
        if !(least..=most).contains(&number) {
            self.refuse(field, format!("must be a number from {least} to {most}"));
        }
    }

    /// A finite number above 0, up to `most`.
    pub(crate) fn positive(&mut self, field: &str, number: f64, most: f64) {
        if !(f64::MIN_POSITIVE..=most).contains(&number) {
            self.refuse(field, format!("must be a number above 0, up to {most}"));
        }
    }

    /// A finite number.
    pub(crate) fn finite(&mut self, field: &str, number: f64) {
        if !number.is_finite() {
            self.refuse(field, "must be a finite number");
        }
    }

    /// A number that may be absent.
    pub(crate) fn optional_number(&mut self, field: &str, number: Option<f64>, least: f64, most: f64) {
        if let Some(number) = number {
            self.number(field, number, least, most);
        }
    }

    /// An amount that is not negative.
    pub(crate) fn amount(
        &mut self,
        field: &str,
        money: &larder_proto::google::r#type::Money,
    ) -> Option<Amount> {
        let before = self.violations.len();
        let is_currency =
            money.currency_code.len() == 3 && money.currency_code.bytes().all(|b| b.is_ascii_uppercase());
        if !is_currency {
            self.refuse(
                &format!("{field}.currency_code"),
                "must be three capital letters of ISO 4217, such as USD",
            );
        }
        if !(0..=MOST_UNITS).contains(&money.units) {
            self.refuse(&format!("{field}.units"), format!("must be from 0 to {MOST_UNITS}"));
        }
        if !(0..=999_999_999).contains(&money.nanos) || money.nanos % 1_000 != 0 {
            self.refuse(&format!("{field}.nanos"), "must be from 0 to 999999000, in steps of 1000");
        }
        (self.violations.len() == before).then(|| Amount {
            micros: money.units * MICROS + i64::from(money.nanos) / 1_000,
            currency: money.currency_code.clone(),
        })
    }

    /// An instant from 1970 to `latest_us`, in microseconds since 1970.
    pub(crate) fn instant(
        &mut self,
        field: &str,
        at: &prost_types::Timestamp,
        latest_us: Option<i64>,
    ) -> Option<i64> {
        let in_range = (0..=LAST_SECOND).contains(&at.seconds) && (0..1_000_000_000).contains(&at.nanos);
        let micros = in_range.then(|| at.seconds * MICROS + i64::from(at.nanos) / 1_000);
        match (micros, latest_us) {
            (Some(micros), Some(latest)) if micros > latest => {
                self.refuse(field, "must not be more than a day in the future");
                None
            }
            (None, _) => {
                self.refuse(field, "must be from 1970-01-01T00:00:00Z to 9999-12-31T23:59:59Z");
                None
            }
            (micros, _) => micros,
        }
    }

    /// A calendar day from 1800 to 9999, in days since 1970.
    pub(crate) fn day(&mut self, field: &str, day: &larder_proto::google::r#type::Date) -> Option<i32> {
        let parts = (i16::try_from(day.year), i8::try_from(day.month), i8::try_from(day.day));
        let date = match parts {
            (Ok(year @ 1800..=9999), Ok(month), Ok(day)) => jiff::civil::Date::new(year, month, day).ok(),
            _ => None,
        };
        if date.is_none() {
            self.refuse(field, "must be a day of the calendar from 1800-01-01 to 9999-12-31");
        }
        date.map(day_of)
    }
}

fn is_id(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~' | b'-'))
}

#[cfg(test)]
mod tests {
    use larder_proto::google::r#type::{Date, Money};

    use super::*;

    fn refused(check: impl FnOnce(&mut Fields)) -> String {
        let mut fields = Fields::default();
        check(&mut fields);
        match fields.finish(()) {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn ids_are_short_and_plain() {
        assert_eq!(refused(|fields| fields.id("product_id", "A.b_c~1-2")), "");
        for bad in ["", "a/b", "ä", "a b", &"x".repeat(129), "a\0"] {
            assert!(
                refused(|fields| fields.id("product_id", bad)).starts_with("product_id: must be 1 to 128")
            );
        }
    }

    #[test]
    fn ten_megabytes_are_no_name() {
        let name = "x".repeat(10 << 20);
        assert_eq!(
            refused(|fields| fields.text("name", &name, 1, 256)),
            "name: must be 1 to 256 characters long"
        );
    }

    #[test]
    fn a_flood_of_refusals_is_cut_short_and_counted() {
        let flood = |fields: &mut Fields| (0..1_000).for_each(|at| fields.id(&format!("ids[{at}]"), ""));
        let told = refused(flood);
        assert!(told.contains("ids[39]: ") && !told.contains("ids[40]"), "{told}");
        assert!(told.ends_with("960 more fields are refused"), "{told}");
    }

    #[test]
    fn numbers_that_are_none_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, -0.1, 1e9] {
            assert_ne!(refused(|fields| fields.number("quantity", bad, 0.0, 1e6)), "", "{bad}");
        }
    }

    #[test]
    fn amounts_keep_micros() {
        let mut fields = Fields::default();
        let money = Money { currency_code: "USD".into(), units: 3, nanos: 990_000_000 };
        assert_eq!(
            fields.amount("price", &money),
            Some(Amount { micros: 3_990_000, currency: "USD".into() })
        );
        let negative = Money { currency_code: "usd".into(), units: -1, nanos: 1 };
        assert_eq!(fields.amount("price", &negative), None);
        let Err(Error::Invalid(violations)) = fields.finish(()) else { panic!("must be refused") };
        let names: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(names, ["price.currency_code", "price.units", "price.nanos"]);
    }

    #[test]
    fn the_year_10000_is_refused() {
        let at = prost_types::Timestamp { seconds: 253_402_300_800, nanos: 0 };
        assert!(refused(|fields| _ = fields.instant("occurred_at", &at, None)).contains("9999-12-31"));
    }

    #[test]
    fn days_count_from_1970() {
        let mut fields = Fields::default();
        assert_eq!(fields.day("starts_on", &Date { year: 1970, month: 1, day: 2 }), Some(1));
        assert_eq!(fields.day("starts_on", &Date { year: 1969, month: 12, day: 31 }), Some(-1));
        assert_eq!(fields.day("starts_on", &Date { year: 2025, month: 2, day: 29 }), None);
    }
}
