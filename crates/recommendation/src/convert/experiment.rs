//! Experiments in and out.

use std::collections::HashSet;

use larder_proto::larder::recommendation::v1 as wire;
use larder_ranking::Expression;

use crate::convert::{arrangement, timestamp};
use crate::error::Error;
use crate::experiments::Arm;
use crate::store::experiments::{ExperimentRow, NewExperiment};
use crate::store::exposures::OutcomeOf;
use crate::validate::Fields;

/// How far the shares may be from making up 1: what decimal fractions lose in binary.
const ROUNDING: f64 = 1e-6;
const DEFAULT_WINDOW_HOURS: i32 = 168;
const MOST_WINDOW_HOURS: i32 = 2_160;
const PURCHASE: i16 = 3;

/// Checks an experiment that is to begin. Without an id it gets the one that is given.
pub(crate) fn from_wire(
    experiment: Option<wire::Experiment>,
    fresh_id: String,
    now_us: i64,
) -> Result<NewExperiment, Error> {
    let Some(experiment) = experiment else { return Err(Error::invalid("experiment", "is required")) };
    let mut fields = Fields::default();
    fields.optional_id("experiment.experiment_id", &experiment.experiment_id);
    fields.text("experiment.name", &experiment.name, 1, 256);
    name(&mut fields, "experiment.placement", &experiment.placement);
    let arms = arms(&mut fields, experiment.arms);
    let is_unnamed = experiment.experiment_id.is_empty();
    fields.finish(NewExperiment {
        experiment_id: if is_unnamed { fresh_id } else { experiment.experiment_id },
        name: experiment.name,
        placement: experiment.placement,
        arms,
        started_at_us: now_us,
    })
}

fn arms(fields: &mut Fields, arms: Vec<wire::ExperimentArm>) -> Vec<Arm> {
    if !(2..=10).contains(&arms.len()) {
        fields.refuse("experiment.arms", "must have 2 to 10 entries");
        return Vec::new();
    }
    let sum: f64 = arms.iter().map(|arm| arm.share).sum();
    let mut names = HashSet::new();
    let mut are_shares_right = true;
    let mut checked = Vec::with_capacity(arms.len());
    for (index, arm) in arms.into_iter().enumerate() {
        let at = |field: &str| format!("experiment.arms[{index}].{field}");
        name(fields, &at("arm"), &arm.arm);
        if !names.insert(arm.arm.clone()) {
            fields.refuse(&at("arm"), "must be a name that no other arm has");
        }
        if !(arm.share > 0.0 && arm.share < 1.0) {
            fields.refuse(&at("share"), "must be a number above 0 and below 1");
            are_shares_right = false;
        }
        fields.optional_id(&at("model_version"), &arm.model_version);
        let arrangement = arrangement::from_wire(fields, &at("arrangement"), arm.arrangement);
        for (boost, of) in arrangement.boosts.iter().enumerate() {
            if let Err(error) = Expression::compile(&of.expression) {
                fields.refuse(&at(&format!("arrangement.boosts[{boost}].expression")), error.to_string());
            }
        }
        checked.push(Arm {
            arm: arm.arm,
            share: arm.share,
            arrangement,
            model_version: Some(arm.model_version).filter(|version| !version.is_empty()),
        });
    }
    if are_shares_right && (sum - 1.0).abs() > ROUNDING {
        fields.refuse("experiment.arms", format!("must have shares that make up 1; these make up {sum:.6}"));
    }
    checked
}

/// A name of a placement or an arm.
pub(crate) fn name(fields: &mut Fields, field: &str, name: &str) {
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-'));
    if !is_name {
        fields.refuse(field, "must be 1 to 64 characters of a-z 0-9 _ -");
    }
}

/// Which interactions count; unspecified means purchases within a week.
pub(crate) fn outcome(fields: &mut Fields, kind: i32, window_hours: i32) -> OutcomeOf {
    let kind = match i16::try_from(kind) {
        Ok(0) => PURCHASE,
        Ok(kind @ 1..=6) => kind,
        _ => {
            fields.refuse("outcome", "must be a kind of interaction, such as INTERACTION_KIND_PURCHASE");
            PURCHASE
        }
    };
    if !(0..=MOST_WINDOW_HOURS).contains(&window_hours) {
        let description = format!("must be from 1 to {MOST_WINDOW_HOURS}, or 0 for {DEFAULT_WINDOW_HOURS}");
        fields.refuse("window_hours", description);
    }
    OutcomeOf { kind, window_hours: if window_hours == 0 { DEFAULT_WINDOW_HOURS } else { window_hours } }
}

/// The message of a stored experiment.
pub(crate) fn to_wire(row: ExperimentRow) -> wire::Experiment {
    let state = match row.stopped_at_us {
        None => wire::ExperimentState::Running,
        Some(_) => wire::ExperimentState::Stopped,
    };
    let arms = row.arms.0.into_iter().map(|arm| wire::ExperimentArm {
        arm: arm.arm,
        share: arm.share,
        arrangement: arrangement::to_wire(arm.arrangement),
        model_version: arm.model_version.unwrap_or_default(),
    });
    wire::Experiment {
        experiment_id: row.experiment_id,
        name: row.name,
        placement: row.placement,
        arms: arms.collect(),
        state: state.into(),
        started_at: Some(timestamp(row.started_at_us)),
        stopped_at: row.stopped_at_us.map(timestamp),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment() -> wire::Experiment {
        let arm = |arm: &str, share| wire::ExperimentArm { arm: arm.into(), share, ..Default::default() };
        wire::Experiment {
            experiment_id: "varied-home".into(),
            name: "More varied".into(),
            placement: "home".into(),
            arms: vec![arm("plain", 0.7), arm("varied", 0.1), arm("wild", 0.2)],
            ..Default::default()
        }
    }

    fn refusal(change: impl FnOnce(&mut wire::Experiment)) -> String {
        let mut bad = experiment();
        change(&mut bad);
        from_wire(Some(bad), "fresh".into(), 0).unwrap_err().to_string()
    }

    #[test]
    fn an_experiment_without_an_id_gets_one() {
        let unnamed = wire::Experiment { experiment_id: String::new(), ..experiment() };
        assert_eq!(from_wire(Some(unnamed), "fresh".into(), 5).unwrap().experiment_id, "fresh");
        let named = from_wire(Some(experiment()), "fresh".into(), 5).unwrap();
        assert_eq!((named.experiment_id.as_str(), named.started_at_us), ("varied-home", 5));
    }

    #[test]
    fn each_bad_field_is_named() {
        type Change = fn(&mut wire::Experiment);
        let cases: [(Change, &str); 8] = [
            (|bad| bad.name.clear(), "experiment.name: must be 1 to 256 characters long"),
            (|bad| bad.placement = "Home!".into(), "experiment.placement: must be 1 to 64 characters of"),
            (|bad| bad.arms.truncate(1), "experiment.arms: must have 2 to 10 entries"),
            (
                |bad| bad.arms[2].share = 0.25,
                "experiment.arms: must have shares that make up 1; these make up 1.05",
            ),
            (
                |bad| bad.arms[1].share = f64::NAN,
                "experiment.arms[1].share: must be a number above 0 and below 1",
            ),
            (
                |bad| bad.arms[1].arm = "plain".into(),
                "experiment.arms[1].arm: must be a name that no other arm has",
            ),
            (|bad| bad.arms[0].model_version = "a b".into(), "experiment.arms[0].model_version: "),
            (
                |bad| {
                    bad.arms[0].arrangement =
                        Some(wire::Arrangement { rotation: Some(2.0), ..Default::default() })
                },
                "experiment.arms[0].arrangement.rotation: must be a number from 0 to 1",
            ),
        ];
        for (change, start) in cases {
            let refusal = refusal(change);
            assert!(refusal.starts_with(start), "{refusal}");
        }
        assert!(from_wire(None, "fresh".into(), 0).is_err());
    }

    #[test]
    fn outcomes_are_purchases_within_a_week_unless_told_otherwise() {
        let mut fields = Fields::default();
        let plain = outcome(&mut fields, 0, 0);
        assert_eq!((plain.kind, plain.window_hours), (3, 168));
        fields.finish(()).unwrap();
        for (kind, hours, field) in [(7, 0, "outcome"), (-1, 0, "outcome"), (0, 2_161, "window_hours")] {
            let mut fields = Fields::default();
            outcome(&mut fields, kind, hours);
            assert!(fields.finish(()).unwrap_err().to_string().starts_with(field));
        }
    }
}
