//! Calls about what a person should eat in a day.

use larder_identity::TenantId;
use larder_nutrition::{
    AdaptiveExpenditure, Confidence, EnergyFormula, IntakeDay, MealShares, Person, TargetRequest, WeighIn,
    adaptive_expenditure, calculate_targets, energy_need, usual_meal_shares,
};
use larder_proto::larder::nutrition::v1::{
    CalculateTargetsRequest, CalculateTargetsResponse, ListGuidelinesResponse,
};

use super::today;
use crate::convert::customer::profile_from_wire;
use crate::convert::target;
use crate::error::Error;
use crate::metrics;
use crate::nutrition::people::somebody;
use crate::state::State;
use crate::store::{body_measurements, intakes};
use crate::validate::Fields;

const DEFAULT_MEALS: usize = 3;
/// Logs further back than this are not read.
const LOGGED_DAYS: i32 = 180;

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
    let asked = (tenant, request.customer_id.as_str(), today);
    let learnt = match request.ignore_logs || request.customer_id.is_empty() {
        true => Learnt::default(),
        false => learn(state, asked, (&person, formula)).await?,
    };
    let used = learnt.expenditure.as_ref().filter(|learnt| learnt.confidence > Confidence::Low);
    let targets = calculate_targets(&TargetRequest {
        person: &person,
        goal: &goal,
        formula,
        guideline: &guideline,
        settings: &settings.rules.goals,
        measured: used.map(|learnt| &learnt.expenditure),
    })
    .map_err(|refusal| target::refusal(refusal, "profile", "wishes"))?;
    let missing = who.missing.or(learnt.missing);
    metrics::nutrition_answered("targets", missing.is_some());
    Ok(CalculateTargetsResponse {
        targets: Some(target::to_wire(targets, &shares, today)),
        learned: learnt.expenditure.map(target::learned),
        degraded: missing.is_some(),
        degraded_reason: missing.unwrap_or_default(),
    })
}

/// What the logs of a customer tell, and what was missing of them.
#[derive(Default)]
struct Learnt {
    expenditure: Option<AdaptiveExpenditure>,
    missing: Option<String>,
}

/// Learns from the logs of a customer what they use in a day. Without the database the formula has
/// to do, and the answer says so.
async fn learn(
    state: &State,
    (tenant, customer_id, today): (&TenantId, &str, i32),
    (person, formula): (&Person, EnergyFormula),
) -> Result<Learnt, Error> {
    let logs = match read_logs(state, tenant, customer_id, today).await {
        Ok(logs) => logs,
        Err(Error::Unavailable(_)) => {
            let missing = "the database cannot be reached: what was logged is not counted";
            return Ok(Learnt { expenditure: None, missing: Some(missing.to_owned()) });
        }
        Err(error) => return Err(error),
    };
    let (weights, intakes) = logs;
    if weights.is_empty() && intakes.is_empty() {
        return Ok(Learnt::default());
    }
    // A person whom the formulas refuse is refused by name further on.
    let Ok(need) = energy_need(person, formula) else { return Ok(Learnt::default()) };
    let learnt = adaptive_expenditure(&need.total, &weights, &intakes);
    let expenditure = learnt.map_err(|refused| Error::Internal(format!("logs: {refused}")))?;
    Ok(Learnt { expenditure: Some(expenditure), missing: None })
}

async fn read_logs(
    state: &State,
    tenant: &TenantId,
    customer_id: &str,
    today: i32,
) -> Result<(Vec<WeighIn>, Vec<IntakeDay>), Error> {
    let days = (Some(today.saturating_sub(LOGGED_DAYS)), None);
    let most = i64::from(LOGGED_DAYS) + 2;
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let weights = body_measurements::list(&mut transaction, tenant, customer_id, days, most).await?;
    let intakes = intakes::list(&mut transaction, tenant, customer_id, days, most).await?;
    transaction.commit().await?;
    let weighed = weights.into_iter().filter(|row| (2.0..=500.0).contains(&row.weight_kg));
    let weights = weighed.map(|row| WeighIn { day: row.measured_on_day.into(), weight_kg: row.weight_kg });
    let eaten = intakes.into_iter();
    let intakes = eaten.map(|row| IntakeDay { day: row.eaten_on_day.into(), energy_kcal: row.energy_kcal });
    Ok((weights.collect(), intakes.collect()))
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
