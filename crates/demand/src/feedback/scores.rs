//! How good the forecasts of one model were, day by day, on what came afterwards: what champion and
//! challenger are compared by. Also forecasts nobody followed are scored, on the same days.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::judged::JudgedRecord;
use crate::Distribution;
use crate::accuracy::{Judged, pinball};

/// The levels at which a forecast is scored.
const SCORED_LEVELS: [f64; 5] = [0.1, 0.25, 0.5, 0.75, 0.9];

/// One forecast and what came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoredForecast<'forecast> {
    /// What might be asked for.
    pub forecast: &'forecast Distribution,
    /// What was,
    pub demand: f64,
    /// or, where it ran out and nobody knows how much more, the least it was.
    pub is_least: bool,
    /// The usual demand of the product at the market, above 0, so that products weigh alike.
    pub usual: f64,
}

impl ScoredForecast<'_> {
    /// The mean pinball loss over the levels, as a share of the usual demand. Of a day that ran out only
    /// the part of the forecast below what was sold can be judged: quantiles above count as equal to
    /// it. That is the score of the smaller of demand and what was there, so no model gains by
    /// forecasting anything but what it believes (threshold weighting, Gneiting and Ranjan, 2011).
    fn loss(&self) -> f64 {
        let at = |level: f64| {
            let quantile = self.forecast.quantile(level);
            let forecast = if self.is_least { quantile.min(self.demand) } else { quantile };
            pinball(level, Judged { actual: self.demand, forecast })
        };
        SCORED_LEVELS.into_iter().map(at).sum::<f64>() / SCORED_LEVELS.len() as f64 / self.usual.max(1e-9)
    }

    fn below_p90(&self) -> f64 {
        self.forecast.chance_below(0.9, self.demand, self.is_least)
    }
}

impl Distribution {
    /// 1 if the demand is not above the quantile at `level`, 0 if it is; where only the least of it is
    /// known, the chance the forecast itself leaves (Czado, Gneiting and Held, 2009).
    pub(super) fn chance_below(&self, level: f64, demand: f64, is_least: bool) -> f64 {
        if !is_least || demand > self.quantile(level) {
            return f64::from(u8::from(demand <= self.quantile(level)));
        }
        let known = self.probability_of_at_most(demand).min(level);
        (level - known) / (1.0 - known)
    }
}

/// How good the forecasts of one model were on one market day.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct DayScore {
    /// Which day.
    pub date: Date,
    /// Mean pinball loss over levels and products, as a share of the usual demand.
    pub loss: f64,
    /// Forecasts it is the mean of.
    pub forecasts: usize,
    /// Of these, with no more asked for than P90; in parts where that is not known.
    pub below_p90: f64,
}

impl DayScore {
    /// The score of a day's forecasts; none without any.
    #[must_use]
    pub fn of(date: Date, scored: &[ScoredForecast<'_>]) -> Option<Self> {
        let forecasts = scored.len();
        let total: f64 = scored.iter().map(ScoredForecast::loss).sum();
        let below_p90 = scored.iter().map(ScoredForecast::below_p90).sum();
        (forecasts > 0).then(|| Self { date, loss: total / forecasts as f64, forecasts, below_p90 })
    }
}

/// A forecast that was made before the day, followed or not.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelForecast {
    /// Of which product,
    pub product_id: String,
    /// at which market,
    pub market_id: String,
    /// for which day.
    pub date: Date,
    /// What might be asked for.
    pub demand: Distribution,
}

/// The scores of one model's forecasts on the days that were judged, in the order of days. Forecasts of
/// days without sales are left out.
#[must_use]
pub fn score_days(forecasts: &[ModelForecast], judged: &[JudgedRecord<'_>]) -> Vec<DayScore> {
    let mut came: BTreeMap<(&str, &str, Date), (f64, bool)> = BTreeMap::new();
    let mut sums: BTreeMap<(&str, &str), (f64, f64)> = BTreeMap::new();
    for one in judged.iter().filter(|one| !one.is_replaced()) {
        let Some(demand) = one.demand else { continue };
        let (product, market) = (one.record.product_id.as_str(), one.record.market_id.as_str());
        let known = demand.independent();
        let value = known.unwrap_or(demand.at_least);
        came.insert((product, market, one.record.date), (value, known.is_none()));
        let (sum, days) = sums.entry((product, market)).or_default();
        (*sum, *days) = (*sum + value, *days + 1.0);
    }
    let mut of_days: BTreeMap<Date, Vec<ScoredForecast<'_>>> = BTreeMap::new();
    for given in forecasts {
        let (product, market) = (given.product_id.as_str(), given.market_id.as_str());
        let Some(&(demand, is_least)) = came.get(&(product, market, given.date)) else { continue };
        // A product nobody ever asked for weighs as one that one asks for.
        let usual = sums.get(&(product, market)).map_or(1.0, |(sum, days)| sum / days);
        let usual = if usual > 0.0 { usual } else { 1.0 };
        let scored = ScoredForecast { forecast: &given.demand, demand, is_least, usual };
        of_days.entry(given.date).or_default().push(scored);
    }
    of_days.into_iter().filter_map(|(date, scored)| DayScore::of(date, &scored)).collect()
}
