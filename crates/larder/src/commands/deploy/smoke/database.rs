//! PostgreSQL through the services: what they say of it, a reading that no cache answers, and, where it is asked for,
//! a product that is written and deleted.

use http::Method;
use serde_json::json;

use crate::commands::deploy::checkpoints::platform;
use crate::commands::deploy::judge;
use crate::commands::deploy::outcome::{Found, Outcome};
use crate::commands::deploy::stack::Stack;

pub(super) async fn health(stack: &Stack) -> Found {
    let services = platform::services(stack).await?;
    let mut reached = Vec::new();
    for service in &services {
        let name = service["service"].as_str().unwrap_or_default();
        let checks = service["checks"].as_array().into_iter().flatten();
        for check in checks.filter(|check| check["name"] == "postgresql") {
            if check["level"] != "healthy" {
                let cause = check["cause"].as_str().unwrap_or_default();
                return Err(Outcome::fail(
                    format!("{name}: {cause}"),
                    "docs/runbooks/PostgresDown.md; a wrong password shows in the service's log",
                ));
            }
            reached.push(name);
        }
    }
    if reached.is_empty() {
        return Err(Outcome::skipped("no service has a check of PostgreSQL"));
    }
    Ok(format!("reached by {}", reached.join(", ")))
}

pub(super) async fn reads(stack: &Stack) -> Found {
    let answer = stack.get("/v1/transactions?pageSize=1").await?;
    let page = judge::answered(&answer, "catalog.read")?;
    Ok(format!("{} transactions", page["transactions"].as_array().map_or(0, Vec::len)))
}

pub(super) async fn writes(stack: &Stack) -> Found {
    if !stack.write {
        return Err(Outcome::skipped("nothing is written unless --write is given"));
    }
    // Out of stock, so that nobody is recommended it in between.
    let id = format!("larder-verify-{}", uuid::Uuid::now_v7());
    let product = json!({ "productId": id, "name": "Written by larder deploy verify", "inStock": false });
    let written =
        stack.call(Method::POST, "/v1/products:batchUpsert", &json!({ "products": [product] })).await?;
    let written = judge::answered(&written, "catalog.write")?;
    if written["acceptedCount"] != 1 {
        return Err(Outcome::fail(format!("the product was refused: {}", written["verdicts"]), ""));
    }
    let path = format!("/v1/products/{id}");
    let read = judge::answered(&stack.get(&path).await?, "catalog.read");
    let deleted = stack.call(Method::DELETE, &path, &json!({})).await?;
    judge::answered(&deleted, "catalog.write").map_err(|outcome| Outcome {
        way_out: format!("{}; the product {id} is still there", outcome.way_out),
        ..outcome
    })?;
    read?;
    match stack.get(&path).await?.status {
        404 => Ok("written, read and deleted".to_owned()),
        status => Err(Outcome::fail(
            format!("status {status} for a product that was deleted"),
            "an old answer is given after a write: docs/operations/symptoms.md, the cache",
        )),
    }
}
