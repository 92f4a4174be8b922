//! Protein, fat and carbohydrate in whole grams, whose energy by 4, 9 and 4 kcal is the
//! target's to within 4 kcal.

use super::{Carbohydrates, Clamp, ClampReason, Goal, GoalKind, GoalSettings, KindSettings};
use crate::guideline::Resolved;
use crate::{Bound, Derivation, Nutrient, Person};

/// Whole grams of a day.
pub(super) struct Macros {
    pub(super) protein_g: Derivation,
    pub(super) fat_g: Derivation,
    pub(super) carbohydrate_g: Derivation,
}

/// What the three have in common.
struct Day<'day> {
    energy_kcal: f64,
    person: &'day Person,
    goal: &'day Goal,
    settings: &'day GoalSettings,
    own: &'day KindSettings,
    rules: &'day [Resolved],
}

impl Macros {
    pub(super) fn of(
        energy_kcal: f64,
        person: &Person,
        (goal, settings): (&Goal, &GoalSettings),
        (rules, clamps): (&[Resolved], &mut Vec<Clamp>),
    ) -> Self {
        let day = Day { energy_kcal, person, goal, settings, own: settings.of(goal.kind), rules };
        let protein_g = day.protein(clamps);
        if goal.carbohydrates == Carbohydrates::Keto {
            return day.keto(protein_g);
        }
        let fat_g = day.fat(clamps);
        let left_kcal = energy_kcal - 4.0 * protein_g.value - 9.0 * fat_g.value;
        let carbohydrate_g = Derivation::of("carbohydrate_g.ideal", (left_kcal / 4.0).round())
            .by("(energy_kcal - 4 protein_g - 9 fat_g) / 4", "general Atwater factors")
            .from("energy_kcal", energy_kcal)
            .from("protein_g", protein_g.value)
            .from("fat_g", fat_g.value);
        Self { protein_g, fat_g, carbohydrate_g }
    }
}

impl Day<'_> {
    fn protein(&self, clamps: &mut Vec<Clamp>) -> Derivation {
        let weight_kg = self.person.reference_weight_kg();
        let wanted = self.own.protein_g_per_kg * weight_kg;
        let limits = Limits {
            least: self.bound(Nutrient::Protein, Bound::AtLeast),
            most: self.bound(Nutrient::Protein, Bound::AtMost),
            most_of_energy: self.settings.most_protein_percent_of_energy / 100.0 * self.energy_kcal / 4.0,
            reasons: (ClampReason::ProteinFloor, ClampReason::ProteinCeiling),
        };
        Derivation::of("protein_g.ideal", limits.keep(wanted, clamps))
            .by("protein_g_per_kg * reference_weight_kg, within its bounds", protein_source(self.goal.kind))
            .from("protein_g_per_kg", self.own.protein_g_per_kg)
            .from("reference_weight_kg", weight_kg)
    }

    fn fat(&self, clamps: &mut Vec<Clamp>) -> Derivation {
        let weight_kg = self.person.reference_weight_kg();
        let of_energy = self.own.fat_percent_of_energy / 100.0 * self.energy_kcal / 9.0;
        let wanted = of_energy.max(self.own.fat_g_per_kg * weight_kg);
        let limits = Limits {
            least: self.bound(Nutrient::Fat, Bound::AtLeast),
            most: self.bound(Nutrient::Fat, Bound::AtMost),
            most_of_energy: self.settings.most_fat_percent_of_energy / 100.0 * self.energy_kcal / 9.0,
            reasons: (ClampReason::FatFloor, ClampReason::FatCeiling),
        };
        Derivation::of("fat_g.ideal", limits.keep(wanted, clamps))
            .by("the larger of a share of the energy and g per kg, within its bounds", "AMDR, IOM 2005")
            .from("fat_percent_of_energy", self.own.fat_percent_of_energy)
            .from("energy_kcal", self.energy_kcal)
            .from("fat_g_per_kg", self.own.fat_g_per_kg)
            .from("reference_weight_kg", weight_kg)
    }

    /// Little carbohydrate, and fat for the rest; fat is told to where the energy comes out.
    fn keto(&self, protein_g: Derivation) -> Macros {
        let settings_g = self.settings.keto_net_carbohydrate_g;
        let left_kcal = self.energy_kcal - 4.0 * protein_g.value - 4.0 * settings_g;
        let fat = (left_kcal / 9.0).round();
        let carbohydrate = ((self.energy_kcal - 4.0 * protein_g.value - 9.0 * fat) / 4.0).round();
        let fat_g = Derivation::of("fat_g.ideal", fat)
            .by("(energy_kcal - 4 protein_g - 4 carbohydrate_g) / 9", "general Atwater factors")
            .from("energy_kcal", self.energy_kcal)
            .from("protein_g", protein_g.value)
            .from("carbohydrate_g", settings_g);
        let carbohydrate_g = Derivation::of("carbohydrate_g.ideal", carbohydrate)
            .by("carbohydrate of a keto diet", "the goal settings")
            .from("keto_net_carbohydrate_g", settings_g);
        Macros { protein_g, fat_g, carbohydrate_g }
    }

    fn bound(&self, nutrient: Nutrient, bound: Bound) -> Option<f64> {
        self.rules.iter().find(|rule| rule.nutrient == nutrient && rule.bound == bound).map(|rule| rule.value)
    }
}

/// What an amount of a day is kept within, in grams.
struct Limits {
    least: Option<f64>,
    most: Option<f64>,
    most_of_energy: f64,
    reasons: (ClampReason, ClampReason),
}

impl Limits {
    /// `wanted` in whole grams within the limits; the ceiling wins over the floor.
    fn keep(&self, wanted: f64, clamps: &mut Vec<Clamp>) -> f64 {
        let ceiling = self.most.unwrap_or(f64::INFINITY).min(self.most_of_energy);
        let floor = self.least.unwrap_or(0.0).min(ceiling);
        let (reason, given) = if wanted > ceiling {
            (self.reasons.1, ceiling.floor())
        } else if wanted < floor {
            (self.reasons.0, floor.ceil().min(ceiling))
        } else {
            return wanted.round().clamp(floor.ceil().min(ceiling.floor()), ceiling.floor());
        };
        clamps.push(Clamp { reason, wanted, given: given.floor() });
        given.floor()
    }
}

fn protein_source(kind: GoalKind) -> &'static str {
    match kind {
        GoalKind::Lose | GoalKind::GainMuscle => {
            "ISSN 2017, J Int Soc Sports Nutr 14:20: 1.4 to 2.0 g/kg; Morton 2018, Br J Sports Med 52:376-384"
        }
        GoalKind::Maintain => "the middle of 1.2 to 1.6 g/kg, Dietary Guidelines for Americans 2025-2030",
    }
}
