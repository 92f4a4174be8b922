//! What the logs of customers tell of the energy they use. Without the database the formula has
//! to do, and the answer says so.

use std::collections::HashMap;

use larder_identity::TenantId;
use larder_nutrition::{
    AdaptiveExpenditure, EnergyFormula, IntakeDay, Person, WeighIn, adaptive_expenditure, energy_need,
};

use crate::error::Error;
use crate::state::State;
use crate::store::{body_measurements, intakes};

/// Logs further back than this are not read.
const LOGGED_DAYS: i32 = 180;

/// What one customer logged.
#[derive(Default)]
pub(crate) struct Logs {
    weights: Vec<WeighIn>,
    intakes: Vec<IntakeDay>,
}

/// The logs of some customers, and what was missing of them.
#[derive(Default)]
pub(crate) struct LogsAtHand {
    of: HashMap<String, Logs>,
    pub(crate) missing: Option<String>,
}

impl LogsAtHand {
    /// Reads what these customers logged; an empty id is nobody.
    ///
    /// # Errors
    /// Whatever the database refuses, except that it cannot be reached.
    pub(crate) async fn read(
        state: &State,
        tenant: &TenantId,
        customer_ids: impl Iterator<Item = &str>,
        today: i32,
    ) -> Result<Self, Error> {
        let customer_ids: Vec<_> = customer_ids.filter(|customer_id| !customer_id.is_empty()).collect();
        if customer_ids.is_empty() {
            return Ok(Self::default());
        }
        match read(state, tenant, &customer_ids, today).await {
            Ok(of) => Ok(Self { of, missing: None }),
            Err(Error::Unavailable(_)) => {
                let missing = "the database cannot be reached: what was logged is not counted";
                Ok(Self { of: HashMap::new(), missing: Some(missing.to_owned()) })
            }
            Err(error) => Err(error),
        }
    }

    /// What the logs of a customer tell; nothing when there are none, or when no formula can be
    /// used for this body, which is refused by name where targets are worked out.
    ///
    /// # Errors
    /// [`Error::Internal`] for logs that should never have been taken.
    pub(crate) fn learn(
        &self,
        customer_id: &str,
        person: &Person,
        formula: EnergyFormula,
    ) -> Result<Option<AdaptiveExpenditure>, Error> {
        let logs = self.of.get(customer_id);
        let (Some(logs), Ok(need)) = (logs, energy_need(person, formula)) else { return Ok(None) };
        if logs.weights.is_empty() && logs.intakes.is_empty() {
            return Ok(None);
        }
        let learnt = adaptive_expenditure(&need.total, &logs.weights, &logs.intakes);
        learnt.map(Some).map_err(|refused| Error::Internal(format!("logs: {refused}")))
    }
}

async fn read(
    state: &State,
    tenant: &TenantId,
    customer_ids: &[&str],
    today: i32,
) -> Result<HashMap<String, Logs>, Error> {
    let days = (Some(today.saturating_sub(LOGGED_DAYS)), None);
    let most = i64::from(LOGGED_DAYS) + 2;
    let mut of = HashMap::new();
    let mut transaction = larder_database::begin_tenant(&state.app, tenant).await?;
    for &customer_id in customer_ids {
        let weights = body_measurements::list(&mut transaction, tenant, customer_id, days, most).await?;
        let intakes = intakes::list(&mut transaction, tenant, customer_id, days, most).await?;
        let weighed = weights.into_iter().filter(|row| (2.0..=500.0).contains(&row.weight_kg));
        let weights =
            weighed.map(|row| WeighIn { day: row.measured_on_day.into(), weight_kg: row.weight_kg });
        let eaten = intakes.into_iter();
        let intakes =
            eaten.map(|row| IntakeDay { day: row.eaten_on_day.into(), energy_kcal: row.energy_kcal });
        of.insert(customer_id.to_owned(), Logs { weights: weights.collect(), intakes: intakes.collect() });
    }
    transaction.commit().await?;
    Ok(of)
}
