//! How well it went: by product, market and period, each figure with the number of days behind it, so
//! that nobody takes three days for a trend.

use std::collections::BTreeMap;

use jiff::civil::{Date, Weekday};

use super::flag::Flag;
use super::judged::JudgedRecord;
use super::money::MoneyTotals;
use crate::accuracy::{self, Judged};
use crate::quantity::Currency;

/// The levels at which forecasts are held against what came.
pub const CALIBRATION_LEVELS: [f64; 3] = [0.1, 0.5, 0.9];

/// A stretch of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
    /// From Monday to Sunday (ISO 8601).
    Week,
    /// Of the calendar.
    Month,
    /// Three months from January on.
    Quarter,
    /// Of the calendar.
    Year,
}

impl Period {
    /// The first day of the period a day lies in.
    #[must_use]
    pub fn start(self, date: Date) -> Date {
        let first_of = |month: i8| Date::new(date.year(), month, 1).unwrap_or(date);
        match self {
            Self::Week => {
                let days = date.weekday().since(Weekday::Monday);
                date.checked_sub(jiff::Span::new().days(i64::from(days))).unwrap_or(date)
            }
            Self::Month => first_of(date.month()),
            Self::Quarter => first_of((date.month() - 1) / 3 * 3 + 1),
            Self::Year => first_of(1),
        }
    }
}

/// What is told apart; everything else is taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    /// Each product on its own.
    pub by_product: bool,
    /// Each market on its own.
    pub by_market: bool,
    /// Each period on its own.
    pub by_period: Option<Period>,
}

/// What the figures of a group are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// The first day of the period,
    pub period_start: Option<Date>,
    /// the product,
    pub product_id: Option<String>,
    /// the market, where they are told apart.
    pub market_id: Option<String>,
}

/// What counts as a hit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatisticsSettings {
    /// The forecast may be off by this share of what was asked for.
    pub hit_within: f64,
}

impl Default for StatisticsSettings {
    /// A hit is within 20 %.
    fn default() -> Self {
        Self { hit_within: 0.2 }
    }
}

/// How well it went over some product days. Shares are 0 to 1; what has no days behind it is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// What it is about.
    pub key: GroupKey,
    /// Records, those replaced by later ones left out.
    pub days: usize,
    /// Records without sales that count: not told yet, or impossible.
    pub days_waiting: usize,
    /// Records with something wrong.
    pub days_flagged: usize,
    /// Records replaced by later ones.
    pub days_replaced: usize,
    /// Days that ran out, of those with sales.
    pub days_sold_out: usize,
    /// Units recommended, brought, sold and not sold, each over the days it is known of.
    pub units: UnitTotals,
    /// Of the forecast medians.
    pub accuracy: HitRate,
    /// Brought less recommended.
    pub variance_of_brought: VarianceSummary,
    /// Sold less recommended.
    pub variance_of_sold: VarianceSummary,
    /// By which share of the demand the medians were too high; below 0, too low.
    pub bias: Option<f64>,
    /// The absolute errors of the medians over the demand.
    pub wape: Option<f64>,
    /// Days behind bias and WAPE.
    pub days_of_errors: usize,
    /// The share of days that did not run out.
    pub service_level: Option<f64>,
    /// Sold, as a share of what was asked for; an estimate where it ran out.
    pub fill_rate: Option<f64>,
    /// Not sold, as a share of what was brought.
    pub waste_share: Option<f64>,
    /// How often no more was asked for than the forecast quantiles said.
    pub calibration: Vec<Calibration>,
    /// One for each currency.
    pub money: Vec<(Currency, MoneyTotals)>,
}

/// Units over the days they are known of.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UnitTotals {
    /// What the plan said.
    pub recommended: f64,
    /// What the vendor planned.
    pub planned: f64,
    /// What was brought.
    pub brought: f64,
    /// What was sold.
    pub sold: f64,
    /// What was brought and not sold.
    pub not_sold: f64,
    /// What was asked for, by the best guess.
    pub demand: f64,
}

/// How many medians were near enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HitRate {
    /// Near enough,
    pub hits: usize,
    /// of the days that can be judged.
    pub days: usize,
    /// Days that ran out and might have been either.
    pub undecided: usize,
}

impl HitRate {
    /// The accuracy rate.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.days > 0).then(|| self.hits as f64 / self.days as f64)
    }
}

/// How far something was from what was recommended.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct VarianceSummary {
    /// Days on which both are known.
    pub days: usize,
    /// The mean difference, in the product's unit.
    pub mean: f64,
    /// The mean absolute difference, in the product's unit.
    pub mean_absolute: f64,
    /// The mean absolute difference in percent of what was recommended, over the days on which
    /// something was.
    pub mean_absolute_percent: Option<f64>,
}

/// How often no more was asked for than one quantile said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Of the quantile; the share should be near it.
    pub level: f64,
    /// Days with a forecast and a demand.
    pub days: usize,
    /// Of these, with no more asked for. A day that ran out below the quantile counts for the chance the
    /// forecast itself left that no more was asked for, so it neither proves nor refutes it.
    pub below: f64,
}

impl Calibration {
    /// The share of days.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.days > 0).then(|| self.below / self.days as f64)
    }
}

/// Statistics of judged records, in the order of period, product and market.
#[must_use]
pub fn statistics(
    judged: &[JudgedRecord<'_>],
    grouping: Grouping,
    settings: &StatisticsSettings,
) -> Vec<Statistics> {
    let mut groups: BTreeMap<GroupKey, Vec<&JudgedRecord<'_>>> = BTreeMap::new();
    for one in judged {
        let record = one.record;
        let key = GroupKey {
            period_start: grouping.by_period.map(|period| period.start(record.date)),
            product_id: grouping.by_product.then(|| record.product_id.clone()),
            market_id: grouping.by_market.then(|| record.market_id.clone()),
        };
        groups.entry(key).or_default().push(one);
    }
    groups.into_iter().map(|(key, group)| of_group(key, &group, settings)).collect()
}

fn of_group(key: GroupKey, group: &[&JudgedRecord<'_>], settings: &StatisticsSettings) -> Statistics {
    let counted: Vec<&JudgedRecord<'_>> = group.iter().copied().filter(|one| !one.is_replaced()).collect();
    let with_demand = || counted.iter().filter_map(|one| one.demand);
    let sold_out = with_demand().filter(|demand| demand.ran_out()).count();
    let days_of_demand = with_demand().count();
    let errors = errors(&counted);
    let units = unit_totals(&counted);
    let sold_of_demand: f64 = with_demand().map(|demand| demand.at_least).sum();
    let brought_and_judged: f64 =
        counted.iter().filter(|one| one.not_sold().is_some()).filter_map(|one| one.brought).sum();
    Statistics {
        days: counted.len(),
        days_waiting: counted.iter().filter(|one| one.sold.is_none()).count(),
        days_flagged: counted.iter().filter(|one| !one.flags.is_empty()).count(),
        days_replaced: group.len() - counted.len(),
        days_sold_out: sold_out,
        accuracy: hit_rate(&counted, settings),
        variance_of_brought: VarianceSummary::of(counted.iter().filter_map(|one| one.variance_of_brought())),
        variance_of_sold: VarianceSummary::of(counted.iter().filter_map(|one| one.variance_of_sold())),
        bias: accuracy::bias(&errors),
        wape: accuracy::wape(&errors),
        days_of_errors: errors.len(),
        service_level: share((days_of_demand - sold_out) as f64, days_of_demand as f64),
        fill_rate: share(sold_of_demand, units.demand),
        waste_share: share(units.not_sold, brought_and_judged),
        calibration: CALIBRATION_LEVELS.map(|level| calibration(&counted, level)).to_vec(),
        money: money_by_currency(&counted),
        key,
        units,
    }
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn unit_totals(counted: &[&JudgedRecord<'_>]) -> UnitTotals {
    let mut units = UnitTotals::default();
    for one in counted {
        units.recommended += one.recommended.unwrap_or(0.0);
        units.planned += one.planned.unwrap_or(0.0);
        units.brought += one.brought.unwrap_or(0.0);
        units.sold += one.sold.unwrap_or(0.0);
        units.not_sold += one.not_sold().unwrap_or(0.0);
        units.demand += one.demand.map_or(0.0, |demand| demand.estimate);
    }
    units
}

/// Medians against demands; of days that ran out, where more is known than that no less was asked for.
fn errors(counted: &[&JudgedRecord<'_>]) -> Vec<Judged> {
    counted
        .iter()
        .filter_map(|one| one.forecast_and_demand())
        .filter(|(_, demand)| demand.basis != super::DemandBasis::AtLeast)
        .map(|(forecast, demand)| Judged { actual: demand.estimate, forecast: forecast.quantile(0.5) })
        .collect()
}

fn hit_rate(counted: &[&JudgedRecord<'_>], settings: &StatisticsSettings) -> HitRate {
    let mut rate = HitRate::default();
    for one in counted {
        let Some((forecast, demand)) = one.forecast_and_demand() else { continue };
        // Nobody sells half a piece: a rounding is no miss.
        let rounding = if one.record.whole_units { 0.5 } else { 0.0 };
        let median = forecast.quantile(0.5);
        let is_hit = |demand: f64| (median - demand).abs() <= (settings.hit_within * demand).max(rounding);
        let too_low_for = |demand: f64| median < demand && !is_hit(demand);
        match demand.independent() {
            Some(known) => {
                rate.days += 1;
                rate.hits += usize::from(is_hit(known));
            }
            // More than was sold would only have been further off.
            None if too_low_for(demand.at_least) => rate.days += 1,
            None => rate.undecided += 1,
        }
    }
    rate
}

impl VarianceSummary {
    fn of(variances: impl Iterator<Item = super::Variance>) -> Self {
        let (mut summary, mut percent, mut percent_days) = (Self::default(), 0.0, 0_usize);
        for variance in variances {
            summary.days += 1;
            summary.mean += variance.absolute;
            summary.mean_absolute += variance.absolute.abs();
            if let Some(of_it) = variance.percent {
                percent += of_it.abs();
                percent_days += 1;
            }
        }
        let days = summary.days.max(1) as f64;
        Self {
            mean: summary.mean / days,
            mean_absolute: summary.mean_absolute / days,
            mean_absolute_percent: share(percent, percent_days as f64),
            ..summary
        }
    }
}

/// A day that ran out counts in parts, as far as the forecast itself leaves it open.
pub(super) fn calibration(counted: &[&JudgedRecord<'_>], level: f64) -> Calibration {
    let mut calibration = Calibration { level, days: 0, below: 0.0 };
    for (forecast, demand) in counted.iter().filter_map(|one| one.forecast_and_demand()) {
        let known = demand.independent();
        calibration.days += 1;
        calibration.below += forecast.chance_below(level, known.unwrap_or(demand.at_least), known.is_none());
    }
    calibration
}

fn money_by_currency(counted: &[&JudgedRecord<'_>]) -> Vec<(Currency, MoneyTotals)> {
    let mut totals: BTreeMap<String, (Currency, MoneyTotals)> = BTreeMap::new();
    for one in counted {
        if let Some(terms) = one.record.terms
            && !one.flags.contains(&Flag::Replaced)
        {
            let of_currency = totals
                .entry(terms.currency.code().to_owned())
                .or_insert((terms.currency, MoneyTotals::default()));
            of_currency.1.add(one);
        }
    }
    totals.into_values().filter(|(_, totals)| totals.days > 0).collect()
}
