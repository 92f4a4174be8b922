//! Why a quantity is what it is, in words a vendor would use, on a sheet they can take along.

use std::fmt;

use super::limits::Limit;
use super::terms::{Currency, MICROS};
use crate::Factor;

/// One reason of a quantity.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// Something moves the demand of the day.
    Factor(Factor),
    /// What a missed sale and a leftover cost, and so how safe the quantity is to be.
    Margin {
        /// What a missed sale costs.
        missing_micros: i64,
        /// What a leftover loses.
        left_over_micros: i64,
        /// The share of days, 0 to 1, the best quantity suffices on.
        fractile: f64,
        /// Of both amounts.
        currency: Currency,
    },
    /// Leftovers lose nothing, so the most that is likely to be asked for is best.
    NothingToLose,
    /// The price is not above the cost: each one made would lose money.
    PriceBelowCost,
    /// Nobody is expected to ask for it.
    NoDemand,
    /// So much comes from what is left of earlier days.
    FromStock {
        /// In the product's unit.
        quantity: f64,
    },
    /// So much of what is left of earlier days is past its shelf life.
    StockTooOld {
        /// In the product's unit.
        quantity: f64,
    },
    /// Leftovers keep until the next market day.
    KeepsUntilNext {
        /// Days until then.
        days: u32,
    },
    /// Rounded to whole packs.
    Packs {
        /// Units of a pack.
        pack_size: f64,
        /// What would be best without packs.
        ideal: f64,
    },
    /// More than is best, since so much is the least to bring.
    AtLeast {
        /// The minimum.
        minimum: f64,
    },
    /// More than is best, since fewer are not made at once.
    WholeBatch {
        /// The smallest batch.
        batch: f64,
    },
    /// Nothing, since the smallest batch would lose money.
    BatchTooLarge {
        /// The smallest batch.
        batch: f64,
    },
    /// Fewer than is best, since so much is the most to bring.
    AtMost {
        /// The maximum.
        maximum: f64,
    },
    /// No whole number of packs lies between the minimum and the maximum.
    MinimumNotMet {
        /// The minimum.
        minimum: f64,
    },
    /// Fewer than is best, since the van or the purse does not hold more.
    HeldBy(Limit),
    /// The room or weight of a unit is not known, and was taken for nothing.
    SizeUnknown(Limit),
    /// The vendor's own word.
    SetByVendor {
        /// What would be best for the product alone.
        ideal: f64,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Factor(factor) => factor.fmt(out),
            Self::Margin { missing_micros, left_over_micros, fractile, currency } => write!(
                out,
                "a missed sale costs {} {currency}, a leftover {}: enough for {:.0} of 100 such days",
                amount(*missing_micros),
                amount(*left_over_micros),
                fractile * 100.0
            ),
            Self::NothingToLose => out.write_str("leftovers lose nothing: enough for nearly every day"),
            Self::PriceBelowCost => {
                out.write_str("the price is not above the unit cost: making any would lose money")
            }
            Self::NoDemand => out.write_str("nobody is expected to ask for it"),
            Self::FromStock { quantity } => write!(out, "{} of it left from before", units(*quantity)),
            Self::StockTooOld { quantity } => {
                write!(out, "{} left from before, past the shelf life, not counted", units(*quantity))
            }
            Self::KeepsUntilNext { days: 1 } => {
                out.write_str("what is left keeps until the next market day, tomorrow")
            }
            Self::KeepsUntilNext { days } => {
                write!(out, "what is left keeps until the next market day in {days} days")
            }
            Self::Packs { pack_size, ideal } => {
                write!(out, "in whole packs of {} ({} would be best)", units(*pack_size), units(*ideal))
            }
            Self::AtLeast { minimum } => write!(out, "at least {} are to be brought", units(*minimum)),
            Self::WholeBatch { batch } => write!(out, "no fewer than {} are made at once", units(*batch)),
            Self::BatchTooLarge { batch } => {
                write!(out, "none, since a batch of {} would lose money", units(*batch))
            }
            Self::AtMost { maximum } => write!(out, "at most {} may be brought", units(*maximum)),
            Self::MinimumNotMet { minimum } => {
                write!(
                    out,
                    "the minimum of {} cannot be met in whole packs below the maximum",
                    units(*minimum)
                )
            }
            Self::HeldBy(limit) => out.write_str(match limit {
                Limit::Volume => "the van has no room for more",
                Limit::Weight => "the van may not carry more",
                Limit::Budget => "the budget does not allow more",
            }),
            Self::SizeUnknown(limit) => out.write_str(match limit {
                Limit::Weight => "its weight is not known and was not counted",
                _ => "its size is not known and was not counted",
            }),
            Self::SetByVendor { ideal } => write!(out, "set by hand ({} would be best)", units(*ideal)),
        }
    }
}

/// Reasons in one line, the most telling first.
#[must_use]
pub fn in_words(reasons: &[Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn amount(micros: i64) -> String {
    format!("{:.2}", micros as f64 / MICROS)
}

/// At most two digits after the point.
fn units(quantity: f64) -> String {
    let hundredths = (quantity * 100.0).round() / 100.0;
    format!("{hundredths}")
}
