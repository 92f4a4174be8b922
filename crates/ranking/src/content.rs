//! What products are, rather than who bought them: category, brand, tags, words of the name,
//! nutrition and price as sparse vectors. Their cosine tells substitutes, and lends a new product
//! the scores of the products most like it until it has customers of its own.

mod features;
mod format;
mod profile;
#[cfg(test)]
mod tests;

pub use profile::{CustomerProfile, ProfileModel, ProfileSettings};

use std::{cmp::Ordering, collections::HashMap};

use rayon::prelude::*;

use self::features::{Feature, features_of};
use crate::{ProductRecord, SparseMatrix};

/// Features that more products have than this do not find candidates, unless there are no others;
/// they still count in the cosine.
const MOST_PRODUCTS_OF_A_FEATURE: usize = 5_000;

/// Of so many candidates the cosine is computed for each one that is wanted, and for no fewer than…
const CANDIDATES_PER_WANTED: usize = 4;
/// …so many.
const FEWEST_CANDIDATES: usize = 200;

/// Vectors of what products are (TF-IDF; Salton and Buckley, 1988), by product.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentModel {
    /// Hashes of the features that more than one product has, in order.
    features: Vec<u32>,
    /// How telling each of them is.
    rarities: Vec<f32>,
    /// Products by features; each row of length 1, or empty.
    products: SparseMatrix,
    /// Derived: features by products.
    holders: SparseMatrix,
}

/// A product's features as a vector of length 1, or 0 when nothing telling is known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContentVector {
    /// Place of the feature and value, by place.
    entries: Vec<(u32, f32)>,
}

impl ContentModel {
    /// Learns which features are telling, and the vector of every product; a product without a
    /// record has an empty one.
    pub fn fit(records: &[Option<ProductRecord>]) -> Self {
        let all: Vec<Vec<Feature>> =
            records.par_iter().map(|record| record.as_ref().map(features_of).unwrap_or_default()).collect();
        let mut counts: HashMap<u32, u32> = HashMap::new();
        for feature in all.iter().flatten() {
            *counts.entry(feature.hash).or_default() += 1;
        }
        let mut shared: Vec<(u32, u32)> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
        shared.sort_unstable();
        let known = records.iter().flatten().count() as f32;
        let mut model = Self {
            features: shared.iter().map(|(hash, _)| *hash).collect(),
            rarities: shared.iter().map(|(_, count)| (1.0 + known / *count as f32).ln()).collect(),
            products: SparseMatrix::from_entries(0, 0, []),
            holders: SparseMatrix::from_entries(0, 0, []),
        };
        let vectors: Vec<Vec<(u32, f32)>> = all.par_iter().map(|own| model.vector_of(own).entries).collect();
        model.products = SparseMatrix::from_rows(model.features.len(), &vectors);
        model.holders = model.products.transpose();
        model
    }

    /// How many products there are.
    pub fn product_count(&self) -> usize {
        self.products.row_count()
    }

    /// The vector of a product that need not have been there when this was fitted.
    pub fn vectorize(&self, record: &ProductRecord) -> ContentVector {
        self.vector_of(&features_of(record))
    }

    /// The vector of a product by its number; empty when there is no such product.
    pub fn vector(&self, product: u32) -> ContentVector {
        if product as usize >= self.product_count() {
            return ContentVector::default();
        }
        ContentVector { entries: self.products.row(product as usize).iter().collect() }
    }

    /// The cosine of two products, 0 to 1; 0 when nothing is known of one.
    pub fn similarity(&self, one: u32, other: u32) -> f32 {
        if one.max(other) as usize >= self.product_count() {
            return 0.0;
        }
        let (one, other) = (self.products.row(one as usize), self.products.row(other as usize));
        let mut left = other.iter().peekable();
        let mut cosine = 0.0;
        for (feature, value) in one.iter() {
            while left.next_if(|(place, _)| *place < feature).is_some() {}
            if let Some((_, other_value)) = left.next_if(|(place, _)| *place == feature) {
                cosine += value * other_value;
            }
        }
        cosine.min(1.0)
    }

    /// The products most like this vector among those accepted, with the cosine, which is above 0;
    /// at most `count`, by falling cosine.
    pub fn nearest(
        &self,
        vector: &ContentVector,
        count: usize,
        accepts: impl Fn(u32) -> bool,
    ) -> Vec<(u32, f32)> {
        let is_rare = |&&(feature, _): &&(u32, f32)| {
            self.holders.row(feature as usize).len() <= MOST_PRODUCTS_OF_A_FEATURE
        };
        let (rare, frequent): (Vec<_>, Vec<_>) = vector.entries.iter().partition(|entry| is_rare(entry));
        let finding = if rare.is_empty() { &frequent } else { &rare };
        let mut cosines: HashMap<u32, f32> = HashMap::new();
        for &&(feature, value) in finding {
            for (product, other_value) in self.holders.row(feature as usize).iter() {
                *cosines.entry(product).or_default() += value * other_value;
            }
        }
        let mut found: Vec<(u32, f32)> =
            cosines.into_iter().filter(|(product, _)| accepts(*product)).collect();
        if !rare.is_empty() && !frequent.is_empty() {
            keep_most_similar(&mut found, (count * CANDIDATES_PER_WANTED).max(FEWEST_CANDIDATES));
            for (product, cosine) in &mut found {
                *cosine = self.cosine(vector, *product);
            }
        }
        keep_most_similar(&mut found, count);
        found
    }

    /// What a product may be worth to a customer by those like it: the mean of their scores weighted by
    /// likeness, pulled towards 0 as if `caution` more of likeness 1 had score 0.
    pub fn expected_score(neighbours: &[(u32, f32)], caution: f32, score_of: impl Fn(u32) -> f32) -> f32 {
        let weight: f32 = neighbours.iter().map(|(_, similarity)| similarity).sum();
        let sum: f32 = neighbours.iter().map(|&(product, similarity)| similarity * score_of(product)).sum();
        if weight + caution > 0.0 { sum / (weight + caution) } else { 0.0 }
    }

    fn cosine(&self, vector: &ContentVector, product: u32) -> f32 {
        let row = self.products.row(product as usize);
        let shared = vector.entries.iter().filter_map(|(feature, value)| {
            row.columns.binary_search(feature).ok().map(|place| value * row.values[place])
        });
        shared.sum::<f32>().min(1.0)
    }

    fn vector_of(&self, features: &[Feature]) -> ContentVector {
        let known = features.iter().filter_map(|feature| {
            let place = self.features.binary_search(&feature.hash).ok()?;
            Some((place as u32, feature.weight * self.rarities[place]))
        });
        let mut entries: Vec<(u32, f32)> = known.collect();
        entries.sort_unstable_by_key(|(place, _)| *place);
        let length = entries.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
        if length > 0.0 {
            entries.iter_mut().for_each(|(_, value)| *value /= length);
        }
        ContentVector { entries }
    }
}

fn keep_most_similar(found: &mut Vec<(u32, f32)>, count: usize) {
    let by_cosine = |one: &(u32, f32), other: &(u32, f32)| -> Ordering {
        other.1.total_cmp(&one.1).then(one.0.cmp(&other.0))
    };
    found.sort_unstable_by(by_cosine);
    found.truncate(count);
}
