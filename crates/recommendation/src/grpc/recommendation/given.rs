//! Answers about a customer and given things: products put in order, scores taken apart, and
//! the basket that is expected next.

use std::collections::HashSet;

use larder_identity::TenantId;
use larder_proto::larder::recommendation::v1::*;

use super::shown;
use crate::convert::{arrangement, query};
use crate::error::Error;
use crate::given::{AboutCustomer, Given};
use crate::models_at_hand::find_model;
use crate::showing::Showing;
use crate::state::State;
use crate::validate::Fields;
use crate::wishes;

const MOST_RANKED: usize = 1_000;
const MOST_EXPLAINED: usize = 100;
const DEFAULT_BASKET: usize = 20;
const DEFAULT_HORIZON_DAYS: i32 = 14;

/// Puts given products into the order in which a customer may want them.
pub(super) async fn rank_products(
    state: &State,
    tenant: &TenantId,
    request: RankProductsRequest,
) -> Result<RankProductsResponse, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &request.customer_id);
    fields.optional_id("model_version", &request.model_version);
    products(&mut fields, &request.product_ids, MOST_RANKED);
    let settings = state.model_settings.of(tenant.as_str());
    let placement = settings.placement(&mut fields, "placement", &request.placement);
    // Without a filter what is not in stock may be ranked as well.
    let everything = RecommendationFilter { in_stock_only: Some(false), ..Default::default() };
    let mut filter =
        query::filter(&mut fields, &state.expressions, Some(request.filter.unwrap_or(everything)));
    let arrangement = wishes::compile(&mut fields, &state.expressions, &wishes::of_placement(placement));
    fields.finish(())?;
    state.served.constrain(tenant, &request.customer_id, &mut filter)?;
    let model = find_model(&state.served, &state.nudge, tenant, &request.model_version).await?;
    let now_us = (state.clock)();
    let (arrangement, impressions) =
        state.recommender.arranged_for(tenant, &request.customer_id, arrangement, now_us);
    let traits = state.served.traits_of(tenant, &request.customer_id, now_us);
    let about = AboutCustomer {
        customer_id: &request.customer_id,
        filter: &filter,
        ranker: placement.ranker(),
        arrangement: &arrangement,
        traits: &traits,
        impressions: &impressions,
    };
    let given = Given { recommender: &state.recommender, tenant, model: &model, now_us };
    let answer = given.rank(&about, &request.product_ids, request.explain)?;
    Ok(RankProductsResponse {
        recommendation_id: uuid::Uuid::now_v7().to_string(),
        recommendations: answer.items.into_iter().map(query::detailed).collect(),
        left_out: answer
            .left_out
            .into_iter()
            .map(|(product_id, reason)| LeftOutProduct { product_id, reason })
            .collect(),
        degraded: answer.missing.is_some(),
        degraded_reason: answer.missing.unwrap_or_default(),
        model_version: answer.model_version,
    })
}

/// Explains why products are, or are not, recommended.
pub(super) async fn explain(
    state: &State,
    tenant: &TenantId,
    request: ExplainRecommendationRequest,
) -> Result<ExplainRecommendationResponse, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &request.customer_id);
    fields.optional_id("model_version", &request.model_version);
    products(&mut fields, &request.product_ids, MOST_EXPLAINED);
    let settings = state.model_settings.of(tenant.as_str());
    let placement = settings.placement(&mut fields, "placement", &request.placement);
    let limit = query::limit(&mut fields, request.limit, placement.limit as usize);
    let mut filter = query::filter(&mut fields, &state.expressions, request.filter);
    let asked = arrangement::from_wire(&mut fields, "arrangement", request.arrangement);
    let asked = asked.over(&wishes::of_placement(placement));
    let experiments = &state.served.experiments;
    let showing = Showing::new(experiments, tenant, &request.placement, &request.customer_id, asked);
    let mut arrangement = wishes::compile(&mut fields, &state.expressions, &showing.arrangement);
    fields.finish(())?;
    arrangement.spare = showing.pool_size(limit) - limit;
    state.served.constrain(tenant, &request.customer_id, &mut filter)?;
    let model = shown::model_of(state, tenant, &showing, &request.model_version).await?;
    let now_us = (state.clock)();
    let (arrangement, impressions) =
        state.recommender.arranged_for(tenant, &request.customer_id, arrangement, now_us);
    let traits = state.served.traits_of(tenant, &request.customer_id, now_us);
    let about = AboutCustomer {
        customer_id: &request.customer_id,
        filter: &filter,
        ranker: placement.ranker(),
        arrangement: &arrangement,
        traits: &traits,
        impressions: &impressions,
    };
    let given = Given { recommender: &state.recommender, tenant, model: &model, now_us };
    let (explained, model_version) = given.explain(&about, &request.product_ids, limit)?;
    Ok(ExplainRecommendationResponse {
        explanations: explained.into_iter().map(query::explanation).collect(),
        model_version,
    })
}

/// Foretells the next basket of a customer.
pub(super) fn next_basket(
    state: &State,
    tenant: &TenantId,
    request: RecommendNextBasketRequest,
) -> Result<RecommendNextBasketResponse, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &request.customer_id);
    let settings = state.model_settings.of(tenant.as_str());
    let placement = settings.placement(&mut fields, "placement", &request.placement);
    let limit = query::limit(&mut fields, request.limit, DEFAULT_BASKET);
    let horizon_days = if request.horizon_days == 0 { DEFAULT_HORIZON_DAYS } else { request.horizon_days };
    if !(1..=365).contains(&horizon_days) {
        fields.refuse("horizon_days", "must be from 1 to 365, or 0 for 14");
    }
    let mut filter = query::filter(&mut fields, &state.expressions, request.filter);
    let arrangement = wishes::compile(&mut fields, &state.expressions, &wishes::of_placement(placement));
    fields.finish(())?;
    state.served.constrain(tenant, &request.customer_id, &mut filter)?;
    let model = crate::models_at_hand::ModelAtHand::Promoted;
    let now_us = (state.clock)();
    let (arrangement, impressions) =
        state.recommender.arranged_for(tenant, &request.customer_id, arrangement, now_us);
    let traits = state.served.traits_of(tenant, &request.customer_id, now_us);
    let about = AboutCustomer {
        customer_id: &request.customer_id,
        filter: &filter,
        ranker: placement.ranker(),
        arrangement: &arrangement,
        traits: &traits,
        impressions: &impressions,
    };
    let given = Given { recommender: &state.recommender, tenant, model: &model, now_us };
    let horizon_days = u16::try_from(horizon_days).unwrap_or(u16::MAX);
    let answer = given.next_basket(&about, limit, horizon_days)?;
    Ok(query::next_basket(answer))
}

/// Checks a list of products: one at least, none twice.
fn products(fields: &mut Fields, product_ids: &[String], most: usize) {
    if product_ids.is_empty() {
        fields.refuse("product_ids", format!("must have 1 to {most} entries"));
    }
    fields.ids("product_ids", product_ids, most);
    let mut seen = HashSet::new();
    if let Some(index) = product_ids.iter().position(|id| !seen.insert(id)) {
        fields.refuse(&format!("product_ids[{index}]"), "must not stand in the list twice");
    }
}
