//! What calls for another model, written down: its kind, its figure beside the limit, and a sentence.

use larder_demand::feedback::{Trigger, TriggerSettings};

use crate::store::demand_models::Sign;

/// A trigger as it is kept and told.
pub(crate) fn of(trigger: &Trigger) -> Sign {
    let settings = TriggerSettings::default();
    let (kind, product_id, value, limit) = match trigger {
        Trigger::Bias { product_id, tracking_signal, .. } => {
            ("tracking_signal", product_id.clone(), *tracking_signal, settings.tracking_limit)
        }
        Trigger::Drift { .. } => ("drift", String::new(), 1.0, settings.drift_limit),
        Trigger::Calibration { share, level, .. } => ("calibration", String::new(), *share, *level),
        Trigger::NewDays { days } => ("new_days", String::new(), *days as f64, settings.new_days as f64),
        Trigger::NewProduct { product_id } => ("new_product", product_id.clone(), 1.0, 0.0),
    };
    Sign { kind: kind.to_owned(), product_id, value, limit, sentence: trigger.to_string() }
}
