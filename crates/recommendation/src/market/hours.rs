//! The opening hours of market days, and where in them a minute lies.

use std::collections::HashMap;

use crate::store::market_days::MarketDayRow;
use crate::store::markets::MarketRow;

/// From when until when a market is open, in minutes after midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    pub(crate) opens_at: i16,
    pub(crate) closes_at: i16,
}

impl Hours {
    /// The hours of a day: its own where it has any, otherwise the market's.
    pub(crate) fn of(market: &MarketRow, day: Option<&MarketDayRow>) -> Self {
        let opens_at = day.and_then(|day| day.opens_at_minute).unwrap_or(market.opens_at_minute);
        let closes_at = day.and_then(|day| day.closes_at_minute).unwrap_or(market.closes_at_minute);
        // One of both may have been told alone, and lie beyond the other.
        if opens_at < closes_at {
            Self { opens_at, closes_at }
        } else {
            Self { opens_at: market.opens_at_minute, closes_at: market.closes_at_minute }
        }
    }

    /// A minute as a share of the opening hours, 0 to 1.
    pub(crate) fn share(self, minute: i16) -> f64 {
        let open = f64::from(self.closes_at - self.opens_at).max(1.0);
        (f64::from(minute - self.opens_at) / open).clamp(0.0, 1.0)
    }
}

/// What is said of single days, by market and day.
pub(crate) type SaidOfDays = HashMap<(String, i32), MarketDayRow>;

/// Rows by market and day.
pub(crate) fn by_day(rows: Vec<MarketDayRow>) -> SaidOfDays {
    rows.into_iter().map(|row| ((row.market_id.clone(), row.held_on_day), row)).collect()
}
