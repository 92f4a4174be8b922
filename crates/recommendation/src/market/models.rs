//! The demand models of tenants, learnt when first asked for and again when something was written that
//! they learn from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use larder_demand::{DemandModel, SalesCurve};
use larder_identity::TenantId;
use tokio::time::Instant;

use super::history::{self, SeriesKey};
use crate::error::Error;
use crate::metrics;
use crate::state::State;
use crate::store::markets;

/// Plans are made the evening before.
const LEAD_DAYS: u32 = 1;

/// Which model foretells; it changes when the way of learning does.
pub(crate) const MODEL: &str = "mixture-1";

/// A model and what it was learnt from.
pub(crate) struct LearntModel {
    pub(crate) model: DemandModel,
    /// Changes that were counted when it was learnt.
    changes: i64,
    /// The day it was learnt on: the next day is one more to learn from.
    today: i32,
    /// [`MODEL`], the last day it learnt from, and how much was written until then.
    pub(crate) version: String,
    pub(crate) through: Option<Date>,
    pub(crate) last_sold: HashMap<SeriesKey, Vec<f64>>,
    pub(crate) curve: SalesCurve,
}

/// The models of one process.
#[derive(Default)]
pub(crate) struct DemandModels {
    of: Mutex<HashMap<String, Arc<LearntModel>>>,
    /// One tenant learns at a time; who waits finds the model learnt.
    turn: tokio::sync::Mutex<()>,
}

impl DemandModels {
    fn find(&self, tenant: &TenantId, changes: i64, today: i32) -> Option<Arc<LearntModel>> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let found = of.get(tenant.as_str())?;
        (found.changes == changes && found.today == today).then(|| found.clone())
    }

    /// The model that knows everything written so far; `today` counts from 1970.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub(crate) async fn of(
        &self,
        state: &State,
        tenant: &TenantId,
        today: i32,
    ) -> Result<Arc<LearntModel>, Error> {
        let changes = counted(state, tenant).await?;
        if let Some(found) = self.find(tenant, changes, today) {
            return Ok(found);
        }
        let _turn = self.turn.lock().await;
        if let Some(found) = self.find(tenant, changes, today) {
            return Ok(found);
        }
        let started = Instant::now();
        let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
        crate::store::freeze(&mut transaction).await?;
        // Counted in the same state of the database that is read.
        let changes = markets::changes(&mut transaction, tenant).await?;
        let read = history::read(&mut transaction, tenant, &state.connectors.holidays, today).await?;
        transaction.commit().await?;
        let through = read.through_day.map(crate::days::date_of);
        let history = read.history;
        let model = tokio::task::spawn_blocking(move || DemandModel::learn(&history, LEAD_DAYS));
        let model = model.await.map_err(|error| Error::Internal(format!("learning demand: {error}")))?;
        metrics::computed("learn_demand", started.elapsed());
        let learnt = Arc::new(LearntModel {
            model,
            changes,
            today,
            version: match through {
                Some(day) => format!("{MODEL}@{day}.{changes}"),
                None => format!("{MODEL}@nothing.{changes}"),
            },
            through,
            last_sold: read.last_sold,
            curve: read.curve,
        });
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.insert(tenant.to_string(), learnt.clone());
        Ok(learnt)
    }
}

async fn counted(state: &State, tenant: &TenantId) -> Result<i64, Error> {
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    let changes = markets::changes(&mut transaction, tenant).await?;
    transaction.commit().await?;
    Ok(changes)
}
