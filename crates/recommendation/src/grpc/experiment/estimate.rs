//! The call that estimates a policy: what it needs is read in one go, the arithmetic runs
//! where blocking is allowed.

use std::collections::HashSet;

use larder_identity::TenantId;
use larder_proto::larder::recommendation::v1::{EstimatePolicyRequest, EstimatePolicyResponse};
use larder_ranking::ExpressionCache;
use larder_ranking::experiment::PolicyEstimates;

use super::{count, measured};
use crate::arrangement::Arrangement;
use crate::convert::arrangement;
use crate::convert::experiment::{name, outcome};
use crate::error::Error;
use crate::policy::{self, PolicyQuestion};
use crate::state::State;
use crate::store::exposures::{self, ExploredAnswers, OutcomeOf};
use crate::store::{interactions, models};
use crate::validate::Fields;
use crate::wishes;

/// Answers learnt from at most, the newest.
const MOST_ANSWERS: i64 = 20_000;
/// 9999-12-31T23:59:59Z: no answer is shown later.
const END_OF_TIME_US: i64 = 253_402_300_799_000_000;

struct Checked {
    placement: String,
    arrangement: larder_ranking::Arrangement,
    exploration: f64,
    model_version: Option<String>,
    outcome: OutcomeOf,
    from_us: i64,
    until_us: i64,
}

pub(super) async fn estimate_policy(
    state: &State,
    tenant: &TenantId,
    request: EstimatePolicyRequest,
) -> Result<EstimatePolicyResponse, Error> {
    let checked = check(&state.expressions, request)?;
    let mut transaction = larder_database::begin_tenant_read_only(&state.app, tenant).await?;
    let model = models::registered(&mut transaction, tenant, checked.model_version.as_deref()).await?;
    let model = model.ok_or(Error::NotFound { noun: "model" })?;
    let answers = ExploredAnswers {
        placement: &checked.placement,
        after_us: model.trained_at_us.max(checked.from_us.saturating_sub(1)),
        before_us: checked.until_us,
        most: MOST_ANSWERS,
    };
    let explored = exposures::explored(&mut transaction, tenant, answers, checked.outcome).await?;
    let subjects: HashSet<_> = explored.iter().map(|row| row.subject.clone()).collect();
    let subjects: Vec<_> = subjects.into_iter().collect();
    let events = interactions::since(&mut transaction, tenant, &subjects, model.watermark_xid).await?;
    transaction.commit().await?;
    let folder = state.snapshots.clone();
    let tenant_name = tenant.as_str().to_owned();
    let estimated = tokio::task::spawn_blocking(move || {
        let snapshot = folder.read(&tenant_name, &model.model_version, &model.checksum_sha256)?;
        Ok::<_, crate::snapshots::SnapshotFileError>(policy::estimate(PolicyQuestion {
            snapshot,
            arrangement: checked.arrangement,
            exploration: checked.exploration,
            explored,
            events,
        }))
    });
    let estimates = estimated
        .await
        .map_err(|error| Error::Internal(format!("estimating a policy: {error}")))?
        .map_err(|error| Error::Internal(format!("reading the policy's model: {error}")))?;
    Ok(estimates.map(to_wire).unwrap_or_default())
}

fn check(expressions: &ExpressionCache, request: EstimatePolicyRequest) -> Result<Checked, Error> {
    let mut fields = Fields::default();
    name(&mut fields, "placement", &request.placement);
    fields.optional_id("model_version", &request.model_version);
    let asked = arrangement::from_wire(&mut fields, "arrangement", request.arrangement);
    only_estimable(&mut fields, &asked);
    let arrangement = wishes::compile(&mut fields, expressions, &asked);
    let outcome = outcome(&mut fields, request.outcome, request.window_hours);
    let mut instant =
        |field: &str, at: Option<&prost_types::Timestamp>| at.and_then(|at| fields.instant(field, at, None));
    let from_us = instant("from_at", request.from_at.as_ref()).unwrap_or(0);
    let until_us = instant("until_at", request.until_at.as_ref()).unwrap_or(END_OF_TIME_US);
    if until_us <= from_us {
        fields.refuse("until_at", "must be after from_at");
    }
    fields.finish(Checked {
        placement: request.placement,
        arrangement,
        exploration: asked.exploration.unwrap_or(0.0),
        model_version: Some(request.model_version).filter(|version| !version.is_empty()),
        outcome,
        from_us,
        until_us,
    })
}

/// Most wishes only move what an answer drew from. These need more than the log keeps: what was
/// shown before, which promotions ran, how
/// products fitted a goal then, and what else could have filled the list.
fn only_estimable(fields: &mut Fields, arrangement: &Arrangement) {
    let wishes = [
        ("rotation", arrangement.rotation.is_some_and(|wish| wish > 0.0)),
        ("min_relevance", arrangement.min_relevance.is_some_and(|wish| wish > 0.0)),
        ("promotion_strength", arrangement.promotion_strength.is_some_and(|wish| wish > 0.0)),
        ("nutrition_strength", arrangement.nutrition_strength.is_some_and(|wish| wish > 0.0)),
    ];
    for (wish, _) in wishes.iter().filter(|(_, is_asked)| *is_asked) {
        let description = "cannot be estimated from the log: compare it in an experiment";
        fields.refuse(&format!("arrangement.{wish}"), description);
    }
}

fn to_wire(found: PolicyEstimates) -> EstimatePolicyResponse {
    EstimatePolicyResponse {
        logged: Some(measured(found.logged)),
        inverse_propensity: Some(measured(found.inverse_propensity)),
        self_normalised: Some(measured(found.self_normalised)),
        doubly_robust: Some(measured(found.doubly_robust)),
        exposure_count: count(found.answers as u64),
        effective_sample_size: found.effective_sample_size,
        overlap: found.overlap,
    }
}
