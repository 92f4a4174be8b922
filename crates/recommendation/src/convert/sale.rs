//! Sales in: by which clock and in which currency they were made, their market says.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use larder_proto::google::r#type::Money;
use larder_proto::larder::market::v1::Sale;

use crate::days::{DAY_US, local};
use crate::error::Error;
use crate::store::markets::MarketRow;
use crate::store::sales::NewSale;
use crate::validate::Fields;

/// Units of one sale.
const MOST_QUANTITY: f64 = 1_000_000.0;
const MICROS: i64 = 1_000_000;
const MOST_AMOUNT: i64 = 1_000_000_000_000;

/// What sales have to fit: the clocks and currencies of the markets there are.
pub(crate) struct MarketsAtHand {
    of: HashMap<String, (TimeZone, String)>,
    now_us: i64,
}

impl MarketsAtHand {
    /// The markets that sales may be of; `now_us` is in microseconds since 1970.
    pub(crate) fn new(markets: Vec<MarketRow>, now_us: i64) -> Self {
        let of = markets.into_iter().map(|market| {
            let time_zone = TimeZone::get(&market.time_zone).unwrap_or(TimeZone::UTC);
            (market.market_id, (time_zone, market.currency))
        });
        Self { of: of.collect(), now_us }
    }

    /// Checks a sale and makes the row of it.
    pub(crate) fn sale(&self, sale: Sale) -> Result<NewSale, Error> {
        let mut fields = Fields::default();
        fields.id("sale_id", &sale.sale_id);
        fields.id("market_id", &sale.market_id);
        fields.id("product_id", &sale.product_id);
        fields.optional_id("returned_sale_id", &sale.returned_sale_id);
        fields.optional_id("promotion_id", &sale.promotion_id);
        let is_possible =
            sale.quantity.is_finite() && sale.quantity != 0.0 && sale.quantity.abs() <= MOST_QUANTITY;
        if !is_possible {
            fields.refuse(
                "quantity",
                "must be a number up to 1000000, below 0 for what was given back, and not 0",
            );
        }
        let sold_at_us = match &sale.sold_at {
            Some(at) => fields.instant("sold_at", at, Some(self.now_us.saturating_add(DAY_US))),
            None => {
                fields.refuse("sold_at", "is required");
                None
            }
        };
        let market = self.of.get(&sale.market_id);
        if market.is_none() {
            fields.refuse("market_id", "must be a market that was upserted before");
        }
        let (zone, currency) = market.cloned().unwrap_or((TimeZone::UTC, String::new()));
        let amount_micros = sale.amount.as_ref().and_then(|amount| {
            signed_amount(&mut fields, amount, if currency.is_empty() { None } else { Some(&currency) })
        });
        if let Some(amount) = amount_micros
            && amount != 0
            && (amount < 0) != (sale.quantity < 0.0)
        {
            fields.refuse("amount", "must be below 0 where quantity is, and only there");
        }
        let (sold_on_day, sold_at_minute) = local(sold_at_us.unwrap_or_default(), &zone);
        fields.finish(NewSale {
            sale_id: sale.sale_id,
            market_id: sale.market_id,
            product_id: sale.product_id,
            sold_at_us: sold_at_us.unwrap_or_default(),
            sold_on_day,
            sold_at_minute,
            quantity: sale.quantity,
            amount_micros,
            returned_sale_id: sale.returned_sale_id,
            promotion_id: sale.promotion_id,
            source: "recorded".to_owned(),
        })
    }
}

/// An amount that may be below 0, in the currency of the market.
fn signed_amount(fields: &mut Fields, money: &Money, currency: Option<&str>) -> Option<i64> {
    if let Some(currency) = currency.filter(|currency| *currency != money.currency_code) {
        let accepted = format!("must be {currency}, the currency of the market");
        fields.refuse("amount.currency_code", accepted);
        return None;
    }
    let one_sign = (money.units >= 0 && money.nanos >= 0) || (money.units <= 0 && money.nanos <= 0);
    let is_possible = (-MOST_AMOUNT..=MOST_AMOUNT).contains(&money.units)
        && (-999_999_999..=999_999_999).contains(&money.nanos)
        && money.nanos % 1_000 == 0
        && one_sign;
    if !is_possible {
        let accepted =
            "must be up to 1000000000000 units, with nanos of the same sign in steps of 1000 below a unit";
        fields.refuse("amount", accepted);
        return None;
    }
    Some(money.units * MICROS + i64::from(money.nanos) / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::timestamp;

    /// Noon of 2026-03-08 in New York, the day clocks go from 2 to 3 there.
    const NOON_US: i64 = 1_772_985_600_000_000;

    fn markets() -> MarketsAtHand {
        let zone = TimeZone::get("America/New_York").unwrap();
        let of = HashMap::from([("square".to_owned(), (zone, "USD".to_owned()))]);
        MarketsAtHand { of, now_us: NOON_US }
    }

    fn sale() -> Sale {
        Sale {
            sale_id: "s-1".into(),
            market_id: "square".into(),
            product_id: "bread".into(),
            sold_at: Some(timestamp(NOON_US)),
            quantity: 2.0,
            amount: Some(Money { currency_code: "USD".into(), units: 12, nanos: 0 }),
            ..Sale::default()
        }
    }

    #[test]
    fn a_sale_is_of_the_day_and_the_minute_of_its_market() {
        let row = markets().sale(sale()).unwrap();
        let day = local(NOON_US, &TimeZone::UTC).0;
        assert_eq!((row.sold_on_day, row.sold_at_minute), (day, 12 * 60));
        // Half an hour before the clocks change it is half past one; half an hour after, half past three.
        let before = Sale { sold_at: Some(timestamp(NOON_US - 9 * 3_600_000_000 - 1_800_000_000)), ..sale() };
        assert_eq!(markets().sale(before).unwrap().sold_at_minute, 90);
        let after = Sale { sold_at: Some(timestamp(NOON_US - 8 * 3_600_000_000 - 1_800_000_000)), ..sale() };
        assert_eq!(markets().sale(after).unwrap().sold_at_minute, 3 * 60 + 30);
        // Nine in the evening there is the next day in UTC, and still this day.
        let late = Sale { sold_at: Some(timestamp(NOON_US + 9 * 3_600_000_000)), ..sale() };
        assert_eq!(markets().sale(late).unwrap().sold_on_day, day);
    }

    #[test]
    fn what_was_given_back_is_below_zero_and_slips_are_named() {
        let back = Sale {
            quantity: -0.5,
            amount: Some(Money { currency_code: "USD".into(), units: -3, nanos: 0 }),
            returned_sale_id: "s-0".into(),
            ..sale()
        };
        assert_eq!(markets().sale(back.clone()).unwrap().amount_micros, Some(-3_000_000));
        let refused = |sale: Sale| markets().sale(sale).unwrap_err().to_string();
        assert!(refused(Sale { quantity: 0.0, ..sale() }).starts_with("quantity: "));
        assert!(refused(Sale { quantity: f64::NAN, ..sale() }).starts_with("quantity: "));
        assert!(refused(Sale { quantity: 1.0, ..back }).starts_with("amount: must be below 0"));
        assert!(refused(Sale { market_id: "moon".into(), ..sale() }).starts_with("market_id: "));
        let euros = Some(Money { currency_code: "EUR".into(), units: 1, nanos: 0 });
        let mixed = refused(Sale { amount: euros, ..sale() });
        assert_eq!(mixed, "amount.currency_code: must be USD, the currency of the market");
        let tomorrow = Some(timestamp(NOON_US + 2 * DAY_US));
        assert!(refused(Sale { sold_at: tomorrow, ..sale() }).starts_with("sold_at: "));
    }
}
