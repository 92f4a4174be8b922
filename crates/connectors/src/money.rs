//! Money as shops write it, in a currency's smallest unit, and as the house keeps it, in micros of the currency.

use serde::{Deserialize, Serialize};

/// Micros in one unit of a currency, as a power of ten.
const MICROS_EXPONENT: u32 = 6;

/// Currencies without a smaller unit (ISO 4217, exponent 0).
const WHOLE: [&str; 17] = [
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
    "XOF", "XPF",
];
/// Currencies of a thousand parts (exponent 3).
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// An amount in micros of a currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Millionths of the currency's unit; negative for what was given back.
    pub micros: i64,
    /// ISO 4217 code, three capitals.
    pub currency: String,
}

/// Why an amount cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not three capitals.
    #[error("the currency is no ISO 4217 code")]
    Currency,
    /// Past what 64 bits hold.
    #[error("the amount is too large")]
    Overflow,
}

impl Money {
    /// An amount given in the currency's smallest unit: cents of a dollar, whole yen, thousandths of a dinar.
    ///
    /// # Errors
    /// When the code is none, or the amount does not fit.
    pub fn from_minor_units(amount: i64, currency: &str) -> Result<Self, MoneyError> {
        if currency.len() != 3 || !currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
            return Err(MoneyError::Currency);
        }
        let exponent = match currency {
            code if WHOLE.contains(&code) => 0,
            code if THOUSANDTHS.contains(&code) => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        };
        let micros =
            amount.checked_mul(10_i64.pow(MICROS_EXPONENT - exponent)).ok_or(MoneyError::Overflow)?;
        Ok(Self { micros, currency: currency.to_owned() })
    }

    /// The same amount given back.
    #[must_use]
    pub fn negated(mut self) -> Self {
        self.micros = self.micros.saturating_neg();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smallest_units_differ_by_currency() {
        let micros = |amount, currency| Money::from_minor_units(amount, currency).map(|money| money.micros);
        assert_eq!(micros(1_250, "USD"), Ok(12_500_000));
        assert_eq!(micros(1_250, "JPY"), Ok(1_250_000_000));
        assert_eq!(micros(1_250, "KWD"), Ok(1_250_000));
        assert_eq!(micros(-99, "EUR"), Ok(-990_000));
        assert_eq!(micros(12_345, "CLF"), Ok(1_234_500));
    }

    #[test]
    fn what_is_no_money_is_refused() {
        for code in ["usd", "US", "USDX", "", "U$D"] {
            assert_eq!(Money::from_minor_units(1, code), Err(MoneyError::Currency), "{code}");
        }
        assert_eq!(Money::from_minor_units(i64::MAX / 9_999, "USD"), Err(MoneyError::Overflow));
        assert_eq!(Money::from_minor_units(i64::MIN, "JPY"), Err(MoneyError::Overflow));
    }
}
