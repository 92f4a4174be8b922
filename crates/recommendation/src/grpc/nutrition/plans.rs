//! Calls about plans of meals. What is asked is checked here; the planning itself takes its time on
//! threads that answer nobody else.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use larder_identity::TenantId;
use larder_nutrition::plan::{ItemPlace, PlanMember as Member, PlanRequest, plan_meals, substitute_item};
use larder_nutrition::{Confidence, TargetRequest, calculate_targets};
use larder_proto::larder::nutrition::v1::*;
use tokio::time::Instant;

use super::today;
use crate::convert::customer::profile_from_wire;
use crate::convert::{plan, target};
use crate::error::Error;
use crate::metrics;
use crate::models_at_hand::ModelAtHand;
use crate::nutrition::catalogue;
use crate::nutrition::expenditure::LogsAtHand;
use crate::nutrition::people::somebody;
use crate::nutrition::planning::{self, OtherWords, ProductChoice};
use crate::profile::Profile;
use crate::state::State;
use crate::validate::Fields;

const MOST_MEMBERS: usize = 12;
const MOST_IDS: usize = 10_000;
const MOST_CATEGORIES: usize = 100;
const DEFAULT_SUBSTITUTES: usize = 5;
/// However slow a machine, planning ends after so many times the effort that was asked for.
const PATIENCE: u32 = 4;
/// What the proof of a single meal may take beside that effort.
const MEAL_PROOF: Duration = Duration::from_millis(150);
/// Changes that are tried in a millisecond; the effort counts in changes, so that the same request
/// gives the same plan.
const CHANGES_PER_MS: u64 = 2_000;

/// Plans meals.
pub(super) async fn plan(
    state: &Arc<State>,
    tenant: &TenantId,
    request: PlanMealsRequest,
) -> Result<PlanMealsResponse, Error> {
    let (state, tenant) = (state.clone(), tenant.clone());
    let logs = logs(&state, &tenant, &request.members).await?;
    let work = tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        let prepared = prepare(&state, &tenant, request, &Around { within: "", logs: &logs })?;
        let effort = Duration::from_millis(prepared.request.effort / CHANGES_PER_MS);
        let patience = (effort + MEAL_PROOF) * PATIENCE;
        let planned = plan_meals(&prepared.request, &|| started.elapsed() > patience);
        metrics::computed("plan_meals", started.elapsed());
        let planned = planned.map_err(|refusal| plan::refusal(refusal, &prepared.other_words))?;
        let missing = prepared.missing;
        metrics::nutrition_answered("plan_meals", missing.is_some());
        Ok(PlanMealsResponse {
            degraded: missing.is_some(),
            degraded_reason: missing.unwrap_or_default(),
            ..plan::to_wire(planned, &prepared.currency, prepared.not_planned)
        })
    });
    work.await.map_err(|error| Error::Internal(format!("planning meals: {error}")))?
}

/// Tells what may take the place of one item of a plan.
pub(super) async fn substitute(
    state: &Arc<State>,
    tenant: &TenantId,
    request: SubstituteItemRequest,
) -> Result<SubstituteItemResponse, Error> {
    let (state, tenant) = (state.clone(), tenant.clone());
    let members = request.plan.as_ref().map(|plan| plan.members.as_slice()).unwrap_or_default();
    let logs = logs(&state, &tenant, members).await?;
    let work = tokio::task::spawn_blocking(move || {
        let mut fields = Fields::default();
        fields.whole("day", request.day.into(), 0, 13);
        fields.whole("meal", request.meal.into(), 0, 7);
        fields.id("food_id", &request.food_id);
        fields.whole("limit", request.limit.into(), 0, 20);
        let meals = plan::kept(&mut fields, "meals", &request.meals);
        if request.meals.is_empty() {
            fields.refuse("meals", "must be the meals of the plan");
        }
        let asked = request.plan.unwrap_or_default();
        fields.finish(())?;
        let prepared = prepare(&state, &tenant, asked, &Around { within: "plan.", logs: &logs })?;
        let number = |number: i32| usize::try_from(number).unwrap_or(0);
        let place =
            ItemPlace { day: number(request.day), meal: number(request.meal), food_id: request.food_id };
        let limit = if request.limit == 0 { DEFAULT_SUBSTITUTES } else { number(request.limit) };
        let found = substitute_item(&prepared.request, &meals, &place, limit);
        let found = found.map_err(|refusal| plan::refusal(refusal, &prepared.other_words))?;
        metrics::nutrition_answered("substitute_item", false);
        let substitute = |of| plan::substitute(of, &prepared.request);
        Ok(SubstituteItemResponse { substitutes: found.into_iter().map(substitute).collect() })
    });
    work.await.map_err(|error| Error::Internal(format!("substituting an item: {error}")))?
}

/// What the members' customers logged; a request with too many members is refused later.
async fn logs(state: &State, tenant: &TenantId, members: &[PlanMember]) -> Result<LogsAtHand, Error> {
    let asked = members.iter().take(MOST_MEMBERS).filter(|member| !member.ignore_logs);
    LogsAtHand::read(state, tenant, asked.map(|member| member.customer_id.as_str()), today(state)).await
}

/// What a request for a plan stands among.
struct Around<'request> {
    /// The field the request is in, with its point.
    within: &'static str,
    logs: &'request LogsAtHand,
}

/// A request made ready for the planner.
struct Prepared {
    request: PlanRequest,
    currency: String,
    not_planned: usize,
    missing: Option<String>,
    /// By member.
    other_words: Vec<OtherWords>,
}

/// A member as far as the request tells.
struct AskedMember {
    customer_id: String,
    told: Option<Profile>,
    formula: larder_nutrition::EnergyFormula,
    wire: PlanMember,
}

fn prepare(
    state: &State,
    tenant: &TenantId,
    request: PlanMealsRequest,
    around: &Around<'_>,
) -> Result<Prepared, Error> {
    let within = around.within;
    let mut fields = Fields::within(within);
    fields.whole("days", request.days.into(), 0, 14);
    let days = usize::try_from(request.days).unwrap_or(0).max(1);
    let meals = plan::slots(&mut fields, &request.meals);
    let limits = plan::limits(&mut fields, request.limits.as_ref());
    let weights = plan::weights(&mut fields, request.weights.as_ref());
    let effort = plan::effort(&mut fields, request.effort_ms);
    let pantry = plan::pantry(&mut fields, &request.pantry);
    let kept = plan::kept(&mut fields, "kept_meals", &request.kept_meals);
    let budget = request.budget.as_ref().and_then(|budget| fields.amount("budget", budget));
    let currency = budget.as_ref().map(|budget| budget.currency.clone());
    let asked = asked_members(&mut fields, &request.members);
    let choice = choice(&mut fields, request.foods.as_ref(), currency);
    let own = request.foods.as_ref().map(|foods| foods.foods.as_slice()).unwrap_or_default();
    let own = plan::own_foods(&mut fields, "foods.foods", own, choice.currency.as_deref());
    fields.finish(())?;

    let mut products = if request.foods.as_ref().is_some_and(|foods| foods.foods_only) {
        planning::PlanProducts { currency: choice.currency.unwrap_or_default(), ..Default::default() }
    } else {
        planning::products(&state.served, tenant, &state.generic_foods, &choice)?
    };
    products.foods.extend(own);
    if products.foods.is_empty() {
        let why = "no product may be planned: there is none in stock, or none of those that were asked for";
        return Err(Error::invalid(format!("{within}foods"), why));
    }
    let (members, other_words) = members(state, tenant, asked, (&products.foods, around))?;
    let customers: Vec<_> = request.members.iter().map(|member| member.customer_id.as_str()).collect();
    let now_us = (state.clock)();
    let of_model = state.recommender.with_model(tenant, &ModelAtHand::Promoted, |serving, _| {
        planning::like(serving, &customers, &mut products.foods, now_us);
    });
    of_model?;
    let missing = catalogue::missing(&state.served, tenant).or_else(|| around.logs.missing.clone());
    Ok(Prepared {
        request: PlanRequest {
            pantry,
            kept,
            budget_micros: budget.map(|budget| budget.micros),
            limits,
            weights,
            seed: request.seed.into(),
            effort,
            explain_binding: request.explain_binding,
            ..PlanRequest::new(days, meals, members, products.foods)
        },
        currency: products.currency,
        not_planned: products.not_planned,
        missing,
        other_words,
    })
}

fn asked_members(fields: &mut Fields, members: &[PlanMember]) -> Vec<AskedMember> {
    if members.is_empty() || members.len() > MOST_MEMBERS {
        fields.refuse("members", format!("must have 1 to {MOST_MEMBERS} entries"));
        return Vec::new();
    }
    let mut ids = HashSet::new();
    let mut asked = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let at = |name: &str| format!("members[{index}].{name}");
        fields.optional_id(&at("member_id"), &member.member_id);
        fields.optional_id(&at("customer_id"), &member.customer_id);
        fields.optional_id(&at("guideline"), &member.guideline);
        fields.ids(&at("excluded_food_ids"), &member.excluded_food_ids, MOST_IDS);
        fields.texts(&at("excluded_categories"), &member.excluded_categories, MOST_CATEGORIES, 128);
        let told = member.profile.clone().map(|told| profile_from_wire(fields, &at("profile"), told));
        let formula = target::formula(fields, &at("formula"), member.formula);
        let mut wire = member.clone();
        if wire.member_id.is_empty() {
            wire.member_id.clone_from(&member.customer_id);
        }
        if wire.member_id.is_empty() {
            wire.member_id = format!("member-{}", index + 1);
        }
        if !ids.insert(wire.member_id.clone()) {
            fields.refuse(&at("member_id"), "must be an id that no other member has");
        }
        asked.push(AskedMember { customer_id: member.customer_id.clone(), told, formula, wire });
    }
    asked
}

fn choice(fields: &mut Fields, foods: Option<&PlanFoods>, currency: Option<String>) -> ProductChoice {
    let foods = foods.cloned().unwrap_or_default();
    fields.ids("foods.product_ids", &foods.product_ids, MOST_IDS);
    fields.texts("foods.categories", &foods.categories, MOST_CATEGORIES, 128);
    ProductChoice {
        product_ids: foods.product_ids.into_iter().collect(),
        categories: foods.categories.into_iter().collect(),
        in_stock_only: foods.in_stock_only.unwrap_or(true),
        confirmed_only: foods.confirmed_only,
        currency,
    }
}

/// The members with their targets, allergens and diets, and the words of theirs that stand for neither.
fn members(
    state: &State,
    tenant: &TenantId,
    asked: Vec<AskedMember>,
    (foods, around): (&[larder_nutrition::plan::PlanFood], &Around<'_>),
) -> Result<(Vec<Member>, Vec<OtherWords>), Error> {
    let within = around.within;
    let (today, settings) = (today(state), state.model_settings.of(tenant.as_str()));
    let (mut members, mut others) = (Vec::with_capacity(asked.len()), Vec::with_capacity(asked.len()));
    for (index, of) in asked.into_iter().enumerate() {
        if !of.customer_id.is_empty() && !state.served.profiles_read() {
            // Nobody is planned for whose allergens are not known.
            return Err(Error::ProfilesUnknown);
        }
        let who = somebody(&state.served, tenant, &of.customer_id, of.told)?;
        let at = format!("{within}members[{index}].profile");
        let mut fields = Fields::default();
        let person = target::person(&mut fields, &at, &who.profile, today);
        let (field, name) = match of.wire.guideline.as_str() {
            "" => (format!("{at}.guideline"), who.profile.guideline.as_str()),
            named => (format!("{within}members[{index}].guideline"), named),
        };
        let guideline = settings.rules.guideline(&mut fields, &field, name);
        let (Some(person), Some(guideline)) = (person, guideline) else {
            return Err(fields
                .finish(())
                .err()
                .unwrap_or_else(|| Error::Internal("nothing was refused".to_owned())));
        };
        let goal = target::goal(&who.profile, of.wire.wishes.as_ref());
        let learnt = around.logs.learn(&of.customer_id, &person, of.formula)?;
        let used = learnt.as_ref().filter(|learnt| learnt.confidence > Confidence::Low);
        let targets = calculate_targets(&TargetRequest {
            person: &person,
            goal: &goal,
            formula: of.formula,
            guideline: &guideline,
            settings: &settings.rules.goals,
            measured: used.map(|learnt| &learnt.expenditure),
        });
        let wishes = format!("{within}members[{index}].wishes");
        let targets = targets.map_err(|refusal| target::refusal(refusal, &at, &wishes, &goal))?;
        let mut member = Member {
            accept_unknown_allergens: of.wire.accept_unknown_allergens,
            excluded_food_ids: of.wire.excluded_food_ids,
            excluded_categories: of.wire.excluded_categories,
            ..Member::new(of.wire.member_id, &targets)
        };
        others.push(planning::restrict(&state.served, tenant, &mut member, &who.profile, foods));
        members.push(member);
    }
    Ok((members, others))
}
