//! Ideal amounts and the guideline's bounds in one list. A bound that the goal's own macros
//! cannot keep is left out and told, so that no target contradicts itself.

use super::NutrientTarget;
use super::macros::Macros;
use crate::energy::{Notice, NoticeKind};
use crate::guideline::Resolved;
use crate::{Bound, Derivation, Nutrient};

/// Every target of a day, in the order of the nutrients.
pub(super) fn day(
    energy: &Derivation,
    macros: &Macros,
    rules: Vec<Resolved>,
    notices: &mut Vec<Notice>,
) -> Vec<NutrientTarget> {
    let mut targets = Vec::new();
    let ideals = [
        (Nutrient::Energy, energy),
        (Nutrient::Protein, &macros.protein_g),
        (Nutrient::Fat, &macros.fat_g),
        (Nutrient::Carbohydrate, &macros.carbohydrate_g),
    ];
    for (nutrient, derivation) in ideals {
        set(&mut targets, nutrient, Bound::Ideal, derivation.clone());
    }
    for rule in rules {
        let ideal = ideals.iter().find(|(nutrient, _)| *nutrient == rule.nutrient).map(|(_, own)| own.value);
        if rule.bound == Bound::Ideal && ideal.is_some() {
            continue;
        }
        let is_kept = ideal.is_none_or(|ideal| match rule.bound {
            Bound::AtLeast => ideal >= rule.value,
            Bound::Ideal => true,
            Bound::AtMost => ideal <= rule.value,
        });
        if is_kept {
            set(&mut targets, rule.nutrient, rule.bound, rule.derivation);
        } else {
            notices.push(left_out(&rule, ideal.unwrap_or(f64::NAN)));
        }
    }
    targets.sort_by_key(|target| target.nutrient);
    targets
}

/// Every bound of a meal.
pub(super) fn meal(rules: Vec<Resolved>) -> Vec<NutrientTarget> {
    let mut targets = Vec::new();
    for rule in rules {
        set(&mut targets, rule.nutrient, rule.bound, rule.derivation);
    }
    targets
}

fn left_out(rule: &Resolved, ideal: f64) -> Notice {
    let (side, source) = (rule.bound.word().replace('_', " "), &rule.derivation.source);
    Notice {
        kind: NoticeKind::GuidelineBoundLeftOut,
        field: rule.nutrient.field(),
        value: ideal,
        within: format!("{side} {:.0} ({source})", rule.value),
    }
}

fn set(targets: &mut Vec<NutrientTarget>, nutrient: Nutrient, bound: Bound, derivation: Derivation) {
    let index = targets.iter().position(|target| target.nutrient == nutrient).unwrap_or_else(|| {
        targets.push(NutrientTarget::new(nutrient));
        targets.len() - 1
    });
    let target = &mut targets[index];
    let side = match bound {
        Bound::AtLeast => &mut target.at_least,
        Bound::Ideal => &mut target.ideal,
        Bound::AtMost => &mut target.at_most,
    };
    *side = Some(derivation.value);
    target.derivations.push(derivation);
}
