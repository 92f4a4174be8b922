//! Markets, their days and the terms of products in and out.

use larder_proto::google::r#type::Money;
use larder_proto::larder::market::v1::{
    Market, MarketDay, MarketDayState, MarketEvent, MarketProduct, Weekday,
};
use sqlx::types::Json;

use crate::convert::{date, money, timestamp};
use crate::error::Error;
use crate::store::market_days::{KeptEvent, MarketDayRow, NewMarketDay};
use crate::store::market_products::MarketProductRow;
use crate::store::markets::{MarketRow, NewMarket};
use crate::validate::Fields;

const DEFAULT_OPENS_AT: i32 = 8 * 60;
const DEFAULT_CLOSES_AT: i32 = 14 * 60;
const MINUTES_OF_DAY: i64 = 24 * 60;
const MOST_VISITORS: i64 = 10_000_000;
const MOST_CALENDARS: usize = 10;
const MOST_EVENTS: usize = 20;
const MOST_UNITS: f64 = 1_000_000.0;

/// Checks a market and makes the row of it.
pub(crate) fn market_from_wire(market: Market) -> Result<NewMarket, Error> {
    let mut fields = Fields::default();
    fields.id("market_id", &market.market_id);
    fields.text("name", &market.name, 1, 256);
    check_place(&mut fields, &market);
    let opens_at = if market.opens_at_minute == 0 { DEFAULT_OPENS_AT } else { market.opens_at_minute };
    let closes_at = if market.closes_at_minute == 0 { DEFAULT_CLOSES_AT } else { market.closes_at_minute };
    fields.whole("opens_at_minute", opens_at.into(), 0, MINUTES_OF_DAY - 1);
    fields.whole("closes_at_minute", closes_at.into(), i64::from(opens_at) + 1, MINUTES_OF_DAY);
    let mut weekdays = Vec::with_capacity(market.weekdays.len());
    for (index, &weekday) in market.weekdays.iter().enumerate() {
        match Weekday::try_from(weekday) {
            Ok(Weekday::Unspecified) | Err(_) => fields
                .refuse(&format!("weekdays[{index}]"), "must be one of WEEKDAY_MONDAY to WEEKDAY_SUNDAY"),
            Ok(known) if !weekdays.contains(&(known as i16)) => weekdays.push(known as i16),
            Ok(_) => {}
        }
    }
    if let Some(visitors) = market.usual_visitors {
        fields.whole("usual_visitors", visitors.into(), 0, MOST_VISITORS);
    }
    for (field, limit) in [("van_volume_l", market.van_volume_l), ("van_weight_kg", market.van_weight_kg)] {
        if let Some(limit) = limit {
            fields.positive(field, limit, MOST_UNITS);
        }
    }
    check_currency(&mut fields, "currency_code", &market.currency_code);
    fields.text("square_location_id", &market.square_location_id, 0, 128);
    check_calendars(&mut fields, &market.event_calendar_urls);
    let minute = |minute: i32| i16::try_from(minute).unwrap_or_default();
    fields.finish(NewMarket {
        market_id: market.market_id,
        name: market.name,
        time_zone: market.time_zone,
        country: market.country,
        subdivision: market.subdivision,
        latitude: market.latitude,
        longitude: market.longitude,
        opens_at_minute: minute(opens_at),
        closes_at_minute: minute(closes_at),
        weekdays,
        usual_visitors: market.usual_visitors,
        van_volume_l: market.van_volume_l,
        van_weight_kg: market.van_weight_kg,
        currency: market.currency_code,
        square_location_id: market.square_location_id,
        event_calendar_urls: market.event_calendar_urls,
    })
}

fn check_place(fields: &mut Fields, market: &Market) {
    if jiff::tz::TimeZone::get(&market.time_zone).is_err() {
        fields.refuse("time_zone", "must be an IANA time zone such as America/New_York");
    }
    let is_country =
        market.country.len() == 2 && market.country.bytes().all(|letter| letter.is_ascii_uppercase());
    if !market.country.is_empty() && !is_country {
        fields.refuse("country", "must be two capital letters of ISO 3166-1, such as US");
    }
    fields.text("subdivision", &market.subdivision, 0, 8);
    fields.optional_number("latitude", market.latitude, -90.0, 90.0);
    fields.optional_number("longitude", market.longitude, -180.0, 180.0);
    if market.latitude.is_some() != market.longitude.is_some() {
        fields.refuse("longitude", "must be told together with latitude, or neither");
    }
}

fn check_calendars(fields: &mut Fields, urls: &[String]) {
    if urls.len() > MOST_CALENDARS {
        fields.refuse("event_calendar_urls", format!("must have at most {MOST_CALENDARS} entries"));
    }
    for (index, url) in urls.iter().enumerate() {
        let parsed = url::Url::parse(url).ok();
        let is_web =
            parsed.is_some_and(|url| matches!(url.scheme(), "https" | "http" | "webcal") && url.has_host());
        if !is_web || url.len() > 2_048 {
            let accepted = "must be an https address of a calendar, up to 2048 characters";
            fields.refuse(&format!("event_calendar_urls[{index}]"), accepted);
        }
    }
}

fn check_currency(fields: &mut Fields, field: &str, code: &str) {
    if code.len() != 3 || !code.bytes().all(|letter| letter.is_ascii_uppercase()) {
        fields.refuse(field, "must be three capital letters of ISO 4217, such as USD");
    }
}

/// The message of a stored market.
pub(crate) fn market_to_wire(row: MarketRow) -> Market {
    Market {
        market_id: row.market_id,
        name: row.name,
        time_zone: row.time_zone,
        country: row.country,
        subdivision: row.subdivision,
        latitude: row.latitude,
        longitude: row.longitude,
        opens_at_minute: row.opens_at_minute.into(),
        closes_at_minute: row.closes_at_minute.into(),
        weekdays: row.weekdays.into_iter().map(i32::from).collect(),
        usual_visitors: row.usual_visitors,
        van_volume_l: row.van_volume_l,
        van_weight_kg: row.van_weight_kg,
        currency_code: row.currency,
        square_location_id: row.square_location_id,
        event_calendar_urls: row.event_calendar_urls,
        created_at: Some(timestamp(row.created_at_us)),
        updated_at: Some(timestamp(row.updated_at_us)),
    }
}

/// Checks what is said of a market day and makes the row of it.
pub(crate) fn day_from_wire(day: MarketDay) -> Result<NewMarketDay, Error> {
    let mut fields = Fields::default();
    fields.id("market_id", &day.market_id);
    let held_on_day = match &day.held_on {
        Some(held_on) => fields.day("held_on", held_on),
        None => {
            fields.refuse("held_on", "is required");
            None
        }
    };
    let state = MarketDayState::try_from(day.state).unwrap_or_default();
    if state == MarketDayState::Unspecified {
        fields.refuse("state", "must be MARKET_DAY_STATE_HELD or MARKET_DAY_STATE_CANCELLED");
    }
    if let Some(opens_at) = day.opens_at_minute {
        fields.whole("opens_at_minute", opens_at.into(), 0, MINUTES_OF_DAY - 1);
    }
    if let Some(closes_at) = day.closes_at_minute {
        let earliest = i64::from(day.opens_at_minute.unwrap_or(0)) + 1;
        fields.whole("closes_at_minute", closes_at.into(), earliest, MINUTES_OF_DAY);
    }
    if day.events.len() > MOST_EVENTS {
        fields.refuse("events", format!("must have at most {MOST_EVENTS} entries"));
    }
    for (index, event) in day.events.iter().enumerate() {
        fields.text(&format!("events[{index}].name"), &event.name, 1, 256);
        if let Some(attendance) = event.attendance {
            fields.whole(&format!("events[{index}].attendance"), attendance.into(), 0, MOST_VISITORS);
        }
    }
    fields.text("note", &day.note, 0, 1_024);
    let minute = |minute: Option<i32>| minute.and_then(|minute| i16::try_from(minute).ok());
    let event = |event: MarketEvent| KeptEvent { name: event.name, attendance: event.attendance };
    fields.finish(NewMarketDay {
        market_id: day.market_id,
        held_on_day: held_on_day.unwrap_or_default(),
        is_cancelled: state == MarketDayState::Cancelled,
        opens_at_minute: minute(day.opens_at_minute),
        closes_at_minute: minute(day.closes_at_minute),
        events: day.events.into_iter().map(event).collect(),
        note: day.note,
    })
}

/// The message of what is said of a market day.
pub(crate) fn day_to_wire(row: MarketDayRow) -> MarketDay {
    let state = if row.is_cancelled { MarketDayState::Cancelled } else { MarketDayState::Held };
    let Json(events) = row.events;
    let event = |event: KeptEvent| MarketEvent { name: event.name, attendance: event.attendance };
    MarketDay {
        market_id: row.market_id,
        held_on: Some(date(row.held_on_day)),
        state: state.into(),
        opens_at_minute: row.opens_at_minute.map(i32::from),
        closes_at_minute: row.closes_at_minute.map(i32::from),
        events: events.into_iter().map(event).collect(),
        note: row.note,
        updated_at: Some(timestamp(row.updated_at_us)),
    }
}

/// Checks the terms of a product and makes the row of them.
pub(crate) fn product_from_wire(product: MarketProduct) -> Result<MarketProductRow, Error> {
    let mut fields = Fields::default();
    fields.id("product_id", &product.product_id);
    fields.optional_id("market_id", &product.market_id);
    let mut amounts = Amounts { fields: &mut fields, currency: String::new() };
    let price_micros = amounts.required("price", product.price.as_ref());
    let unit_cost_micros = amounts.required("unit_cost", product.unit_cost.as_ref());
    let salvage_micros = amounts.optional("salvage", product.salvage.as_ref());
    let goodwill_micros = amounts.optional("goodwill", product.goodwill.as_ref());
    let disposal_micros = amounts.optional("disposal", product.disposal.as_ref());
    let currency = amounts.currency;
    if price_micros == Some(0) {
        fields.refuse("price", "must be above 0");
    }
    if unit_cost_micros.is_some_and(|cost| salvage_micros > 0 && salvage_micros >= cost) {
        fields
            .refuse("salvage", "must be less than unit_cost: what is left over would otherwise cost nothing");
    }
    check_units(&mut fields, &product);
    fields.finish(MarketProductRow {
        currency,
        price_micros: price_micros.unwrap_or_default(),
        unit_cost_micros: unit_cost_micros.unwrap_or_default(),
        salvage_micros,
        goodwill_micros,
        disposal_micros,
        pack_units: if product.pack_units == 0.0 { 1.0 } else { product.pack_units },
        min_units: product.min_units,
        max_units: product.max_units,
        volume_l: product.volume_l,
        weight_kg: product.weight_kg,
        shelf_life_days: product.shelf_life_days.max(1),
        left_over_units: product.left_over_units,
        is_fractional: product.fractional,
        share_of_visitors: product.share_of_visitors,
        is_retired: product.retired,
        updated_at_us: 0,
        product_id: product.product_id,
        market_id: product.market_id,
    })
}

fn check_units(fields: &mut Fields, product: &MarketProduct) {
    fields.number("pack_units", product.pack_units, 0.0, MOST_UNITS);
    fields.number("min_units", product.min_units, 0.0, MOST_UNITS);
    fields.number("max_units", product.max_units, 0.0, MOST_UNITS);
    fields.number("left_over_units", product.left_over_units, 0.0, MOST_UNITS);
    if product.max_units > 0.0 && product.max_units < product.min_units {
        fields.refuse("max_units", "must not be below min_units; 0 is any number");
    }
    if !product.fractional && product.pack_units.fract() != 0.0 {
        fields.refuse("pack_units", "must be a whole number unless the product is fractional");
    }
    fields.optional_number("volume_l", product.volume_l, 0.0, MOST_UNITS);
    fields.optional_number("weight_kg", product.weight_kg, 0.0, MOST_UNITS);
    fields.whole("shelf_life_days", product.shelf_life_days.into(), 0, 3_650);
    fields.optional_number("share_of_visitors", product.share_of_visitors, 0.0, 1.0);
}

/// Amounts that all have to be of one currency.
struct Amounts<'a> {
    fields: &'a mut Fields,
    currency: String,
}

impl Amounts<'_> {
    fn required(&mut self, field: &str, money: Option<&Money>) -> Option<i64> {
        let Some(money) = money else {
            self.fields.refuse(field, "is required");
            return None;
        };
        let amount = self.fields.amount(field, money)?;
        if self.currency.is_empty() {
            self.currency.clone_from(&amount.currency);
        } else if self.currency != amount.currency {
            let accepted = format!("must be {}, as the other amounts are", self.currency);
            self.fields.refuse(&format!("{field}.currency_code"), accepted);
        }
        Some(amount.micros)
    }

    fn optional(&mut self, field: &str, money: Option<&Money>) -> i64 {
        money.and_then(|money| self.required(field, Some(money))).unwrap_or(0)
    }
}

/// The message of stored terms.
pub(crate) fn product_to_wire(row: MarketProductRow) -> MarketProduct {
    let amount = |micros: i64| Some(money(micros, &row.currency));
    let told = |micros: i64| (micros != 0).then(|| money(micros, &row.currency));
    MarketProduct {
        price: amount(row.price_micros),
        unit_cost: amount(row.unit_cost_micros),
        salvage: told(row.salvage_micros),
        goodwill: told(row.goodwill_micros),
        disposal: told(row.disposal_micros),
        pack_units: row.pack_units,
        min_units: row.min_units,
        max_units: row.max_units,
        volume_l: row.volume_l,
        weight_kg: row.weight_kg,
        shelf_life_days: row.shelf_life_days,
        left_over_units: row.left_over_units,
        fractional: row.is_fractional,
        share_of_visitors: row.share_of_visitors,
        retired: row.is_retired,
        updated_at: Some(timestamp(row.updated_at_us)),
        product_id: row.product_id,
        market_id: row.market_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market() -> Market {
        Market {
            market_id: "square".into(),
            name: "Market square".into(),
            time_zone: "America/New_York".into(),
            currency_code: "USD".into(),
            ..Market::default()
        }
    }

    #[test]
    fn a_market_has_hours_in_order_a_zone_and_a_whole_place() {
        let row = market_from_wire(market()).unwrap();
        assert_eq!((row.opens_at_minute, row.closes_at_minute), (480, 840));
        let bad = Market {
            time_zone: "Mars/Olympus".into(),
            country: "usa".into(),
            latitude: Some(91.0),
            opens_at_minute: 900,
            closes_at_minute: 600,
            weekdays: vec![6, 9],
            event_calendar_urls: vec!["file:///etc/passwd".into()],
            ..market()
        };
        let refused = market_from_wire(bad).unwrap_err().to_string();
        for field in [
            "time_zone: ",
            "country: ",
            "latitude: ",
            "longitude: ",
            "closes_at_minute: must be a whole number from 901",
            "weekdays[1]: ",
            "event_calendar_urls[0]: ",
        ] {
            assert!(refused.contains(field), "{field} in {refused}");
        }
    }

    #[test]
    fn terms_are_of_one_currency_and_salvage_is_less_than_the_cost() {
        let usd = |units, nanos| Some(Money { currency_code: "USD".into(), units, nanos });
        let terms = MarketProduct {
            product_id: "bread".into(),
            price: usd(6, 0),
            unit_cost: usd(2, 0),
            salvage: usd(0, 500_000_000),
            ..MarketProduct::default()
        };
        let row = product_from_wire(terms.clone()).unwrap();
        assert_eq!((row.price_micros, row.salvage_micros, row.shelf_life_days), (6_000_000, 500_000, 1));
        assert_eq!((row.pack_units, row.currency.as_str()), (1.0, "USD"));
        let bad = MarketProduct {
            unit_cost: Some(Money { currency_code: "EUR".into(), units: 2, nanos: 0 }),
            salvage: usd(2, 0),
            pack_units: 2.5,
            min_units: 5.0,
            max_units: 4.0,
            ..terms
        };
        let refused = product_from_wire(bad).unwrap_err().to_string();
        for field in [
            "unit_cost.currency_code: must be USD",
            "salvage: ",
            "pack_units: ",
            "max_units: must not be below",
        ] {
            assert!(refused.contains(field), "{field} in {refused}");
        }
    }
}
