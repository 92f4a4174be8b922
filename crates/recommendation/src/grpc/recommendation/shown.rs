//! A recommendation to a customer or a visitor on its way out: arranged as the placement, the request and
//! the arm of an experiment say, drawn where the answer explores, and noted where it is logged.

use larder_flags::{Context, Flags};
use larder_identity::TenantId;
use larder_proto::larder::recommendation::v1::{
    ExperimentAssignment, RecommendForSessionRequest, RecommendForSessionResponse, RecommendRequest,
    RecommendResponse, Recommendation,
};
use uuid::Uuid;

use super::answers::wire_items;
use crate::convert::{arrangement, experiment, query, session};
use crate::error::Error;
use crate::exposures::PooledProduct;
use crate::given::Detailed;
use crate::models_at_hand::{ModelAtHand, find_model};
use crate::recommend::{Answer, Asking, Question};
use crate::showing::{Showable, Showing, visitor};
use crate::state::State;
use crate::validate::Fields;
use crate::wishes;

/// An answer, and whether it is noted that it was shown.
pub(super) struct Shown {
    pub(super) answer: RecommendResponse,
    pub(super) is_logged: bool,
}
/// The flag whose text names the model that answers.
const MODEL_FLAG: &str = "recommendation-model";

/// Recommends products to a customer.
pub(super) async fn recommend(
    state: &State,
    tenant: &TenantId,
    request: RecommendRequest,
) -> Result<Shown, Error> {
    let mut fields = Fields::default();
    fields.id("customer_id", &request.customer_id);
    fields.optional_id("model_version", &request.model_version);
    if !request.placement.is_empty() {
        experiment::name(&mut fields, "placement", &request.placement);
    }
    let settings = state.model_settings.of(tenant.as_str());
    let placement = settings.placement(&mut fields, "placement", &request.placement);
    let repeat_policy = query::repeat_policy(&mut fields, request.repeat_policy);
    let limit = query::limit(&mut fields, request.limit, placement.limit as usize);
    let mut filter = query::filter(&mut fields, &state.expressions, request.filter);
    let asked = arrangement::from_wire(&mut fields, "arrangement", request.arrangement);
    let asked = asked.over(&wishes::of_placement(placement));
    let experiments = &state.served.experiments;
    let mut showing = Showing::new(experiments, tenant, &request.placement, &request.customer_id, asked);
    showing.logs_always = placement.log_exposures;
    let mut arrangement = wishes::compile(&mut fields, &state.expressions, &showing.arrangement);
    fields.finish(())?;
    arrangement.spare = showing.pool_size(limit) - limit;
    state.served.constrain(tenant, &request.customer_id, &mut filter)?;
    let model = model_of(state, tenant, &showing, &request.model_version).await?;
    let now_us = (state.clock)();
    let traits = state.served.traits_of(tenant, &request.customer_id, now_us);
    let asking = Asking {
        question: Question::For { customer_id: &request.customer_id, repeat_policy },
        limit,
        filter: &filter,
        model: &model,
        ranker: placement.ranker(),
        arrangement: &arrangement,
        traits: &traits,
        explains: request.explain,
    };
    let is_logged = showing.is_logged();
    Ok(Shown { answer: answer(state, showing, &asking, now_us)?, is_logged })
}

/// Recommends products for a session.
pub(super) async fn session(
    state: &State,
    tenant: &TenantId,
    request: RecommendForSessionRequest,
) -> Result<RecommendForSessionResponse, Error> {
    let now_us = (state.clock)();
    let mut fields = Fields::default();
    let events = session::events(&mut fields, request.events, now_us);
    let profile = session::profile(&mut fields, request.profile);
    fields.text("session_id", &request.session_id, 0, 128);
    if !request.placement.is_empty() {
        experiment::name(&mut fields, "placement", &request.placement);
    }
    let settings = state.model_settings.of(tenant.as_str());
    let placement = settings.placement(&mut fields, "placement", &request.placement);
    let limit = query::limit(&mut fields, request.limit, placement.limit as usize);
    let mut filter = query::filter(&mut fields, &state.expressions, request.filter);
    let asked = arrangement::from_wire(&mut fields, "arrangement", request.arrangement);
    let asked = asked.over(&wishes::of_placement(placement));
    let visitor = (!request.session_id.is_empty()).then(|| visitor(&request.session_id));
    let subject = visitor.clone().unwrap_or_else(|| self::visitor(&Uuid::now_v7().to_string()));
    let mut showing = Showing::new(&state.served.experiments, tenant, &request.placement, &subject, asked);
    showing.logs_always = placement.log_exposures;
    let mut arrangement = wishes::compile(&mut fields, &state.expressions, &showing.arrangement);
    fields.finish(())?;
    arrangement.spare = showing.pool_size(limit) - limit;
    profile.constrain(&mut filter);
    let model = model_of(state, tenant, &showing, "").await?;
    let traits = profile.traits(now_us);
    let asking = Asking {
        question: Question::Session { events: &events, visitor: visitor.as_deref(), told: &profile },
        limit,
        filter: &filter,
        model: &model,
        ranker: placement.ranker(),
        arrangement: &arrangement,
        traits: &traits,
        explains: request.explain,
    };
    let shown = answer(state, showing, &asking, now_us)?;
    Ok(RecommendForSessionResponse {
        recommendation_id: shown.recommendation_id,
        recommendations: shown.recommendations,
        model_version: shown.model_version,
        degraded: shown.degraded,
        degraded_reason: shown.degraded_reason,
        relaxations: shown.relaxations,
        experiment: shown.experiment,
    })
}

/// Answers, draws where the answer explores, and notes what is shown.
fn answer(
    state: &State,
    showing: Showing<'_>,
    asking: &Asking<'_>,
    now_us: i64,
) -> Result<RecommendResponse, Error> {
    let limit = asking.limit;
    let mut answer = state.recommender.answer(showing.tenant, asking, now_us)?;
    let recommendations = show(state, &showing, &mut answer, limit, now_us);
    let is_short = recommendations.len() < limit;
    Ok(RecommendResponse {
        recommendation_id: answer.recommendation_id.to_string(),
        recommendations,
        relaxations: answer.relaxations.iter().map(query::relaxation).collect(),
        model_version: answer.model_version,
        degraded: answer.degraded,
        // A pool that was not filled is nothing to tell of when the list is.
        degraded_reason: if answer.degraded || is_short { answer.reason } else { String::new() },
        experiment: showing.assignment.map(|assignment| ExperimentAssignment {
            experiment_id: assignment.experiment_id,
            arm: assignment.arm,
        }),
    })
}

/// The model the request names, or the arm; an arm whose model is gone gets the promoted one.
pub(super) async fn model_of(
    state: &State,
    tenant: &TenantId,
    showing: &Showing<'_>,
    named: &str,
) -> Result<ModelAtHand, Error> {
    let of_arm = showing.assignment.as_ref().and_then(|assignment| assignment.model_version.clone());
    // Whoever takes part in an experiment is left in it.
    let of_flag = || flagged_model(&state.flags, tenant, showing).filter(|_| showing.assignment.is_none());
    match of_arm.or_else(of_flag).filter(|_| named.is_empty()) {
        None => find_model(&state.served, &state.nudge, tenant, named).await,
        Some(version) => match find_model(&state.served, &state.nudge, tenant, &version).await {
            Err(Error::NotFound { .. } | Error::Unavailable(_) | Error::Busy(_)) => Ok(ModelAtHand::Promoted),
            found => found,
        },
    }
}

/// The model that the flag `recommendation-model` has for whom it is shown to; an empty text is the promoted one.
fn flagged_model(flags: &Flags, tenant: &TenantId, showing: &Showing<'_>) -> Option<String> {
    if !flags.contains(MODEL_FLAG) {
        return None;
    }
    let context =
        Context::of(showing.subject).with("tenant", tenant.as_str()).with("placement", showing.placement);
    flags.text(MODEL_FLAG, &context).filter(|version| !version.is_empty())
}

fn show(
    state: &State,
    showing: &Showing<'_>,
    answer: &mut Answer,
    limit: usize,
    now_us: i64,
) -> Vec<Recommendation> {
    let pinned = answer.items.iter().enumerate().filter(|(_, detailed)| detailed.item.pinned);
    let fixed_places: Vec<_> = pinned.map(|(place, _)| place).collect();
    let mut pool: Vec<Detailed> = std::mem::take(&mut answer.items);
    pool.append(&mut answer.spare);
    let pooled = pool.iter().map(|detailed| PooledProduct {
        product_id: detailed.item.product_id.clone(),
        score: detailed.item.score,
        relevance: detailed.relevance,
        repeat: detailed.repeat,
    });
    let showable = Showable {
        recommendation_id: answer.recommendation_id,
        model_version: &answer.model_version,
        shown_at_us: now_us,
        limit,
        pool: pooled.collect(),
        fixed_places,
    };
    let shown = showing.show(&state.exposures, showable);
    // Each is shown once, so it is moved to its place and not copied.
    let mut items: Vec<_> = wire_items(answer.rung, pool).into_iter().map(Some).collect();
    let placed = shown.into_iter().filter_map(|place| {
        let item = items.get_mut(place.pool_position)?.take()?;
        Some(Recommendation { propensity: place.propensity, ..item })
    });
    placed.collect()
}
