//! The tables of points: a part gets a point for each threshold that its amount exceeds.

use super::{NutriScoreCategory, NutriScoreInput};
use crate::Nutrient;
use crate::scores::{Range, as_written};

/// kJ of a kcal.
const KJ_PER_KCAL: f64 = 4.184;
/// kJ of a gram of fat, as the tables for fats take it.
const KJ_PER_G_OF_FAT: f64 = 37.0;

/// A part of the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Component {
    /// kJ of 100 g.
    EnergyKj,
    /// kJ of 100 g that come from saturated fat, in the place of energy for fats.
    EnergyFromSaturatedKj,
    /// g of 100 g.
    SugarsG,
    /// g of 100 g.
    SaturatedFatG,
    /// Saturated fat in percent of the fat, in the place of saturated fat for fats.
    SaturatedRatioPercent,
    /// g of 100 g: sodium times 2.5.
    SaltG,
    /// Whether a drink holds sweeteners, 0 or 1.
    Sweetener,
    /// Fruit, vegetables and legumes in percent.
    FruitPercent,
    /// g of 100 g.
    FibreG,
    /// g of 100 g.
    ProteinG,
}

const ENERGY: &[f64] = &[335.0, 670.0, 1005.0, 1340.0, 1675.0, 2010.0, 2345.0, 2680.0, 3015.0, 3350.0];
const ENERGY_OF_DRINKS: &[f64] = &[30.0, 90.0, 150.0, 210.0, 240.0, 270.0, 300.0, 330.0, 360.0, 390.0];
const ENERGY_FROM_SATURATED: &[f64] =
    &[120.0, 240.0, 360.0, 480.0, 600.0, 720.0, 840.0, 960.0, 1080.0, 1200.0];
const SUGARS: &[f64] =
    &[3.4, 6.8, 10.0, 14.0, 17.0, 20.0, 24.0, 27.0, 31.0, 34.0, 37.0, 41.0, 44.0, 48.0, 51.0];
const SUGARS_OF_DRINKS: &[f64] = &[0.5, 2.0, 3.5, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0];
const SATURATED: &[f64] = &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
/// A ratio gets a point where it reaches the threshold, not only where it exceeds it.
const SATURATED_RATIO: &[f64] = &[10.0, 16.0, 22.0, 28.0, 34.0, 40.0, 46.0, 52.0, 58.0, 64.0];
const SALT: &[f64] =
    &[0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6, 3.8, 4.0];
const FRUIT: &[f64] = &[40.0, 60.0, 80.0];
const FIBRE: &[f64] = &[3.0, 4.1, 5.2, 6.3, 7.4];
const PROTEIN: &[f64] = &[2.4, 4.8, 7.2, 9.6, 12.0, 14.0, 17.0];
const PROTEIN_OF_DRINKS: &[f64] = &[1.2, 1.5, 1.8, 2.1, 2.4, 2.7, 3.0];

/// What is known of the amounts; a part that is not known has a range.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amounts {
    pub(super) category: NutriScoreCategory,
    pub(super) energy_kj: Range,
    pub(super) sugars_g: Range,
    pub(super) fat_g: Range,
    pub(super) saturated_g: Range,
    pub(super) salt_g: Range,
    pub(super) sweetener: Range,
    pub(super) fruit_percent: Range,
    pub(super) fibre_g: Range,
    pub(super) protein_g: Range,
}

/// One part and what it adds to the points.
pub(super) struct Part {
    pub(super) component: Component,
    pub(super) points: i32,
}

/// The parts at one end of what is possible.
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
}

impl Parts {
    pub(super) fn total(&self) -> i32 {
        self.parts.iter().map(|part| part.points).sum()
    }
}

impl Amounts {
    pub(super) fn of(input: &NutriScoreInput<'_>) -> Self {
        let amount = |nutrient| input.per_100g.get(nutrient).and_then(as_written);
        let within =
            |known: Option<f64>, most: f64| known.map_or(Range { low: 0.0, high: most }, Range::exactly);
        let carbohydrate = amount(Nutrient::Carbohydrate);
        let fat_g = within(amount(Nutrient::Fat), 100.0);
        let energy_kj = amount(Nutrient::Energy).map(|kcal| to_a_millionth(kcal * KJ_PER_KCAL));
        let salt_g = amount(Nutrient::Sodium).map(|sodium_mg| to_a_millionth(sodium_mg * 2.5 / 1000.0));
        let is_drink = input.category == NutriScoreCategory::Beverage;
        let sweetener = if is_drink { input.has_sweetener.map(f64::from) } else { Some(0.0) };
        Self {
            category: input.category,
            energy_kj: within(energy_kj, 3700.0),
            // There are no more sugars than carbohydrate, and no more saturated fat than fat.
            sugars_g: within(amount(Nutrient::Sugars), carbohydrate.unwrap_or(100.0)),
            saturated_g: within(amount(Nutrient::SaturatedFat), fat_g.high),
            fat_g,
            salt_g: within(salt_g, 100.0),
            sweetener: within(sweetener, 1.0),
            fruit_percent: within(input.fruit_percent.filter(|percent| percent.is_finite()), 100.0),
            fibre_g: within(amount(Nutrient::Fibre), carbohydrate.map_or(100.0, |most| most.max(10.0))),
            protein_g: within(amount(Nutrient::Protein), 100.0),
        }
    }

    fn is_of_fats(&self) -> bool {
        self.category == NutriScoreCategory::FatsOilsNutsSeeds
    }

    fn is_drink(&self) -> bool {
        matches!(self.category, NutriScoreCategory::Beverage | NutriScoreCategory::Water)
    }

    /// The amount of a component, where it is known.
    pub(super) fn get(&self, component: Component) -> Option<f64> {
        match component {
            Component::EnergyKj => self.energy_kj.exact(),
            Component::EnergyFromSaturatedKj => self.saturated_g.exact().map(|g| g * KJ_PER_G_OF_FAT),
            Component::SugarsG => self.sugars_g.exact(),
            Component::SaturatedFatG => self.saturated_g.exact(),
            Component::SaturatedRatioPercent => {
                Some(ratio_percent(self.saturated_g.exact()?, self.fat_g.exact()?))
            }
            Component::SaltG => self.salt_g.exact(),
            Component::Sweetener => self.sweetener.exact(),
            Component::FruitPercent => self.fruit_percent.exact(),
            Component::FibreG => self.fibre_g.exact(),
            Component::ProteinG => self.protein_g.exact(),
        }
    }

    /// The parts that count for this category, those to limit first.
    fn components(&self) -> [Component; 7] {
        use Component::{
            EnergyFromSaturatedKj, EnergyKj, FibreG, FruitPercent, ProteinG, SaltG, SaturatedFatG,
            SaturatedRatioPercent, SugarsG,
        };
        if self.is_of_fats() {
            let limited = [EnergyFromSaturatedKj, SugarsG, SaturatedRatioPercent, SaltG];
            return [limited[0], limited[1], limited[2], limited[3], FruitPercent, FibreG, ProteinG];
        }
        [EnergyKj, SugarsG, SaturatedFatG, SaltG, FruitPercent, FibreG, ProteinG]
    }

    /// The share of all points that hang on amounts that are known.
    pub(super) fn confidence(&self) -> f64 {
        if self.category == NutriScoreCategory::Water {
            return 1.0;
        }
        let mut parts = self.components().to_vec();
        if self.is_drink() {
            parts.push(Component::Sweetener);
        }
        let weight = |component: &Component| f64::from(self.most_points(*component));
        let known = parts.iter().filter(|component| self.get(**component).is_some());
        known.map(weight).sum::<f64>() / parts.iter().map(weight).sum::<f64>()
    }

    /// The parts at the fewest and at the most points that are possible. Points only grow with what
    /// is limited and only fall with what is favoured, so the ends of the ranges are enough.
    pub(super) fn bounds(&self) -> (Parts, Parts) {
        (self.parts(|range| range.low, |range| range.high), self.parts(|range| range.high, |range| range.low))
    }

    fn parts(&self, limited: impl Fn(Range) -> f64, favoured: impl Fn(Range) -> f64) -> Parts {
        let mut parts: Vec<Part> = self.components()[..4]
            .iter()
            .map(|component| Part { component: *component, points: self.limited(*component, &limited) })
            .collect();
        if self.is_drink() {
            let points = if limited(self.sweetener) > 0.5 { 4 } else { 0 };
            parts.push(Part { component: Component::Sweetener, points });
        }
        let to_limit: i32 = parts.iter().map(|part| part.points).sum();
        let fruit = above(FRUIT, favoured(self.fruit_percent));
        let fruit = if self.is_drink() { [0, 2, 4, 6][fruit] } else { [0, 1, 2, 5][fruit] };
        let fibre = above(FIBRE, favoured(self.fibre_g)) as i32;
        let protein = self.protein(favoured(self.protein_g), to_limit);
        let parts_favoured =
            [(Component::FruitPercent, fruit), (Component::FibreG, fibre), (Component::ProteinG, protein)];
        parts.extend(parts_favoured.map(|(component, points)| Part { component, points: -points }));
        Parts { parts }
    }

    fn limited(&self, component: Component, end: &impl Fn(Range) -> f64) -> i32 {
        let count = match component {
            Component::EnergyKj if self.is_drink() => above(ENERGY_OF_DRINKS, end(self.energy_kj)),
            Component::EnergyKj => above(ENERGY, end(self.energy_kj)),
            Component::EnergyFromSaturatedKj => {
                above(ENERGY_FROM_SATURATED, end(self.saturated_g) * KJ_PER_G_OF_FAT)
            }
            Component::SugarsG if self.is_drink() => above(SUGARS_OF_DRINKS, end(self.sugars_g)),
            Component::SugarsG => above(SUGARS, end(self.sugars_g)),
            Component::SaturatedFatG => above(SATURATED, end(self.saturated_g)),
            Component::SaturatedRatioPercent => {
                let ratio = self.ratio();
                SATURATED_RATIO.iter().filter(|threshold| end(ratio) >= **threshold).count()
            }
            Component::SaltG => above(SALT, end(self.salt_g)),
            _ => 0,
        };
        count as i32
    }

    fn ratio(&self) -> Range {
        match (self.saturated_g.exact(), self.fat_g.exact()) {
            (Some(saturated), Some(fat)) => Range::exactly(ratio_percent(saturated, fat)),
            _ => Range { low: ratio_percent(self.saturated_g.low, self.fat_g.high), high: 100.0 },
        }
    }

    /// Points of protein, which counts only beside little to limit, except for drinks and cheese.
    fn protein(&self, protein_g: f64, to_limit: i32) -> i32 {
        let counts = match self.category {
            NutriScoreCategory::Beverage | NutriScoreCategory::Water | NutriScoreCategory::Cheese => true,
            NutriScoreCategory::FatsOilsNutsSeeds => to_limit < 7,
            NutriScoreCategory::General | NutriScoreCategory::RedMeat => to_limit < 11,
        };
        let table = if self.is_drink() { PROTEIN_OF_DRINKS } else { PROTEIN };
        let points = if counts { above(table, protein_g) as i32 } else { 0 };
        if self.category == NutriScoreCategory::RedMeat { points.min(2) } else { points }
    }

    fn most_points(&self, component: Component) -> u32 {
        match component {
            Component::EnergyKj
            | Component::EnergyFromSaturatedKj
            | Component::SaturatedFatG
            | Component::SaturatedRatioPercent => 10,
            Component::SugarsG if self.is_drink() => 10,
            Component::SugarsG => 15,
            Component::SaltG => 20,
            Component::Sweetener => 4,
            Component::FruitPercent if self.is_drink() => 6,
            Component::FruitPercent | Component::FibreG => 5,
            Component::ProteinG => 7,
        }
    }
}

/// How many thresholds an amount exceeds.
fn above(thresholds: &[f64], amount: f64) -> usize {
    thresholds.iter().filter(|threshold| amount > **threshold).count()
}

fn ratio_percent(saturated_g: f64, fat_g: f64) -> f64 {
    if fat_g > 0.0 { to_a_millionth(100.0 * saturated_g / fat_g) } else { 0.0 }
}

/// What arithmetic on binary fractions adds must not decide at a threshold.
fn to_a_millionth(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
