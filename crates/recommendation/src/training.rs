//! Training as a piece of work that can be done anywhere: an order goes in, progress and an
//! outcome come out, all of it plain values that fit through a pipe. Nothing here registers or
//! promotes a model; that is for `jobs/train.rs`, which holds the lock.

mod baselines;
pub(crate) mod card;
mod comparison;
mod evaluate;
mod measure;
pub(crate) mod process;
pub(crate) mod read;
pub(crate) mod verdict;
mod work;
mod worker;

use std::path::PathBuf;
use std::time::Duration;

use larder_ranking::TrainingSettings;
use serde::{Deserialize, Serialize};

pub(crate) use self::card::ModelCard;
pub(crate) use self::verdict::Verdict;
pub(crate) use self::work::work;
pub use self::worker::{WorkerError, lower_priority, run_training_worker};

/// What to train or to measure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrainingOrder {
    pub(crate) tenant: String,
    /// The version of the model that is written; `None` measures and writes nothing.
    pub(crate) model_version: Option<String>,
    /// The time it is, in microseconds since 1970.
    pub(crate) now_us: i64,
    pub(crate) parameters: TrainingParameters,
    /// `None` measures nothing.
    pub(crate) evaluation: Option<EvaluationParameters>,
    /// The model that serves.
    pub(crate) promoted: Option<PromotedReference>,
    pub(crate) snapshot_dir: PathBuf,
}

/// How a model is trained: two trainings with equal parameters on equal events give equal models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainingParameters {
    /// The program that trains; another one may make another model of the same numbers.
    pub(crate) program: String,
    pub(crate) popularity_half_life_days: f64,
    pub(crate) personal_half_life_days: f64,
    pub(crate) neighbours_per_product: usize,
}

/// How a model is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EvaluationParameters {
    /// The days at the end that are held out; fewer when there is little history.
    pub(crate) horizon_days: u32,
    /// The length of the lists.
    pub(crate) list_length: usize,
}

impl Default for EvaluationParameters {
    fn default() -> Self {
        Self { horizon_days: 28, list_length: 20 }
    }
}

/// The model that serves while another one is trained.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PromotedReference {
    pub(crate) model_version: String,
    pub(crate) checksum_sha256: String,
    pub(crate) trained_at_us: i64,
    /// `None` for one that an older program trained.
    pub(crate) parameters: Option<TrainingParameters>,
}

/// How far a training has come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrainingProgress {
    pub(crate) step: String,
    pub(crate) done_count: i64,
}

/// What came of an order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TrainingOutcome {
    /// The model, when one was to be written.
    pub(crate) model: Option<WrittenModel>,
    /// Absent when there was nothing to measure.
    pub(crate) card: Option<ModelCard>,
    pub(crate) verdict: Verdict,
}

/// A model whose file lies in the snapshot folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WrittenModel {
    pub(crate) product_count: i64,
    pub(crate) customer_count: i64,
    pub(crate) interaction_count: i64,
    pub(crate) size_bytes: i64,
    pub(crate) checksum_sha256: String,
    /// Everything of transactions below it is in the model.
    pub(crate) watermark_xid: i64,
}

impl TrainingParameters {
    /// These numbers, trained by this program.
    pub(crate) fn of_this_program(
        popularity_half_life_days: f64,
        personal_half_life_days: f64,
        neighbours_per_product: usize,
    ) -> Self {
        Self {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            popularity_half_life_days,
            personal_half_life_days,
            neighbours_per_product,
        }
    }

    fn settings(&self) -> TrainingSettings {
        TrainingSettings {
            popularity_half_life: days(self.popularity_half_life_days),
            personal_half_life: days(self.personal_half_life_days),
            neighbours_per_product: self.neighbours_per_product,
            ..TrainingSettings::default()
        }
    }
}

fn days(days: f64) -> Duration {
    Duration::from_secs_f64(days * 86_400.0)
}

pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
