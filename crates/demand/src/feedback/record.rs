//! What is kept of one product on one market day. What was recommended, what the vendor planned, what
//! was brought, sold and left over are different things and stand apart, so that no model is blamed
//! for an override, nor praised for a day that sold out.

use jiff::civil::Date;

use crate::Distribution;
use crate::quantity::Terms;

/// One product on one market day. Quantities are in the product's unit; what nobody told is absent.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedbackRecord {
    /// Which product,
    pub product_id: String,
    /// at which market,
    pub market_id: String,
    /// on which day, in the market's own calendar.
    pub date: Date,
    /// Whether it is sold by the piece.
    pub whole_units: bool,
    /// What the plan said.
    pub recommended: Option<f64>,
    /// What the vendor meant to bring on their own.
    pub planned: Option<f64>,
    /// What was brought.
    pub brought: Option<f64>,
    /// What was sold, less what was given back.
    pub sold: Option<f64>,
    /// What was counted as left over.
    pub left_over: Option<f64>,
    /// When the last unit went, as a share of the opening hours, 0 to 1, if it ran out.
    pub sold_out_at: Option<f64>,
    /// What would have been sold had it not run out, by the hour of the last sale and the usual course
    /// of a day ([`crate::SalesCurve`]), if somebody worked it out.
    pub demand_estimate: Option<f64>,
    /// What a unit brought in and cost.
    pub terms: Option<Terms>,
    /// What a leftover lost, micros, where it kept until the next market day; none when it was lost.
    pub left_over_cost_micros: Option<i64>,
    /// What was forecast.
    pub forecast: Option<GivenForecast>,
}

impl FeedbackRecord {
    /// A record of which nothing is known yet.
    #[must_use]
    pub fn new(product_id: impl Into<String>, market_id: impl Into<String>, date: Date) -> Self {
        Self {
            product_id: product_id.into(),
            market_id: market_id.into(),
            date,
            whole_units: true,
            recommended: None,
            planned: None,
            brought: None,
            sold: None,
            left_over: None,
            sold_out_at: None,
            demand_estimate: None,
            terms: None,
            left_over_cost_micros: None,
            forecast: None,
        }
    }
}

/// A forecast as it was given, before the day.
#[derive(Clone, Debug, PartialEq)]
pub struct GivenForecast {
    /// What might be asked for.
    pub demand: Distribution,
    /// Which model said so.
    pub model_version: String,
}
