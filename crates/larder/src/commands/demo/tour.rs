//! The tour: one customer's history, what is recommended to them and why, what goes with
//! one of those products, how one more event changes the next answer, a week of meals, and a market
//! day. Asked first, then shown, as lines or as JSON.

mod names;
mod saturday;
mod show;
mod week;

use larder_proto::larder::catalog::v1::{Interaction, InteractionKind, ListTransactionsRequest, Transaction};
use larder_proto::larder::recommendation::v1::{
    RecommendRequest, RecommendSimilarRequest, Recommendation, RecommendationFilter, RepeatPolicy,
    SimilarProduct,
};

use super::load::record;
use crate::client::{Client, call_refused};
use crate::error::CommandError;
use names::Names;
use saturday::Saturday;
use week::Week;

const SHOWN: i32 = 8;
/// How far down the list the tour looks for the product of the live change.
const LOOKED_AT: i32 = 1_000;

/// Everything the tour shows.
pub(crate) struct Tour {
    customer_id: String,
    purchases: Vec<Transaction>,
    recommended: Vec<Recommendation>,
    new_to_them: Vec<Recommendation>,
    similar_to: String,
    similar: Vec<Recommendation>,
    change: Option<Change>,
    model_version: String,
    week: Week,
    saturday: Saturday,
    names: Names,
}

/// One more purchase, and where its product stood in the list before and after.
struct Change {
    product_id: String,
    before: Option<Place>,
    after: Option<Place>,
}

/// A product's place in a list, from 1.
struct Place {
    place: usize,
    item: Recommendation,
}

/// Asks everything the tour shows; records one event for the customer.
pub(crate) async fn take(client: Client, customer_id: &str) -> Result<Tour, CommandError> {
    let purchases = purchases(&client, customer_id).await?;
    let (recommended, model_version) =
        recommend(&client, customer_id, RepeatPolicy::Allow, LOOKED_AT).await?;
    let (new_to_them, _) = recommend(&client, customer_id, RepeatPolicy::Exclude, SHOWN).await?;
    let similar_to = recommended.first().map(|first| first.product_id.clone()).unwrap_or_default();
    let similar = similar(&client, &similar_to).await?;
    let change = match new_to_them.last() {
        Some(product) => Some(change(&client, customer_id, product.product_id.clone(), &recommended).await?),
        None => None,
    };
    let week = week::plan(&client).await?;
    let saturday = saturday::plan(&client).await?;
    let mut names = Names::default();
    names.learn(&client, product_ids(&purchases, &[&recommended, &new_to_them, &similar])).await?;
    let customer_id = customer_id.to_owned();
    Ok(Tour {
        customer_id,
        purchases,
        recommended,
        new_to_them,
        similar_to,
        similar,
        change,
        model_version,
        week,
        saturday,
        names,
    })
}

/// The customer's purchases, the newest first; a page of 1,000 is history enough to show.
async fn purchases(client: &Client, customer_id: &str) -> Result<Vec<Transaction>, CommandError> {
    let request = ListTransactionsRequest {
        page_size: 1_000,
        customer_id: customer_id.to_owned(),
        ..Default::default()
    };
    let answer =
        client.catalog.clone().list_transactions(request).await.map_err(call_refused("ListTransactions"))?;
    Ok(answer.into_inner().transactions)
}

async fn recommend(
    client: &Client,
    customer_id: &str,
    repeat_policy: RepeatPolicy,
    limit: i32,
) -> Result<(Vec<Recommendation>, String), CommandError> {
    let request = RecommendRequest {
        customer_id: customer_id.to_owned(),
        limit,
        filter: None,
        repeat_policy: repeat_policy.into(),
        ..RecommendRequest::default()
    };
    let answer = client.recommendation.clone().recommend(request).await.map_err(call_refused("Recommend"))?;
    let answer = answer.into_inner();
    Ok((answer.recommendations, answer.model_version))
}

async fn similar(client: &Client, product_id: &str) -> Result<Vec<Recommendation>, CommandError> {
    if product_id.is_empty() {
        return Ok(Vec::new());
    }
    let filter = Some(RecommendationFilter::default());
    let request = RecommendSimilarRequest {
        product_id: product_id.to_owned(),
        limit: SHOWN,
        filter,
        ..RecommendSimilarRequest::default()
    };
    let answer = client.recommendation.clone().recommend_similar(request).await;
    let products = answer.map_err(call_refused("RecommendSimilar"))?.into_inner().recommendations;
    let shown = |product: SimilarProduct| Recommendation {
        product_id: product.product_id,
        score: product.score,
        source: product.source,
        reasons: product.reasons,
        ..Recommendation::default()
    };
    Ok(products.into_iter().map(shown).collect())
}

async fn change(
    client: &Client,
    customer_id: &str,
    product_id: String,
    before: &[Recommendation],
) -> Result<Change, CommandError> {
    let event = Interaction {
        event_id: format!("tour-{}", uuid::Uuid::now_v7()),
        customer_id: customer_id.to_owned(),
        product_id: product_id.clone(),
        kind: InteractionKind::Purchase.into(),
        quantity: 1.0,
        ..Default::default()
    };
    record(client, vec![event]).await?;
    let (after, _) = recommend(client, customer_id, RepeatPolicy::Allow, LOOKED_AT).await?;
    let place = |list: &[Recommendation]| {
        let at = list.iter().position(|item| item.product_id == product_id)?;
        Some(Place { place: at + 1, item: list[at].clone() })
    };
    let (before, after) = (place(before), place(&after));
    Ok(Change { product_id, before, after })
}

fn product_ids(purchases: &[Transaction], lists: &[&[Recommendation]]) -> Vec<String> {
    let bought = purchases.iter().map(|purchase| purchase.product_id.clone());
    let listed = lists.iter().flat_map(|list| list.iter().take(SHOWN as usize));
    bought.chain(listed.map(|item| item.product_id.clone())).collect()
}
