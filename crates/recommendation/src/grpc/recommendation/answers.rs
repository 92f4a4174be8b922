//! The answers to shoppers: what is asked is checked here, and answered from memory.

use std::sync::Arc;

use larder_identity::TenantId;
use larder_proto::larder::recommendation::v1::*;
use larder_ranking::{Filter, Ranker};

use crate::convert::query::{self, DEFAULT_LIMIT};
use crate::error::Error;
use crate::given::Detailed;
use crate::models_at_hand::ModelAtHand;
use crate::recommend::{Asking, Question, Rung};
use crate::state::State;
use crate::validate::Fields;

/// Recommends products that stand near a product.
pub(super) fn similar(
    state: &State,
    tenant: &TenantId,
    request: RecommendSimilarRequest,
) -> Result<RecommendSimilarResponse, Error> {
    let mut fields = Fields::default();
    fields.id("product_id", &request.product_id);
    fields.optional_id("customer_id", &request.customer_id);
    let relation = query::relation(&mut fields, request.relation);
    let limit = query::limit(&mut fields, request.limit, DEFAULT_LIMIT);
    let mut filter = query::filter(&mut fields, &state.expressions, request.filter);
    fields.finish(())?;
    state.served.constrain(tenant, &request.customer_id, &mut filter)?;
    let question = Question::Similar { product_id: &request.product_id, relation };
    let asking = Asking { question, limit, ..plain(&filter) };
    let answer = state.recommender.answer(tenant, &asking, (state.clock)())?;
    let relations = state.recommender.relations(tenant, &request.product_id, &answer.items);
    Ok(RecommendSimilarResponse {
        recommendation_id: answer.recommendation_id.to_string(),
        model_version: answer.model_version.clone(),
        degraded: answer.degraded,
        degraded_reason: answer.reason.clone(),
        recommendations: wire_items(answer.rung, answer.items)
            .into_iter()
            .zip(relations)
            .map(|(item, relation)| query::similar_product(item, relation))
            .collect(),
    })
}

/// Recommends what is popular, or what rises.
pub(super) fn popular(
    state: &State,
    tenant: &TenantId,
    request: RecommendPopularRequest,
) -> Result<RecommendPopularResponse, Error> {
    let mut fields = Fields::default();
    let question = query::popularity(&mut fields, request.kind);
    let limit = query::limit(&mut fields, request.limit, DEFAULT_LIMIT);
    let filter = query::filter(&mut fields, &state.expressions, request.filter);
    fields.finish(())?;
    let asking = Asking { question, limit, ..plain(&filter) };
    let answer = state.recommender.answer(tenant, &asking, (state.clock)())?;
    Ok(RecommendPopularResponse {
        recommendation_id: answer.recommendation_id.to_string(),
        model_version: answer.model_version.clone(),
        degraded: answer.degraded,
        degraded_reason: answer.reason.clone(),
        recommendations: wire_items(answer.rung, answer.items),
    })
}

/// Lists the customers who buy most like a customer.
pub(super) async fn similar_customers(
    state: &Arc<State>,
    tenant: &TenantId,
    request: ListSimilarCustomersRequest,
) -> Result<ListSimilarCustomersResponse, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &request.customer_id);
    let limit = query::limit(&mut fields, request.limit, DEFAULT_LIMIT);
    fields.finish(())?;
    let (state, tenant) = (state.clone(), tenant.clone());
    // Every customer is looked at: that is no work for the threads that answer shoppers.
    let compared = tokio::task::spawn_blocking(move || {
        state.recommender.similar_customers(&tenant, &request.customer_id, limit)
    });
    let (customers, model_version) =
        compared.await.map_err(|error| Error::Internal(format!("comparing customers: {error}")))?;
    let wire = |customer: larder_ranking::SimilarCustomer| SimilarCustomer {
        customer_id: customer.customer_id,
        similarity: customer.similarity,
    };
    Ok(ListSimilarCustomersResponse { customers: customers.into_iter().map(wire).collect(), model_version })
}

/// The messages of an answer that stands on a rung.
pub(super) fn wire_items(rung: Rung, items: Vec<Detailed>) -> Vec<Recommendation> {
    let mut items: Vec<_> = items.into_iter().map(query::detailed).collect();
    if rung == Rung::LastGood {
        items.iter_mut().for_each(|item| item.source = RecommendationSource::LastGood.into());
    }
    items
}

/// What is asked when nothing is to be arranged and the promoted model answers.
fn plain(filter: &Filter) -> Asking<'_> {
    Asking {
        question: Question::Popular,
        limit: DEFAULT_LIMIT,
        filter,
        model: &ModelAtHand::Promoted,
        ranker: Ranker::Learned,
        arrangement: larder_ranking::Arrangement::plain(),
        traits: &[],
        explains: false,
    }
}
