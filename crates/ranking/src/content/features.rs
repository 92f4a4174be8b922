//! What is known of a product as features that others may share.

use std::collections::BTreeMap;

use crate::ProductRecord;

/// One thing about a product, and how much it says of what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Feature {
    pub(super) hash: u32,
    pub(super) weight: f32,
}

const CATEGORY_WEIGHT: f32 = 1.0;
const BRAND_WEIGHT: f32 = 0.6;
const TAG_WEIGHT: f32 = 0.8;
const WORD_WEIGHT: f32 = 1.0;
const DIET_WEIGHT: f32 = 0.5;
const ATTRIBUTE_WEIGHT: f32 = 0.5;
const NUTRIENT_WEIGHT: f32 = 0.4;
const PRICE_WEIGHT: f32 = 0.3;

/// Amounts below these differ little, and above them by their ratio; in the order and units of
/// [`crate::NutritionPer100g`].
const NUTRIENT_SCALES: [f32; 8] = [100.0, 5.0, 5.0, 2.0, 10.0, 5.0, 2.0, 100.0];

/// Every feature once, by hash; those that come twice weigh as the heavier.
pub(super) fn features_of(record: &ProductRecord) -> Vec<Feature> {
    let mut features = Features::default();
    features.add("category", &record.category, CATEGORY_WEIGHT);
    features.add("brand", &record.brand, BRAND_WEIGHT);
    record.tags.iter().for_each(|tag| features.add("tag", tag, TAG_WEIGHT));
    record.diets.iter().for_each(|diet| features.add("diet", diet, DIET_WEIGHT));
    for (key, value) in &record.attributes {
        features.add(key, value, ATTRIBUTE_WEIGHT);
    }
    for text in [&record.name, &record.category] {
        words(text).for_each(|word| features.add("word", &word, WORD_WEIGHT));
    }
    for ((nutrient, value), scale) in record.nutrition.values().into_iter().enumerate().zip(NUTRIENT_SCALES) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            let level = (1.0 + value.max(0.0) / scale).log2() * 2.0;
            features.add_level(&format!("nutrient {nutrient}"), level, NUTRIENT_WEIGHT);
        }
    }
    if let Some(price_micros) = record.price_micros {
        let level = (1.0 + price_micros.max(0) as f32 / 1e5).log2() * 2.0;
        features.add_level(&format!("price {}", record.currency), level, PRICE_WEIGHT);
    }
    features.0.into_iter().map(|(hash, weight)| Feature { hash, weight }).collect()
}

#[derive(Default)]
struct Features(BTreeMap<u32, f32>);

impl Features {
    fn add(&mut self, kind: &str, value: &str, weight: f32) {
        let value = value.trim().to_lowercase();
        if !value.is_empty() {
            let kept = self.0.entry(hash(kind, &value)).or_default();
            *kept = kept.max(weight);
        }
    }

    /// A number as a share of each of the two whole steps it lies between, so that near numbers
    /// share more than far ones.
    fn add_level(&mut self, kind: &str, level: f32, weight: f32) {
        let step = level.floor();
        let share = level - step;
        for (step, share) in [(step, 1.0 - share), (step + 1.0, share)] {
            if share > 0.0 {
                self.add(kind, &format!("{step}"), weight * share.sqrt());
            }
        }
    }
}

/// Words in lower case, numbers among them, a plural as its singular where that is an s.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let long_enough = |word: &&str| word.chars().nth(1).is_some();
    text.split(|character: char| !character.is_alphanumeric()).filter(long_enough).map(|word| {
        let word = word.to_lowercase();
        match word.strip_suffix('s') {
            Some(singular) if singular.chars().count() > 2 && !singular.ends_with('s') => singular.to_owned(),
            _ => word,
        }
    })
}

/// FNV-1a (Fowler, Noll and Vo) over the kind, a separator and the value.
fn hash(kind: &str, value: &str) -> u32 {
    let bytes = kind.bytes().chain([0]).chain(value.bytes());
    bytes.fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart_from_signs_and_plurals_from_nothing() {
        let found: Vec<String> = words("Eggs, 12 large (free-range) glass BEANS a").collect();
        assert_eq!(found, ["egg", "12", "large", "free", "range", "glass", "bean"]);
    }

    #[test]
    fn near_prices_share_more_than_far_ones() {
        let shared = |one: i64, other: i64| {
            let price =
                |price_micros| ProductRecord { price_micros: Some(price_micros), ..ProductRecord::default() };
            let (one, other) = (features_of(&price(one)), features_of(&price(other)));
            let same = |one: &Feature| {
                other.iter().find(|other| other.hash == one.hash).map(|other| one.weight * other.weight)
            };
            one.iter().filter_map(same).sum::<f32>()
        };
        assert!(shared(2_000_000, 2_100_000) > shared(2_000_000, 2_500_000));
        assert!(shared(2_000_000, 2_500_000) > shared(2_000_000, 9_000_000));
    }
}
