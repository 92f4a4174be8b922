//! What a product would sell at a market by what it sells elsewhere and what others sell there: levels are
//! taken as product times market, each shrunk towards its category's, and a product with few days of its own
//! is drawn towards that. Empirical Bayes (Duncan, Gorr and Szczypula, 2001).

use serde::{Deserialize, Serialize};

/// Effects of products and markets are drawn to none as if by so many others.
const PULL: f64 = 0.5;
const ROUNDS: usize = 8;
/// How far products differ where nothing is known: a standard deviation of logarithms.
const ASSUMED_DIFFERENCE: f64 = 0.7;
const ASSUMED_COUNT: f64 = 3.0;

/// What one series sells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownLevel {
    pub(crate) product: usize,
    pub(crate) market: usize,
    /// Above 0.
    pub(crate) level: f64,
    pub(crate) days: f64,
}

/// Levels of a vendor's products at its markets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Pool {
    /// Logarithm of the usual level.
    usual: f64,
    products: Vec<Option<f64>>,
    markets: Vec<f64>,
    categories: Vec<Option<f64>>,
    category_of: Vec<usize>,
    /// How far a level lies from product times market, and how far products lie from their category.
    pub(crate) difference: f64,
    product_difference: f64,
    /// Nothing was ever sold.
    pub(crate) is_empty: bool,
}

/// A level that others tell, and how far it may be wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PooledLevel {
    pub(crate) level: f64,
    /// A standard deviation of its logarithm.
    pub(crate) uncertainty: f64,
}

impl Pool {
    /// Learns from all that is known; `category_of` has each product's category, `market_sizes` the
    /// logarithm of each market's visitors where they are known.
    pub(crate) fn learn(
        known: &[KnownLevel],
        category_of: &[usize],
        categories: usize,
        market_sizes: &[Option<f64>],
    ) -> Self {
        let weight = |one: &KnownLevel| (one.days / 4.0).min(1.0);
        let total: f64 = known.iter().map(weight).sum();
        if total <= 0.0 {
            return Self { is_empty: true, difference: ASSUMED_DIFFERENCE, ..Self::default() };
        }
        let usual = known.iter().map(|one| weight(one) * one.level.ln()).sum::<f64>() / total;
        let (mut products, mut markets) = (vec![0.0; category_of.len()], vec![0.0; market_sizes.len()]);
        let mut weights = (vec![0.0; category_of.len()], vec![0.0; market_sizes.len()]);
        for one in known {
            weights.0[one.product] += weight(one);
            weights.1[one.market] += weight(one);
        }
        for _ in 0..ROUNDS {
            let mut sums = vec![0.0; products.len()];
            for one in known {
                sums[one.product] += weight(one) * (one.level.ln() - usual - markets[one.market]);
            }
            // Products differ a lot: they are hardly shrunk.
            products = sums.iter().zip(&weights.0).map(|(sum, weight)| sum / (weight + 0.05)).collect();
            let mut sums = vec![0.0; markets.len()];
            for one in known {
                sums[one.market] += weight(one) * (one.level.ln() - usual - products[one.product]);
            }
            markets = sums.iter().zip(&weights.1).map(|(sum, weight)| sum / (weight + PULL)).collect();
        }
        by_visitors(&mut markets, &weights.1, market_sizes);
        let residual =
            |one: &KnownLevel| one.level.ln() - usual - products[one.product] - markets[one.market];
        let squares: f64 = known.iter().map(|one| weight(one) * residual(one).powi(2)).sum();
        let degrees = (total - weights.0.iter().filter(|weight| **weight > 0.0).count() as f64).max(0.0);
        let assumed = ASSUMED_DIFFERENCE.powi(2) / 2.0;
        let difference = ((squares + ASSUMED_COUNT * assumed) / (degrees + ASSUMED_COUNT)).sqrt();
        let of_categories = category_means(&products, &weights.0, category_of, categories);
        let known_product = |(effect, weight): (f64, &f64)| (*weight > 0.0).then_some(effect);
        let products: Vec<Option<f64>> = products.into_iter().zip(&weights.0).map(known_product).collect();
        let product_difference = spread_of(&products);
        Self {
            usual,
            products,
            markets,
            categories: of_categories,
            category_of: category_of.to_vec(),
            difference,
            product_difference,
            is_empty: false,
        }
    }

    /// The level of a product at a market by others; `None` when nothing was ever sold. A product or market
    /// nobody knows is an ordinary one.
    pub(crate) fn level(&self, product: Option<usize>, market: Option<usize>) -> Option<PooledLevel> {
        if self.is_empty {
            return None;
        }
        let of_market = market.and_then(|market| self.markets.get(market)).copied().unwrap_or(0.0);
        let own = product.and_then(|product| self.products.get(product).copied().flatten());
        let category = product
            .and_then(|product| self.categories.get(*self.category_of.get(product)?).copied().flatten());
        let uncertainty = match own {
            Some(_) => self.difference,
            None => self.difference.hypot(self.product_difference),
        };
        let logarithm = self.usual + of_market + own.or(category).unwrap_or(0.0);
        Some(PooledLevel { level: logarithm.exp(), uncertainty })
    }
}

/// Markets without sales are taken for as large as others by their visitors.
fn by_visitors(markets: &mut [f64], weights: &[f64], sizes: &[Option<f64>]) {
    let sold = |place: &usize| weights[*place] > 0.0;
    let both: Vec<(f64, f64)> =
        (0..markets.len()).filter(sold).filter_map(|place| Some((markets[place], sizes[place]?))).collect();
    if both.is_empty() {
        return;
    }
    let offset = both.iter().map(|(effect, size)| effect - size).sum::<f64>() / both.len() as f64;
    for place in 0..markets.len() {
        if let (false, Some(size)) = (sold(&place), sizes[place]) {
            markets[place] = (size + offset).clamp(-2.0, 2.0);
        }
    }
}

fn category_means(
    products: &[f64],
    weights: &[f64],
    category_of: &[usize],
    categories: usize,
) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0.0); categories];
    for ((effect, weight), &category) in products.iter().zip(weights).zip(category_of) {
        sums[category].0 += weight * effect;
        sums[category].1 += weight;
    }
    sums.into_iter().map(|(sum, weight)| (weight > 0.0).then(|| sum / weight)).collect()
}

fn spread_of(products: &[Option<f64>]) -> f64 {
    let known: Vec<f64> = products.iter().copied().flatten().collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    let squares: f64 = known.iter().map(|effect| (effect - mean).powi(2)).sum();
    ((squares + 2.0 * ASSUMED_DIFFERENCE.powi(2)) / (known.len() as f64 + 2.0)).sqrt()
}
