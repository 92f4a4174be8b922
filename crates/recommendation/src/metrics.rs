//! The metrics that are this service's own. The names are documented in one place, here.

use std::time::Duration;

use larder_demand::feedback::Decision;
use larder_telemetry::ErrorKind;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::recommend::Rung;
use crate::store::models::{Cause, State};

/// Tells the exporter what each metric means.
pub(crate) fn describe() {
    describe_counter!("larder_recommendation_answers_total", "Answers given, by call and rung of the ladder");
    describe_counter!("larder_recommendation_degraded_answers_total", "Answers marked degraded, by call");
    describe_counter!(
        "larder_recommendation_food_matches_total",
        "Products that generic foods were looked for, by outcome"
    );
    describe_counter!("larder_recommendation_nutrition_answers_total", "Answers about nutrition, by call");
    describe_counter!("larder_recommendation_market_answers_total", "Answers about market days, by call");
    describe_counter!("larder_recommendation_exports_total", "Exports that were sent to their end, by kind");
    describe_counter!("larder_recommendation_exported_rows_total", "Rows of those exports, by kind");
    describe_counter!(
        "larder_recommendation_customer_exports_total",
        "Exports of everything about a customer"
    );
    describe_counter!(
        "larder_recommendation_customers_erased_total",
        "Customers erased of whom there was something"
    );
    describe_counter!("larder_recommendation_erased_rows_total", "Rows that those erasures removed");
    describe_counter!(
        "larder_recommendation_expired_rows_total",
        "Rows removed since they were past their period, by kind"
    );
    describe_counter!(
        "larder_recommendation_retention_runs_total",
        "Times that a tenant's rows past their period were let go, by outcome"
    );
    describe_counter!(
        "larder_recommendation_imports_total",
        "Runs of imports that ended, by kind and outcome"
    );
    describe_counter!("larder_recommendation_imported_rows_total", "Rows written by imports, by kind");
    describe_counter!("larder_recommendation_sales_recorded_total", "Sales recorded, by source");
    describe_counter!(
        "larder_recommendation_demand_model_decisions_total",
        "Demand models that were promoted, kept out or rolled back to"
    );
    describe_counter!(
        "larder_recommendation_shop_syncs_total",
        "Synchronisations of shops, by rung and by what they failed at"
    );
    describe_counter!(
        "larder_recommendation_webhooks_total",
        "Messages of the shops' service, by what came of them"
    );
    describe_gauge!("larder_recommendation_shops", "Connected shops, by how they do");
    describe_gauge!(
        "larder_recommendation_shop_sales_age_seconds",
        "Since when the sales of the shop are not known that waits longest"
    );
    describe_histogram!("larder_recommendation_rank_duration_seconds", "Time spent ranking, by call");
    describe_counter!("larder_recommendation_events_recorded_total", "Interactions recorded that were new");
    describe_counter!("larder_recommendation_events_duplicate_total", "Interactions that were there already");
    describe_counter!("larder_recommendation_events_followed_total", "Interactions read from the log");
    describe_counter!("larder_recommendation_rows_refused_total", "Rows of batches that were refused");
    describe_counter!("larder_recommendation_models_swapped_total", "Models that began to serve");
    describe_counter!("larder_recommendation_snapshots_refused_total", "Snapshot files that were refused");
    describe_histogram!("larder_recommendation_training_duration_seconds", "Time a training took");
    describe_counter!("larder_recommendation_exposures_written_total", "Answers written to the exposure log");
    describe_counter!(
        "larder_recommendation_exposures_lost_total",
        "Answers the exposure log had no room for"
    );
    describe_counter!(
        "larder_recommendation_trainings_failed_total",
        "Trainings that failed, by kind of error"
    );
    describe_gauge!("larder_recommendation_model_age_seconds", "Age of the oldest model that serves");
    describe_gauge!("larder_recommendation_model_ndcg", "nDCG of the model that was measured last");
    describe_counter!("larder_recommendation_model_promotions_total", "Models that were promoted, by cause");
    describe_counter!(
        "larder_recommendation_model_rejections_total",
        "Models that were measured to be worse"
    );
    describe_counter!(
        "larder_recommendation_models_kept_back_total",
        "Models kept back by request or by a pin"
    );
    // Alerts compare with what was before: a counter must be there before it counts.
    counter!("larder_recommendation_model_rejections_total").absolute(0);
    describe_counter!(
        "larder_recommendation_model_settings_reload_failures_total",
        "Model settings files that were refused"
    );
    describe_gauge!(
        "larder_recommendation_model_settings_refused",
        "1 while the newest model settings file is refused, else 0"
    );
    // Alerts compare with what was before: a counter must be there before it counts.
    counter!("larder_recommendation_model_settings_reload_failures_total").absolute(0);
    model_settings_refused(false);
}

pub(crate) fn answered(call: &'static str, rung: Rung, is_degraded: bool, took: Duration) {
    counter!("larder_recommendation_answers_total", "call" => call, "source" => rung.name()).increment(1);
    if is_degraded {
        counter!("larder_recommendation_degraded_answers_total", "call" => call).increment(1);
    }
    histogram!("larder_recommendation_rank_duration_seconds", "call" => call).record(took.as_secs_f64());
}

/// An answer about nutrition, by what was asked for.
pub(crate) fn nutrition_answered(call: &'static str, is_degraded: bool) {
    counter!("larder_recommendation_nutrition_answers_total", "call" => call).increment(1);
    if is_degraded {
        counter!("larder_recommendation_degraded_answers_total", "call" => call).increment(1);
    }
}

/// Products that a generic food was found for, and those that none resembles.
pub(crate) fn foods_matched(estimated: usize, unmatched: usize) {
    let name = "larder_recommendation_food_matches_total";
    counter!(name, "outcome" => "estimated").increment(estimated as u64);
    counter!(name, "outcome" => "unmatched").increment(unmatched as u64);
}

/// An answer about market days, by what was asked for.
pub(crate) fn market_answered(call: &'static str, is_degraded: bool) {
    counter!("larder_recommendation_market_answers_total", "call" => call).increment(1);
    if is_degraded {
        counter!("larder_recommendation_degraded_answers_total", "call" => call).increment(1);
    }
}

/// A run of an import that ended, by kind and outcome; rows count where they were written.
pub(crate) fn import_ended(kind: &'static str, outcome: &'static str, rows: i64) {
    counter!("larder_recommendation_imports_total", "kind" => kind, "outcome" => outcome).increment(1);
    counter!("larder_recommendation_imported_rows_total", "kind" => kind)
        .increment(u64::try_from(rows).unwrap_or(0));
}

/// An export that was sent to its end, by kind.
pub(crate) fn exported(kind: &'static str, rows: u64) {
    counter!("larder_recommendation_exports_total", "kind" => kind).increment(1);
    counter!("larder_recommendation_exported_rows_total", "kind" => kind).increment(rows);
}

/// Everything about a customer was handed out.
pub(crate) fn customer_exported() {
    counter!("larder_recommendation_customer_exports_total").increment(1);
}

/// A customer was erased.
pub(crate) fn customer_erased(rows: u64) {
    counter!("larder_recommendation_customers_erased_total").increment(1);
    counter!("larder_recommendation_erased_rows_total").increment(rows);
}

/// Rows that were past their period are gone.
pub(crate) fn rows_expired(kind: &'static str, rows: u64) {
    counter!("larder_recommendation_expired_rows_total", "kind" => kind).increment(rows);
}

/// A tenant's turn of letting go is over.
pub(crate) fn retention_ran(outcome: &'static str) {
    counter!("larder_recommendation_retention_runs_total", "outcome" => outcome).increment(1);
}

/// Sales that were recorded, by where they come from.
pub(crate) fn sales_recorded(source: &'static str, sales: usize) {
    counter!("larder_recommendation_sales_recorded_total", "source" => source).increment(sales as u64);
}

/// A demand model was promoted, kept out or rolled back to.
pub(crate) fn demand_model_decided(decision: Decision) {
    let decision = match decision {
        Decision::Promoted => "promoted",
        Decision::Kept => "kept",
        Decision::RolledBack => "rolled_back",
    };
    counter!("larder_recommendation_demand_model_decisions_total", "decision" => decision).increment(1);
}

/// A synchronisation of a shop; `cause` is the kind of failure, or `none`.
pub(crate) fn shop_synced(rung: &'static str, cause: &'static str) {
    counter!("larder_recommendation_shop_syncs_total", "rung" => rung, "error" => cause).increment(1);
}

/// A message in the name of the shops' service.
pub(crate) fn webhook_received(outcome: &'static str) {
    counter!("larder_recommendation_webhooks_total", "outcome" => outcome).increment(1);
}

/// How all shops do, and how old the oldest knowledge of sales is.
pub(crate) fn shops(connected: i64, failing: i64, revoked: i64, age_us: Option<i64>) {
    let states = [("well", connected - failing - revoked), ("failing", failing), ("revoked", revoked)];
    for (state, count) in states {
        gauge!("larder_recommendation_shops", "state" => state).set(count as f64);
    }
    gauge!("larder_recommendation_shop_sales_age_seconds")
        .set(age_us.map_or(0.0, |age_us| age_us as f64 / 1e6));
}

pub(crate) fn events_recorded(new: usize, duplicate: usize) {
    counter!("larder_recommendation_events_recorded_total").increment(new as u64);
    counter!("larder_recommendation_events_duplicate_total").increment(duplicate as u64);
}

pub(crate) fn events_followed(events: usize) {
    counter!("larder_recommendation_events_followed_total").increment(events as u64);
}

pub(crate) fn rows_refused(call: &'static str, rows: i32) {
    counter!("larder_recommendation_rows_refused_total", "call" => call)
        .increment(u64::try_from(rows).unwrap_or(0));
}

pub(crate) fn model_swapped() {
    counter!("larder_recommendation_models_swapped_total").increment(1);
}

pub(crate) fn snapshot_refused() {
    counter!("larder_recommendation_snapshots_refused_total").increment(1);
}

pub(crate) fn model_trained(took: Duration) {
    histogram!("larder_recommendation_training_duration_seconds").record(took.as_secs_f64());
}

pub(crate) fn training_failed(kind: ErrorKind) {
    counter!("larder_recommendation_trainings_failed_total", "kind" => kind.as_str()).increment(1);
}

pub(crate) fn model_decided(state: State, cause: Cause, ndcg: Option<f64>) {
    match state {
        State::Promoted => model_promoted(cause),
        State::Rejected => counter!("larder_recommendation_model_rejections_total").increment(1),
        State::KeptBack | State::Retired => {
            counter!("larder_recommendation_models_kept_back_total").increment(1);
        }
    }
    if let Some(ndcg) = ndcg {
        gauge!("larder_recommendation_model_ndcg").set(ndcg);
    }
}

pub(crate) fn model_promoted(cause: Cause) {
    counter!("larder_recommendation_model_promotions_total", "cause" => cause.name()).increment(1);
}

pub(crate) fn oldest_model(age_us: Option<i64>) {
    if let Some(age_us) = age_us {
        gauge!("larder_recommendation_model_age_seconds").set(age_us as f64 / 1e6);
    }
}

pub(crate) fn exposures_written(exposures: usize) {
    counter!("larder_recommendation_exposures_written_total").increment(exposures as u64);
}

pub(crate) fn exposure_lost() {
    counter!("larder_recommendation_exposures_lost_total").increment(1);
}

pub(crate) fn computed(call: &'static str, took: Duration) {
    histogram!("larder_recommendation_rank_duration_seconds", "call" => call).record(took.as_secs_f64());
}

pub(crate) fn model_settings_reload_failed() {
    counter!("larder_recommendation_model_settings_reload_failures_total").increment(1);
}

pub(crate) fn model_settings_refused(is_refused: bool) {
    gauge!("larder_recommendation_model_settings_refused").set(if is_refused { 1.0 } else { 0.0 });
}
