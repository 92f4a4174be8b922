//! What a customer may like among the products they never had: EASE, iALS and popularity in one
//! score. Each is taken in standard deviations from its mean over all products, so that the
//! shares mean the same in any shop.

mod found;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

pub(crate) use self::found::{discover, findings_of, with_discovered};

use crate::{
    EaseModel, EaseSettings, FactorModel, FactorSettings, SnapshotError, SparseMatrix,
    features::taste,
    snapshot::bytes::{Reader, Writer},
    snapshot::{Customers, HistoryRow},
};

/// How discovery is fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoverySettings {
    /// Item-to-item weights, whose share is 1.
    pub ease: EaseSettings,
    /// Vectors of customers and products.
    pub factors: FactorSettings,
    /// The share of the vectors' score; at 0 no vectors are fitted.
    pub factor_share: f32,
    /// The share of the logarithm of popularity.
    pub popularity_share: f32,
}

impl Default for DiscoverySettings {
    fn default() -> Self {
        Self {
            ease: EaseSettings { fewest_customers: 8, neighbours: 100, ..EaseSettings::default() },
            factors: FactorSettings { sweeps: 3, ..FactorSettings::default() },
            factor_share: 0.5,
            popularity_share: 0.1,
        }
    }
}

/// Scores of products by what a customer had before.
#[derive(Clone, Debug, PartialEq)]
pub struct DiscoveryModel {
    ease: EaseModel,
    factors: Option<FactorModel>,
    factor_share: f32,
    moments: Moments,
    /// By product, the popularity's part of the score.
    popularity: Vec<f32>,
}

impl DiscoveryModel {
    /// Fits to customers by products, whose values say how much of each product a customer had
    /// ([`history_value`] of the times), and by product how popular it is of late.
    pub fn fit(customers: &SparseMatrix, popularity: &[f32], settings: &DiscoverySettings) -> Self {
        let fit_factors =
            || (settings.factor_share > 0.0).then(|| FactorModel::fit(customers, &settings.factors));
        let (ease, factors) = rayon::join(|| EaseModel::fit(customers, &settings.ease), fit_factors);
        Self::from_parts(ease, factors, popularity, settings)
    }

    /// From models that are fitted already; a popularity that is not told is 0.
    pub fn from_parts(
        ease: EaseModel,
        factors: Option<FactorModel>,
        popularity: &[f32],
        settings: &DiscoverySettings,
    ) -> Self {
        let value_of = |product: usize| popularity.get(product).map_or(0.0, |value| value.max(0.0).ln_1p());
        let mut popularity: Vec<f32> = (0..ease.product_count()).map(value_of).collect();
        let scale = Scale::of(popularity.iter().copied(), popularity.len());
        popularity.iter_mut().for_each(|value| *value = settings.popularity_share * scale.apply(*value));
        let moments = factors.as_ref().map(Moments::of).unwrap_or_default();
        Self { ease, factors, factor_share: settings.factor_share, moments, popularity }
    }

    /// Without the vector of one customer; weights and products' vectors are sums over many.
    pub(crate) fn without_customer(&self, customer: usize) -> Self {
        let factors = self.factors.as_ref().map(|factors| factors.without_customer(customer));
        Self { factors, ..self.clone() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.f32(self.factor_share);
        self.popularity.iter().for_each(|&value| writer.f32(value));
        let (ease, factors) = (self.ease.encode(), self.factors.as_ref().map(FactorModel::encode));
        writer.u64(ease.len() as u64);
        writer.raw(&ease);
        let factors = factors.unwrap_or_default();
        writer.u64(factors.len() as u64);
        writer.raw(&factors);
        writer.into_bytes()
    }

    /// Reads what [`DiscoveryModel::encode`] wrote of a shop of so many customers and products.
    pub(crate) fn decode(
        reader: &mut Reader<'_>,
        customer_count: usize,
        product_count: usize,
    ) -> Result<Self, SnapshotError> {
        let factor_share = reader.finite()?;
        let popularity = (0..product_count).map(|_| reader.finite()).collect::<Result<Vec<f32>, _>>()?;
        let length = reader.u64()?;
        let ease = EaseModel::decode(reader.raw(length)?, product_count)?;
        let length = reader.u64()?;
        let bytes = reader.raw(length)?;
        let factors = (length > 0).then(|| FactorModel::decode(bytes, customer_count, product_count));
        let factors = factors.transpose()?;
        let moments = factors.as_ref().map(Moments::of).unwrap_or_default();
        Ok(Self { ease, factors, factor_share, moments, popularity })
    }

    /// The item-to-item weights.
    pub fn ease(&self) -> &EaseModel {
        &self.ease
    }

    /// The vectors, if there are any.
    pub fn factors(&self) -> Option<&FactorModel> {
        self.factors.as_ref()
    }

    /// The score of every product for a customer who had these products so much.
    pub fn score_for(&self, history: &[(u32, f32)]) -> Vec<f32> {
        let vector = self.factors.as_ref().map(|factors| factors.fold_in(history));
        self.score_with(history, vector.as_deref())
    }

    fn score_with(&self, history: &[(u32, f32)], vector: Option<&[f32]>) -> Vec<f32> {
        let mut scores = vec![0.0; self.ease.product_count()];
        self.ease.add_scores(history, &mut scores);
        let scale = Scale::of(scores.iter().copied(), scores.len());
        scores.iter_mut().zip(&self.popularity).for_each(|(score, own)| *score = scale.apply(*score) + own);
        if let (Some(factors), Some(vector)) = (&self.factors, vector) {
            let scale = self.moments.scale(vector);
            if scale.factor > 0.0 {
                factors.add_scores(vector, self.factor_share * scale.factor, &mut scores);
                scores.iter_mut().for_each(|score| *score -= self.factor_share * scale.factor * scale.mean);
            }
        }
        scores
    }

    /// The products of the highest score that are accepted, by falling score; at most `count`.
    pub fn candidates(
        &self,
        history: &[(u32, f32)],
        count: usize,
        accepts: impl Fn(u32) -> bool,
    ) -> Vec<(u32, f32)> {
        best_of(&self.score_for(history), count, accepts)
    }

    /// [`DiscoveryModel::candidates`] of the customers it was fitted to, leaving out what each had.
    pub fn candidates_of_all(&self, customers: &SparseMatrix, count: usize) -> Vec<Vec<(u32, f32)>> {
        let of_customer = |customer: usize| {
            let row = customers.row(customer);
            let history: Vec<(u32, f32)> = row.iter().collect();
            let vector = self.factors.as_ref().and_then(|factors| factors.customer(customer as u32));
            let mut scores = self.score_with(&history, vector);
            row.columns.iter().for_each(|&product| scores[product as usize] = f32::NEG_INFINITY);
            best_of(&scores, count, |product| scores[product as usize] > f32::NEG_INFINITY)
        };
        (0..customers.row_count()).into_par_iter().map(of_customer).collect()
    }
}

/// The places of the highest scores that are accepted, by falling score; at most `count`.
pub(crate) fn best_of(scores: &[f32], count: usize, accepts: impl Fn(u32) -> bool) -> Vec<(u32, f32)> {
    let by_score = |one: &(u32, f32), other: &(u32, f32)| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0));
    let mut found: Vec<(u32, f32)> = Vec::with_capacity(2 * count);
    // What is below it cannot be among the highest any more.
    let mut threshold = f32::NEG_INFINITY;
    for (product, &score) in (0u32..).zip(scores) {
        if score < threshold || !accepts(product) {
            continue;
        }
        found.push((product, score));
        if count > 0 && found.len() >= 2 * count {
            found.select_nth_unstable_by(count - 1, by_score);
            found.truncate(count);
            threshold = found[count - 1].1;
        }
    }
    found.sort_unstable_by(by_score);
    found.truncate(count);
    found
}

/// Customers by products, as seen on a day of their own: every day with a product counts, halving
/// every ten months.
pub(crate) fn tastes_of_all(
    customers: &Customers,
    products: usize,
    seen_on: impl Fn(usize) -> i32 + Sync,
) -> SparseMatrix {
    let of_customer = |customer: usize| {
        let day = seen_on(customer);
        let value = |row: &HistoryRow| history_value(taste(customers.occasions_of(row), day));
        let rows = customers.rows_of(customer).iter().map(|row| (row.product, value(row)));
        rows.filter(|(_, value)| *value > 0.0).collect()
    };
    let rows: Vec<Vec<(u32, f32)>> = (0..customers.ids.len()).into_par_iter().map(of_customer).collect();
    SparseMatrix::from_rows(products, &rows)
}

/// How much having had a product so many times (or so much, by a decayed count) says: the first
/// time most, and then by the logarithm, 1 for once.
pub fn history_value(times: f32) -> f32 {
    if times > 0.0 { (1.0 + times).log2() } else { 0.0 }
}

/// What makes a score one of standard deviations from the mean.
#[derive(Clone, Copy)]
struct Scale {
    mean: f32,
    factor: f32,
}

impl Scale {
    fn of(values: impl Iterator<Item = f32>, count: usize) -> Self {
        let (mut sum, mut squares) = (0.0f64, 0.0f64);
        for value in values.map(f64::from) {
            sum += value;
            squares += value * value;
        }
        Self::new(sum / count.max(1) as f64, squares / count.max(1) as f64)
    }

    /// Where all values are the same their scores are 0.
    fn new(mean: f64, mean_square: f64) -> Self {
        let variance = mean_square - mean * mean;
        let factor = if variance > 1e-12 * mean_square { 1.0 / variance.sqrt() } else { 0.0 };
        Self { mean: mean as f32, factor: factor as f32 }
    }

    fn apply(self, value: f32) -> f32 {
        (value - self.mean) * self.factor
    }
}

/// The mean of the products' vectors and of their outer squares, by which the mean and deviation of
/// a customer's scores are known without scoring every product.
#[derive(Clone, Debug, Default, PartialEq)]
struct Moments {
    mean: Vec<f32>,
    squares: Vec<f32>,
}

impl Moments {
    fn of(factors: &FactorModel) -> Self {
        let (length, count) = (factors.factors(), factors.product_count().max(1) as f32);
        let mut mean = vec![0.0; length];
        for product in 0..factors.product_count() as u32 {
            let vector = factors.product(product).unwrap_or_default();
            mean.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value / count);
        }
        Self { mean, squares: factors.mean_square() }
    }

    fn scale(&self, vector: &[f32]) -> Scale {
        let dot = |one: &[f32], other: &[f32]| -> f64 {
            one.iter().zip(other).map(|(one, other)| f64::from(*one) * f64::from(*other)).sum()
        };
        let rows = self.squares.chunks_exact(vector.len().max(1));
        let mean_square: f64 =
            vector.iter().zip(rows).map(|(value, row)| f64::from(*value) * dot(row, vector)).sum();
        Scale::new(dot(&self.mean, vector), mean_square)
    }
}
