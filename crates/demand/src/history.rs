//! What is known of the days that were and of the day to come.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The weather of one day, or what is foretold of it. What is not known is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Weather {
    /// Highest temperature of the day, °C.
    pub high_celsius: Option<f64>,
    /// Rain, snow melted, mm in the day.
    pub rain_mm: Option<f64>,
    /// Strongest wind, km/h.
    pub wind_kmh: Option<f64>,
}

/// What may move the demand of a day, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DayOutlook {
    /// Weather of the day.
    pub weather: Weather,
    /// People expected at events close by; 0 when it is known that there are none.
    pub event_attendance: Option<f64>,
    /// Whether it is a public holiday.
    pub holiday: bool,
    /// Whether one follows on one of the next two days.
    pub before_holiday: bool,
    /// Whether schools are closed.
    pub school_holiday: bool,
    /// Whether the product is promoted.
    pub promoted: bool,
    /// Price of one unit, in the vendor's currency.
    pub price: Option<f64>,
}

/// One product on one past day at one market.
#[derive(Clone, Debug, PartialEq)]
pub struct PastDay {
    /// The day, in the market's own calendar.
    pub date: Date,
    /// What was sold, less what was given back; in the product's unit, 0 or above.
    pub sold: f64,
    /// What was brought, if somebody wrote it down.
    pub brought: Option<f64>,
    /// When the last unit was sold, as a share of the opening hours (0 at opening, 1 at
    /// closing), if the product ran out.
    pub sold_out_at: Option<f64>,
    /// What moved the day.
    pub outlook: DayOutlook,
}
