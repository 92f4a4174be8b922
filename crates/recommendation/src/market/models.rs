//! The demand models of tenants, learnt when first asked for and again when something was written that they learn
//! from. Who asks meanwhile waits a moment, and is then answered by the model of before, which says so; no tenant
//! waits for another one's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use larder_demand::{DemandModel, SalesCurve};
use larder_identity::TenantId;
use tokio::time::Instant;

use super::history::{self, SeriesKey};
use super::recipe::Recipe;
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::{demand_models, markets};

/// Plans are made the evening before.
pub(crate) const LEAD_DAYS: u32 = 1;

/// A model and what it was learnt from.
pub(crate) struct LearntModel {
    pub(crate) model: DemandModel,
    /// Changes that were counted when it was learnt.
    changes: i64,
    /// When it was learnt, and when the next day begins at one of the markets: that is one more to learn from.
    learnt_at_us: i64,
    next_day_at_us: i64,
    /// The recipe's version, the last day it learnt from, and how much was written until then.
    pub(crate) version: String,
    pub(crate) recipe: Recipe,
    pub(crate) through: Option<Date>,
    pub(crate) last_sold: HashMap<SeriesKey, Vec<f64>>,
    pub(crate) curve: SalesCurve,
}

/// A model that answers.
pub(crate) struct ServingModel {
    pub(crate) learnt: Arc<LearntModel>,
    /// Whether something was written that it does not know yet.
    pub(crate) is_behind: bool,
}

/// The model of one tenant, and the turn of who learns it anew.
#[derive(Default)]
struct Place {
    learnt: Mutex<Option<Arc<LearntModel>>>,
    turn: tokio::sync::Mutex<()>,
}

impl Place {
    fn last(&self) -> Option<Arc<LearntModel>> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The model, if it knows everything there is to know now.
    fn fresh(&self, changes: i64, now_us: i64) -> Option<Arc<LearntModel>> {
        self.last().filter(|last| {
            last.changes >= changes && (last.learnt_at_us..last.next_day_at_us).contains(&now_us)
        })
    }
}

/// The models of one process.
#[derive(Default)]
pub(crate) struct DemandModels {
    of: Mutex<HashMap<String, Arc<Place>>>,
}

impl DemandModels {
    fn place(&self, tenant: &TenantId) -> Arc<Place> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.entry(tenant.to_string()).or_default().clone()
    }

    /// The model that knows everything written so far, or the one before while that is being learnt.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub(crate) async fn of(&self, state: &Arc<State>, tenant: &TenantId) -> Result<ServingModel, Error> {
        let changes = counted(state, tenant).await?;
        let place = self.place(tenant);
        if let Some(learnt) = place.fresh(changes, (state.clock)()) {
            return Ok(ServingModel { learnt, is_behind: false });
        }
        let last = place.last();
        // It goes on when whoever asked has stopped waiting.
        let learning = tokio::spawn(learn(state.clone(), tenant.clone(), place, changes));
        let ended = match last {
            None => learning.await,
            Some(last) => match tokio::time::timeout(state.settings.demand_patience, learning).await {
                Ok(ended) => ended,
                Err(_elapsed) => return Ok(ServingModel { learnt: last, is_behind: true }),
            },
        };
        let learnt = ended.map_err(|error| Error::Internal(format!("learning demand: {error}")))??;
        Ok(ServingModel { learnt, is_behind: false })
    }
}

/// Learns a tenant's model anew, unless somebody did while this waited for its turn.
async fn learn(
    state: Arc<State>,
    tenant: TenantId,
    place: Arc<Place>,
    changes: i64,
) -> Result<Arc<LearntModel>, Error> {
    let _turn = place.turn.lock().await;
    let now_us = (state.clock)();
    if let Some(learnt) = place.fresh(changes, now_us) {
        return Ok(learnt);
    }
    let started = Instant::now();
    let mut transaction = larder_database::begin_tenant(&state.app, &tenant).await?;
    crate::store::freeze(&mut transaction).await?;
    // Counted in the same state of the database that is read.
    let changes = markets::changes(&mut transaction, &tenant).await?;
    let recipe = Recipe::of(demand_models::serving(&mut transaction, &tenant).await?);
    let read =
        history::read(&mut transaction, &tenant, &state.connectors.holidays, (now_us, &recipe)).await?;
    transaction.commit().await?;
    let through = read.through_day.map(crate::days::date_of);
    let history = read.history;
    let model = tokio::task::spawn_blocking(move || DemandModel::learn(&history, LEAD_DAYS));
    let model = model.await.map_err(|error| Error::Internal(format!("learning demand: {error}")))?;
    metrics::computed("learn_demand", started.elapsed());
    let version = match through {
        Some(day) => format!("{}@{day}.{changes}", recipe.version),
        None => format!("{}@nothing.{changes}", recipe.version),
    };
    let learnt = Arc::new(LearntModel {
        model,
        changes,
        learnt_at_us: now_us,
        next_day_at_us: read.next_day_at_us,
        version,
        recipe,
        through,
        last_sold: read.last_sold,
        curve: read.curve,
    });
    *place.learnt.lock().unwrap_or_else(PoisonError::into_inner) = Some(learnt.clone());
    Ok(learnt)
}

async fn counted(state: &State, tenant: &TenantId) -> Result<i64, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let changes = markets::changes(&mut transaction, tenant).await?;
    transaction.commit().await?;
    Ok(changes)
}
