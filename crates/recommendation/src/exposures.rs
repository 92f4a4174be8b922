//! The log of what was shown: answers are handed over without waiting and written down in
//! batches by a task beside the calls. When the database is away for long the log is full;
//! then answers go unlogged, are counted, and nobody waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use larder_identity::TenantId;
use larder_ranking::experiment::ExploredPlace;
use tokio::sync::mpsc;

use crate::metrics;

/// Answers that wait to be written, at most; some 40 MB with the largest pools.
const MOST_WAITING: usize = 4_096;

/// One answer that was shown.
#[derive(Clone, Debug)]
pub(crate) struct Exposure {
    pub(crate) tenant: TenantId,
    pub(crate) recommendation_id: String,
    /// The customer's id, or what stands for a visitor nobody knows.
    pub(crate) subject: String,
    pub(crate) placement: String,
    /// The experiment and the arm the answer belongs to.
    pub(crate) experiment: Option<(String, String)>,
    pub(crate) model_version: String,
    pub(crate) shown_at_us: i64,
    /// The chance with which places explored.
    pub(crate) exploration: f64,
    /// Places, from 0, that could not explore.
    pub(crate) fixed_places: Vec<usize>,
    /// What stood at each place.
    pub(crate) shown: Vec<ExploredPlace>,
    /// What the answer drew from, the plain choice first.
    pub(crate) pool: Vec<PooledProduct>,
}

/// A product that an answer could have shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PooledProduct {
    pub(crate) product_id: String,
    pub(crate) score: f64,
    /// 0 to 1.
    pub(crate) relevance: f64,
    /// Whether the customer had bought it before.
    pub(crate) repeat: bool,
}

/// Takes exposures from answers.
#[derive(Clone)]
pub(crate) struct ExposureLog {
    sender: mpsc::Sender<Exposure>,
    lost: LostExposures,
}

/// How many exposures of each tenant could not be written down by this process.
#[derive(Clone, Default)]
pub(crate) struct LostExposures {
    counts: Arc<Mutex<HashMap<String, u64>>>,
}

impl ExposureLog {
    /// A log and the end that is to be written down.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Exposure>) {
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        (Self { sender, lost: LostExposures::default() }, receiver)
    }

    /// Logs an answer, or counts it as lost when too many wait already. Never waits.
    pub(crate) fn log(&self, exposure: Exposure) {
        if let Err(refused) = self.sender.try_send(exposure) {
            self.lost.add(&refused.into_inner());
        }
    }

    pub(crate) fn lost(&self) -> &LostExposures {
        &self.lost
    }
}

impl LostExposures {
    pub(crate) fn add(&self, exposure: &Exposure) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(exposure.tenant.as_str().to_owned()).or_default() += 1;
        metrics::exposure_lost();
    }

    pub(crate) fn of(&self, tenant: &str) -> u64 {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).get(tenant).copied().unwrap_or(0)
    }
}

#[cfg(test)]
pub(crate) fn exposure(tenant: &str, recommendation_id: &str) -> Exposure {
    let product =
        |id: &str| PooledProduct { product_id: id.into(), score: 1.0, relevance: 0.5, repeat: false };
    Exposure {
        tenant: TenantId::parse(tenant).unwrap(),
        recommendation_id: recommendation_id.into(),
        subject: "ann".into(),
        placement: "home".into(),
        experiment: None,
        model_version: String::new(),
        shown_at_us: 0,
        exploration: 0.0,
        fixed_places: Vec::new(),
        shown: vec![ExploredPlace { pool_position: 0, propensity: 1.0 }],
        pool: vec![product("bread"), product("milk")],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_log_loses_answers_and_counts_them_by_tenant() {
        let (log, mut receiver) = ExposureLog::new();
        for number in 0..MOST_WAITING {
            log.log(exposure("shop", &number.to_string()));
        }
        assert_eq!(log.lost().of("shop"), 0);
        log.log(exposure("shop", "one too many"));
        log.log(exposure("other", "two too many"));
        assert_eq!((log.lost().of("shop"), log.lost().of("other"), log.lost().of("third")), (1, 1, 0));
        assert_eq!(receiver.recv().await.unwrap().recommendation_id, "0");
        log.log(exposure("shop", "there is room again"));
        assert_eq!(log.lost().of("shop"), 1);
    }
}
