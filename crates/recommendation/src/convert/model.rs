//! Models and their cards on the way out.

use larder_proto::larder::recommendation::v1::{
    MeasuredValue, MethodEvaluation, Model, ModelCard as WireCard, ModelState,
};

use super::timestamp;
use crate::store::models::{ModelRow, State};
use crate::training::ModelCard;
use crate::training::card::{Measured, MethodCard};

/// The message of a registered model.
pub(crate) fn model(row: ModelRow) -> Model {
    Model {
        state: state(row.state()).into(),
        model_version: row.model_version,
        trained_at: Some(timestamp(row.trained_at_us)),
        promoted: row.promoted,
        product_count: row.product_count,
        customer_count: row.customer_count,
        interaction_count: row.interaction_count,
        size_bytes: row.size_bytes,
        checksum_sha256: row.checksum_sha256,
        pinned: row.pinned,
        promoted_at: row.promoted_at_us.map(timestamp),
        state_reason: row.state_reason,
        ndcg: row.ndcg,
    }
}

/// The state of a model.
pub(crate) fn state(state: State) -> ModelState {
    match state {
        State::Promoted => ModelState::Promoted,
        State::Retired => ModelState::Retired,
        State::Rejected => ModelState::Rejected,
        State::KeptBack => ModelState::KeptBack,
    }
}

/// The message of a card.
pub(crate) fn card(card: ModelCard) -> WireCard {
    WireCard {
        model_version: card.model_version,
        data_from: at(card.data_from_us),
        data_until: at(card.data_until_us),
        split_at: at(card.split_at_us),
        horizon_days: card.horizon_days,
        list_length: card.list_length,
        evaluated_customer_count: card.evaluated_customer_count,
        methods: card.methods.into_iter().map(method).collect(),
        ndcg_gain_over_promoted: card.ndcg_gain_over_promoted.map(measured),
        training_seconds: card.training_seconds,
        peak_memory_bytes: card.peak_memory_bytes,
        parts: card.parts,
    }
}

/// An instant of a card; one that measured nothing has none.
fn at(micros: i64) -> Option<prost_types::Timestamp> {
    (micros != 0).then(|| timestamp(micros))
}

fn method(method: MethodCard) -> MethodEvaluation {
    MethodEvaluation {
        method: method.method,
        ndcg: Some(measured(method.ndcg)),
        recall: Some(measured(method.recall)),
        repeat_recall: method.repeat_recall.map(measured),
        explore_recall: method.explore_recall.map(measured),
        coverage: method.coverage,
        novelty_bits: method.novelty_bits,
    }
}

fn measured(measured: Measured) -> MeasuredValue {
    MeasuredValue { value: measured.value, low: measured.low, high: measured.high }
}
