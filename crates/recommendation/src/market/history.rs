//! Everything a vendor's forecasts are learnt from, read out of the database: what was sold on which
//! day, what was brought, what ran out when, and what was known of the day before it came.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use larder_connectors::holidays::HolidayTable;
use larder_demand::{
    DayOutlook, MarketProfile, PastDay, SalesCurve, SalesOfADay, SeriesHistory, VendorHistory, Weather,
};
use larder_identity::TenantId;
use sqlx::PgConnection;

use super::hours::{Hours, SaidOfDays, by_day};
use super::promotions::PromotedDays;
use super::recipe::Recipe;
use crate::days::{date_of, local, next_day_us, utc_day};
use crate::error::Error;
use crate::store::market_feedback::{self, FeedbackFilter, FeedbackRow};
use crate::store::market_outlooks::{self, OutlookRow};
use crate::store::markets::MarketRow;
use crate::store::sales::{DaySum, MinuteSum};
use crate::store::stock_counts::{self, StockCountRow};
use crate::store::{market_days, market_products, markets, promotions, sales};

/// Sales further back than three years say little of the next day.
const LEARNT_DAYS: i32 = 3 * 366;
/// How sales spread over a day is learnt from so many days back, and at most so many rows.
const CURVE_DAYS: i32 = 120;
const CURVE_ROWS: i64 = 50_000;
const ALL: i64 = 1_000_000;
/// Less than this was not sold.
const NOTHING: f64 = 1e-9;

/// A product at a market.
pub(crate) type SeriesKey = (String, String);

/// What was read of a vendor.
pub(crate) struct ReadHistory {
    pub(crate) history: VendorHistory,
    /// What was sold on the last days of each product at each market, the latest last.
    pub(crate) last_sold: HashMap<SeriesKey, Vec<f64>>,
    /// The last day anything is known of.
    pub(crate) through_day: Option<i32>,
    pub(crate) curve: SalesCurve,
    /// When the next day begins at one of the markets, in microseconds since 1970.
    pub(crate) next_day_at_us: i64,
}

/// The rows of one reading.
struct Rows {
    now_us: i64,
    markets: HashMap<String, MarketRow>,
    zones: HashMap<String, TimeZone>,
    said: SaidOfDays,
    outlooks: HashMap<(String, i32), OutlookRow>,
    promoted: PromotedDays,
}

/// Reads the days that were over at `now_us` by the clock of their market, and those that somebody told of; as far
/// back as the recipe learns.
pub(crate) async fn read(
    db: &mut PgConnection,
    tenant: &TenantId,
    holidays: &HolidayTable,
    (now_us, recipe): (i64, &Recipe),
) -> Result<ReadHistory, Error> {
    let today = utc_day(now_us);
    let from_day = (today - LEARNT_DAYS).max(recipe.learns_from_day.unwrap_or(i32::MIN));
    let found = markets::list(db, tenant, "", ALL).await?;
    let zones = found
        .iter()
        .map(|market| (market.market_id.clone(), TimeZone::get(&market.time_zone).unwrap_or(TimeZone::UTC)));
    let zones = zones.collect();
    let said = by_day(market_days::list(db, tenant, None, (Some(from_day), None), ALL).await?);
    let outlooks = market_outlooks::list(db, tenant, None, from_day).await?;
    let names = market_products::names(db, tenant).await?;
    let categories = names.into_iter().map(|name| (name.product_id, name.category)).collect();
    let promoted = PromotedDays::new(promotions::list(db, tenant, "", None, ALL).await?, categories);
    // Somewhere it is a day further than in UTC; which days are over is for each market's clock to say.
    let sums = sales::day_sums(db, tenant, (from_day, today + 2), None).await?;
    let minutes = sales::minute_sums(db, tenant, today - CURVE_DAYS, CURVE_ROWS).await?;
    let filter = FeedbackFilter { from_day: Some(from_day), ..FeedbackFilter::default() };
    let feedback = market_feedback::list(db, tenant, &filter, None, ALL).await?;
    let stock = stock_counts::list(db, tenant, from_day).await?;
    let rows = Rows {
        now_us,
        markets: found.into_iter().map(|market| (market.market_id.clone(), market)).collect(),
        zones,
        said,
        outlooks: outlooks.into_iter().map(|row| ((row.market_id.clone(), row.held_on_day), row)).collect(),
        promoted,
    };
    Ok(rows.assemble(holidays, (sums, feedback, stock), &minutes))
}

/// What is known of one product on one day, before it is made a day of a series.
#[derive(Default)]
struct Known {
    sum: Option<DaySum>,
    feedback: Option<FeedbackRow>,
    stock: Option<StockCountRow>,
}

impl Known {
    /// The minute at which the shop counted that nothing is left of what was sold.
    fn counted_out_at(&self) -> Option<i16> {
        let stock = self.stock.as_ref().filter(|stock| stock.quantity <= NOTHING)?;
        self.sum.as_ref().and_then(|sum| sum.last_minute).or(Some(stock.counted_at_minute))
    }
}

impl Rows {
    fn assemble(
        &self,
        holidays: &HolidayTable,
        (sums, feedback, stock): (Vec<DaySum>, Vec<FeedbackRow>, Vec<StockCountRow>),
        minutes: &[MinuteSum],
    ) -> ReadHistory {
        let mut known: HashMap<SeriesKey, HashMap<i32, Known>> = HashMap::new();
        for sum in sums {
            let key = (sum.product_id.clone(), sum.market_id.clone());
            let day = sum.sold_on_day;
            known.entry(key).or_default().entry(day).or_default().sum = Some(sum);
        }
        for row in feedback {
            let key = (row.product_id.clone(), row.market_id.clone());
            let day = row.held_on_day;
            known.entry(key).or_default().entry(day).or_default().feedback = Some(row);
        }
        for row in stock {
            // A count by itself is no market day.
            let key = (row.product_id.clone(), row.market_id.clone());
            if let Some(known) = known.get_mut(&key).and_then(|days| days.get_mut(&row.counted_on_day)) {
                known.stock = Some(row);
            }
        }
        let mut read = ReadHistory {
            history: VendorHistory::default(),
            last_sold: HashMap::new(),
            through_day: None,
            curve: SalesCurve::even(),
            next_day_at_us: self.next_day_at_us(),
        };
        let mut sold_out: HashMap<(String, String, i32), bool> = HashMap::new();
        let mut keys: Vec<_> = known.keys().cloned().collect();
        keys.sort_unstable();
        for key in keys {
            let (product, market) = key.clone();
            let mut of_days: Vec<_> = known.remove(&key).unwrap_or_default().into_iter().collect();
            of_days.sort_unstable_by_key(|(day, _)| *day);
            let mut days = Vec::with_capacity(of_days.len());
            for (day, known) in of_days {
                let Some(past) = self.past_day(holidays, &key, day, &known) else { continue };
                sold_out.insert((market.clone(), product.clone(), day), past.sold_out_at.is_some());
                read.through_day = read.through_day.max(Some(day));
                days.push(past);
            }
            let sold = days.iter().map(|day| day.sold).collect();
            read.last_sold.insert(key, sold);
            let category = self.promoted.category(&product).map(str::to_owned);
            read.history.series.push(SeriesHistory { product, market, category, days });
        }
        read.curve = SalesCurve::learn(&self.courses(minutes, &sold_out));
        read.history.sales_curve = Some(read.curve.clone());
        let profile = |market: &MarketRow| MarketProfile {
            market: market.market_id.clone(),
            expected_visitors: market.usual_visitors.map(f64::from),
        };
        read.history.markets = self.markets.values().map(profile).collect();
        read.history.markets.sort_unstable_by(|one, other| one.market.cmp(&other.market));
        read
    }

    /// A past day of a product; `None` when it was called off, or nothing was brought and nothing sold.
    fn past_day(
        &self,
        holidays: &HolidayTable,
        (product, market): &SeriesKey,
        day: i32,
        known: &Known,
    ) -> Option<PastDay> {
        let found = self.markets.get(market)?;
        let said = self.said.get(&(market.clone(), day));
        if said.is_some_and(|said| said.is_cancelled) {
            return None;
        }
        let recorded = known.sum.as_ref().map(|sum| sum.quantity);
        let feedback = known.feedback.as_ref();
        if feedback.is_none() && !self.is_over(market, day) {
            return None;
        }
        let sold = feedback.and_then(|row| row.sold).or(recorded).unwrap_or(0.0).max(0.0);
        let brought = feedback.map(|row| row.brought);
        if sold <= NOTHING && brought.is_none_or(|brought| brought <= 0.0) {
            return None;
        }
        let hours = Hours::of(found, said);
        let last_minute = known.sum.as_ref().and_then(|sum| sum.last_minute);
        let told = feedback.and_then(|row| row.sold_out_at_minute);
        let sold_all = brought.is_some_and(|brought| brought > 0.0 && sold >= brought - 1e-9);
        let counted_out = known.counted_out_at().filter(|_| sold > NOTHING);
        let sold_out_at = told.or(last_minute.filter(|_| sold_all)).or(counted_out);
        let sold_out_at = sold_out_at.map(|minute| hours.share(minute));
        // Sold out at a time nobody knows: the end of the day is the least that can be said.
        let sold_out_at = sold_out_at.or(sold_all.then_some(1.0));
        let price = known
            .sum
            .as_ref()
            .filter(|sum| sum.quantity > 0.0 && sum.amount_micros > 0)
            .map(|sum| sum.amount_micros as f64 / 1e6 / sum.quantity);
        let promoted = known.sum.as_ref().is_some_and(|sum| sum.promoted_quantity * 2.0 >= sum.quantity)
            || self.zones.get(market).is_some_and(|zone| self.promoted.is_promoted(product, day, zone));
        let outlook = DayOutlook { promoted, price, ..self.outlook(holidays, found, day) };
        Some(PastDay { date: date_of(day), sold, brought, sold_out_at, outlook })
    }

    /// Whether a day is over by the clock of its market.
    fn is_over(&self, market: &str, day: i32) -> bool {
        let zone = self.zones.get(market);
        day < zone.map_or_else(|| utc_day(self.now_us), |zone| local(self.now_us, zone).0)
    }

    /// When the next day begins at one of the markets.
    fn next_day_at_us(&self) -> i64 {
        let begins = self.zones.values().map(|zone| next_day_us(self.now_us, zone));
        begins.min().unwrap_or_else(|| next_day_us(self.now_us, &TimeZone::UTC))
    }

    /// What was known of the day itself.
    fn outlook(&self, holidays: &HolidayTable, market: &MarketRow, day: i32) -> DayOutlook {
        let key = (market.market_id.clone(), day);
        let kept = self.outlooks.get(&key);
        let said = self.said.get(&key);
        let written_down: Option<f64> = said.filter(|said| !said.events.0.is_empty()).map(|said| {
            said.events.0.iter().filter_map(|event| event.attendance).map(f64::from).sum::<f64>()
        });
        let of_day = super::outlook::holiday(holidays, market, day);
        DayOutlook {
            weather: kept.map_or_else(Weather::default, |kept| Weather {
                high_celsius: kept.high_celsius,
                rain_mm: kept.rain_mm,
                wind_kmh: kept.wind_kmh,
            }),
            event_attendance: kept.and_then(|kept| kept.event_attendance).or(written_down),
            holiday: of_day.is_holiday(),
            before_holiday: of_day.before.is_some(),
            ..DayOutlook::default()
        }
    }

    /// When in the opening hours things were sold, day by day.
    fn courses(
        &self,
        minutes: &[MinuteSum],
        sold_out: &HashMap<(String, String, i32), bool>,
    ) -> Vec<SalesOfADay> {
        let mut courses: HashMap<(String, String, i32), SalesOfADay> = HashMap::new();
        for sum in minutes {
            let Some(market) = self.markets.get(&sum.market_id) else { continue };
            let hours = Hours::of(market, self.said.get(&(sum.market_id.clone(), sum.sold_on_day)));
            let key = (sum.market_id.clone(), sum.product_id.clone(), sum.sold_on_day);
            let course = courses.entry(key).or_insert_with_key(|key| SalesOfADay {
                sales: Vec::new(),
                sold_out: sold_out.get(key).copied().unwrap_or(false),
            });
            course.sales.push((hours.share(sum.minute), sum.quantity));
        }
        let mut courses: Vec<_> = courses.into_iter().collect();
        courses.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        courses.into_iter().map(|(_, course)| course).collect()
    }
}
