//! Whether a tenant's demand model still fits. What its errors say calls for a challenger, which forgets what was
//! before; both foretell the same past days, each from the days before it, and the challenger answers only when it
//! was better. The one before is watched and comes back when it turns out better.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use larder_demand::feedback::{
    AuditEntry, Championship, DayScore, Decision, FeedbackRecord, JudgedRecord, LastDaysRule, ModelForecast,
    PromotionRules, TrainingStand, Trigger, TriggerSettings, judge, retraining_triggers, score_days,
};
use larder_demand::{DemandModel, ForecastQuery, SeriesHistory, VendorHistory};
use larder_identity::TenantId;
use sqlx::types::Json;

use super::history;
use super::models::LEAD_DAYS;
use super::recipe::Recipe;
use super::records;
use super::signs;
use crate::days::{date_of, day_of};
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::demand_models::{self, DemandModelRow};
use crate::store::market_feedback::FeedbackFilter;
use crate::store::markets;

/// Market days that two models are compared on.
const COMPARED_DAYS: usize = 20;
/// A challenger forgets what is longer ago than half a year.
const REMEMBERED_DAYS: i32 = 182;
/// After one decision so many market days pass before the next challenger.
const DAYS_BETWEEN: usize = 4;
/// Feedback of a year tells how the model does.
const JUDGED_DAYS: i32 = 400;
const ALL: i64 = 1_000;

/// Everything one look needs.
struct Known {
    changes: i64,
    models: Vec<DemandModelRow>,
    history: VendorHistory,
    records: Vec<FeedbackRecord>,
    through: Option<Date>,
}

/// What a look came to.
struct Outcome {
    championship: Championship,
    entry: AuditEntry,
    challenger: Recipe,
    triggers: Vec<Trigger>,
}

/// Looks at the model of a tenant, and decides if there is something to decide.
///
/// # Errors
/// The database's.
pub(crate) async fn look(state: &State, tenant: &TenantId) -> Result<(), Error> {
    let now_us = (state.clock)();
    let at = Timestamp::from_microsecond(now_us).unwrap_or_default();
    let known = read(state, tenant, now_us).await?;
    let (changes, models, through) = (known.changes, known.models.clone(), known.through);
    let outcome = tokio::task::spawn_blocking(move || consider(&known, at)).await;
    let outcome = outcome.map_err(|error| Error::Internal(format!("comparing demand models: {error}")))?;
    let Some(outcome) = outcome else { return Ok(()) };
    tracing::info!(
        tenant.id = %tenant,
        decision = ?outcome.entry.decision,
        champion = outcome.entry.champion,
        challenger = outcome.entry.challenger,
        reason = outcome.entry.reason,
        "demand model decided"
    );
    metrics::demand_model_decided(outcome.entry.decision);
    keep(state, tenant, (models.as_slice(), changes, through.map(day_of)), &outcome).await
}

async fn read(state: &State, tenant: &TenantId, now_us: i64) -> Result<Known, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    crate::store::freeze(&mut transaction).await?;
    let changes = markets::changes(&mut transaction, tenant).await?;
    let models = demand_models::list(&mut transaction, tenant, None, ALL).await?;
    let everything = Recipe::everything();
    let read =
        history::read(&mut transaction, tenant, &state.connectors.holidays, (now_us, &everything)).await?;
    let from_day = crate::days::utc_day(now_us).saturating_sub(JUDGED_DAYS);
    let filter = FeedbackFilter { from_day: Some(from_day), ..FeedbackFilter::default() };
    let records = records::read(&mut transaction, tenant, &filter, &read.curve).await?.records;
    transaction.commit().await?;
    let through = read.through_day.map(date_of);
    Ok(Known { changes, models, history: read.history, records, through })
}

/// The recipe in the state, if one is.
fn in_state(models: &[DemandModelRow], state: &str) -> Option<Recipe> {
    let row = models.iter().find(|row| row.state == state)?;
    Some(Recipe { version: row.model_version.clone(), learns_from_day: row.learns_from_day })
}

/// Watches the model before, and tries a challenger where the errors call for one.
fn consider(known: &Known, at: Timestamp) -> Option<Outcome> {
    let rules = PromotionRules::default();
    let champion = in_state(&known.models, "serving").unwrap_or_else(Recipe::everything);
    let previous = in_state(&known.models, "previous");
    let mut championship = Championship {
        champion: champion.version.clone(),
        previous: previous.as_ref().map(|recipe| recipe.version.clone()),
    };
    let judged = judge(&known.records, &LastDaysRule::default());
    let days = market_days(&known.history);
    let decided = known.models.iter().map(|row| row.decided_on_day).max().flatten().map(date_of);
    let since: Vec<Date> = days.iter().copied().filter(|day| decided.is_none_or(|on| *day > on)).collect();
    // What was decided on is not decided on twice: the model before is held against days that came since.
    if let Some(previous) = previous.filter(|_| since.len() >= rules.fewest_days) {
        let score = |recipe: &Recipe| scores(known, &judged, recipe, &last_of(&since));
        let (of_champion, of_previous) = (score(&champion), score(&previous));
        let entry = championship.watch(at, (&of_champion[..], &of_previous[..]), &rules)?;
        if entry.decision == Decision::RolledBack {
            return Some(Outcome { championship, entry, challenger: previous, triggers: Vec::new() });
        }
    }
    if decided.is_some() && since.len() < DAYS_BETWEEN {
        return None;
    }
    let triggers = triggers(known, &judged, &champion);
    let challenger = challenger(&triggers, &champion, *days.last()?)?;
    let score = |recipe: &Recipe| scores(known, &judged, recipe, &last_of(&days));
    let (of_champion, of_challenger) = (score(&champion), score(&challenger));
    let both = (&of_champion[..], &of_challenger[..]);
    let entry = championship.challenge(at, &challenger.version, both, &rules);
    Some(Outcome { championship, entry, challenger, triggers })
}

/// What calls for another model. New days and new products do not: every model learns those as they come.
fn triggers(known: &Known, judged: &[JudgedRecord<'_>], champion: &Recipe) -> Vec<Trigger> {
    let stand = TrainingStand {
        model_version: champion.version.clone(),
        trained_through: known.through,
        known_products: known.history.series.iter().map(|series| series.product.clone()).collect(),
    };
    let triggers = retraining_triggers(judged, &stand, &TriggerSettings::default()).into_iter();
    triggers
        .filter(|trigger| !matches!(trigger, Trigger::NewDays { .. } | Trigger::NewProduct { .. }))
        .collect()
}

/// The model to try: one that forgets, and where the champion forgets already, the one that does not.
fn challenger(triggers: &[Trigger], champion: &Recipe, last_day: Date) -> Option<Recipe> {
    triggers.first()?;
    Some(match champion.learns_from_day {
        Some(_) => Recipe::everything(),
        None => Recipe::since(day_of(last_day) - REMEMBERED_DAYS),
    })
}

/// Every day anything was sold on or brought, in order.
fn market_days(history: &VendorHistory) -> Vec<Date> {
    let days = history.series.iter().flat_map(|series| series.days.iter().map(|day| day.date));
    days.collect::<BTreeSet<_>>().into_iter().collect()
}

fn last_of(days: &[Date]) -> Vec<Date> {
    days[days.len().saturating_sub(COMPARED_DAYS)..].to_vec()
}

/// How well a model would have foretold these days, each from the days before it.
fn scores(known: &Known, judged: &[JudgedRecord<'_>], recipe: &Recipe, days: &[Date]) -> Vec<DayScore> {
    let forecasts: Vec<_> = days.iter().flat_map(|&day| foretell(&known.history, recipe, day)).collect();
    score_days(&forecasts, judged)
}

fn foretell(history: &VendorHistory, recipe: &Recipe, date: Date) -> Vec<ModelForecast> {
    let first = recipe.learns_from_day.map(date_of);
    let before = |series: &SeriesHistory| {
        let is_known =
            |day: &&larder_demand::PastDay| day.date < date && first.is_none_or(|first| day.date >= first);
        SeriesHistory { days: series.days.iter().filter(is_known).cloned().collect(), ..series.clone() }
    };
    let past = VendorHistory { series: history.series.iter().map(before).collect(), ..history.clone() };
    let model = DemandModel::learn(&past, LEAD_DAYS);
    let asked = history.series.iter().filter_map(|series| {
        let day = series.days.iter().find(|day| day.date == date)?;
        let query =
            ForecastQuery { product: &series.product, market: &series.market, date, outlook: &day.outlook };
        Some(ModelForecast {
            product_id: series.product.clone(),
            market_id: series.market.clone(),
            date,
            demand: model.forecast(&query).distribution,
        })
    });
    asked.collect()
}

/// Keeps a decision, unless somebody else decided meanwhile.
async fn keep(
    state: &State,
    tenant: &TenantId,
    (models, changes, decided_on_day): (&[DemandModelRow], i64, Option<i32>),
    outcome: &Outcome,
) -> Result<(), Error> {
    let now_us = outcome.entry.at.as_microsecond();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    demand_models::lock(&mut transaction, tenant).await?;
    let serving = demand_models::serving(&mut transaction, tenant).await?;
    let is_as_it_was = serving.map(|kept| kept.0) == in_state(models, "serving").map(|recipe| recipe.version);
    if !is_as_it_was {
        tracing::info!(tenant.id = %tenant, changes, "another process decided about the demand model first");
        return Ok(());
    }
    if in_state(models, "serving").is_none() {
        let first = row(&Recipe::everything(), "serving", now_us, decided_on_day);
        demand_models::keep(&mut transaction, tenant, &first).await?;
    }
    let mut challenger = row(&outcome.challenger, "rejected", now_us, decided_on_day);
    challenger.verdict.clone_from(&outcome.entry.reason);
    challenger.signs = Json(outcome.triggers.iter().map(signs::of).collect());
    if let Some(comparison) = &outcome.entry.comparison {
        challenger.compared_days = i32::try_from(comparison.days).unwrap_or(i32::MAX);
        challenger.loss = Some(comparison.challenger_loss);
        challenger.loss_of_champion = Some(comparison.champion_loss);
        challenger.coverage_p90 = Some(comparison.challenger_coverage);
        challenger.coverage_p90_of_champion = Some(comparison.champion_coverage);
    }
    if outcome.championship.champion == outcome.challenger.version {
        demand_models::set_state(&mut transaction, tenant, ("previous", "retired")).await?;
        let now = if outcome.entry.decision == Decision::Promoted { "previous" } else { "retired" };
        demand_models::set_state(&mut transaction, tenant, ("serving", now)).await?;
        challenger.state = "serving".to_owned();
        markets::count_change(&mut transaction, tenant).await?;
    }
    demand_models::keep(&mut transaction, tenant, &challenger).await?;
    transaction.commit().await?;
    Ok(())
}

fn row(recipe: &Recipe, state: &str, now_us: i64, decided_on_day: Option<i32>) -> DemandModelRow {
    DemandModelRow {
        model_version: recipe.version.clone(),
        learns_from_day: recipe.learns_from_day,
        state: state.to_owned(),
        made_at_us: now_us,
        decided_at_us: now_us,
        decided_on_day,
        verdict: String::new(),
        compared_days: 0,
        loss: None,
        loss_of_champion: None,
        coverage_p90: None,
        coverage_p90_of_champion: None,
        signs: Json(Vec::new()),
    }
}

/// Goes back to the model before, by hand.
///
/// # Errors
/// [`Error::NothingBefore`] when there is none.
pub(crate) async fn roll_back(
    state: &State,
    tenant: &TenantId,
    reason: &str,
) -> Result<DemandModelRow, Error> {
    let now_us = (state.clock)();
    let at = Timestamp::from_microsecond(now_us).unwrap_or_default();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    demand_models::lock(&mut transaction, tenant).await?;
    let models = demand_models::list(&mut transaction, tenant, None, ALL).await?;
    let champion = in_state(&models, "serving").unwrap_or_else(Recipe::everything);
    let mut championship = Championship {
        champion: champion.version,
        previous: in_state(&models, "previous").map(|recipe| recipe.version),
    };
    let entry =
        championship.roll_back(at, reason).map_err(|nothing| Error::NothingBefore(nothing.to_string()))?;
    let back = models.iter().find(|row| row.model_version == championship.champion);
    let mut back = back.cloned().ok_or_else(|| Error::Internal("the model before is gone".to_owned()))?;
    // Taken out by hand: it is not to be watched and come back by itself.
    demand_models::set_state(&mut transaction, tenant, ("serving", "retired")).await?;
    back.state = "serving".to_owned();
    back.decided_at_us = now_us;
    back.decided_on_day =
        models.iter().map(|row| row.decided_on_day).max().flatten().max(back.decided_on_day);
    back.verdict = format!("rolled back to by hand: {}", entry.reason);
    demand_models::keep(&mut transaction, tenant, &back).await?;
    markets::count_change(&mut transaction, tenant).await?;
    transaction.commit().await?;
    tracing::info!(tenant.id = %tenant, from = entry.champion, to = back.model_version, "demand model rolled back");
    metrics::demand_model_decided(entry.decision);
    Ok(back)
}
