//! Vectors of customers and products by implicit alternating least squares (Hu, Koren and
//! Volinsky, ICDM 2008), with the weighting and regularisation of Rendle et al., "Revisiting the
//! Performance of iALS on Item Recommendation Benchmarks" (RecSys 2022). The product of two
//! vectors says how likely the customer has the product; a new customer's vector is found
//! from their history when it is asked for.

mod format;
mod lanes;
mod least_squares;
mod similar;
#[cfg(test)]
mod tests;

use rayon::prelude::*;

use self::{lanes::LANES, least_squares::Side};
use crate::SparseMatrix;

/// How the vectors are fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct FactorSettings {
    /// How many numbers a vector has: 16 to 256, rounded up to a multiple of 16.
    pub factors: usize,
    /// How often the products and then the customers are solved for.
    pub sweeps: usize,
    /// How much each pair counts as one that should be 0, a pair of value 1 counting 1. Above 0.
    pub unobserved_weight: f32,
    /// The ridge, per unit of weight the row has. Above 0.
    pub regularization: f32,
    /// The power of a row's weight in its ridge: 1 is in proportion, 0 the same ridge for all.
    pub frequency_exponent: f32,
    /// Steps of conjugate gradients for each row and sweep, starting from the row as it is.
    pub steps: usize,
    /// Of the vectors to begin with.
    pub seed: u64,
}

impl Default for FactorSettings {
    /// What did well both on a month of groceries and on films, on cuts made for choosing.
    fn default() -> Self {
        Self {
            factors: 64,
            sweeps: 8,
            unobserved_weight: 0.3,
            regularization: 0.01,
            frequency_exponent: 1.0,
            steps: 3,
            seed: 1,
        }
    }
}

/// Vectors of customers and products.
#[derive(Clone, Debug, PartialEq)]
pub struct FactorModel {
    factors: usize,
    unobserved_weight: f32,
    regularization: f32,
    frequency_exponent: f32,
    /// One after the other.
    customers: Vec<f32>,
    products: Vec<f32>,
    /// Derived: the unobserved weight times the sum of the products' outer squares.
    products_gram: Vec<f32>,
}

/// The standard deviation of a vector's first numbers is this by the root of how many there are.
const FIRST_DEVIATION: f32 = 0.1;

/// A vector that is asked for on its own is solved to this share of the first error…
const TOLERANCE: f32 = 1e-4;
/// …within so many steps, or a few from a vector that is nearly right.
const MOST_STEPS: usize = 32;
const FEW_STEPS: usize = 3;

impl FactorModel {
    /// Fits the vectors to customers by products, whose positive values say how much each pair
    /// counts. The same matrix gives the same bits however many threads there are.
    pub fn fit(customers: &SparseMatrix, settings: &FactorSettings) -> Self {
        let factors = settings.factors.clamp(16, 256).next_multiple_of(LANES);
        let mut model = Self {
            factors,
            unobserved_weight: settings.unobserved_weight.max(f32::MIN_POSITIVE),
            regularization: settings.regularization.max(f32::MIN_POSITIVE),
            frequency_exponent: settings.frequency_exponent,
            customers: first_vectors(customers.row_count(), factors, settings.seed),
            products: first_vectors(customers.column_count(), factors, !settings.seed),
            products_gram: Vec::new(),
        };
        let products = customers.transpose();
        for _ in 0..settings.sweeps {
            model.sweep_products(&products, settings.steps);
            model.sweep_customers(customers, settings.steps);
        }
        model.sweep_customers(customers, MOST_STEPS);
        model
    }

    /// Without the vector of one customer.
    pub(crate) fn without_customer(&self, customer: usize) -> Self {
        let mut rest = self.clone();
        rest.customers.drain(customer * self.factors..(customer + 1) * self.factors);
        rest
    }

    /// How many numbers a vector has.
    pub fn factors(&self) -> usize {
        self.factors
    }

    /// How many customers have a vector.
    pub fn customer_count(&self) -> usize {
        self.customers.len() / self.factors
    }

    /// How many products have a vector.
    pub fn product_count(&self) -> usize {
        self.products.len() / self.factors
    }

    /// The customer's vector; `None` when there is no such customer.
    pub fn customer(&self, customer: u32) -> Option<&[f32]> {
        vector(&self.customers, customer, self.factors)
    }

    /// The product's vector; `None` when there is no such product.
    pub fn product(&self, product: u32) -> Option<&[f32]> {
        vector(&self.products, product, self.factors)
    }

    /// The vector of a customer of whom this history of products and values is known: the one
    /// training would find, the products staying as they are. Products without a vector and values
    /// that are not above 0 are left out; nothing known gives zeros.
    pub fn fold_in(&self, history: &[(u32, f32)]) -> Vec<f32> {
        self.solved(history, vec![0.0; self.factors], MOST_STEPS)
    }

    /// [`FactorModel::fold_in`] of somebody whose vector was right before a little happened: a few steps
    /// from there, which cost a tenth. A vector of another length is left out of account.
    pub fn fold_in_from(&self, vector: &[f32], history: &[(u32, f32)]) -> Vec<f32> {
        if vector.len() != self.factors {
            return self.fold_in(history);
        }
        self.solved(history, vector.to_vec(), FEW_STEPS)
    }

    fn solved(&self, history: &[(u32, f32)], mut vector: Vec<f32>, steps: usize) -> Vec<f32> {
        let known = |&(product, value): &(u32, f32)| {
            (product as usize) < self.product_count() && value > 0.0 && value.is_finite()
        };
        let history: Vec<(u32, f32)> = history.iter().copied().filter(known).collect();
        let side = self.customers_side();
        side.solve_row(history.iter().copied(), &mut vector, steps, &mut side.workbench());
        vector
    }

    /// How likely a customer of this vector has the product: about 0 to 1; 0 for a product without
    /// a vector.
    pub fn score(&self, customer: &[f32], product: u32) -> f32 {
        self.product(product).map_or(0.0, |product| lanes::dot(customer, product))
    }

    /// Adds the score of every product, times `weight`.
    pub fn add_scores(&self, customer: &[f32], weight: f32, scores: &mut [f32]) {
        let products = self.products.chunks_exact(self.factors);
        pulp::Arch::new().dispatch(lanes::AddDots { customer, weight, products, scores });
    }

    /// The mean of the outer squares of the products' vectors, row by row.
    pub(crate) fn mean_square(&self) -> Vec<f32> {
        let scale = 1.0 / (self.unobserved_weight * self.product_count().max(1) as f32);
        self.products_gram.iter().map(|value| value * scale).collect()
    }

    /// The loss that fitting lowers: weighted squared errors of all pairs, and the ridges.
    pub fn loss(&self, customers: &SparseMatrix) -> f64 {
        let products = customers.transpose();
        let mut loss = 0.0;
        for (customer, row) in (0u32..).zip(customers.rows()) {
            let own = self.customer(customer).unwrap_or_default();
            for (product, value) in row.iter() {
                loss += f64::from(value) * (1.0 - f64::from(self.score(own, product))).powi(2);
            }
        }
        let customers_gram = least_squares::gram(&self.customers, self.factors, 1.0);
        let grams = customers_gram.iter().zip(&self.products_gram);
        loss += grams.map(|(one, other)| f64::from(*one) * f64::from(*other)).sum::<f64>();
        loss + self.customers_side().ridge_loss(customers, &self.customers)
            + self.products_side(&customers_gram).ridge_loss(&products, &self.products)
    }

    fn customers_side(&self) -> Side<'_> {
        self.side(&self.products, &self.products_gram)
    }

    fn products_side<'a>(&'a self, customers_gram: &'a [f32]) -> Side<'a> {
        self.side(&self.customers, customers_gram)
    }

    fn side<'a>(&'a self, others: &'a [f32], gram: &'a [f32]) -> Side<'a> {
        let other_count = (others.len() / self.factors) as f32;
        Side {
            factors: self.factors,
            others,
            gram,
            background: self.unobserved_weight * other_count,
            regularization: self.regularization,
            frequency_exponent: self.frequency_exponent,
        }
    }

    fn sweep_products(&mut self, rows: &SparseMatrix, steps: usize) {
        let mut products = std::mem::take(&mut self.products);
        let gram = least_squares::gram(&self.customers, self.factors, self.unobserved_weight);
        self.products_side(&gram).solve(rows, &mut products, steps);
        self.products = products;
        self.derive();
    }

    fn sweep_customers(&mut self, rows: &SparseMatrix, steps: usize) {
        let mut customers = std::mem::take(&mut self.customers);
        self.customers_side().solve(rows, &mut customers, steps);
        self.customers = customers;
    }

    fn derive(&mut self) {
        self.products_gram = least_squares::gram(&self.products, self.factors, self.unobserved_weight);
    }
}

fn vector(vectors: &[f32], number: u32, factors: usize) -> Option<&[f32]> {
    let begin = (number as usize).checked_mul(factors)?;
    vectors.get(begin..begin + factors)
}

/// Numbers about zero, from the seed and their place alone.
fn first_vectors(count: usize, factors: usize, seed: u64) -> Vec<f32> {
    let deviation = FIRST_DEVIATION / (factors as f32).sqrt();
    let mut vectors = vec![0.0; count * factors];
    vectors
        .par_iter_mut()
        .enumerate()
        .for_each(|(place, value)| *value = deviation * about_normal(seed, place));
    vectors
}

/// Four uniform numbers added up are normal enough: mean 0, variance 1.
fn about_normal(seed: u64, place: usize) -> f32 {
    let mixed = mix(seed ^ mix(place as u64));
    let uniform = |part: u32| (mixed >> (16 * part) & 0xffff) as f32 / 65_535.0 - 0.5;
    (0..4).map(uniform).sum::<f32>() * 3.0f32.sqrt()
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
fn mix(value: u64) -> u64 {
    let mut mixed = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}
