//! The catalogue: products, one at a time to look at and to change.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};

use super::listing::{about, list, upsert};
use super::recommendations::product_names;
use crate::figures;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// Products, by category and stock.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let products = list(&visit, "/v1/products", &[("category", "category"), ("in_stock", "inStock")]).await?;
    visit.page("catalogue.html", json!({ "products": products })).await
}

/// One product, what it is made of, and what goes with it.
pub(crate) async fn one(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    render(&visit, &id, None).await
}

async fn render(visit: &Visit, id: &str, refused: Option<Refusal>) -> Answer {
    let (path, like) = (about("/v1/products/{}", id), about("/v1/products/{}/similar", id));
    let (product, similar) = tokio::join!(visit.ask(&path), visit.ask(&like));
    let similar = part(similar)?;
    let ids: Vec<&str> = similar["recommendations"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["productId"].as_str())
        .collect();
    let content = json!({
        "product": product?["product"],
        "names": product_names(visit, ids).await?,
        "similar": similar,
        "problem": refused,
    });
    visit.page("product.html", content).await
}

/// Changes what the form shows of a product; everything else of it stays.
pub(crate) async fn change(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    if visit.form.get("deed") == "delete" {
        visit.send(Method::DELETE, &about("/v1/products/{}", &id), None).await?;
        return visit.go("/console/catalogue", "product_hidden");
    }
    let mut product = visit.ask(&about("/v1/products/{}", &id)).await?["product"].clone();
    lay_over(&mut product, &visit);
    match upsert(&visit, "/v1/products:batchUpsert", "products", product).await {
        Ok(()) => visit.go(&about("/console/catalogue/{}", &id), "product_kept"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, &id, Some(refusal)).await,
    }
}

fn lay_over(product: &mut Value, visit: &Visit) {
    let form = &visit.form;
    for (field, name) in
        [("name", "name"), ("category", "category"), ("brand", "brand"), ("package_size", "packageSize")]
    {
        product[name] = json!(form.get(field));
    }
    for (field, name) in [("tags", "tags"), ("allergens", "allergens"), ("diets", "diets")] {
        product[name] = json!(form.words(field));
    }
    product["inStock"] = json!(form.get("in_stock") == "true");
    product["price"] = match form.number("price") {
        None => Value::Null,
        Some(typed) => match typed.as_f64() {
            Some(price) => figures::to_money(price, form.get("currency")),
            None => json!({"currencyCode": form.get("currency"), "units": typed}),
        },
    };
    for set_by_the_service in ["createdAt", "updatedAt"] {
        product.as_object_mut().map(|fields| fields.remove(set_by_the_service));
    }
}
