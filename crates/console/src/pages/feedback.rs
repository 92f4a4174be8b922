//! How a market day went: what was brought, sold and left over. The form stays at hand without a network; what is sent
//! then waits in the browser until there is one.

use std::sync::Arc;

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::market::{id_of, last_held, today_at};
use super::recommendations::product_names;
use crate::fields::{Fields, segment, target};
use crate::figures;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// The columns of the form, and the fields of a line.
const COLUMNS: [(&str, &str); 4] =
    [("own.", "ownPlan"), ("brought.", "brought"), ("sold.", "sold"), ("left.", "leftOver")];

/// The form, filled with what is known of the day.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, &visit.query, None).await
}

/// Takes what was typed; lines without a number brought are left out.
pub(crate) async fn submit(visit: Arc<Visit>) -> Answer {
    let (market, day) = (visit.form.get("market"), visit.form.get("day"));
    let sent = match day.parse::<Date>() {
        Ok(date) => {
            let body = json!({"heldOn": figures::to_day(date), "lines": lines(&visit.form)});
            visit.tell(&format!("/v1/markets/{}/days:feedback", segment(market)), &body).await
        }
        Err(_) => Err(Refusal::new(400, "day must be a day such as 2026-11-21")),
    };
    match sent {
        Ok(_) => visit.go(&target("/console/feedback", &[("market", market), ("day", day)]), "feedback_sent"),
        Err(refusal) if refusal.wants_sign_in() || visit.wants_json => Err(refusal),
        Err(refusal) => render(&visit, &visit.form, Some(refusal)).await,
    }
}

async fn render(visit: &Visit, fields: &Fields, refused: Option<Refusal>) -> Answer {
    let markets = visit.ask("/v1/markets?pageSize=200").await?;
    let all = markets["markets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = all.iter().find(|market| market["marketId"] == fields.get("market"));
    let market = named.or_else(|| all.first()).unwrap_or(&Value::Null);
    let day = fields.given("day").and_then(|day| day.parse::<Date>().ok());
    let day = day.unwrap_or_else(|| last_held(market, today_at(market)));
    let market_id = id_of(market);
    let known = known_of(visit, &market_id, day);
    let terms = target("/v1/market-products", &[("pageSize", "1000")]);
    let (known, terms) = tokio::join!(known, visit.ask(&terms));
    let (known, terms) = (part(known)?, part(terms)?);
    let products = sold_at(&terms, &market_id);
    let names = product_names(visit, products.iter().map(String::as_str)).await?;
    let rows: Vec<Value> = products.iter().map(|product| row(product, &names, &known, fields)).collect();
    let content = json!({
        "markets": markets["markets"],
        "market": market,
        "day": day.to_string(),
        "rows": rows,
        "known": known,
        "terms": terms,
        "problem": refused,
    });
    visit.page("feedback.html", content).await
}

/// What was said of the day before.
async fn known_of(visit: &Visit, market_id: &str, day: Date) -> Result<Value, Refusal> {
    let (year, month, date) = (day.year().to_string(), day.month().to_string(), day.day().to_string());
    let fields = [
        ("marketId", market_id),
        ("fromOn.year", &year),
        ("fromOn.month", &month),
        ("fromOn.day", &date),
        ("untilOn.year", &year),
        ("untilOn.month", &month),
        ("untilOn.day", &date),
        ("pageSize", "1000"),
    ];
    visit.ask(&target("/v1/market-feedback", &fields)).await
}

/// The products that have terms at a market, or everywhere, and are still sold.
fn sold_at(terms: &Value, market_id: &str) -> Vec<String> {
    let all = terms["marketProducts"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut products: Vec<String> = all
        .iter()
        .filter(|one| one["retired"] != true && (one["marketId"] == "" || one["marketId"] == market_id))
        .filter_map(|one| one["productId"].as_str().map(str::to_owned))
        .collect();
    products.sort_unstable();
    products.dedup();
    products
}

/// One line of the form: what was typed, or else what is known.
fn row(product: &str, names: &Value, known: &Value, typed: &Fields) -> Value {
    let feedback = known["feedback"].as_array().into_iter().flatten();
    let feedback = feedback.into_iter().find(|one| one["productId"] == product).unwrap_or(&Value::Null);
    let name = names[product].as_str().filter(|name| !name.is_empty()).unwrap_or(product);
    let mut row = Map::from_iter([
        ("product_id".to_owned(), json!(product)),
        ("name".to_owned(), json!(name)),
        ("recommended".to_owned(), feedback["recommended"].clone()),
        ("notices".to_owned(), feedback["notices"].clone()),
    ]);
    for (column, field) in COLUMNS {
        let typed = typed.get(&format!("{column}{product}"));
        let value = if typed.is_empty() { plain(&feedback[field]) } else { typed.to_owned() };
        row.insert(column.trim_end_matches('.').to_owned(), json!(value));
    }
    Value::Object(row)
}

fn plain(value: &Value) -> String {
    value.as_f64().map_or_else(String::new, |number| number.to_string())
}

/// The lines with a number brought, as the service takes them.
fn lines(form: &Fields) -> Vec<Value> {
    let products = form.under("brought.").filter(|(_, value)| !value.trim().is_empty());
    products
        .map(|(product, _)| {
            let mut line = Map::from_iter([("productId".to_owned(), json!(product))]);
            for (column, field) in COLUMNS {
                if let Some(value) = form.number(&format!("{column}{product}")) {
                    line.insert(field.to_owned(), value);
                }
            }
            Value::Object(line)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_with_something_brought() {
        let form = Fields::parse(b"brought.a=10&sold.a=8&left.a=&brought.b=&sold.b=3&brought.c=x");
        let sent = lines(&form);
        assert_eq!(
            sent,
            [
                json!({"productId": "a", "brought": 10.0, "sold": 8.0}),
                json!({"productId": "c", "brought": "x"})
            ]
        );
    }

    #[test]
    fn what_was_typed_goes_before_what_is_known() {
        let known = json!({"feedback": [{"productId": "a", "brought": 7.0, "sold": 5.0}]});
        let row = row("a", &json!({"a": "Bread"}), &known, &Fields::parse(b"brought.a=9"));
        assert_eq!(
            (&row["name"], &row["brought"], &row["sold"], &row["left"]),
            (&json!("Bread"), &json!("9"), &json!("5"), &json!(""))
        );
    }

    #[test]
    fn terms_of_the_market_and_of_all_markets_are_in_the_form() {
        let terms = json!({"marketProducts": [
            {"productId": "a", "marketId": ""}, {"productId": "a", "marketId": "m"}, {"productId": "b", "marketId": "other"},
            {"productId": "c", "marketId": "", "retired": true},
        ]});
        assert_eq!(sold_at(&terms, "m"), ["a"]);
    }
}
