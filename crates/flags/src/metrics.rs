//! What is measured of flags.

use metrics::{counter, describe_counter, describe_gauge, gauge};

const REFUSED: &str = "larder_flags_refused";
const RELOADS: &str = "larder_flags_reloads_total";
const EVALUATIONS: &str = "larder_flags_evaluations_total";

/// Describes every metric of flags.
pub(crate) fn describe() {
    describe_gauge!(REFUSED, "1 while the file of flags is refused and the one before stays in force");
    describe_counter!(RELOADS, "Changed files of flags, by whether they were taken up");
    describe_counter!(EVALUATIONS, "Evaluations of flags, by reason");
}

/// Tells what became of a changed file.
pub(crate) fn count_reload(taken_up: bool) {
    counter!(RELOADS, "outcome" => if taken_up { "taken_up" } else { "refused" }).increment(1);
    set_refused(!taken_up);
}

/// Tells whether the file is refused now.
pub(crate) fn set_refused(refused: bool) {
    gauge!(REFUSED).set(if refused { 1.0 } else { 0.0 });
}

/// Counts an evaluation.
pub(crate) fn count_evaluation(reason: &'static str) {
    counter!(EVALUATIONS, "reason" => reason).increment(1);
}
