//! Targets as what missing them costs.

use super::request::{PlanMember, PlanRequest};
use crate::{Nutrient, NutrientTarget};

/// What deviation from one target costs: `below`, `above` and `off` times the distance from
/// `least`, `most` and `best`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Goal {
    pub(super) least: f64,
    pub(super) best: f64,
    pub(super) most: f64,
    pub(super) below: f64,
    pub(super) off: f64,
    pub(super) above: f64,
}

impl Goal {
    pub(super) fn cost(&self, amount: f64) -> f64 {
        self.below * (self.least - amount).max(0.0)
            + self.off * (self.best - amount).abs()
            + self.above * (amount - self.most).max(0.0)
    }
}

/// Energy, then every nutrient that some target of somebody names.
pub(super) fn counted_nutrients(members: &[PlanMember]) -> Vec<Nutrient> {
    let named = |nutrient: &Nutrient| {
        let asks = |target: &NutrientTarget| {
            target.nutrient == *nutrient
                && (target.at_least.is_some() || target.ideal.is_some() || target.at_most.is_some())
        };
        members.iter().any(|member| member.targets.iter().any(asks))
    };
    let others = Nutrient::ALL.into_iter().filter(|each| *each != Nutrient::Energy).filter(named);
    std::iter::once(Nutrient::Energy).chain(others).collect()
}

pub(super) fn weight_of(request: &PlanRequest, nutrient: Nutrient) -> f64 {
    if nutrient == Nutrient::Energy {
        return request.weights.energy;
    }
    let own = request.weights.nutrients.iter().find(|(each, _)| *each == nutrient);
    own.map_or(1.0, |(_, weight)| *weight)
}

/// The part of the day that the planned meals are.
pub(super) fn planned_part(request: &PlanRequest) -> f64 {
    let part = request.meals.iter().map(|meal| meal.share).sum::<f64>();
    // Shares that add up to a day but for rounding are a whole day, so that targets stay whole.
    if part > 1.0 - 1e-9 { 1.0 } else { part }
}

/// The target of a member for a nutrient over the planned meals of a day; that of energy is the
/// member's energy.
pub(super) fn target_of(
    request: &PlanRequest,
    member: &PlanMember,
    nutrient: Nutrient,
) -> Option<NutrientTarget> {
    let part = planned_part(request);
    if nutrient == Nutrient::Energy {
        let ideal = Some(member.energy_kcal * part);
        return Some(NutrientTarget { ideal, ..NutrientTarget::new(nutrient) });
    }
    let target = member.targets.iter().find(|target| target.nutrient == nutrient)?;
    let planned = |bound: Option<f64>| bound.map(|bound| bound * part);
    Some(NutrientTarget {
        at_least: planned(target.at_least),
        ideal: planned(target.ideal),
        at_most: planned(target.at_most),
        ..target.clone()
    })
}

/// A target as costs: the deviation as a part of the bound it is from, one-sided where only one
/// side is asked for. `scale` is the weight of a whole deviation.
pub(super) fn goal(target: &NutrientTarget, scale: f64) -> Goal {
    // A bound of zero has no parts: there a deviation is counted in whole units.
    let part = |bound: f64| scale / if bound > 0.0 { bound } else { 1.0 };
    Goal {
        least: target.at_least.unwrap_or(0.0),
        best: target.ideal.unwrap_or(0.0),
        most: target.at_most.unwrap_or(0.0),
        below: target.at_least.map_or(0.0, part),
        off: target.ideal.map_or(0.0, part),
        above: target.at_most.map_or(0.0, part),
    }
}
