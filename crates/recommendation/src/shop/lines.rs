//! From a line of a shop's order to a sale at a market: at which stall, on which day of its calendar, in its
//! currency. A line that fits nowhere is refused with a reason; the others go in.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use larder_connectors::square::SaleLine;

use crate::days::{DAY_US, date_of, local};
use crate::store::connections::SQUARE;
use crate::store::markets::MarketRow;
use crate::store::sales::NewSale;

/// Units of one sale.
const MOST_QUANTITY: f64 = 1_000_000.0;

/// A market that a location of the shop sells at.
struct Stall {
    market_id: String,
    zone: TimeZone,
    currency: String,
    weekdays: Vec<i16>,
    opens_at: i16,
    closes_at: i16,
}

/// The markets by location of the shop.
pub(crate) struct Stalls {
    of: HashMap<String, Vec<Stall>>,
}

impl Stalls {
    pub(crate) fn new(markets: Vec<MarketRow>) -> Self {
        let mut of: HashMap<String, Vec<Stall>> = HashMap::new();
        for market in markets.into_iter().filter(|market| !market.square_location_id.is_empty()) {
            of.entry(market.square_location_id).or_default().push(Stall {
                market_id: market.market_id,
                zone: TimeZone::get(&market.time_zone).unwrap_or(TimeZone::UTC),
                currency: market.currency,
                weekdays: market.weekdays,
                opens_at: market.opens_at_minute,
                closes_at: market.closes_at_minute,
            });
        }
        Self { of }
    }

    pub(crate) fn locations(&self) -> Vec<String> {
        let mut locations: Vec<_> = self.of.keys().cloned().collect();
        locations.sort_unstable();
        locations
    }

    /// One location may stand at several markets: the one that is held on that day of the week and open at
    /// that hour, or as near to that as there is.
    fn at(&self, location: &str, sold_at_us: i64) -> Option<(&Stall, i32, i16)> {
        let stalls = self.of.get(location)?.iter().map(|stall| {
            let (day, minute) = local(sold_at_us, &stall.zone);
            let weekday = i16::from(date_of(day).weekday().to_monday_one_offset());
            let is_held = stall.weekdays.contains(&weekday);
            let is_open = (stall.opens_at..=stall.closes_at).contains(&minute);
            ((is_held, is_open), (stall, day, minute))
        });
        // Of equals the first by id.
        let mut stalls: Vec<_> = stalls.collect();
        stalls.sort_by(|one, other| (other.0, &one.1.0.market_id).cmp(&(one.0, &other.1.0.market_id)));
        stalls.into_iter().next().map(|(_, found)| found)
    }

    /// The market that a location stands at then, with the day and the minute by its clock.
    pub(crate) fn day_at(&self, location: &str, at_us: i64) -> Option<(&str, i32, i16)> {
        self.at(location, at_us).map(|(stall, day, minute)| (stall.market_id.as_str(), day, minute))
    }

    /// The sale that a line is of.
    ///
    /// # Errors
    /// In words, why it is none.
    pub(crate) fn sale(&self, line: &SaleLine, product_id: &str, now_us: i64) -> Result<NewSale, String> {
        let sold_at_us = line.sold_at.as_microsecond();
        let (stall, sold_on_day, sold_at_minute) =
            self.at(&line.location_id, sold_at_us).ok_or("no market is held at its location")?;
        if line.total.currency != stall.currency {
            let (paid, wanted) = (&line.total.currency, &stall.currency);
            return Err(format!("it was paid in {paid}, and the market takes {wanted}"));
        }
        if sold_at_us > now_us.saturating_add(DAY_US) {
            return Err("it was sold more than a day in the future".to_owned());
        }
        if line.quantity.abs() > MOST_QUANTITY {
            return Err(format!("its quantity is beyond {MOST_QUANTITY}"));
        }
        let amount = line.total.micros;
        if amount != 0 && (amount < 0) != (line.quantity < 0.0) {
            return Err("its amount and its quantity are of different signs".to_owned());
        }
        let undone = line.return_of.as_ref().and_then(|of| of.order_id.as_ref().zip(of.line_uid.as_ref()));
        Ok(NewSale {
            sale_id: line.id.clone(),
            market_id: stall.market_id.clone(),
            product_id: product_id.to_owned(),
            sold_at_us,
            sold_on_day,
            sold_at_minute,
            quantity: line.quantity,
            amount_micros: Some(amount),
            returned_sale_id: undone
                .map(|(order, line)| format!("{SQUARE}:{order}:{line}"))
                .unwrap_or_default(),
            promotion_id: String::new(),
            source: SQUARE.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use larder_connectors::Money;
    use larder_connectors::square::{ProductReference, ReturnOf};

    use super::*;

    fn market(market_id: &str, location: &str, weekdays: &[i16]) -> MarketRow {
        MarketRow {
            market_id: market_id.to_owned(),
            name: market_id.to_owned(),
            time_zone: "America/Los_Angeles".to_owned(),
            country: "US".to_owned(),
            subdivision: String::new(),
            latitude: None,
            longitude: None,
            opens_at_minute: 8 * 60,
            closes_at_minute: 14 * 60,
            weekdays: weekdays.to_vec(),
            usual_visitors: None,
            van_volume_l: None,
            van_weight_kg: None,
            currency: "USD".to_owned(),
            square_location_id: location.to_owned(),
            event_calendar_urls: Vec::new(),
            created_at_us: 0,
            updated_at_us: 0,
        }
    }

    fn line(sold_at: &str, cents: i64, currency: &str, quantity: f64) -> SaleLine {
        SaleLine {
            id: "square:O1:a".to_owned(),
            order_id: "O1".to_owned(),
            order_version: 1,
            location_id: "L1".to_owned(),
            product: ProductReference::CatalogObject("V1".to_owned()),
            name: "Sourdough".to_owned(),
            quantity,
            unit_price: None,
            total: Money { micros: cents * 10_000, currency: currency.to_owned() },
            tax: None,
            discount: None,
            sold_at: sold_at.parse().unwrap(),
            return_of: None,
        }
    }

    const NOW_US: i64 = 1_800_000_000_000_000;

    #[test]
    fn one_location_at_two_markets_is_told_apart_by_the_day_of_the_week() {
        let stalls = Stalls::new(vec![
            market("saturday", "L1", &[6]),
            market("sunday", "L1", &[7]),
            market("nowhere", "", &[6]),
        ]);
        assert_eq!(stalls.locations(), ["L1"]);
        let at = |sold_at: &str| stalls.sale(&line(sold_at, 600, "USD", 1.0), "bread", NOW_US).unwrap();
        assert_eq!(at("2026-11-21T18:00:00Z").market_id, "saturday");
        assert_eq!(at("2026-11-22T18:00:00Z").market_id, "sunday");
        assert_eq!(at("2026-11-23T18:00:00Z").market_id, "saturday", "held on neither: the first");
        // Late on Saturday there is Sunday in UTC.
        let late = at("2026-11-22T03:30:00Z");
        assert_eq!((late.market_id.as_str(), late.sold_at_minute), ("saturday", 19 * 60 + 30));
    }

    #[test]
    fn what_fits_nowhere_is_refused_with_a_reason() {
        let stalls = Stalls::new(vec![market("saturday", "L1", &[6])]);
        let refused = |line: SaleLine| stalls.sale(&line, "bread", NOW_US).unwrap_err();
        let good = || line("2026-11-21T18:00:00Z", 600, "USD", 1.0);
        assert_eq!(
            refused(line("2026-11-21T18:00:00Z", 600, "EUR", 1.0)),
            "it was paid in EUR, and the market takes USD"
        );
        assert_eq!(
            refused(SaleLine { location_id: "L9".to_owned(), ..good() }),
            "no market is held at its location"
        );
        assert!(refused(line("2026-11-21T18:00:00Z", 600, "USD", 2e6)).contains("beyond"));
        assert!(refused(line("2026-11-21T18:00:00Z", -600, "USD", 1.0)).contains("signs"));
        assert!(refused(line("2028-11-21T18:00:00Z", 600, "USD", 1.0)).contains("future"));
    }

    #[test]
    fn a_return_names_what_it_undoes() {
        let stalls = Stalls::new(vec![market("saturday", "L1", &[6])]);
        let undone = ReturnOf { order_id: Some("O0".to_owned()), line_uid: Some("b".to_owned()) };
        let back = SaleLine { return_of: Some(undone), ..line("2026-11-21T18:00:00Z", -600, "USD", -1.0) };
        let sale = stalls.sale(&back, "bread", NOW_US).unwrap();
        assert_eq!(
            (sale.quantity, sale.amount_micros, sale.returned_sale_id.as_str()),
            (-1.0, Some(-6_000_000), "square:O0:b")
        );
    }
}
