//! A market day: how much to bring, what would be otherwise with other weather, money or a smaller van, and the sheet
//! to print. What is tried out is kept only when somebody says so.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde_json::{Map, Value, json};

use crate::chart::{self, Axis};
use crate::fields::{Fields, segment, target};
use crate::figures;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;
use crate::{clock, pages};

/// How wide an interval is drawn.
const INTERVAL_WIDTH: f64 = 160.0;
/// The wishes of a plan: the field of the form, and the field of the request.
const WISHES: [(&str, &str); 3] =
    [("van_volume", "vanVolumeL"), ("van_weight", "vanWeightKg"), ("attendance", "eventAttendance")];

/// The plan of a day, tried out and not kept.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, &visit.query, None).await
}

/// Keeps the plan as it was tried out.
pub(crate) async fn keep(visit: Arc<Visit>) -> Answer {
    let markets = visit.ask("/v1/markets?pageSize=200").await?;
    let (market, day) = choice(&visit.form, &markets);
    let request = request(&visit.form, market, day, false);
    let path = format!("/v1/markets/{}/days:plan", segment(&id_of(market)));
    match visit.tell(&path, &request).await {
        Ok(_) => {
            let mut query: Vec<(&str, &str)> =
                visit.form.iter().filter(|(name, _)| *name != crate::visit::FORM_TOKEN).collect();
            query.retain(|(_, value)| !value.is_empty());
            visit.go(&target("/console/market", &query), "plan_kept")
        }
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, &visit.form, Some(refusal)).await,
    }
}

async fn render(visit: &Visit, fields: &Fields, refused: Option<Refusal>) -> Answer {
    let markets = visit.ask("/v1/markets?pageSize=200").await?;
    let (market, day) = choice(fields, &markets);
    let mut content = json!({
        "markets": markets["markets"],
        "market": market,
        "day": day.to_string(),
        "fields": fields.to_json(),
        "problem": refused,
    });
    if !market.is_null() {
        let path = format!("/v1/markets/{}/days:plan", segment(&id_of(market)));
        let planned = part(visit.tell(&path, &request(fields, market, day, true)).await)?;
        content["lines"] = lines(&planned["plan"]);
        content["planned"] = planned;
    }
    visit.page("market.html", content).await
}

/// The market and the day that were chosen, or else the first market and the next day it is held.
fn choice<'a>(fields: &Fields, markets: &'a Value) -> (&'a Value, Date) {
    let all = markets["markets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = all.iter().find(|market| market["marketId"] == fields.get("market"));
    let market = named.or_else(|| all.first()).unwrap_or(&Value::Null);
    let today = pages::market::today_at(market);
    let day = fields.given("day").and_then(|day| day.parse().ok());
    (market, day.unwrap_or_else(|| next_held(market, today)))
}

/// The day by the clock of a market.
pub(super) fn today_at(market: &Value) -> Date {
    let zone = market["timeZone"].as_str().and_then(|name| jiff::tz::TimeZone::get(name).ok());
    clock::now().to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC)).date()
}

/// The first day from `today` on that is one of the market's weekdays.
fn next_held(market: &Value, today: Date) -> Date {
    let held: Vec<&str> = weekdays(market);
    let is_held = |day: &Date| held.is_empty() || held.contains(&weekday_name(day.weekday()));
    (0..7).filter_map(|ahead| today.checked_add(ahead.days()).ok()).find(is_held).unwrap_or(today)
}

/// The last day before or on `today` that is one of the market's weekdays.
pub(super) fn last_held(market: &Value, today: Date) -> Date {
    let held: Vec<&str> = weekdays(market);
    let is_held = |day: &Date| held.is_empty() || held.contains(&weekday_name(day.weekday()));
    (0..7).filter_map(|back| today.checked_sub(back.days()).ok()).find(is_held).unwrap_or(today)
}

fn weekdays(market: &Value) -> Vec<&str> {
    market["weekdays"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn weekday_name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "WEEKDAY_MONDAY",
        Weekday::Tuesday => "WEEKDAY_TUESDAY",
        Weekday::Wednesday => "WEEKDAY_WEDNESDAY",
        Weekday::Thursday => "WEEKDAY_THURSDAY",
        Weekday::Friday => "WEEKDAY_FRIDAY",
        Weekday::Saturday => "WEEKDAY_SATURDAY",
        Weekday::Sunday => "WEEKDAY_SUNDAY",
    }
}

pub(super) fn id_of(market: &Value) -> String {
    market["marketId"].as_str().unwrap_or_default().to_owned()
}

/// What is asked of the planner: only what was typed.
fn request(fields: &Fields, market: &Value, day: Date, what_if: bool) -> Value {
    let mut request = Map::new();
    request.insert("heldOn".into(), figures::to_day(day));
    request.insert("whatIf".into(), json!(what_if));
    for (field, name) in WISHES {
        if let Some(value) = fields.number(field) {
            request.insert(name.into(), value);
        }
    }
    if let Some(budget) = fields.number("budget") {
        let currency = market["currencyCode"].as_str().unwrap_or_default();
        let budget =
            budget.as_f64().map_or(json!({"units": budget}), |typed| figures::to_money(typed, currency));
        request.insert("budget".into(), budget);
    }
    let weather: Map<String, Value> = [("high", "highCelsius"), ("rain", "rainMm"), ("wind", "windKmh")]
        .into_iter()
        .filter_map(|(field, name)| Some((name.to_owned(), fields.number(field)?)))
        .collect();
    if !weather.is_empty() {
        request.insert("weather".into(), Value::Object(weather));
    }
    Value::Object(request)
}

/// The lines with their intervals, all on one axis.
fn lines(plan: &Value) -> Value {
    let lines = plan["lines"].as_array().cloned().unwrap_or_default();
    let number = |line: &Value, name: &str| line[name].as_f64().unwrap_or(0.0);
    let axis =
        Axis::over(lines.iter().flat_map(|line| [number(line, "demandP90"), number(line, "quantity")]), 4.0);
    let drawn = lines.into_iter().map(|mut line| {
        line["interval"] = chart::interval(
            &axis,
            number(&line, "demandP10"),
            number(&line, "demandP50"),
            number(&line, "demandP90"),
            number(&line, "quantity"),
            INTERVAL_WIDTH,
        );
        line
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_is_planned_for_the_next_day_it_is_held() {
        let market = json!({"weekdays": ["WEEKDAY_SATURDAY", "WEEKDAY_WEDNESDAY"]});
        let monday = jiff::civil::date(2026, 11, 23);
        assert_eq!(next_held(&market, monday), jiff::civil::date(2026, 11, 25));
        assert_eq!(last_held(&market, monday), jiff::civil::date(2026, 11, 21));
        assert_eq!(next_held(&json!({}), monday), monday);
    }

    #[test]
    fn only_what_was_typed_is_asked_for() {
        let market = json!({"currencyCode": "EUR"});
        let day = jiff::civil::date(2026, 11, 28);
        let nothing = request(&Fields::parse(b"budget=&rain="), &market, day, true);
        assert_eq!(nothing, json!({"heldOn": {"year": 2026, "month": 11, "day": 28}, "whatIf": true}));
        let typed = Fields::parse(b"budget=120,50&rain=4&van_volume=lots");
        let asked = request(&typed, &market, day, false);
        assert_eq!(asked["budget"], json!({"currencyCode": "EUR", "units": "120", "nanos": 500_000_000}));
        assert_eq!((&asked["weather"], &asked["vanVolumeL"]), (&json!({"rainMm": 4.0}), &json!("lots")));
    }
}
