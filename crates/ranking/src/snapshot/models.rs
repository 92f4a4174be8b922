//! What is derived of products as a whole: how popular, how often bought again, bought with what.

use rayon::prelude::*;

use super::{Customers, HistoryRow, Tuning};

/// Purchases this long before the newest event are called recent.
const RECENT_US: i64 = 30 * 24 * 3_600_000_000;

/// Two products need this many common buyers to be called similar: one is chance, and telling of
/// it would tell what one person bought.
const FEWEST_COMMON_BUYERS: u32 = 2;

/// Similarity is halved when there are this many common buyers, and hardly lessened when many.
const COMMON_BUYERS_SHRINKAGE: f32 = 10.0;

/// Of a customer with more products only those weighing most teach similarity, since the work
/// grows with the square.
const MOST_PRODUCTS_PER_CUSTOMER: usize = 1_000;

/// What the history says of each product.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Models {
    /// Since when a purchase counts as recent.
    pub recent_since_us: i64,
    /// Decayed number of buyers at the reference time.
    pub popularity: Vec<f32>,
    /// Customers who ever bought it.
    pub buyers: Vec<u32>,
    /// Customers who bought it more than once.
    pub repeat_buyers: Vec<u32>,
    /// Customers who bought it recently.
    pub recent_buyers: Vec<u32>,
    /// Where each product's neighbours begin; one more than products.
    pub neighbour_offsets: Vec<u32>,
    /// By product, then similarity falling.
    pub neighbours: Vec<Neighbour>,
}

/// A product bought by the same customers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Neighbour {
    pub product: u32,
    /// Cosine over buyers, shrunk where few; above 0, below 1.
    pub similarity: f32,
    /// How many customers bought both.
    pub common_buyers: u32,
}

impl Models {
    pub(crate) fn derive(
        tuning: &Tuning,
        reference_us: i64,
        product_count: usize,
        customers: &Customers,
    ) -> Self {
        let mut models = Self {
            recent_since_us: reference_us.saturating_sub(RECENT_US),
            popularity: vec![0.0; product_count],
            buyers: vec![0; product_count],
            repeat_buyers: vec![0; product_count],
            recent_buyers: vec![0; product_count],
            neighbour_offsets: vec![0],
            neighbours: Vec::new(),
        };
        models.count(tuning, reference_us, customers);
        models.relate(tuning, customers);
        models
    }

    pub(crate) fn neighbours_of(&self, product: u32) -> &[Neighbour] {
        let product = product as usize;
        if product + 1 >= self.neighbour_offsets.len() {
            return &[];
        }
        &self.neighbours
            [self.neighbour_offsets[product] as usize..self.neighbour_offsets[product + 1] as usize]
    }

    fn count(&mut self, tuning: &Tuning, reference_us: i64, customers: &Customers) {
        let mut popularity = vec![0.0; self.popularity.len()];
        for row in &customers.rows {
            let product = row.product as usize;
            if let Some((time_us, share)) = row.facts.popularity_part() {
                popularity[product] += share * tuning.popularity_half_life.factor(time_us, reference_us);
            }
            if row.facts.purchases > 0 {
                self.buyers[product] += 1;
                self.repeat_buyers[product] += u32::from(row.facts.purchases > 1);
                self.recent_buyers[product] += u32::from(row.facts.last_purchase_us >= self.recent_since_us);
            }
        }
        self.popularity = popularity.into_iter().map(|value| value as f32).collect();
    }

    /// Item-to-item similarity: the cosine of the sets of buyers (Sarwar et al., WWW 2001), shrunk
    /// by the number of common buyers (Bell and Koren, ICDM 2007).
    fn relate(&mut self, tuning: &Tuning, customers: &Customers) {
        let baskets: Vec<Vec<u32>> =
            (0..customers.ids.len()).map(|customer| bought(customers.rows_of(customer))).collect();
        let buyers = buyers_by_product(self.popularity.len(), &baskets);
        let most = tuning.neighbours_per_product as usize;
        let chunks: Vec<usize> = (0..buyers.len()).step_by(PRODUCTS_AT_ONCE).collect();
        let related = chunks.into_par_iter().map_init(
            || Common { counts: vec![0; buyers.len()], touched: Vec::new() },
            |common, begin| {
                let products = begin..buyers.len().min(begin + PRODUCTS_AT_ONCE);
                products.map(|product| common.nearest(product, &buyers, &baskets, most)).collect::<Vec<_>>()
            },
        );
        for of_product in related.collect::<Vec<_>>().into_iter().flatten() {
            self.neighbours.extend(of_product);
            let end =
                u32::try_from(self.neighbours.len()).expect("fewer than 4 billion neighbours fit in memory");
            self.neighbour_offsets.push(end);
        }
    }
}

/// So many products are one piece of work of a thread.
const PRODUCTS_AT_ONCE: usize = 64;

/// Counts of one thread, all zero between products.
struct Common {
    counts: Vec<u32>,
    touched: Vec<u32>,
}

impl Common {
    /// The products bought by most of the customers who bought `product`.
    fn nearest(
        &mut self,
        product: usize,
        buyers: &[Vec<u32>],
        baskets: &[Vec<u32>],
        most: usize,
    ) -> Vec<Neighbour> {
        let own_buyers = &buyers[product];
        for &customer in own_buyers {
            for &other in &baskets[customer as usize] {
                if self.counts[other as usize] == 0 {
                    self.touched.push(other);
                }
                self.counts[other as usize] += 1;
            }
        }
        let mut near = Vec::new();
        for other in self.touched.drain(..) {
            let common_buyers = std::mem::take(&mut self.counts[other as usize]);
            if other as usize != product && common_buyers >= FEWEST_COMMON_BUYERS {
                let sizes = (own_buyers.len() * buyers[other as usize].len()) as f32;
                let similarity = shrunk_cosine(common_buyers as f32, sizes);
                near.push(Neighbour { product: other, similarity, common_buyers });
            }
        }
        keep_nearest(&mut near, most);
        near
    }
}

fn shrunk_cosine(common_buyers: f32, product_of_sizes: f32) -> f32 {
    common_buyers / product_of_sizes.sqrt() * common_buyers / (common_buyers + COMMON_BUYERS_SHRINKAGE)
}

fn keep_nearest(near: &mut Vec<Neighbour>, most: usize) {
    let by_similarity = |one: &Neighbour, other: &Neighbour| {
        other.similarity.total_cmp(&one.similarity).then(one.product.cmp(&other.product))
    };
    if most > 0 && near.len() > most {
        near.select_nth_unstable_by(most - 1, by_similarity);
    }
    near.truncate(most);
    near.sort_unstable_by(by_similarity);
}

/// The products a customer bought, those weighing most when they are too many.
fn bought(rows: &[HistoryRow]) -> Vec<u32> {
    let mut bought: Vec<&HistoryRow> = rows.iter().filter(|row| row.facts.purchases > 0).collect();
    if bought.len() > MOST_PRODUCTS_PER_CUSTOMER {
        bought.sort_unstable_by(|one, other| {
            other.weight.total_cmp(&one.weight).then(one.product.cmp(&other.product))
        });
        bought.truncate(MOST_PRODUCTS_PER_CUSTOMER);
    }
    bought.into_iter().map(|row| row.product).collect()
}

fn buyers_by_product(product_count: usize, baskets: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut buyers = vec![Vec::new(); product_count];
    for (customer, products) in (0u32..).zip(baskets) {
        for &product in products {
            buyers[product as usize].push(customer);
        }
    }
    buyers
}
