//! The energy of a day for a goal, kept within safe bounds that are told by name.

use super::goal::UNDERWEIGHT_BMI;
use super::{Clamp, ClampReason, Goal, GoalKind, GoalSettings, TargetRefusal};
use crate::energy::{EnergyNeed, Estimate, Notice, NoticeKind};
use crate::{Derivation, Person, Sex};

/// Energy of a kilogram of body weight as it begins to change, in kcal: Wishnofsky 1958, Am J Clin
/// Nutr 6:542-546. It turns a rate into a first deficit; dates come from the weight model.
pub(crate) const KCAL_PER_KG: f64 = 7700.0;
/// Less than this is a very-low-calorie diet, for medical supervision only (AHA/ACC/TOS 2013).
const STARVES_BELOW_KCAL: f64 = 800.0;
/// A measured total is believed within these multiples of the formula's.
const BELIEVED: std::ops::RangeInclusive<f64> = 0.6..=1.6;

/// What a body uses.
pub(super) struct BodyEnergy<'person> {
    pub(super) person: &'person Person,
    pub(super) resting_kcal: f64,
    pub(super) total_kcal: f64,
}

/// The total that a goal starts from: the measured one, as far as it is believed.
pub(super) fn expenditure(
    need: &EnergyNeed,
    measured: Option<&Estimate>,
    clamps: &mut Vec<Clamp>,
) -> Estimate {
    let Some(measured) = measured.filter(|measured| measured.kcal.is_finite()) else {
        return need.total.clone();
    };
    let (low, high) = (BELIEVED.start() * need.total.kcal, BELIEVED.end() * need.total.kcal);
    let believed = measured.kcal.clamp(low, high);
    if believed.to_bits() == measured.kcal.to_bits() {
        return measured.clone();
    }
    clamps.push(Clamp {
        reason: ClampReason::MeasuredFarFromFormula,
        wanted: measured.kcal,
        given: believed,
    });
    let derivation = Derivation::of("total_kcal", believed)
        .by("measured total, 0.6 to 1.6 times the formula's", measured.derivation.source.clone())
        .from("measured_kcal", measured.kcal)
        .from("formula_kcal", need.total.kcal);
    let low_kcal = measured.low_kcal.min(believed);
    Estimate { kcal: believed, low_kcal, high_kcal: measured.high_kcal.max(believed), derivation }
}

/// The energy of a day in whole kcal.
pub(super) fn target(
    body: &BodyEnergy<'_>,
    goal: &Goal,
    settings: &GoalSettings,
    (clamps, notices): (&mut Vec<Clamp>, &mut Vec<Notice>),
) -> Result<Derivation, TargetRefusal> {
    let floor_kcal = sex_floor(body, settings);
    if body.total_kcal < floor_kcal {
        notices.push(Notice {
            kind: NoticeKind::ExpenditureBelowFloor,
            field: "person",
            value: body.total_kcal,
            within: format!("{floor_kcal} kcal a day or more; such a body has little to save"),
        });
    }
    // Nobody is told to eat more than they use in the name of a floor.
    let floor_kcal = floor_kcal.min(body.total_kcal);
    let wanted = match goal.energy_kcal {
        Some(own) => own_energy(body, goal, (own, floor_kcal), notices)?,
        None => energy_of_kind(body, goal, settings, clamps)?,
    };
    let kcal = above_floors(body, goal, (wanted.value, floor_kcal), clamps).round();
    Ok(Derivation { value: kcal, ..wanted })
}

fn sex_floor(body: &BodyEnergy<'_>, settings: &GoalSettings) -> f64 {
    match body.person.sex {
        Sex::Female => settings.floor_female_kcal,
        Sex::Male | Sex::Unspecified => settings.floor_male_kcal,
    }
}

fn own_energy(
    body: &BodyEnergy<'_>,
    goal: &Goal,
    (own_kcal, floor_kcal): (f64, f64),
    notices: &mut Vec<Notice>,
) -> Result<Derivation, TargetRefusal> {
    if own_kcal < floor_kcal {
        return Err(TargetRefusal::WouldStarve { asked_kcal: own_kcal, floor_kcal: floor_kcal.ceil() });
    }
    let bmi = body.person.bmi();
    if bmi < UNDERWEIGHT_BMI && own_kcal < body.total_kcal.floor() {
        return Err(TargetRefusal::Underweight { bmi });
    }
    let serves = match goal.kind {
        GoalKind::Lose => own_kcal < body.total_kcal,
        GoalKind::Maintain => (own_kcal / body.total_kcal - 1.0).abs() <= 0.1,
        GoalKind::GainMuscle => own_kcal > body.total_kcal,
    };
    if !serves {
        notices.push(Notice {
            kind: NoticeKind::EnergyDoesNotServeGoal,
            field: "goal.energy_kcal",
            value: own_kcal,
            within: format!("the goal beside a total of {:.0} kcal a day", body.total_kcal),
        });
    }
    Ok(Derivation::of("energy_kcal", own_kcal)
        .by("energy target of one's own", "the request")
        .from("goal.energy_kcal", own_kcal))
}

/// The total with the deficit or surplus of the goal, as far as its caps let it.
fn energy_of_kind(
    body: &BodyEnergy<'_>,
    goal: &Goal,
    settings: &GoalSettings,
    clamps: &mut Vec<Clamp>,
) -> Result<Derivation, TargetRefusal> {
    let own = settings.of(goal.kind);
    let sign = if goal.kind == GoalKind::Lose { -1.0 } else { 1.0 };
    let share_kcal = body.total_kcal * own.energy_change_percent.abs() / 100.0;
    let asked_kcal = goal.weekly_change_kg.map_or(share_kcal, |change| change * KCAL_PER_KG / 7.0);
    let asked_target = body.total_kcal + sign * asked_kcal;
    if goal.weekly_change_kg.is_some() && asked_target < STARVES_BELOW_KCAL {
        let floor_kcal = sex_floor(body, settings).min(body.total_kcal);
        return Err(TargetRefusal::WouldStarve { asked_kcal: asked_target, floor_kcal: floor_kcal.ceil() });
    }
    let weekly_cap = body.person.weight_kg * own.most_weekly_change_percent / 100.0 * KCAL_PER_KG / 7.0;
    let caps =
        [(ClampReason::WeeklyChangeCap, weekly_cap), (ClampReason::EnergyChangeCap, own.most_change_kcal)];
    let mut change_kcal = asked_kcal;
    for (reason, cap) in caps {
        if change_kcal > cap {
            let (wanted, given) = (body.total_kcal + sign * change_kcal, body.total_kcal + sign * cap);
            clamps.push(Clamp { reason, wanted, given });
            change_kcal = cap;
        }
    }
    let kcal = body.total_kcal + sign * change_kcal;
    let derivation = Derivation::of("energy_kcal", kcal)
        .by("total_kcal + energy change of the goal, within its caps and floors", energy_source(goal.kind))
        .from("total_kcal", body.total_kcal)
        .from("energy_change_kcal", sign * change_kcal);
    Ok(match goal.weekly_change_kg {
        Some(change) => derivation.from("weekly_change_kg", change).from("kcal_per_kg", KCAL_PER_KG),
        None => derivation.from("energy_change_percent", own.energy_change_percent),
    })
}

fn energy_source(kind: GoalKind) -> &'static str {
    match kind {
        GoalKind::Lose => "AHA/ACC/TOS 2013: deficits of 500 to 750 kcal, floors of 1,200 and 1,500 kcal",
        GoalKind::Maintain => "energy balance",
        GoalKind::GainMuscle => "ISSN 2017, J Int Soc Sports Nutr 14:16: small surplus, 0.25 to 0.5 % a week",
    }
}

/// Raised to the floors where a deficit goes below them.
fn above_floors(
    body: &BodyEnergy<'_>,
    goal: &Goal,
    (wanted_kcal, floor_kcal): (f64, f64),
    clamps: &mut Vec<Clamp>,
) -> f64 {
    if wanted_kcal >= body.total_kcal {
        return wanted_kcal;
    }
    let resting_kcal = if goal.allow_below_resting { 0.0 } else { body.resting_kcal.min(body.total_kcal) };
    let mut kcal = wanted_kcal;
    for (reason, floor) in [(ClampReason::EnergyFloor, floor_kcal), (ClampReason::RestingFloor, resting_kcal)]
    {
        if kcal < floor {
            clamps.push(Clamp { reason, wanted: kcal, given: floor });
            kcal = floor;
        }
    }
    // Rounding to whole kcal must not go below a floor.
    if kcal > wanted_kcal { kcal.ceil() } else { kcal }
}
