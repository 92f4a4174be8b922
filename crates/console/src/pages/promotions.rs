//! Promotions and budgets: what is cheaper for a while, and what may be spent on it.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::listing::{about, list, upsert};
use crate::figures;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// Both lists, and what each brought.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, None).await
}

async fn render(visit: &Visit, refused: Option<Refusal>) -> Answer {
    let (promotions, budgets, by_promotion, by_budget) = tokio::join!(
        list(visit, "/v1/promotions", &[]),
        visit.ask("/v1/budgets?pageSize=100"),
        visit.ask("/v1/sales/analytics?groupBy=SALES_GROUP_PROMOTION"),
        visit.ask("/v1/sales/analytics?groupBy=SALES_GROUP_BUDGET")
    );
    let content = json!({
        "promotions": promotions?,
        "budgets": part(budgets)?,
        "by_promotion": by_group(&part(by_promotion)?),
        "by_budget": by_group(&part(by_budget)?),
        "problem": refused,
    });
    visit.page("promotions.html", content).await
}

/// Sums by the id of their group.
fn by_group(analytics: &Value) -> Value {
    let sums = analytics["sums"].as_array().into_iter().flatten();
    sums.map(|sum| (sum["group"].as_str().unwrap_or_default().to_owned(), sum.clone())).collect()
}

/// Keeps or removes one, as the button says.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let form = &visit.form;
    let id = form.get("id");
    let sent = match form.get("deed") {
        "keep_promotion" => {
            upsert(&visit, "/v1/promotions:batchUpsert", "promotions", promotion(&visit)).await
        }
        "keep_budget" => upsert(&visit, "/v1/budgets:batchUpsert", "budgets", budget(&visit)).await,
        "remove_promotion" => {
            visit.send(Method::DELETE, &about("/v1/promotions/{}", id), None).await.map(drop)
        }
        "remove_budget" => visit.send(Method::DELETE, &about("/v1/budgets/{}", id), None).await.map(drop),
        _ => Err(Refusal::new(
            400,
            "deed must be keep_promotion, keep_budget, remove_promotion or remove_budget",
        )),
    };
    match sent {
        Ok(()) => visit.go("/console/promotions", "kept"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, Some(refusal)).await,
    }
}

fn promotion(visit: &Visit) -> Value {
    let form = &visit.form;
    let at = |name: &str| match form.get(name) {
        "" => Value::Null,
        day => json!(format!("{day}T00:00:00Z")),
    };
    json!({
        "promotionId": form.get("id"),
        "name": form.get("name"),
        "productIds": form.words("products"),
        "categories": form.words("categories"),
        "discountPercent": form.number("discount"),
        "startsAt": at("starts"),
        "endsAt": at("ends"),
    })
}

fn budget(visit: &Visit) -> Value {
    let form = &visit.form;
    let currency = form.get("currency");
    let amount = form.number("amount").map(|typed| match typed.as_f64() {
        Some(amount) => figures::to_money(amount, currency),
        None => json!({"currencyCode": currency, "units": typed}),
    });
    let day = |name: &str| form.get(name).parse().map(figures::to_day).unwrap_or(Value::Null);
    json!({
        "budgetId": form.get("id"),
        "name": form.get("name"),
        "customerId": form.get("customer"),
        "category": form.get("category"),
        "amount": amount,
        "startsOn": day("starts"),
        "endsOn": day("ends"),
    })
}
