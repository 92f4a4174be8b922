//! What products are, rather than who bought them: category, brand, tags, words of the name,
//! nutrition and price as sparse vectors. Their cosine tells what is like what, and so whom a new
//! product may please before it has customers of its own.

mod features;
mod likeness;
mod newcomers;
mod profile;
#[cfg(test)]
mod tests;

pub(crate) use likeness::Likeness;
pub(crate) use newcomers::newcomers_for_all;
pub use profile::{CustomerProfile, ProfileModel, ProfileSettings};

use std::{
    cmp::Ordering,
    collections::{BTreeMap, HashMap},
};

use rayon::prelude::*;

use self::features::{Feature, features_of};
use crate::{ProductRecord, SparseMatrix, SparseRow};

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
    /// Products that were added or changed since, as they are now.
    changed: BTreeMap<u32, ContentVector>,
}

/// A product's features as a vector of length 1, or 0 when nothing telling is known of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContentVector {
    /// Places of features, rising.
    features: Vec<u32>,
    /// The value of each, above 0.
    values: Vec<f32>,
}

impl ContentVector {
    fn from_sorted(entries: Vec<(u32, f32)>) -> Self {
        let (features, values) = entries.into_iter().unzip();
        Self { features, values }
    }

    fn entries(&self) -> impl Iterator<Item = (u32, f32)> {
        self.features.iter().copied().zip(self.values.iter().copied())
    }
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
            changed: BTreeMap::new(),
        };
        let vectors: Vec<Vec<(u32, f32)>> =
            all.par_iter().map(|own| model.vector_of(own).entries().collect()).collect();
        model.products = SparseMatrix::from_rows(model.features.len(), &vectors);
        model.holders = model.products.transpose();
        model
    }

    /// How many products there are.
    pub fn product_count(&self) -> usize {
        self.products.row_count()
    }

    /// Takes a product as it is now, which need not have been there when this was fitted.
    pub fn replace(&mut self, product: u32, record: &ProductRecord) {
        self.changed.insert(product, self.vector_of(&features_of(record)));
    }

    /// The vector of a product by its number; empty when there is no such product.
    pub fn vector(&self, product: u32) -> ContentVector {
        ContentVector::from_sorted(self.row_of(product).iter().collect())
    }

    /// The products that were replaced, in order.
    #[cfg(test)]
    fn changed_products(&self) -> impl Iterator<Item = u32> {
        self.changed.keys().copied()
    }

    /// The features of a product; none when there is no such product.
    fn row_of(&self, product: u32) -> SparseRow<'_> {
        match self.changed.get(&product) {
            Some(vector) => SparseRow { columns: &vector.features, values: &vector.values },
            None if (product as usize) < self.product_count() => self.products.row(product as usize),
            None => SparseRow { columns: &[], values: &[] },
        }
    }

    /// The cosine of two products, 0 to 1; 0 when nothing is known of one.
    pub fn similarity(&self, one: u32, other: u32) -> f32 {
        self.cosine(&self.vector(one), other)
    }

    /// The products most like this vector among those accepted, with the cosine, which is above 0;
    /// at most `count`, by falling cosine.
    pub fn nearest(
        &self,
        vector: &ContentVector,
        count: usize,
        accepts: impl Fn(u32) -> bool,
    ) -> Vec<(u32, f32)> {
        let is_rare = |&(feature, _): &(u32, f32)| {
            self.holders.row(feature as usize).len() <= MOST_PRODUCTS_OF_A_FEATURE
        };
        let (rare, frequent): (Vec<_>, Vec<_>) = vector.entries().partition(is_rare);
        let finding = if rare.is_empty() { &frequent } else { &rare };
        let mut cosines: HashMap<u32, f32> = HashMap::new();
        for &(feature, value) in finding {
            for (product, other_value) in self.holders.row(feature as usize).iter() {
                *cosines.entry(product).or_default() += value * other_value;
            }
        }
        for &product in self.changed.keys() {
            cosines.insert(product, self.cosine(vector, product));
        }
        let mut found: Vec<(u32, f32)> =
            cosines.into_iter().filter(|&(product, cosine)| cosine > 0.0 && accepts(product)).collect();
        if !rare.is_empty() && !frequent.is_empty() {
            keep_most_similar(&mut found, (count * CANDIDATES_PER_WANTED).max(FEWEST_CANDIDATES));
            for (product, cosine) in &mut found {
                *cosine = self.cosine(vector, *product);
            }
        }
        keep_most_similar(&mut found, count);
        found
    }

    fn cosine(&self, vector: &ContentVector, product: u32) -> f32 {
        let value_of =
            |feature: u32| vector.features.binary_search(&feature).map_or(0.0, |place| vector.values[place]);
        self.row_of(product).iter().map(|(feature, value)| value * value_of(feature)).sum::<f32>().min(1.0)
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
        ContentVector::from_sorted(entries)
    }
}

fn keep_most_similar(found: &mut Vec<(u32, f32)>, count: usize) {
    let by_cosine = |one: &(u32, f32), other: &(u32, f32)| -> Ordering {
        other.1.total_cmp(&one.1).then(one.0.cmp(&other.0))
    };
    if count > 0 && found.len() > count {
        found.select_nth_unstable_by(count - 1, by_cosine);
    }
    found.truncate(count);
    found.sort_unstable_by(by_cosine);
}
