//! Recommendations: for a customer, for everybody, for a product. An empty catalogue has none, which is no failure.

use serde_json::Value;

use crate::commands::deploy::judge;
use crate::commands::deploy::outcome::{Found, Outcome};
use crate::commands::deploy::stack::Stack;

const SCOPE: &str = "recommendations.read";
const NO_MODEL: &str = "no model has been trained yet";
const NO_PRODUCTS: &str = "the tenant of these credentials has no products";

pub(super) async fn for_customer(stack: &Stack) -> Found {
    let customer: String = url::form_urlencoded::byte_serialize(stack.customer.as_bytes()).collect();
    let path = format!("/v1/customers/{customer}/recommendations?limit=5");
    let answer = judge::answered(&stack.get(&path).await?, SCOPE)?;
    let count = full(stack, &answer).await?;
    let model = answer["modelVersion"].as_str().unwrap_or_default();
    let model = if model.is_empty() { "without a model".to_owned() } else { format!("by model {model}") };
    Ok(format!("{count} products {model}"))
}

pub(super) async fn popular(stack: &Stack) -> Found {
    let answer = judge::answered(&stack.get("/v1/recommendations/popular?limit=5").await?, SCOPE)?;
    Ok(format!("{} products", full(stack, &answer).await?))
}

pub(super) async fn similar(stack: &Stack) -> Found {
    let Some(product) = first_product(stack).await? else { return Err(Outcome::skipped(NO_PRODUCTS)) };
    let id: String = url::form_urlencoded::byte_serialize(product.as_bytes()).collect();
    let answer = judge::answered(&stack.get(&format!("/v1/products/{id}/similar?limit=3")).await?, SCOPE)?;
    // A product that nobody bought, in a shop without a model, is like no other.
    let count = answer["recommendations"].as_array().map_or(0, Vec::len);
    Ok(format!("{count} products like {product}"))
}

/// How many there are; none only where there is nothing to recommend.
async fn full(stack: &Stack, answer: &Value) -> Result<usize, Outcome> {
    let reason = answer["degradedReason"].as_str().unwrap_or_default();
    // A shop that is new has no model and perhaps nothing to go by; whether it has to is checkpoint 35.
    let is_new = reason.starts_with(NO_MODEL);
    if answer["degraded"] == true && !is_new {
        return Err(Outcome::fail(
            format!("degraded: {reason}"),
            "see the recommendation service: `larder healthcheck --url` of its ops port; docs/operations/symptoms.md",
        ));
    }
    match answer["recommendations"].as_array().map_or(0, Vec::len) {
        0 if is_new => Err(Outcome::skipped(reason)),
        0 if first_product(stack).await?.is_none() => Err(Outcome::skipped(NO_PRODUCTS)),
        0 => Err(Outcome::fail(
            "nothing, though there are products",
            "see why the answer is empty: its degradedReason, and whether everything is out of stock",
        )),
        count => Ok(count),
    }
}

async fn first_product(stack: &Stack) -> Result<Option<String>, Outcome> {
    let page = judge::answered(&stack.get("/v1/products?pageSize=1&inStock=true").await?, "catalog.read")?;
    Ok(page["products"][0]["productId"].as_str().map(str::to_owned))
}
