//! The pizza stand of the demo shop: two markets and a year of market days, carried inside the program.
//! Its sales are of 2015 and fictional; they are moved by whole weeks so that they end now.

use std::time::SystemTime;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use larder_proto::google::r#type::Money;
use larder_proto::larder::catalog::v1::Product;
use larder_proto::larder::market::v1::{Market, MarketProduct, Sale, Weekday};

use crate::error::CommandError;

const SALES: &[u8] = include_bytes!("../../../demo/market_sales.csv.gz");
const CURRENCY: &str = "USD";
const TIME_ZONE: &str = "America/New_York";

/// The market of the tour, which is held on Saturdays.
pub(crate) const TOUR_MARKET_ID: &str = "old-town";

/// Id, name, and what a pizza sells for and costs, in cents.
const PIZZAS: [(&str, &str, i64, i64); 12] = [
    ("pizza-classic-dlx", "Classic Deluxe Pizza", 1_556, 520),
    ("pizza-bbq-ckn", "Barbecue Chicken Pizza", 1_759, 640),
    ("pizza-hawaiian", "Hawaiian Pizza", 1_333, 470),
    ("pizza-pepperoni", "Pepperoni Pizza", 1_247, 450),
    ("pizza-thai-ckn", "Thai Chicken Pizza", 1_832, 650),
    ("pizza-four-cheese", "Four Cheese Pizza", 1_696, 560),
    ("pizza-veggie-veg", "Vegetables and Vegetables Pizza", 1_597, 480),
    ("pizza-the-greek", "Greek Pizza", 2_004, 680),
    ("pizza-five-cheese", "Five Cheese Pizza", 1_850, 610),
    ("pizza-green-garden", "Green Garden Pizza", 1_400, 430),
    ("pizza-mediterraneo", "Mediterranean Pizza", 1_645, 550),
    ("pizza-brie-carre", "Brie Carre Pizza", 2_365, 890),
];

/// The stand with everything it sold.
pub(crate) struct DemoStand {
    /// Where it sells.
    pub(crate) markets: Vec<Market>,
    /// On what terms.
    pub(crate) terms: Vec<MarketProduct>,
    /// What it sold.
    pub(crate) sales: Vec<Sale>,
}

/// The pizzas as products of the shop; nobody can have them sent, so they are never in stock.
pub(crate) fn products() -> impl Iterator<Item = Product> {
    PIZZAS.into_iter().map(|(id, name, ..)| Product {
        product_id: id.into(),
        name: name.into(),
        category: "PIZZA STAND".into(),
        in_stock: Some(false),
        ..Product::default()
    })
}

/// Reads the stand, with its last day in the week before `now`.
pub(crate) fn read(now: SystemTime) -> Result<DemoStand, CommandError> {
    Ok(DemoStand { markets: markets(), terms: terms(), sales: sales(now)? })
}

fn markets() -> Vec<Market> {
    let market = |id: &str, name: &str, weekday: Weekday, visitors| Market {
        market_id: id.into(),
        name: name.into(),
        time_zone: TIME_ZONE.into(),
        country: "US".into(),
        subdivision: "NY".into(),
        opens_at_minute: 11 * 60,
        closes_at_minute: 22 * 60,
        weekdays: vec![weekday.into()],
        usual_visitors: Some(visitors),
        currency_code: CURRENCY.into(),
        ..Market::default()
    };
    vec![
        market(TOUR_MARKET_ID, "Old Town market", Weekday::Saturday, 900),
        market("station", "Station market", Weekday::Wednesday, 700),
    ]
}

fn terms() -> Vec<MarketProduct> {
    let money = |cents: i64| Some(cents_of(cents));
    let terms = |(id, _, price, cost): (&str, &str, i64, i64)| MarketProduct {
        product_id: id.into(),
        price: money(price),
        unit_cost: money(cost),
        disposal: money(10),
        volume_l: Some(4.0),
        weight_kg: Some(0.6),
        ..MarketProduct::default()
    };
    PIZZAS.into_iter().map(terms).collect()
}

fn cents_of(cents: i64) -> Money {
    let nanos = i32::try_from(cents % 100).unwrap_or(0) * 10_000_000;
    Money { currency_code: CURRENCY.into(), units: cents / 100, nanos }
}

/// A row of the table.
#[derive(serde::Deserialize)]
struct Row {
    sale_id: String,
    market_id: String,
    date: Date,
    /// After midnight, by the clock of the market.
    minute: i16,
    product_id: String,
    quantity: f64,
    /// Such as 15.50.
    amount: String,
}

fn sales(now: SystemTime) -> Result<Vec<Sale>, CommandError> {
    let damaged = || CommandError::Refused("the demo stand inside this program is damaged".into());
    let mut table = csv::Reader::from_reader(flate2::read::GzDecoder::new(SALES));
    let rows: Vec<Row> = table.deserialize().collect::<Result<_, _>>().map_err(|_| damaged())?;
    let last = rows.iter().map(|row| row.date).max().ok_or_else(damaged)?;
    let zone = jiff::tz::TimeZone::get(TIME_ZONE).map_err(|_| damaged())?;
    let today = Timestamp::try_from(now).map_err(|_| damaged())?.to_zoned(zone.clone()).date();
    // Each market's last day is in the week before; a day that is not over has not sold what it will.
    let days = today.since(last).map_or(0, |span| span.get_days());
    let moved = ((days + 6).div_euclid(7) * 7).days();
    let sale = |row: Row| {
        let day = row.date.checked_add(moved).ok()?;
        let at = day.at(0, 0, 0, 0).checked_add(i64::from(row.minute).minutes()).ok()?;
        let at = at.to_zoned(zone.clone()).ok()?.timestamp();
        let (units, cents) = row.amount.split_once('.')?;
        let cents = units.parse::<i64>().ok()? * 100 + cents.parse::<i64>().ok()?;
        Some(Sale {
            sale_id: row.sale_id,
            market_id: row.market_id,
            product_id: row.product_id,
            sold_at: Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 }),
            quantity: row.quantity,
            amount: Some(cents_of(cents)),
            ..Sale::default()
        })
    };
    let is_over = |row: &Row| row.date.checked_add(moved).is_ok_and(|day| day < today);
    rows.into_iter().filter(is_over).map(sale).collect::<Option<_>>().ok_or_else(damaged)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    /// 2027-01-15, a Friday.
    const NOW_S: i64 = 1_800_000_000;

    #[test]
    fn every_sale_is_of_a_pizza_at_a_market_on_its_weekday_and_the_last_week_is_there() {
        let stand = read(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW_S as u64)).unwrap();
        let pizzas: HashSet<_> = stand.terms.iter().map(|terms| terms.product_id.as_str()).collect();
        let zone = jiff::tz::TimeZone::get(TIME_ZONE).unwrap();
        assert!(stand.sales.len() > 4_000);
        let mut days = HashSet::new();
        for sale in &stand.sales {
            assert!(pizzas.contains(sale.product_id.as_str()), "{sale:?}");
            let at = sale.sold_at.as_ref().unwrap().seconds;
            let there = Timestamp::from_second(at).unwrap().to_zoned(zone.clone());
            let market = stand.markets.iter().find(|market| market.market_id == sale.market_id).unwrap();
            let weekday = i32::from(there.weekday().to_monday_one_offset());
            assert_eq!(market.weekdays, [weekday], "{there}");
            assert!((11..22).contains(&there.hour()), "{there}");
            days.insert(there.date());
        }
        let last = stand.sales.iter().map(|sale| sale.sold_at.as_ref().unwrap().seconds).max().unwrap();
        assert!((1..8 * 86_400).contains(&(NOW_S - last)), "{last}");
        assert!(days.len() > 100, "a year of two days a week: {}", days.len());
        let has = |year, month, day| days.contains(&jiff::civil::date(year, month, day));
        assert!(has(2027, 1, 13) && has(2027, 1, 9), "the Wednesday and the Saturday before");
    }
}
