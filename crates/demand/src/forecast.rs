//! What goes into a forecast and what comes out of it. A vendor's whole history goes in at once, because
//! a product with few days learns from the vendor's other products and markets; a day's demand comes
//! out, with who said so and what moved it, so that it can be explained in words.

mod learner;
mod model;
mod numbered;
mod observations;
mod prospect;
#[cfg(test)]
mod tests;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use model::DemandModel;

use crate::{DayOutlook, Distribution, Factor, PastDay, SalesCurve};

/// Everything a vendor's forecasts are learnt from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VendorHistory {
    /// One of each product at each market; also those that were never sold, with no days.
    pub series: Vec<SeriesHistory>,
    /// What is known of the markets; those left out are markets nobody described.
    pub markets: Vec<MarketProfile>,
    /// How sales spread over a market day; `None` when no times of sales are known.
    pub sales_curve: Option<SalesCurve>,
}

/// One product at one market.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeriesHistory {
    /// Id of the product.
    pub product: String,
    /// Id of the market.
    pub market: String,
    /// What products are alike, if the vendor sorts them.
    pub category: Option<String>,
    /// In any order. Of several days of one date the last one counts. A day the product was not brought,
    /// or the market was closed, is left out, not a day without sales.
    pub days: Vec<PastDay>,
}

/// What is known of a market before anything was sold there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MarketProfile {
    /// Id of the market.
    pub market: String,
    /// How many people come on a usual day.
    pub expected_visitors: Option<f64>,
}

/// What is asked of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastQuery<'a> {
    /// Id of the product.
    pub product: &'a str,
    /// Id of the market.
    pub market: &'a str,
    /// The day to come.
    pub date: Date,
    /// What is known of it.
    pub outlook: &'a DayOutlook,
}

/// The demand of one day, and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// How much may be asked for.
    pub distribution: Distribution,
    /// Who spoke.
    pub method: Method,
    /// The median demand of an ordinary day, before what moves this one, in the product's unit.
    pub ordinary_day: f64,
    /// What moves this day away from an ordinary one, strongest first; with what sell-outs and other
    /// products and markets did to the level of the ordinary day. Only those worth a word.
    pub factors: Vec<Factor>,
    /// How many past days of this product at this market were used.
    pub past_days: usize,
    /// Which share of the level comes from other products and markets, 0 to 1.
    pub pooled_share: f64,
    /// By which share what was sold was raised, in the mean of the past days, because products ran out:
    /// 0 when nothing did.
    pub sold_out_uplift: f64,
    /// On how many of the past days the product ran out.
    pub sold_out_days: usize,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The mixture of experts.
    Model,
    /// A rule of thumb stood in for it.
    Heuristic(HeuristicReason),
}

/// Why a rule of thumb spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeuristicReason {
    /// The product was sold at this market on fewer than three days: the level is that of the vendor's other products and markets.
    FewDays,
    /// The vendor never sold anything: the level is a share of the expected visitors.
    NoHistory,
    /// Neither history nor expected visitors: the level is a guess, the interval very wide.
    NothingKnown,
    /// The model's answer was not a distribution; the last days were taken instead.
    ModelFailed,
}
