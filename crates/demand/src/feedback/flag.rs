//! What is wrong with a record. A flagged record is kept: what is sound of it counts, what is not is
//! left out, and the statistics tell how many were flagged.

use std::fmt;

/// One thing that is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// A field that is negative or not a number; it is not counted.
    Impossible {
        /// Its name.
        field: &'static str,
    },
    /// A part of a unit, of a product sold by the piece; it is counted as told.
    Fractional {
        /// Its name.
        field: &'static str,
    },
    /// More was sold than brought: what was brought is not counted.
    BroughtBelowSold,
    /// What is left over is not what was brought less what was sold: given away, broken or stolen. What
    /// was not sold counts as lost.
    LeftOverDisagrees {
        /// Brought less sold.
        reckoned: f64,
    },
    /// It is said to have run out, and something is left: it is taken not to have run out.
    SoldOutWithLeftOver,
    /// More than twenty times what was thought possible: nothing of the day's sales counts.
    FarOut,
    /// A later record of the same product, market and day takes its place: it is not counted.
    Replaced,
}

impl fmt::Display for Flag {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Impossible { field } => {
                write!(out, "{field} is negative or not a number; accepted: 0 or more")
            }
            Self::Fractional { field } => write!(out, "{field} has a part of a unit; accepted: whole units"),
            Self::BroughtBelowSold => {
                out.write_str("brought is below sold; accepted: at least what was sold")
            }
            Self::LeftOverDisagrees { reckoned } => {
                write!(out, "left_over is not brought less sold; expected: {reckoned}")
            }
            Self::SoldOutWithLeftOver => out.write_str("sold_out_at is told, and something is left over"),
            Self::FarOut => out.write_str("sold is over twenty times the highest quantity forecast"),
            Self::Replaced => out.write_str("a later record of the same product, market and day counts"),
        }
    }
}
