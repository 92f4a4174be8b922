//! A recommendation to a customer on its way out: which of the ranked products are shown,
//! with which chance, and for which experiment.

use larder_identity::TenantId;
use larder_proto::larder::recommendation::v1::{
    ExperimentAssignment, RecommendRequest, RecommendResponse, Recommendation,
};
use larder_ranking::{RankedItem, Source};

use super::wire_items;
use crate::convert::{arrangement, experiment, query};
use crate::error::Error;
use crate::exposures::PooledProduct;
use crate::recommend::{Answer, Question};
use crate::showing::{Showable, Showing};
use crate::state::State;
use crate::validate::Fields;

pub(super) fn recommend(
    state: &State,
    tenant: &TenantId,
    request: RecommendRequest,
) -> Result<RecommendResponse, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &request.customer_id);
    if !request.placement.is_empty() {
        experiment::name(&mut fields, "placement", &request.placement);
    }
    let repeat_policy = query::repeat_policy(&mut fields, request.repeat_policy);
    let limit = query::limit(&mut fields, request.limit);
    let filter = query::filter(&mut fields, request.filter);
    let asked = arrangement::from_wire(&mut fields, "arrangement", request.arrangement);
    fields.finish(())?;
    let experiments = &state.served.experiments;
    let showing = Showing::new(experiments, tenant, &request.placement, &request.customer_id, asked);
    let question = Question::For { customer_id: &request.customer_id, repeat_policy };
    let now_us = (state.clock)();
    let answer = state.recommender.answer(tenant, &question, showing.pool_size(limit), &filter, now_us)?;
    let recommendations = show(state, &showing, &answer, limit, now_us);
    let is_short = recommendations.len() < limit;
    Ok(RecommendResponse {
        recommendation_id: answer.recommendation_id.to_string(),
        recommendations,
        model_version: answer.model_version,
        degraded: answer.degraded,
        // A pool that was not filled is nothing to tell of when the list is.
        degraded_reason: if answer.degraded || is_short { answer.reason } else { String::new() },
        experiment: showing.assignment.map(|assignment| ExperimentAssignment {
            experiment_id: assignment.experiment_id,
            arm: assignment.arm,
        }),
        ..RecommendResponse::default()
    })
}

fn show(
    state: &State,
    showing: &Showing<'_>,
    answer: &Answer,
    limit: usize,
    now_us: i64,
) -> Vec<Recommendation> {
    let best = answer.items.first().map_or(0.0, |item| item.score);
    let relevance = |item: &RankedItem| match item.relevance {
        Some(chance) => f64::from(chance),
        None if best > 0.0 => (item.score / best).clamp(0.0, 1.0),
        None => 0.0,
    };
    let pooled = answer.items.iter().map(|item| PooledProduct {
        product_id: item.product_id.clone(),
        score: item.score,
        relevance: relevance(item),
        repeat: item.source == Source::Personal,
    });
    let showable = Showable {
        recommendation_id: answer.recommendation_id,
        model_version: &answer.model_version,
        shown_at_us: now_us,
        limit,
        pool: pooled.collect(),
        fixed_places: Vec::new(),
    };
    let items = wire_items(answer);
    let shown = showing.show(&state.exposures, showable).into_iter().filter_map(|place| {
        let relevance = relevance(answer.items.get(place.pool_position)?);
        let item = items.get(place.pool_position)?.clone();
        Some(Recommendation { relevance, propensity: place.propensity, ..item })
    });
    shown.collect()
}
