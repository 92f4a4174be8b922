//! Customers: what is known of each, what they bought, and how to erase one for good.

use std::sync::Arc;

use serde_json::{Value, json};

use super::listing::{about, list};
use super::recommendations::product_names;
use crate::fields::target;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// Customers in the order of their ids.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let customers = list(&visit, "/v1/customers", &[]).await?;
    visit.page("customers.html", json!({ "customers": customers })).await
}

/// One customer.
pub(crate) async fn one(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    if let Some(other) = visit.query.given("id") {
        return visit.go(&about("/console/customers/{}", other), "");
    }
    render(&visit, &id, None).await
}

async fn render(visit: &Visit, id: &str, refused: Option<Refusal>) -> Answer {
    let (path, basket) = (about("/v1/customers/{}", id), about("/v1/customers/{}/next-basket?limit=10", id));
    let bought = target("/v1/transactions", &[("customerId", id), ("pageSize", "25")]);
    let (customer, bought, basket) = tokio::join!(visit.ask(&path), visit.ask(&bought), visit.ask(&basket));
    let (bought, basket) = (part(bought)?, part(basket)?);
    // Who only bought something has no row of their own.
    let customer = match customer {
        Err(refusal) if refusal.status == 404 => Value::Null,
        customer => part(customer)?,
    };
    let ids: std::collections::BTreeSet<&str> = [&bought["transactions"], &basket["items"]]
        .into_iter()
        .flat_map(|rows| rows.as_array().into_iter().flatten())
        .filter_map(|row| row["productId"].as_str())
        .collect();
    let content = json!({
        "customer": customer,
        "id": id,
        "names": product_names(visit, ids).await?,
        "bought": bought,
        "basket": basket,
        "problem": refused,
    });
    visit.page("customer.html", content).await
}

/// Removes every trace of a customer, once their id was typed.
pub(crate) async fn erase(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    if visit.form.get("confirm") != id {
        let refusal = Refusal::new(400, "confirm must be the id of the customer, letter by letter");
        return render(&visit, &id, Some(refusal)).await;
    }
    match visit.tell(&format!("{}:erase", about("/v1/customers/{}", &id)), &json!({})).await {
        Ok(report) => visit.page("erased.html", report).await,
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, &id, Some(refusal)).await,
    }
}
