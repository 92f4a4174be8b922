//! EASE by the inverse of the products' Gram matrix: B = I - P diag(1/P), P = (XᵀX + ridges)⁻¹.

use rayon::prelude::*;

use super::{Problem, WeightRow, inverse::invert_in_place, strongest::Strongest};

pub(super) fn bytes(products: f64) -> f64 {
    4.0 * products * products
}

/// The strongest weights of each product; `None` when there is no inverse in single precision.
pub(super) fn solve(problem: &Problem, neighbours: usize) -> Option<Vec<WeightRow>> {
    let count = problem.product_count();
    if count == 0 {
        return Some(Vec::new());
    }
    let mut inverse = gram_lower(problem);
    invert_in_place(&mut inverse, count)?;
    let diagonal: Vec<f32> = inverse.iter().step_by(count + 1).copied().collect();
    // The inverse is symmetric: its columns are its rows.
    let rows = inverse.par_chunks(count).enumerate().map_init(
        || Strongest::new(neighbours),
        |strongest, (source, row)| {
            for (target, (&value, &own)) in (0u32..).zip(row.iter().zip(&diagonal)) {
                if target as usize != source {
                    strongest.offer(target, -value / own);
                }
            }
            strongest.take()
        },
    );
    Some(rows.collect())
}

/// The lower triangle, by columns, of XᵀX with the ridges on its diagonal.
fn gram_lower(problem: &Problem) -> Vec<f32> {
    let count = problem.product_count();
    let mut gram = vec![0.0; count * count];
    gram.par_chunks_mut(count).enumerate().for_each(|(product, column)| {
        for (customer, value) in problem.products.row(product).iter() {
            let row = problem.customers.row(customer as usize);
            let begin = row.columns.partition_point(|&other| (other as usize) < product);
            for (&other, &other_value) in row.columns[begin..].iter().zip(&row.values[begin..]) {
                column[other as usize] += value * other_value;
            }
        }
        column[product] += problem.ridges[product];
    });
    gram
}
