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

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use larder_ranking::{DiscoverySettings, FactorSettings, Target, TrainingSettings};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub(crate) use self::card::ModelCard;
pub(crate) use self::verdict::Verdict;
pub(crate) use self::work::work;
pub use self::worker::{WorkerError, lower_priority, run_training_worker};
use crate::model_settings::file::{self, Evaluation, Ranker, Training};

/// Raise it when the same settings and events begin to give another model: models of before are
/// then known to be of another program.
const MODELS: u32 = 4;

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
    /// As the model settings say. What another program wrote may not be understood; it is not
    /// compared with ours anyway.
    #[serde(default, deserialize_with = "understood")]
    pub(crate) training: Training,
}

/// How a model is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EvaluationParameters {
    /// The days at the end that are held out; fewer when there is little history.
    pub(crate) horizon_days: u32,
    /// The length of the lists.
    pub(crate) list_length: usize,
    /// How many times customers are drawn anew for the intervals.
    pub(crate) bootstrap_samples: usize,
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
    /// These settings, as this program understands them. How a model is measured changes no model.
    pub(crate) fn of_this_program(training: &Training) -> Self {
        let program = format!("{}/{MODELS}", env!("CARGO_PKG_VERSION"));
        Self { program, training: Training { evaluation: Evaluation::default(), ..training.clone() } }
    }

    /// What the trainer is told.
    fn settings(&self) -> TrainingSettings {
        let training = &self.training;
        TrainingSettings {
            popularity_half_life: days(training.popularity_half_life_days),
            personal_half_life: days(training.personal_half_life_days),
            neighbours_per_product: training.neighbours_per_product as usize,
            ranker: training.ranker.enabled.then(|| target(&training.ranker)),
            ranker_trees: training.ranker.trees as usize,
            ranker_leaves: training.ranker.leaves as usize,
            discovery: Some(discovery(training)),
            log_limit_bytes: usize::try_from(training.log_limit_bytes).unwrap_or(usize::MAX),
        }
    }

    /// Every setting by its name, such as `training.ranker.trees`, for the model card.
    fn in_words(&self) -> BTreeMap<String, String> {
        let mut words = BTreeMap::from([("program".to_owned(), self.program.clone())]);
        let mut training = serde_json::to_value(&self.training).unwrap_or_default();
        if let Some(sections) = training.as_object_mut() {
            sections.remove("evaluation");
        }
        name_all("training", &training, &mut words);
        words
    }
}

impl EvaluationParameters {
    /// What the model settings say; `None` when nothing is to be measured.
    pub(crate) fn of(evaluation: &Evaluation) -> Option<Self> {
        evaluation.enabled.then(|| Self::always(evaluation))
    }

    /// What the model settings say of the measuring, whether or not it happens by itself.
    pub(crate) fn always(evaluation: &Evaluation) -> Self {
        Self {
            horizon_days: evaluation.horizon_days,
            list_length: evaluation.list_length as usize,
            bootstrap_samples: evaluation.bootstrap_samples as usize,
        }
    }
}

fn target(ranker: &Ranker) -> Target {
    match ranker.target {
        file::Target::Horizon => Target::NextDays(u16::try_from(ranker.horizon_days).unwrap_or(u16::MAX)),
        file::Target::NextBasket => Target::NextBasket,
        file::Target::Unseen => Target::Unseen,
    }
}

fn discovery(training: &Training) -> DiscoverySettings {
    let settings = DiscoverySettings::default();
    let factor_share = if training.factors == 0 { 0.0 } else { settings.factor_share };
    let factors = FactorSettings { factors: training.factors as usize, ..settings.factors };
    DiscoverySettings { factors, factor_share, ..settings }
}

fn name_all(name: &str, value: &Value, words: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(field, value)| name_all(&format!("{name}.{field}"), value, words));
        }
        Value::String(text) => drop(words.insert(name.to_owned(), text.clone())),
        other => drop(words.insert(name.to_owned(), other.to_string())),
    }
}

fn understood<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Training, D::Error> {
    Value::deserialize(deserializer).map(|value| serde_json::from_value(value).unwrap_or_default())
}

fn days(days: f64) -> Duration {
    Duration::from_secs_f64(days * 86_400.0)
}

pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn training(section: Value) -> Training {
        serde_json::from_value(section).unwrap()
    }

    #[test]
    fn every_setting_reaches_the_trainer() {
        let section = json!({
            "popularity_half_life_days": 2, "personal_half_life_days": 3, "neighbours_per_product": 4, "factors": 32,
            "log_limit_bytes": 8_388_608, "ranker": {"trees": 5, "leaves": 6, "horizon_days": 7},
        });
        let told = TrainingParameters::of_this_program(&training(section)).settings();
        let told_discovery = told.discovery.clone().unwrap();
        assert_eq!((told_discovery.factors.factors, told_discovery.factor_share), (32, 0.5));
        let expected = TrainingSettings {
            popularity_half_life: days(2.0),
            personal_half_life: days(3.0),
            neighbours_per_product: 4,
            ranker: Some(Target::NextDays(7)),
            ranker_trees: 5,
            ranker_leaves: 6,
            log_limit_bytes: 8_388_608,
            discovery: Some(told_discovery),
        };
        assert_eq!(told, expected);
        let of = |ranker: Value| {
            TrainingParameters::of_this_program(&training(json!({"ranker": ranker}))).settings().ranker
        };
        assert_eq!(of(json!({"enabled": false})), None);
        assert_eq!(of(json!({"target": "next_basket"})), Some(Target::NextBasket));
        assert_eq!(of(json!({"target": "unseen"})), Some(Target::Unseen));
        let without = TrainingParameters::of_this_program(&training(json!({"factors": 0}))).settings();
        assert_eq!(without.discovery.unwrap().factor_share, 0.0);
    }

    #[test]
    fn the_card_names_every_setting_and_how_it_is_measured_is_none_of_them() {
        let by_default = TrainingParameters::of_this_program(&Training::default());
        let words = by_default.in_words();
        assert_eq!(words["training.ranker.target"], "horizon");
        assert_eq!(words["training.neighbours_per_product"], "50");
        assert!(words.keys().all(|name| !name.contains("evaluation")), "{words:?}");
        let section = json!({"evaluation": {"horizon_days": 7}});
        assert_eq!(TrainingParameters::of_this_program(&training(section)), by_default);
    }

    #[test]
    fn what_another_program_wrote_is_another_model() {
        let ours = TrainingParameters::of_this_program(&Training::default());
        let as_written = serde_json::to_value(&ours).unwrap();
        assert_eq!(serde_json::from_value::<TrainingParameters>(as_written).unwrap(), ours);
        for other in [
            json!({"program": "0.1.0", "popularity_half_life_days": 14.0}),
            json!({"program": "9.0.0/7", "training": {"unheard_of": 1}}),
        ] {
            let read: TrainingParameters = serde_json::from_value(other).unwrap();
            assert_ne!(read.program, ours.program);
        }
    }
}
