//! Calls about what a person should eat in a day.

use larder_identity::TenantId;
use larder_nutrition::{Confidence, MealShares, TargetRequest, calculate_targets, usual_meal_shares};
use larder_proto::larder::nutrition::v1::{
    CalculateTargetsRequest, CalculateTargetsResponse, ListGuidelinesResponse,
};

use super::today;
use crate::convert::customer::profile_from_wire;
use crate::convert::target;
use crate::error::Error;
use crate::metrics;
use crate::nutrition::expenditure::LogsAtHand;
use crate::nutrition::people::somebody;
use crate::state::State;
use crate::validate::Fields;

const DEFAULT_MEALS: usize = 3;

/// Works out what a person should eat in a day.
pub(super) async fn calculate(
    state: &State,
    tenant: &TenantId,
    request: CalculateTargetsRequest,
) -> Result<CalculateTargetsResponse, Error> {
    let today = today(state);
    let mut fields = Fields::default();
    fields.optional_id("customer_id", &request.customer_id);
    let told = request.profile.map(|profile| profile_from_wire(&mut fields, "profile", profile));
    let formula = target::formula(&mut fields, "formula", request.formula);
    fields.optional_id("guideline", &request.guideline);
    let shares = meal_shares(&mut fields, request.meal_count, request.meal_shares);
    let settings = state.model_settings.of(tenant.as_str());
    fields.finish(())?;

    let who = somebody(&state.served, tenant, &request.customer_id, told)?;
    let mut fields = Fields::default();
    let person = target::person(&mut fields, "profile", &who.profile, today);
    let (field, name) = match request.guideline.as_str() {
        "" => ("profile.guideline", who.profile.guideline.as_str()),
        named => ("guideline", named),
    };
    let guideline = settings.rules.guideline(&mut fields, field, name);
    let (Some(person), Some(guideline), Some(shares)) = (person, guideline, shares) else {
        return Err(fields
            .finish(())
            .err()
            .unwrap_or_else(|| Error::Internal("nothing was refused".to_owned())));
    };
    let goal = target::goal(&who.profile, request.wishes.as_ref());
    let of_logs = (!request.ignore_logs).then_some(request.customer_id.as_str());
    let logs = LogsAtHand::read(state, tenant, of_logs.into_iter(), today).await?;
    let learnt = logs.learn(&request.customer_id, &person, formula)?;
    let used = learnt.as_ref().filter(|learnt| learnt.confidence > Confidence::Low);
    let targets = calculate_targets(&TargetRequest {
        person: &person,
        goal: &goal,
        formula,
        guideline: &guideline,
        settings: &settings.rules.goals,
        measured: used.map(|learnt| &learnt.expenditure),
    })
    .map_err(|refusal| target::refusal(refusal, "profile", "wishes", &goal))?;
    let missing = who.missing.or(logs.missing);
    metrics::nutrition_answered("targets", missing.is_some());
    Ok(CalculateTargetsResponse {
        targets: Some(target::to_wire(targets, &shares, today)),
        learned: learnt.map(target::learned),
        degraded: missing.is_some(),
        degraded_reason: missing.unwrap_or_default(),
    })
}

/// Lists the guidelines there are for the tenant.
pub(super) fn list_guidelines(state: &State, tenant: &TenantId) -> ListGuidelinesResponse {
    let settings = state.model_settings.of(tenant.as_str());
    let guidelines = settings.rules.guidelines().into_iter().map(target::guideline);
    ListGuidelinesResponse { guidelines: guidelines.collect() }
}

/// The shares of the meals of a day, told one by one or by their number.
fn meal_shares(fields: &mut Fields, count: i32, shares: Vec<f64>) -> Option<MealShares> {
    if !shares.is_empty() && count != 0 && usize::try_from(count) != Ok(shares.len()) {
        fields.refuse("meal_count", "must be the number of meal_shares, or be left out beside them");
    }
    let found = match (shares.is_empty(), usize::try_from(count)) {
        (false, _) => MealShares::new(shares),
        (true, Ok(0)) => usual_meal_shares(DEFAULT_MEALS),
        (true, count) => usual_meal_shares(count.unwrap_or(0)),
    };
    match found {
        Ok(shares) => Some(shares),
        Err(refused) => {
            for one in refused.0 {
                // Shares that were worked out from a number are refused as that number.
                let field = if count == 0 { one.field.as_str() } else { "meal_count" };
                fields.refuse(field, format!("{} is refused; accepted: {}", one.value, one.accepted));
            }
            None
        }
    }
}
