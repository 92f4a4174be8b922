//! Calls about what products and foods are worth.

use std::sync::Arc;

use larder_identity::TenantId;
use larder_nutrition::DailyValues;
use larder_proto::larder::nutrition::v1::*;
use tokio::time::Instant;

use crate::convert::{food, score};
use crate::error::Error;
use crate::metrics;
use crate::nutrition::catalogue;
use crate::nutrition::people::somebody;
use crate::nutrition::scoring::model_of_goal;
use crate::state::State;
use crate::validate::Fields;

const MOST: usize = 1_000;
const DEFAULT_GOAL: &str = "balanced";

/// Scores products and foods.
pub(super) async fn score(
    state: &Arc<State>,
    tenant: &TenantId,
    request: ScoreProductsRequest,
) -> Result<ScoreProductsResponse, Error> {
    let (state, tenant) = (state.clone(), tenant.clone());
    let work = tokio::task::spawn_blocking(move || score_all(&state, &tenant, &request));
    work.await.map_err(|error| Error::Internal(format!("scoring: {error}")))?
}

fn score_all(
    state: &State,
    tenant: &TenantId,
    request: &ScoreProductsRequest,
) -> Result<ScoreProductsResponse, Error> {
    let started = Instant::now();
    let mut fields = Fields::default();
    fields.ids("product_ids", &request.product_ids, MOST);
    fields.optional_id("goal", &request.goal);
    fields.optional_id("customer_id", &request.customer_id);
    if request.product_ids.is_empty() && request.foods.is_empty() {
        fields.refuse("product_ids", "must name something to score, or foods must");
    }
    let mut foods = Vec::with_capacity(request.foods.len().min(MOST));
    if request.foods.len() > MOST {
        let count = request.foods.len();
        fields.refuse("foods", format!("must have at most {MOST} entries; this has {count}"));
    } else {
        for (index, own) in request.foods.iter().enumerate() {
            foods.push(food::from_wire(&mut fields, &format!("foods[{index}]"), own));
        }
    }
    fields.finish(())?;
    let settings = state.model_settings.of(tenant.as_str());
    let goal = if request.goal.is_empty() && !request.customer_id.is_empty() {
        let who = somebody(&state.served, tenant, &request.customer_id, None)?.profile;
        let own = Some(who.score_goal).filter(|goal| !goal.is_empty());
        own.unwrap_or_else(|| model_of_goal(who.goal).unwrap_or(DEFAULT_GOAL).to_owned())
    } else if request.goal.is_empty() {
        DEFAULT_GOAL.to_owned()
    } else {
        request.goal.clone()
    };
    let mut fields = Fields::default();
    let model = settings.rules.score_model(&mut fields, "goal", &goal);
    let model = fields.finish(model)?.ok_or_else(|| Error::Internal("no score model".to_owned()))?;

    let daily_values = DailyValues::fda_2016();
    let (mut scores, mut missing_product_ids) = (Vec::new(), Vec::new());
    for product_id in &request.product_ids {
        match catalogue::product(&state.served, tenant, &state.generic_foods, product_id) {
            Ok(product) => {
                let source = food::source(product.source);
                scores.push(score::food_score(&product.food, source, &model, &daily_values));
            }
            Err(Error::NotFound { .. }) => missing_product_ids.push(product_id.clone()),
            Err(error) => return Err(error),
        }
    }
    let own = foods.iter();
    scores.extend(own.map(|own| score::food_score(own, NutrientSource::Declared, &model, &daily_values)));
    let missing = catalogue::missing(&state.served, tenant);
    metrics::computed("score_products", started.elapsed());
    metrics::nutrition_answered("score_products", missing.is_some());
    Ok(ScoreProductsResponse {
        goal,
        scores,
        missing_product_ids,
        degraded: missing.is_some(),
        degraded_reason: missing.unwrap_or_default(),
    })
}
