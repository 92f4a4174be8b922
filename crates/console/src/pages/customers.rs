//! Customers: what is known of each, what they bought, how to hold what is kept and how to erase one for good.

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
    let holds = target("/v1/privacy/holds", &[("customerId", id)]);
    let (customer, bought, basket, holds) =
        tokio::join!(visit.ask(&path), visit.ask(&bought), visit.ask(&basket), visit.ask(&holds));
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
        "holds": part(holds)?,
        "problem": refused,
    });
    visit.page("customer.html", content).await
}

/// Holds, releases, or removes every trace of a customer once their id was typed.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let (id, form) = (visit.last_segment(), &visit.form);
    let reason = form.get("reason");
    let sent = match form.get("deed") {
        "hold" => visit.tell("/v1/privacy/holds", &json!({"customerId": id, "reason": reason})).await,
        "release" => {
            let path = format!("{}:release", about("/v1/privacy/holds/{}", form.get("hold")));
            visit.tell(&path, &json!({"reason": reason})).await
        }
        "erase" if form.get("confirm") != id => {
            Err(Refusal::new(400, "confirm must be the id of the customer, letter by letter"))
        }
        "erase" => {
            let path = format!("{}:erase", about("/v1/privacy/customers/{}", &id));
            visit.tell(&path, &json!({"reason": reason})).await
        }
        _ => Err(Refusal::new(400, "deed must be hold, release or erase")),
    };
    match sent {
        Ok(report) if form.get("deed") == "erase" => visit.page("erased.html", report).await,
        Ok(_) => visit.go(&about("/console/customers/{}", &id), "privacy_told"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, &id, Some(refusal)).await,
    }
}
