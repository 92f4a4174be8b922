//! Item-to-item weights by EASE^R (Steck, "Embarrassingly Shallow Autoencoders for Sparse Data",
//! WWW 2019): the ridge regression of each product on all the others. What a customer may like
//! is the sum of the weights from what they have. Only the strongest weights of each product
//! are kept; how they are found depends on size and memory, and [`EaseModel::method`] tells.

mod blocks;
mod dual;
mod format;
mod inverse;
mod primal;
mod strongest;
#[cfg(test)]
mod tests;

use crate::SparseMatrix;

/// How the weights are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EaseMethod {
    /// The inverse of the products' Gram matrix: 4 n² bytes and about n³ operations.
    Primal,
    /// The same inverse by way of the customers' Gram matrix (Woodbury): 4 m² bytes, and about
    /// m³ operations and twice the products times the entries. Exact as well.
    Dual,
    /// Each product regressed on those nearest to it alone, which is an approximation: memory
    /// grows with the entries, time with the products.
    Blocks,
}

/// How EASE is fitted.
#[derive(Clone, Debug, PartialEq)]
pub struct EaseSettings {
    /// Added to the diagonal of the Gram matrix: the more, the more cautious. Above 0.
    pub ridge: f32,
    /// Also added, as a share of each product's own Gram entry, which is the same as training
    /// with this much dropout (Steck, "Autoencoders that don't overfit towards the Identity",
    /// NeurIPS 2020). 0 to below 1.
    pub dropout: f32,
    /// How many weights are kept of each product, the strongest, at most.
    pub neighbours: usize,
    /// Products of fewer customers take no part.
    pub fewest_customers: usize,
    /// What the exact methods may take beside the result.
    pub memory_budget_bytes: u64,
    /// Of how many nearest products the weights are searched among by [`EaseMethod::Blocks`].
    pub block_neighbours: usize,
    /// Demands a method, whatever it costs; `None` chooses.
    pub method: Option<EaseMethod>,
}

impl Default for EaseSettings {
    /// What did well both on a month of groceries and on films, on cuts made for choosing.
    fn default() -> Self {
        Self {
            ridge: 500.0,
            dropout: 0.3,
            neighbours: 200,
            fewest_customers: 2,
            memory_budget_bytes: 1 << 30,
            block_neighbours: 200,
            method: None,
        }
    }
}

/// Item-to-item weights: for each product the products it speaks for or against most.
#[derive(Clone, Debug, PartialEq)]
pub struct EaseModel {
    method: EaseMethod,
    /// Where each product's weights begin; one more than products.
    offsets: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<f32>,
}

/// Weights of one product: other products by falling absolute weight.
type WeightRow = Vec<(u32, f32)>;

/// The exact methods are for as many operations as take some minutes.
const MOST_EXACT_OPERATIONS: f64 = 1e13;

impl EaseModel {
    /// Fits the weights to customers by products. The same matrix gives the same bits however
    /// many threads there are.
    pub fn fit(customers: &SparseMatrix, settings: &EaseSettings) -> Self {
        let settings = EaseSettings {
            ridge: if settings.ridge > 0.0 { settings.ridge } else { f32::MIN_POSITIVE },
            dropout: settings.dropout.clamp(0.0, 0.99),
            ..settings.clone()
        };
        let problem = Problem::new(customers, &settings);
        let method = settings.method.unwrap_or_else(|| choose_method(&problem, &settings));
        let exact = match method {
            EaseMethod::Primal => primal::solve(&problem, settings.neighbours),
            EaseMethod::Dual => dual::solve(&problem, settings.neighbours),
            EaseMethod::Blocks => None,
        };
        // A matrix so ill-conditioned that it has no inverse in single precision still has blocks.
        let (method, rows) = match exact {
            Some(rows) => (method, rows),
            None => (EaseMethod::Blocks, blocks::solve(&problem, &settings)),
        };
        Self::from_active_rows(method, customers.column_count(), &problem.active, &rows)
    }

    /// How the weights were found.
    pub fn method(&self) -> EaseMethod {
        self.method
    }

    /// How many products there are, with weights or without.
    pub fn product_count(&self) -> usize {
        self.offsets.len() - 1
    }

    /// How many weights are kept.
    pub fn weight_count(&self) -> usize {
        self.targets.len()
    }

    /// What having this product says of others: product and weight by falling absolute weight.
    /// Nothing for a product that took no part.
    pub fn neighbours_of(&self, product: u32) -> impl ExactSizeIterator<Item = (u32, f32)> + '_ {
        let range = match self.offsets.get(product as usize..product as usize + 2) {
            Some(bounds) => bounds[0] as usize..bounds[1] as usize,
            None => 0..0,
        };
        self.targets[range.clone()].iter().copied().zip(self.weights[range].iter().copied())
    }

    /// Adds to each product's score what a history of products and their values says of it.
    /// Scores of products there are no scores for are left out.
    pub fn add_scores(&self, history: &[(u32, f32)], scores: &mut [f32]) {
        for &(product, value) in history {
            for (target, weight) in self.neighbours_of(product) {
                if let Some(score) = scores.get_mut(target as usize) {
                    *score += value * weight;
                }
            }
        }
    }

    fn from_active_rows(
        method: EaseMethod,
        product_count: usize,
        active: &[u32],
        rows: &[WeightRow],
    ) -> Self {
        let weight_count = rows.iter().map(Vec::len).sum();
        let mut model = Self {
            method,
            offsets: Vec::with_capacity(product_count + 1),
            targets: Vec::with_capacity(weight_count),
            weights: Vec::with_capacity(weight_count),
        };
        model.offsets.push(0);
        let mut next = active.iter().zip(rows).peekable();
        for product in 0..product_count {
            if let Some((_, row)) = next.next_if(|(number, _)| **number as usize == product) {
                model.targets.extend(row.iter().map(|&(target, _)| active[target as usize]));
                model.weights.extend(row.iter().map(|&(_, weight)| weight));
            }
            model.offsets.push(u32::try_from(model.targets.len()).expect("fewer than 4 billion weights fit"));
        }
        model
    }
}

/// The regression over the products that take part, numbered anew.
struct Problem {
    /// The numbers the products had, in order.
    active: Vec<u32>,
    /// Customers by active products.
    customers: SparseMatrix,
    /// Active products by customers.
    products: SparseMatrix,
    /// What is added to the diagonal of the Gram matrix, by active product.
    ridges: Vec<f32>,
}

impl Problem {
    fn new(customers: &SparseMatrix, settings: &EaseSettings) -> Self {
        let mut counts = vec![0usize; customers.column_count()];
        for row in customers.rows() {
            row.columns.iter().for_each(|&product| counts[product as usize] += 1);
        }
        let fewest = settings.fewest_customers.max(1);
        let active: Vec<u32> = (0u32..)
            .zip(&counts)
            .filter(|(_, count)| **count >= fewest)
            .map(|(product, _)| product)
            .collect();
        let customers = customers.select_columns(&active);
        let products = customers.transpose();
        let share = settings.dropout / (1.0 - settings.dropout);
        let ridge_of =
            |values: &[f32]| settings.ridge + share * values.iter().map(|value| value * value).sum::<f32>();
        let ridges = products.rows().map(|row| ridge_of(row.values)).collect();
        Self { active, customers, products, ridges }
    }

    fn product_count(&self) -> usize {
        self.active.len()
    }

    fn customer_count(&self) -> usize {
        self.customers.row_count()
    }
}

/// The cheaper of the exact methods that fit into memory and time, else blocks.
fn choose_method(problem: &Problem, settings: &EaseSettings) -> EaseMethod {
    let products = problem.product_count() as f64;
    let customers = problem.customer_count() as f64;
    let budget = settings.memory_budget_bytes as f64;
    let exact = [
        (EaseMethod::Primal, primal::bytes(products), products.powi(3)),
        (
            EaseMethod::Dual,
            dual::bytes(customers),
            customers.powi(3) + 2.0 * products * problem.customers.entry_count() as f64,
        ),
    ];
    exact
        .into_iter()
        .filter(|&(_, bytes, operations)| bytes <= budget && operations <= MOST_EXACT_OPERATIONS)
        .min_by(|one, other| one.2.total_cmp(&other.2))
        .map_or(EaseMethod::Blocks, |(method, _, _)| method)
}
