//! Which products that hardly anybody has had yet are like what a customer has.

use rayon::prelude::*;

use super::{ContentModel, Likeness};
use crate::{SparseMatrix, discovery::best_of};

/// What a customer's products are is told by so many features.
const MOST_FEATURES: usize = 24;

/// For each customer of the matrix, whose values say how much each product counts, the products
/// among the `new` ones that are most like theirs, best first, with what they come to; at most `count`,
/// none that the customer has.
pub(crate) fn newcomers_for_all(
    model: &ContentModel,
    customers: &SparseMatrix,
    count: usize,
    is_new: impl Fn(u32) -> bool,
) -> Vec<Vec<(u32, f32)>> {
    let new: Vec<u32> = (0..model.product_count() as u32).filter(|&product| is_new(product)).collect();
    let entries = (0u32..).zip(&new).flat_map(|(place, &product)| {
        model.row_of(product).iter().map(move |(feature, value)| (feature, place, value))
    });
    let holders = SparseMatrix::from_entries(model.features.len(), new.len(), entries);
    let of_customer = |(likeness, scores): &mut (Likeness, Vec<f32>), customer: usize| {
        let row = customers.row(customer);
        likeness.fill(Some(model), row.iter());
        scores.clear();
        scores.resize(new.len(), 0.0);
        for (feature, sum) in likeness.vector(MOST_FEATURES).entries() {
            for (place, value) in holders.row(feature as usize).iter() {
                scores[place as usize] += sum * value;
            }
        }
        let is_theirs = |product: u32| row.columns.binary_search(&product).is_ok();
        let is_like = |place: u32| scores[place as usize] > 0.0 && !is_theirs(new[place as usize]);
        let found = best_of(scores, count, is_like);
        found.into_iter().map(|(place, score)| (new[place as usize], score)).collect()
    };
    let all = 0..customers.row_count();
    all.into_par_iter().map_init(Default::default, of_customer).collect()
}
