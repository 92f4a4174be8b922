//! Records made ready to be counted: flaws flagged, what was asked for worked out where a product ran
//! out, and what the vendor's rule of thumb would have brought.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::flag::Flag;
use super::record::FeedbackRecord;
use crate::Distribution;

/// Sold more than so many times what was thought possible is a slip of the pen.
const FAR_OUT: f64 = 20.0;
/// What would have been sold is taken for at most so many times what was.
const MOST_UPLIFT: f64 = 2.0;
/// Shops report what they sold offline up to 72 hours late.
const SALES_MAY_COME_AFTER_DAYS: i32 = 3;

/// How a vendor decides without a plan: the mean of what was last sold, and some more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LastDaysRule {
    /// Of how many last market days; fewer while there are fewer.
    pub days: usize,
    /// How much more, as a share.
    pub uplift: f64,
}

impl Default for LastDaysRule {
    /// The last four days and 15 % more.
    fn default() -> Self {
        Self { days: 4, uplift: 0.15 }
    }
}

impl LastDaysRule {
    /// What the rule brings after days that sold so much, the latest last; `None` after no day. Products
    /// sold by the piece are rounded to whole units.
    #[must_use]
    pub fn quantity(&self, sold: &[f64], whole_units: bool) -> Option<f64> {
        let last = &sold[sold.len().saturating_sub(self.days)..];
        if last.is_empty() {
            return None;
        }
        let quantity = last.iter().sum::<f64>() / last.len() as f64 * (1.0 + self.uplift);
        Some(if whole_units { quantity.round() } else { quantity })
    }
}

/// Where a demand comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DemandBasis {
    /// Nothing ran out: what was sold is what was asked for.
    Sold,
    /// Told with the record, by the hour of the last sale and the usual course of a day.
    SalesCurve,
    /// What was sold over the share of the day it lasted, as if sales came evenly; at most twice.
    EvenSales,
    /// The mean of the forecast above what was sold; at most twice. It favours the forecast, so it
    /// counts for money and the mean of errors, never for a hit.
    Forecast,
    /// Only that no less was asked for.
    AtLeast,
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DemandSeen {
    /// No less than this: what was sold.
    pub at_least: f64,
    /// The best single guess.
    pub estimate: f64,
    /// Where that comes from.
    pub basis: DemandBasis,
}

impl DemandSeen {
    /// Whether it ran out, so that more may have been asked for.
    #[must_use]
    pub fn ran_out(&self) -> bool {
        self.basis != DemandBasis::Sold
    }

    /// The demand, where it does not lean on the forecast that is to be judged by it.
    #[must_use]
    pub fn independent(&self) -> Option<f64> {
        let leans = matches!(self.basis, DemandBasis::Forecast | DemandBasis::AtLeast);
        (!leans).then_some(self.estimate)
    }
}

/// A record ready to be counted.
#[derive(Clone, Debug, PartialEq)]
pub struct JudgedRecord<'records> {
    /// As it was told.
    pub record: &'records FeedbackRecord,
    /// What is wrong with it.
    pub flags: Vec<Flag>,
    /// The fields that may be counted:
    pub recommended: Option<f64>,
    /// what the vendor planned,
    pub planned: Option<f64>,
    /// brought,
    pub brought: Option<f64>,
    /// and sold.
    pub sold: Option<f64>,
    /// What was asked for; none while what was sold is not known.
    pub demand: Option<DemandSeen>,
    /// What the vendor's rule of thumb would have brought.
    pub last_days_rule: Option<f64>,
}

impl JudgedRecord<'_> {
    /// Whether a later record takes its place.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.flags.contains(&Flag::Replaced)
    }

    /// Whether sales should have come by now: somebody ought to be reminded.
    #[must_use]
    pub fn is_overdue(&self, today: Date) -> bool {
        let days = self.record.date.until(today).map_or(0, |span| span.get_days());
        self.record.sold.is_none() && self.sold.is_none() && days > SALES_MAY_COME_AFTER_DAYS
    }

    /// What was brought and not sold: left over, given away or broken.
    #[must_use]
    pub fn not_sold(&self) -> Option<f64> {
        Some((self.brought? - self.sold?).max(0.0))
    }

    /// Brought less recommended: how far the vendor went their own way.
    #[must_use]
    pub fn variance_of_brought(&self) -> Option<Variance> {
        Some(Variance::between(self.brought?, self.recommended?))
    }

    /// Sold less recommended.
    #[must_use]
    pub fn variance_of_sold(&self) -> Option<Variance> {
        Some(Variance::between(self.sold?, self.recommended?))
    }

    /// The demand, with the forecast it may be held against.
    pub(super) fn forecast_and_demand(&self) -> Option<(&Distribution, DemandSeen)> {
        (!self.is_replaced()).then_some((&self.record.forecast.as_ref()?.demand, self.demand?))
    }
}

/// How far something is from what was recommended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variance {
    /// In the product's unit; above 0 when it is more.
    pub absolute: f64,
    /// As a percentage of what was recommended; none of a recommendation of nothing.
    pub percent: Option<f64>,
}

impl Variance {
    fn between(value: f64, recommended: f64) -> Self {
        let absolute = value - recommended;
        Self { absolute, percent: (recommended > 0.0).then(|| 100.0 * absolute / recommended) }
    }
}

/// Judges records, in the order of product, market and day. Of records of one product, market and day
/// the last one given counts. The rule of thumb sees the days before each, so all that is known goes
/// in; days to report on are picked from the answer.
#[must_use]
pub fn judge<'records>(
    records: &'records [FeedbackRecord],
    rule: &LastDaysRule,
) -> Vec<JudgedRecord<'records>> {
    let mut ordered: Vec<&FeedbackRecord> = records.iter().collect();
    let key = |record: &'records FeedbackRecord| (&record.product_id, &record.market_id, record.date);
    ordered.sort_by_key(|record| key(record));
    let mut sold_before: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    let mut judged = Vec::with_capacity(ordered.len());
    for (place, record) in ordered.iter().enumerate() {
        let mut one = judge_one(record);
        let next = ordered.get(place + 1);
        if next.is_some_and(|next| key(next) == key(record)) {
            one.flags.push(Flag::Replaced);
        } else {
            let before = sold_before.entry((&record.product_id, &record.market_id)).or_default();
            one.last_days_rule = rule.quantity(before, record.whole_units);
            before.extend(one.sold);
        }
        judged.push(one);
    }
    judged
}

fn judge_one(record: &FeedbackRecord) -> JudgedRecord<'_> {
    let mut flags = Vec::new();
    let mut sound = |field: &'static str, value: Option<f64>| {
        let value = value?;
        if !value.is_finite() || value < 0.0 {
            flags.push(Flag::Impossible { field });
            return None;
        }
        if record.whole_units && value.fract() != 0.0 && field != "demand_estimate" {
            flags.push(Flag::Fractional { field });
        }
        Some(value)
    };
    let recommended = sound("recommended", record.recommended);
    let planned = sound("planned", record.planned);
    let mut brought = sound("brought", record.brought);
    let told_sold = sound("sold", record.sold);
    let left_over = sound("left_over", record.left_over);
    let estimate = sound("demand_estimate", record.demand_estimate);
    let sold_out_at = record.sold_out_at.filter(|at| (0.0..=1.0).contains(at));
    if record.sold_out_at.is_some() && sold_out_at.is_none() {
        flags.push(Flag::Impossible { field: "sold_out_at" });
    }
    // Two of the three tell the third.
    let sold = told_sold.or_else(|| Some(brought? - left_over?).filter(|sold| *sold >= 0.0));
    brought = brought.or_else(|| Some(sold? + left_over?));
    let forecast = record.forecast.as_ref().map(|given| &given.demand);
    if let (Some(units), Some(forecast)) = (sold, forecast)
        && units > FAR_OUT * forecast.quantile(1.0).max(1.0)
    {
        flags.push(Flag::FarOut);
        return JudgedRecord {
            record,
            flags,
            recommended,
            planned,
            brought: None,
            sold: None,
            demand: None,
            last_days_rule: None,
        };
    }
    let ran_out = reconcile(sold, &mut brought, left_over, sold_out_at.is_some(), &mut flags);
    let demand =
        sold.map(
            |sold| {
                if ran_out { demand_behind(sold, estimate, sold_out_at, forecast) } else { exactly(sold) }
            },
        );
    JudgedRecord { record, flags, recommended, planned, brought, sold, demand, last_days_rule: None }
}

/// Whether the product ran out; what contradicts itself is flagged.
fn reconcile(
    sold: Option<f64>,
    brought: &mut Option<f64>,
    left_over: Option<f64>,
    said_to_run_out: bool,
    flags: &mut Vec<Flag>,
) -> bool {
    let something_left = left_over.is_some_and(|left| left > 0.0);
    if said_to_run_out && something_left {
        flags.push(Flag::SoldOutWithLeftOver);
    }
    let (Some(sold), Some(most)) = (sold, *brought) else { return said_to_run_out && !something_left };
    if most < sold {
        flags.push(Flag::BroughtBelowSold);
        *brought = None;
        return !something_left;
    }
    let reckoned = most - sold;
    if left_over.is_some_and(|left| (left - reckoned).abs() > 1e-6 + 0.001 * most) {
        flags.push(Flag::LeftOverDisagrees { reckoned });
    }
    let nothing_left = left_over.map_or(reckoned <= 1e-9, |left| left <= 1e-9);
    nothing_left || (said_to_run_out && !something_left)
}

fn exactly(sold: f64) -> DemandSeen {
    DemandSeen { at_least: sold, estimate: sold, basis: DemandBasis::Sold }
}

/// What was asked for on a day that ran out: by what is known best.
fn demand_behind(
    sold: f64,
    told: Option<f64>,
    sold_out_at: Option<f64>,
    forecast: Option<&Distribution>,
) -> DemandSeen {
    let seen = |estimate: f64, basis| DemandSeen { at_least: sold, estimate: estimate.max(sold), basis };
    if let Some(told) = told {
        return seen(told, DemandBasis::SalesCurve);
    }
    if let Some(at) = sold_out_at
        && sold > 0.0
    {
        return seen(sold / at.max(1.0 / MOST_UPLIFT), DemandBasis::EvenSales);
    }
    match forecast {
        Some(forecast) => seen(mean_of_at_least(forecast, sold), DemandBasis::Forecast),
        None => seen(sold, DemandBasis::AtLeast),
    }
}

/// The mean of a demand of which it is known that it is no less than `least`.
fn mean_of_at_least(demand: &Distribution, least: f64) -> f64 {
    let above: Vec<f64> = demand.quantiles().iter().copied().filter(|&quantile| quantile >= least).collect();
    if above.is_empty() {
        return least;
    }
    let mean = above.iter().sum::<f64>() / above.len() as f64;
    // Of a day nothing was brought for, the forecast is all there is.
    if least > 0.0 { mean.min(least * MOST_UPLIFT) } else { mean }
}
