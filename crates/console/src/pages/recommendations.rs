//! The playground: what a customer would be recommended and why, by the model that serves or by two models beside each
//! other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use serde_json::{Value, json};

use crate::fields::{segment, target};
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// Products whose names are asked for at the same time.
const NAMES_AT_ONCE: usize = 8;
const MOST_SHOWN: &str = "50";

/// The settings, and what comes of them once there is a customer.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let (models, customers) =
        tokio::join!(visit.ask("/v1/models?pageSize=50"), visit.ask("/v1/customers?pageSize=25"));
    let mut content = json!({
        "models": part(models)?["models"],
        "customers": part(customers)?["customers"],
        "most_shown": MOST_SHOWN,
    });
    let Some(customer) = visit.query.given("customer") else {
        return visit.page("recommendations.html", content).await;
    };
    let (model, other) = (visit.query.get("model"), visit.query.get("other"));
    let compares = !other.is_empty();
    let (left, right) = tokio::join!(recommend(&visit, customer, model), async {
        if compares { Some(recommend(&visit, customer, other).await) } else { None }
    });
    let left = part(left)?;
    let right = right.map(part).transpose()?;
    content["names"] = names(&visit, [Some(&left), right.as_ref()]).await?;
    content["answers"] = [Some(&left), right.as_ref()]
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(side, answer)| {
            let elsewhere = if side == 0 { right.as_ref() } else { Some(&left) };
            with_places(answer, elsewhere)
        })
        .collect();
    visit.page("recommendations.html", content).await
}

async fn recommend(visit: &Visit, customer: &str, model: &str) -> Result<Value, Refusal> {
    let query = &visit.query;
    let fields = [
        ("limit", query.given("limit").unwrap_or("10")),
        ("modelVersion", if model == "promoted" { "" } else { model }),
        ("placement", query.get("placement")),
        ("repeatPolicy", query.get("repeat")),
        ("filter.inStockOnly", query.get("in_stock")),
        ("filter.expression", query.get("expression")),
        ("arrangement.diversity", query.get("diversity")),
        ("explain", "true"),
    ];
    visit.ask(&target(&format!("/v1/customers/{}/recommendations", segment(customer)), &fields)).await
}

/// Each recommendation with its place in the other answer, 0 when it is not there.
fn with_places(answer: &Value, other: Option<&Value>) -> Value {
    let mut answer = answer.clone();
    let places: Option<BTreeMap<String, usize>> = other.map(|other| {
        let products = list(other).iter().enumerate();
        products.map(|(at, one)| (one["productId"].as_str().unwrap_or_default().to_owned(), at + 1)).collect()
    });
    let list = answer.get_mut("recommendations").and_then(Value::as_array_mut);
    let Some(list) = list else { return answer };
    for (at, one) in list.iter_mut().enumerate() {
        one["place"] = json!(at + 1);
        if let Some(places) = &places {
            let id = one["productId"].as_str().unwrap_or_default();
            one["otherPlace"] = json!(places.get(id).copied().unwrap_or(0));
        }
    }
    answer
}

fn list(answer: &Value) -> &[Value] {
    answer["recommendations"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What the recommended products are called.
async fn names(visit: &Visit, answers: [Option<&Value>; 2]) -> Result<Value, Refusal> {
    let ids: BTreeSet<&str> =
        answers.into_iter().flatten().flat_map(list).filter_map(|one| one["productId"].as_str()).collect();
    product_names(visit, ids).await
}

/// The names of these products; one that cannot be found has none.
pub(super) async fn product_names<'a>(
    visit: &Visit,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<Value, Refusal> {
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    let asked = ids.into_iter().map(|id| async move {
        let answer = visit.ask(&format!("/v1/products/{}", segment(&id))).await;
        (id, answer)
    });
    let found: Vec<(String, Result<Value, Refusal>)> =
        futures::stream::iter(asked).buffer_unordered(NAMES_AT_ONCE).collect().await;
    let mut names = serde_json::Map::new();
    for (id, answer) in found {
        match answer {
            Ok(answer) => names.insert(id, answer["product"]["name"].clone()),
            Err(refusal) if refusal.wants_sign_in() => return Err(refusal),
            Err(_) => None,
        };
    }
    Ok(Value::Object(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_knows_its_place_in_the_other_answer() {
        let answer = |ids: &[&str]| json!({"recommendations": ids.iter().map(|id| json!({"productId": id})).collect::<Vec<_>>()});
        let (left, right) = (answer(&["a", "b"]), answer(&["b", "c"]));
        let placed = with_places(&left, Some(&right));
        assert_eq!(placed["recommendations"][0]["otherPlace"], 0);
        assert_eq!(
            (&placed["recommendations"][1]["place"], &placed["recommendations"][1]["otherPlace"]),
            (&json!(2), &json!(1))
        );
        assert!(with_places(&left, None)["recommendations"][0].get("otherPlace").is_none());
        assert_eq!(with_places(&json!({"problem": {}}), None), json!({"problem": {}}));
    }
}
