//! What one unit brings in and costs: money in micros (millionths) of one currency, as it is kept
//! everywhere else, so that no cent is lost on the way.

use std::fmt;

use crate::InvalidField;
use crate::accuracy::UnitCosts;

/// Micros in one unit of a currency.
pub(crate) const MICROS: f64 = 1_000_000.0;

/// A currency by its three letters (ISO 4217).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency of a code such as "EUR".
    ///
    /// # Errors
    /// What is not three capital letters, under the name of the field it stood in.
    pub fn parse(field: &str, code: &str) -> Result<Self, InvalidField> {
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(letters) if letters.iter().all(u8::is_ascii_uppercase) => Ok(Self(letters)),
            _ => Err(InvalidField {
                field: field.to_owned(),
                value: format!("{code:?}"),
                accepted: "three capital letters of ISO 4217, such as EUR".to_owned(),
            }),
        }
    }

    /// Its three letters.
    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency is made of three capital letters alone")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// What one unit of a product brings in and costs, in micros of one currency, all 0 or above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The currency of all the amounts.
    pub currency: Currency,
    /// What a buyer pays.
    pub price_micros: i64,
    /// What a unit costs to make or buy.
    pub unit_cost_micros: i64,
    /// What a unit that is left over still brings in; not above the unit cost.
    pub salvage_micros: i64,
    /// What it costs beyond the sale when a buyer goes away without.
    pub goodwill_micros: i64,
    /// What it costs to haul a leftover back and be rid of it.
    pub disposal_micros: i64,
    /// What it costs to keep a leftover until the next market day, where it keeps so long.
    pub holding_micros: i64,
}

impl Terms {
    /// A price and a cost, with nothing for leftovers, no goodwill and nothing to haul.
    #[must_use]
    pub fn new(currency: Currency, price_micros: i64, unit_cost_micros: i64) -> Self {
        Self {
            currency,
            price_micros,
            unit_cost_micros,
            salvage_micros: 0,
            goodwill_micros: 0,
            disposal_micros: 0,
            holding_micros: 0,
        }
    }

    /// What a unit too few and a unit too many cost when leftovers are lost: `price - unit cost +
    /// goodwill` and `unit cost - salvage + disposal`, in the currency.
    #[must_use]
    pub fn unit_costs(&self) -> UnitCosts {
        UnitCosts {
            missing: money(self.price_micros) - money(self.unit_cost_micros) + money(self.goodwill_micros),
            left_over: money(self.unit_cost_micros) - self.lost_value(),
        }
    }

    /// What a leftover that is lost is worth: salvage less disposal; may be negative.
    pub(super) fn lost_value(&self) -> f64 {
        money(self.salvage_micros) - money(self.disposal_micros)
    }
}

/// Micros as an amount of the currency.
pub(crate) fn money(micros: i64) -> f64 {
    micros as f64 / MICROS
}

/// An amount of the currency in micros.
pub(crate) fn micros(amount: f64) -> i64 {
    (amount * MICROS).round() as i64
}
