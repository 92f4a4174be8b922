//! What the lists of all customers are like together, whether they hit or not.

use std::{collections::HashSet, hash::Hash};

/// The share of the catalogue that stands in at least one list, 0 to 1.
pub fn coverage<'a, P: Eq + Hash + 'a>(
    lists: impl IntoIterator<Item = &'a [P]>,
    product_count: usize,
) -> f64 {
    if product_count == 0 {
        return 0.0;
    }
    let shown: HashSet<&P> = lists.into_iter().flatten().collect();
    shown.len() as f64 / product_count as f64
}

/// How little known the shown products are: the mean self-information `-log2(share of customers who
/// bought it)` in bits over everything shown (Vargas and Castells, RecSys 2011). One customer is
/// added to both counts, so that a product nobody has bought is finite. 0 when nothing is shown.
pub fn novelty_bits<'a, P: 'a>(
    lists: impl IntoIterator<Item = &'a [P]>,
    buyers: impl Fn(&P) -> usize,
    customer_count: usize,
) -> f64 {
    let known = |product: &P| (buyers(product) as f64 + 1.0) / (customer_count as f64 + 1.0);
    mean(lists.into_iter().flatten().map(|product| -known(product).min(1.0).log2()))
}

/// How alike the products of a list are: the mean similarity of its pairs, then the mean over the
/// lists that have a pair (Ziegler et al., WWW 2005). 0 without such a list.
pub fn intra_list_similarity<'a, P: 'a>(
    lists: impl IntoIterator<Item = &'a [P]>,
    similarity: impl Fn(&P, &P) -> f64,
) -> f64 {
    let lists = lists.into_iter().filter(|list| list.len() > 1);
    mean(lists.map(|list| {
        let pairs = list
            .iter()
            .enumerate()
            .flat_map(|(place, one)| list[place + 1..].iter().map(move |other| (one, other)));
        mean(pairs.map(|(one, other)| similarity(one, other)))
    }))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}
