//! EASE by the inverse of the customers' Gram matrix, when there are fewer customers than products.
//!
//! With Z = X R^-½ (R the ridges) the Woodbury identity gives
//! (XᵀX + R)⁻¹ = R^-½ (I - Zᵀ(I + ZZᵀ)⁻¹Z) R^-½, of which a few rows are made at a time.

use pulp::Arch;
use rayon::prelude::*;

use super::{Problem, WeightRow, inverse::invert_in_place, strongest::Strongest};
use crate::SparseMatrix;

/// So many sources are worked on side by side, one in each lane.
const LANES: usize = 16;

/// The least that rounding may leave of a diagonal value, which is above zero by rights.
const SMALLEST_DIAGONAL: f32 = 1e-6;

pub(super) fn bytes(customers: f64) -> f64 {
    4.0 * customers * customers
}

/// The strongest weights of each product; `None` when there is no inverse in single precision.
pub(super) fn solve(problem: &Problem, neighbours: usize) -> Option<Vec<WeightRow>> {
    let roots: Vec<f32> = problem.ridges.iter().map(|ridge| ridge.sqrt()).collect();
    let customers = problem.customers.clone().scale_columns(|product| 1.0 / roots[product as usize]);
    let products = customers.transpose();
    let customer_count = customers.row_count();
    if customer_count == 0 || roots.is_empty() {
        return Some(vec![Vec::new(); roots.len()]);
    }
    let mut inverse = customer_gram_lower(&customers, &products);
    invert_in_place(&mut inverse, customer_count)?;
    let dual = Dual { customer_count, inverse, products, roots };
    let scales = dual.target_scales();
    let sources: Vec<u32> = (0u32..).take(dual.roots.len()).collect();
    let rows = sources.par_chunks(LANES).map_init(
        || Workbench::new(customer_count, neighbours),
        |workbench, sources| dual.rows(sources, &scales, workbench),
    );
    Some(rows.collect::<Vec<_>>().into_iter().flatten().collect())
}

struct Dual {
    customer_count: usize,
    /// (I + ZZᵀ)⁻¹ by columns.
    inverse: Vec<f32>,
    /// Zᵀ.
    products: SparseMatrix,
    /// The square roots of the ridges.
    roots: Vec<f32>,
}

/// What a thread needs, made once.
struct Workbench {
    /// Of one source, by customer.
    column: Vec<f32>,
    /// Of all lanes, by customer.
    lanes: Vec<[f32; LANES]>,
    strongest: Vec<Strongest>,
}

impl Workbench {
    fn new(customer_count: usize, neighbours: usize) -> Self {
        Self {
            column: vec![0.0; customer_count],
            lanes: vec![[0.0; LANES]; customer_count],
            strongest: (0..LANES).map(|_| Strongest::new(neighbours)).collect(),
        }
    }
}

impl Dual {
    fn inverse_column(&self, customer: u32) -> &[f32] {
        let begin = customer as usize * self.customer_count;
        &self.inverse[begin..begin + self.customer_count]
    }

    /// What a target's weights have in common: the root of its ridge by 1 - zᵀ(I + ZZᵀ)⁻¹z.
    fn target_scales(&self) -> Vec<f32> {
        let scale = |product: usize| {
            let own = self.products.row(product);
            let of_customer = |(customer, value): (u32, f32)| {
                let column = self.inverse_column(customer);
                value * own.iter().map(|(other, value)| value * column[other as usize]).sum::<f32>()
            };
            let explained: f32 = own.iter().map(of_customer).sum();
            self.roots[product] / (1.0 - explained).max(SMALLEST_DIAGONAL)
        };
        (0..self.roots.len()).into_par_iter().map(scale).collect()
    }

    fn rows(&self, sources: &[u32], scales: &[f32], workbench: &mut Workbench) -> Vec<WeightRow> {
        let Workbench { column, lanes, strongest } = workbench;
        for (lane, &source) in sources.iter().enumerate() {
            column.fill(0.0);
            let scale = 1.0 / self.roots[source as usize];
            for (customer, value) in self.products.row(source as usize).iter() {
                add_scaled(column, self.inverse_column(customer), value * scale);
            }
            lanes.iter_mut().zip(column.iter()).for_each(|(lanes, value)| lanes[lane] = *value);
        }
        let targets = Targets { products: &self.products, scales, lanes, sources };
        Arch::new().dispatch(|| targets.offer_all(strongest));
        strongest.iter_mut().take(sources.len()).map(Strongest::take).collect()
    }
}

/// All targets, to pass by the sources of the lanes.
struct Targets<'a> {
    products: &'a SparseMatrix,
    scales: &'a [f32],
    lanes: &'a [[f32; LANES]],
    sources: &'a [u32],
}

impl Targets<'_> {
    #[inline(always)]
    fn offer_all(&self, strongest: &mut [Strongest]) {
        let mut thresholds = [f32::INFINITY; LANES];
        thresholds[..self.sources.len()].fill(0.0);
        for (target, &scale) in (0u32..).zip(self.scales) {
            let mut weights = [0.0f32; LANES];
            let row = self.products.row(target as usize);
            for (&customer, &value) in row.columns.iter().zip(row.values) {
                let values = &self.lanes[customer as usize];
                for lane in 0..LANES {
                    weights[lane] += value * values[lane];
                }
            }
            let mut is_any_strong = false;
            for lane in 0..LANES {
                weights[lane] *= scale;
                is_any_strong |= weights[lane].abs() > thresholds[lane];
            }
            if is_any_strong {
                self.offer(target, &weights, strongest, &mut thresholds);
            }
        }
    }

    #[inline(never)]
    fn offer(
        &self,
        target: u32,
        weights: &[f32; LANES],
        strongest: &mut [Strongest],
        thresholds: &mut [f32; LANES],
    ) {
        for (lane, &source) in self.sources.iter().enumerate() {
            if source != target && weights[lane].abs() > thresholds[lane] {
                strongest[lane].offer(target, weights[lane]);
                thresholds[lane] = strongest[lane].threshold();
            }
        }
    }
}

fn add_scaled(sums: &mut [f32], values: &[f32], scale: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += scale * value;
    }
}

/// The lower triangle, by columns, of I + ZZᵀ.
fn customer_gram_lower(customers: &SparseMatrix, products: &SparseMatrix) -> Vec<f32> {
    let count = customers.row_count();
    let mut gram = vec![0.0; count * count];
    gram.par_chunks_mut(count).enumerate().for_each(|(customer, column)| {
        for (product, value) in customers.row(customer).iter() {
            let row = products.row(product as usize);
            let begin = row.columns.partition_point(|&other| (other as usize) < customer);
            for (&other, &other_value) in row.columns[begin..].iter().zip(&row.values[begin..]) {
                column[other as usize] += value * other_value;
            }
        }
        column[customer] += 1.0;
    });
    gram
}
