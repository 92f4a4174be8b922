//! What a guideline's rules come to for one person and one energy target.

use super::{Amount, Bound, Guideline, GuidelineRule, Span};
use crate::{Derivation, Nutrient, Person, Sex};

/// One bound of one nutrient for one person.
pub(crate) struct Resolved {
    pub(crate) nutrient: Nutrient,
    pub(crate) bound: Bound,
    /// In the unit of the nutrient's field.
    pub(crate) value: f64,
    pub(crate) derivation: Derivation,
}

impl Guideline {
    /// Every bound of a `span` for `person` at `energy_kcal` a day. A sex that is not told gets
    /// the stricter bound of both.
    pub(crate) fn resolve(&self, person: &Person, energy_kcal: f64, span: Span) -> Vec<Resolved> {
        let sexes: &[Sex] = match &person.sex {
            Sex::Unspecified => &[Sex::Female, Sex::Male],
            told => std::slice::from_ref(told),
        };
        let mut resolved = Vec::new();
        for nutrient in Nutrient::ALL {
            for bound in [Bound::AtLeast, Bound::Ideal, Bound::AtMost] {
                let of_sexes = sexes.iter().filter_map(|sex| {
                    let rule = self.rule(nutrient, bound, span, (*sex, person.age_years))?;
                    Some(self.amount_of(rule, person, energy_kcal))
                });
                resolved.extend(of_sexes.reduce(|one, two| stricter(bound, one, two)));
            }
        }
        resolved
    }

    fn rule(
        &self,
        nutrient: Nutrient,
        bound: Bound,
        span: Span,
        (sex, age): (Sex, f64),
    ) -> Option<&GuidelineRule> {
        self.rules.iter().rev().find(|rule| {
            rule.nutrient == nutrient
                && rule.bound == bound
                && rule.of == span
                && rule.sex.is_none_or(|own| own == sex)
                && rule.from_age.is_none_or(|from| age >= from)
                && rule.below_age.is_none_or(|below| age < below)
        })
    }

    fn amount_of(&self, rule: &GuidelineRule, person: &Person, energy_kcal: f64) -> Resolved {
        let weight_kg = person.reference_weight_kg();
        let value = rule.amount.value(rule.nutrient, weight_kg, energy_kcal);
        let gives = format!("{}.{}", rule.nutrient.field(), rule.bound.word());
        let source = rule.source.clone().unwrap_or_else(|| self.source.clone());
        let derivation = Derivation::of(gives, value);
        let derivation = match rule.amount {
            Amount::PerDay(_) => derivation.by("amount of the guideline", source),
            Amount::PerKg(per_kg) => derivation
                .by("per_kg * reference_weight_kg", source)
                .from("per_kg", per_kg)
                .from("reference_weight_kg", weight_kg),
            Amount::Per1000Kcal(amount) => derivation
                .by("per_1000_kcal * energy_kcal / 1000", source)
                .from("per_1000_kcal", amount)
                .from("energy_kcal", energy_kcal),
            Amount::PercentOfEnergy(percent) => derivation
                .by("percent / 100 * energy_kcal / kcal_per_g", source)
                .from("percent", percent)
                .from("energy_kcal", energy_kcal),
        };
        Resolved { nutrient: rule.nutrient, bound: rule.bound, value, derivation }
    }
}

impl Amount {
    /// In the unit of the nutrient's field.
    pub(super) fn value(self, nutrient: Nutrient, weight_kg: f64, energy_kcal: f64) -> f64 {
        match self {
            Self::PerDay(amount) => amount,
            Self::PerKg(amount) => amount * weight_kg,
            Self::Per1000Kcal(amount) => amount * energy_kcal / 1000.0,
            Self::PercentOfEnergy(percent) => {
                let kcal_per_g = nutrient.kcal_per_gram().unwrap_or(f64::INFINITY);
                percent / 100.0 * energy_kcal / kcal_per_g
            }
        }
    }
}

fn stricter(bound: Bound, one: Resolved, two: Resolved) -> Resolved {
    let takes_first = match bound {
        Bound::AtLeast | Bound::Ideal => one.value >= two.value,
        Bound::AtMost => one.value <= two.value,
    };
    if takes_first { one } else { two }
}
