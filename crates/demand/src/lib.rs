//! Pure demand: how much will be asked for on a market day, how much of it to bring, and how
//! well that went. Nothing here knows a database, a wire format or a clock; what was sold is
//! never taken for what was asked for when it ran out.

pub mod accuracy;
mod boosted;
mod censoring;
mod conformal;
mod day_effects;
mod distribution;
mod experts;
mod factor;
mod forecast;
mod history;
mod invalid;
mod normal;
mod pooling;
mod prior;
mod uplift;

pub mod feedback;
pub mod quantity;

pub use censoring::{SalesCurve, SalesOfADay};
pub use distribution::{Distribution, NotADistribution, QUANTILE_LEVELS};
pub use factor::{Factor, FactorKind};
pub use forecast::{
    DemandModel, Forecast, ForecastQuery, HeuristicReason, MarketProfile, Method, SeriesHistory,
    VendorHistory,
};
pub use history::{DayOutlook, PastDay, Weather};
pub use invalid::{InvalidField, InvalidFields};
pub use uplift::{Uplift, UpliftDay};
