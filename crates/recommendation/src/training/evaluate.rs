//! The evaluation of a training: the newest events are held out, a model is fitted to what came
//! before them, and its lists are held against what customers did. The rules are told in
//! `docs/models.md`; nothing is written here.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_ranking::evaluation::Comparison;
use larder_ranking::{Event, Filter, Serving, SnapshotHeader, Trainer};

use super::baselines::{personal_frequency, popularity};
use super::card::{Measured, MethodCard, ModelCard};
use super::comparison::{self, Rival};
use super::measure::{Figures, Ground};
use super::read::{HeldOutCustomer, Histories, LogReader, Outline};
use super::verdict::{LEAST_CUSTOMERS, Measurements};
use super::{EvaluationParameters, TrainingOrder, TrainingParameters, Verdict, count};
use crate::error::Error;
use crate::snapshots::SnapshotFolder;
use crate::store::held_out::DataWindow;

const DAY_US: i64 = 86_400_000_000;
/// At least three quarters of the history are for learning.
const SHARES_OF_HISTORY: i64 = 4;
/// So many popular products fill up any list.
const POPULAR: usize = 1_000;

/// What an evaluation gave.
pub(super) struct Evaluated {
    /// `None` when there was nothing to measure.
    pub(super) card: Option<ModelCard>,
    pub(super) verdict: Verdict,
}

/// What is held out, and what stands beside the new model.
struct Plan {
    outline: Outline,
    split_us: i64,
    customers: Vec<HeldOutCustomer>,
    rival: Rival,
}

/// Everything that is needed to measure.
struct Contest {
    serving: Serving,
    rival: Option<Serving>,
    customers: Vec<HeldOutCustomer>,
    split_us: i64,
    parameters: EvaluationParameters,
}

/// What a contest gave.
struct Results {
    methods: Vec<MethodCard>,
    gain: Option<Comparison>,
    against_frequency: Comparison,
    against_popularity: Comparison,
    customers: usize,
}

/// Evaluates a model that is trained as `order` says.
pub(super) async fn evaluate(
    order: &TrainingOrder,
    parameters: &EvaluationParameters,
    reader: &LogReader<'_>,
    folder: &SnapshotFolder,
) -> Result<Evaluated, Error> {
    let Some(mut plan) = plan(order, parameters, reader).await? else {
        let reason = "too little to measure: nobody has bought anything at two different times";
        return Ok(Evaluated { card: None, verdict: Verdict::good(reason) });
    };
    let half_life_us = order.parameters.training.personal_half_life_days * DAY_US as f64;
    let (split_us, any_kind) = (plan.split_us, plan.outline.any_kind);
    let mut histories = Histories::of(&mut plan.customers, split_us, half_life_us, any_kind);
    let serving = fit(order, &order.parameters, reader, split_us, |event| histories.take(event)).await?;
    let (rival, how) = find_rival(order, reader, folder, &plan).await?;
    reader.progress.tell("evaluating the model", 0).await;
    let parameters = parameters.clone();
    let list_length = parameters.list_length;
    let contest = Contest { serving, rival, customers: plan.customers, split_us, parameters };
    let results = blocking("evaluation", move || hold(&contest)).await?;
    let card = card(&plan.outline.window, split_us, list_length, &results, &how);
    let measurements = Measurements {
        customers: results.customers,
        against_promoted: results.gain.map(|gain| (how.clone(), gain)),
        against_frequency: results.against_frequency,
        against_popularity: results.against_popularity,
    };
    Ok(Evaluated { card: Some(card), verdict: Verdict::of(&measurements, &how) })
}

async fn plan(
    order: &TrainingOrder,
    parameters: &EvaluationParameters,
    reader: &LogReader<'_>,
) -> Result<Option<Plan>, Error> {
    let Some(outline) = reader.outline(order.now_us).await? else { return Ok(None) };
    let Some(mut split_us) = split(&outline.window, parameters.horizon_days) else { return Ok(None) };
    let mut customers = reader.held_out(&outline, split_us).await?;
    let mut rival = comparison::choose(order.promoted.as_ref(), &order.parameters, split_us);
    if let (Rival::Unrepeatable, Some(promoted)) = (&rival, &order.promoted) {
        let later = reader.held_out(&outline, promoted.trained_at_us).await?;
        if later.len() >= LEAST_CUSTOMERS {
            (split_us, customers, rival) = (promoted.trained_at_us, later, Rival::AsItServes);
        }
    }
    if customers.len() < LEAST_CUSTOMERS && matches!(rival, Rival::Retrained(_)) {
        // Nothing would come of it: no second model is trained for that.
        rival = Rival::NotWorthIt;
    }
    Ok((!customers.is_empty()).then_some(Plan { outline, split_us, customers, rival }))
}

/// Where the history is cut: `horizon_days` before its end, or at three quarters of it when that
/// is later. `None` when all of it is one instant.
fn split(window: &DataWindow, horizon_days: u32) -> Option<i64> {
    let history_us = window.last_us - window.first_us;
    let held_out_us = (i64::from(horizon_days) * DAY_US).min(history_us / SHARES_OF_HISTORY);
    (held_out_us > 0).then(|| window.last_us - held_out_us)
}

/// Fits a model to what `takes` says yes to.
async fn fit(
    order: &TrainingOrder,
    parameters: &TrainingParameters,
    reader: &LogReader<'_>,
    split_us: i64,
    takes: impl FnMut(&Event) -> bool + Send,
) -> Result<Serving, Error> {
    let trainer = Trainer::new(parameters.settings(), split_us);
    let pass = reader.feed("reading interactions before the split", trainer, takes).await?;
    reader.progress.tell("computing the model that is measured", 0).await;
    let header = SnapshotHeader { tenant: order.tenant.clone(), ..SnapshotHeader::default() };
    blocking("training", move || Serving::new(Arc::new(pass.trainer.finish(header)))).await
}

/// The serving of the rival, and how it was made or why there is none.
async fn find_rival(
    order: &TrainingOrder,
    reader: &LogReader<'_>,
    folder: &SnapshotFolder,
    plan: &Plan,
) -> Result<(Option<Serving>, String), Error> {
    let how = plan.rival.in_words().to_owned();
    let rival = match (&plan.rival, &order.promoted) {
        (Rival::AsItServes, Some(promoted)) => {
            let (folder, tenant, promoted) = (folder.clone(), order.tenant.clone(), promoted.clone());
            let span = (promoted.trained_at_us, plan.split_us);
            let read = blocking("reading a snapshot", move || {
                folder.read(&tenant, &promoted.model_version, &promoted.checksum_sha256)
            });
            match read.await? {
                Ok(snapshot) => {
                    let mut serving = Serving::new(Arc::new(snapshot));
                    reader.overlay(&mut serving, &plan.outline, span).await?;
                    Some(serving)
                }
                Err(error) => {
                    let why = format!("the model that serves cannot be compared with: {error}");
                    return Ok((None, why));
                }
            }
        }
        (Rival::Retrained(parameters), _) => {
            let split_us = plan.split_us;
            Some(fit(order, parameters, reader, split_us, |event| event.occurred_at_us < split_us).await?)
        }
        _ => None,
    };
    Ok((rival, how))
}

/// Asks every method for a list for every customer.
fn hold(contest: &Contest) -> Results {
    let Contest { serving, rival, customers, split_us, parameters } = contest;
    let list_length = parameters.list_length;
    let ground = Ground::of(customers, parameters, serving.product_count());
    let popular: Vec<String> = serving
        .popular(POPULAR, &Filter::default(), *split_us)
        .items
        .into_iter()
        .map(|item| item.product_id)
        .collect();
    let is_visible = |product: &str| serving.product(product).is_some_and(|product| !product.hidden);
    let model = ground.measure_model("model", serving, *split_us);
    let rival = rival.as_ref().map(|rival| ground.measure_model("promoted_model", rival, *split_us));
    let frequency = ground.measure("personal_frequency", |customer| {
        personal_frequency(customer, &popular, list_length, is_visible)
    });
    let popularity = ground.measure("popularity", |customer| popularity(customer, &popular, list_length));
    let against = |other: &Figures| ground.bootstrap.compare(&model.ndcg, &other.ndcg);
    Results {
        gain: rival.as_ref().map(against),
        against_frequency: against(&frequency),
        against_popularity: against(&popularity),
        customers: model.ndcg.len(),
        methods: [Some(model), rival, Some(frequency), Some(popularity)]
            .into_iter()
            .flatten()
            .map(|figures| figures.card)
            .collect(),
    }
}

fn card(window: &DataWindow, split_us: i64, list_length: usize, results: &Results, how: &str) -> ModelCard {
    let horizon_us = window.last_us - split_us;
    ModelCard {
        data_from_us: window.first_us,
        data_until_us: window.last_us,
        split_at_us: split_us,
        horizon_days: i32::try_from((horizon_us + DAY_US / 2) / DAY_US).unwrap_or(i32::MAX),
        list_length: i32::try_from(list_length).unwrap_or(i32::MAX),
        evaluated_customer_count: count(results.customers as u64),
        methods: results.methods.clone(),
        ndcg_gain_over_promoted: results.gain.as_ref().and_then(Measured::difference),
        parts: BTreeMap::from([("comparison".to_owned(), how.to_owned())]),
        ..ModelCard::default()
    }
}

/// Computes where blocking is allowed.
pub(super) async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("{what} stopped: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_a_quarter_of_the_history_is_held_out() {
        let window = |days: i64| DataWindow { first_us: 0, last_us: days * DAY_US };
        assert_eq!(split(&window(400), 28), Some(372 * DAY_US));
        assert_eq!(split(&window(40), 28), Some(30 * DAY_US));
        assert_eq!(split(&window(0), 28), None);
    }
}
