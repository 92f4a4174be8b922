//! Market days: terms, sales, plans and feedback, each as a client calls for them. Services here believe
//! that it is Sunday, 1 March 2026; the market is held on Saturdays.

mod feedback;
mod models;
mod outside;
mod plans;
mod sales;
mod shop;
mod shop_secrets;
mod shop_troubles;
mod stand;
mod terms;

use larder_proto::google::r#type::{Date, Money};
use larder_proto::larder::market::v1::*;

use crate::house::Guest;

/// Saturday, 28 February 2026, and every one before it.
fn saturday(back: i32) -> jiff::civil::Date {
    jiff::civil::date(2026, 2, 28).saturating_sub(jiff::Span::new().weeks(back))
}

/// The Saturday to come.
const NEXT: Date = Date { year: 2026, month: 3, day: 7 };

fn date(day: jiff::civil::Date) -> Option<Date> {
    Some(Date { year: day.year().into(), month: day.month().into(), day: day.day().into() })
}

fn euros(cents: i64) -> Option<Money> {
    let nanos = i32::try_from(cents % 100).unwrap() * 10_000_000;
    Some(Money { currency_code: "EUR".into(), units: cents / 100, nanos })
}

fn square() -> Market {
    Market {
        market_id: "square".into(),
        name: "Market square".into(),
        time_zone: "Europe/Berlin".into(),
        country: "DE".into(),
        weekdays: vec![Weekday::Saturday.into()],
        usual_visitors: Some(800),
        currency_code: "EUR".into(),
        ..Market::default()
    }
}

fn terms(product_id: &str, price_cents: i64, cost_cents: i64) -> MarketProduct {
    MarketProduct {
        product_id: product_id.into(),
        price: euros(price_cents),
        unit_cost: euros(cost_cents),
        ..MarketProduct::default()
    }
}

/// A sale at so many minutes after midnight in Berlin.
fn sale(sale_id: &str, product_id: &str, (day, minute): (jiff::civil::Date, i16), quantity: f64) -> Sale {
    let at = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
    let at = at.in_tz("Europe/Berlin").unwrap().timestamp();
    Sale {
        sale_id: sale_id.into(),
        market_id: "square".into(),
        product_id: product_id.into(),
        sold_at: Some(prost_types::Timestamp { seconds: at.as_second(), nanos: 0 }),
        quantity,
        amount: euros((quantity * 400.0) as i64),
        ..Sale::default()
    }
}

async fn open_market(guest: &mut Guest) {
    let request = BatchUpsertMarketsRequest { markets: vec![square()] };
    let answer = guest.market.batch_upsert_markets(request).await.unwrap().into_inner();
    assert_eq!(answer.rejected_count, 0, "{answer:?}");
}

async fn sell_on_terms(guest: &mut Guest, market_products: Vec<MarketProduct>) {
    let request = BatchUpsertMarketProductsRequest { market_products };
    let answer = guest.market.batch_upsert_market_products(request).await.unwrap().into_inner();
    assert_eq!(answer.rejected_count, 0, "{answer:?}");
}

async fn record(guest: &mut Guest, sales: Vec<Sale>) -> RecordSalesResponse {
    guest.market.record_sales(RecordSalesRequest { sales }).await.unwrap().into_inner()
}

/// Bread sells about 40 a Saturday, cake about 12, on so many Saturdays up to the last.
async fn past_saturdays(guest: &mut Guest, count: i32) {
    let mut sales = Vec::new();
    for back in 0..count {
        let day = saturday(back);
        let wave = f64::from((back * 7) % 9) - 4.0;
        for (hour, part) in [(8, 0.3), (10, 0.4), (12, 0.3)] {
            for (product, mean) in [("bread", 40.0), ("cake", 12.0)] {
                let quantity = ((mean + wave) * part).round();
                let id = format!("{product}-{back}-{hour}");
                sales.push(sale(&id, product, (day, hour * 60 + 20), quantity));
            }
        }
    }
    let answer = record(guest, sales).await;
    assert_eq!(answer.rejected_count, 0, "{answer:?}");
}

fn plan_of(product_ids: &[&str]) -> PlanMarketDayRequest {
    PlanMarketDayRequest {
        market_id: "square".into(),
        held_on: Some(NEXT),
        product_ids: product_ids.iter().map(|&id| id.to_owned()).collect(),
        ..PlanMarketDayRequest::default()
    }
}

async fn plan(guest: &mut Guest, request: PlanMarketDayRequest) -> MarketPlan {
    guest.market.plan_market_day(request).await.unwrap().into_inner().plan.unwrap()
}

fn line<'a>(plan: &'a MarketPlan, product_id: &str) -> &'a PlanLine {
    plan.lines.iter().find(|line| line.product_id == product_id).unwrap()
}

fn units(money: &Option<Money>) -> f64 {
    money.as_ref().map_or(0.0, |money| money.units as f64 + f64::from(money.nanos) / 1e9)
}
