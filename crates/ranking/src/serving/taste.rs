//! What a customer is drawn to: their own products, and those bought by the same people.

use super::Serving;
use crate::{
    history::{Facts, Pair},
    snapshot::HistoryRow,
};

/// So many of the products a customer is drawn to most tell what else they may like.
const MOST_SEEDS: usize = 30;

/// So many unwanted products, the latest said, push down what is bought with them.
const MOST_UNWANTED: usize = 30;

/// One product of the customer's history, the snapshot's and the overlay's together.
#[derive(Clone, Copy)]
pub(super) struct Taste {
    pub product: u32,
    /// How much the customer is drawn to it; negative when they rated it badly.
    pub weight: f64,
    pub facts: Facts,
}

impl Taste {
    /// Whether the customer said, or rated, that they do not want it.
    pub(super) fn is_unwanted(&self) -> bool {
        self.facts.is_unwanted() || self.weight < 0.0
    }
}

/// A product bought by the people who buy what the customer is drawn to.
#[derive(Clone, Copy)]
pub(super) struct Affinity {
    pub product: u32,
    /// Mean similarity to the seeds, by their weight; 0 to 1.
    pub similarity: f64,
    /// The seed that says most for it.
    pub nearest: u32,
    /// How many customers bought it and that seed.
    pub common_buyers: u32,
}

/// Everything known of the customer, in the order of product numbers.
pub(super) fn tastes_of(serving: &Serving, customer_id: &str, now_us: i64) -> Vec<Taste> {
    let rows = serving.rows_of(customer_id);
    let Some(fresh) = serving.overlay.pairs_of(customer_id) else {
        return rows.iter().map(of_row).collect();
    };
    let reference_us = serving.reference_us(now_us);
    let fresh_weight = |pair: &Pair| pair.weight.value(serving.ground.personal_half_life, reference_us);
    let mut tastes = Vec::with_capacity(rows.len() + fresh.len());
    let mut rows = rows.iter().peekable();
    for (&product, pair) in fresh {
        while let Some(row) = rows.next_if(|row| row.product < product) {
            tastes.push(of_row(row));
        }
        let known = rows.next_if(|row| row.product == product).map(of_row);
        let known = known.unwrap_or(Taste { product, weight: 0.0, facts: Facts::default() });
        let facts = known.facts.merged(&pair.facts);
        tastes.push(Taste { product, weight: known.weight + fresh_weight(pair), facts });
    }
    tastes.extend(rows.map(of_row));
    tastes
}

fn of_row(row: &HistoryRow) -> Taste {
    Taste { product: row.product, weight: f64::from(row.weight), facts: row.facts }
}

/// The products the customer is drawn to most, the strongest first.
pub(super) fn seeds_of<'a>(serving: &Serving, tastes: &'a [Taste]) -> Vec<&'a Taste> {
    let mut seeds: Vec<&Taste> =
        tastes.iter().filter(|taste| taste.weight > 0.0 && !taste.facts.is_unwanted()).collect();
    keep_first(&mut seeds, MOST_SEEDS, |one, other| {
        let ids = || serving.catalogue.id(one.product).cmp(serving.catalogue.id(other.product));
        other.weight.total_cmp(&one.weight).then_with(ids)
    });
    seeds
}

/// What is bought by the people who buy the seeds, in the order of product numbers; only what
/// passes.
pub(super) fn affinities_of(
    serving: &Serving,
    seeds: &[&Taste],
    passes: impl Fn(u32) -> bool,
) -> Vec<Affinity> {
    let Some(models) = serving.models() else { return Vec::new() };
    let mut votes = Vec::new();
    let mut weights = 0.0;
    for seed in seeds {
        let weight = (1.0 + seed.weight).log2();
        weights += weight;
        for neighbour in models.neighbours_of(seed.product) {
            if passes(neighbour.product) {
                votes.push(Affinity {
                    product: neighbour.product,
                    similarity: weight * f64::from(neighbour.similarity),
                    nearest: seed.product,
                    common_buyers: neighbour.common_buyers,
                });
            }
        }
    }
    let mut affinities: Vec<Affinity> = Vec::new();
    let mut strongest = 0.0;
    for place in places_by_product(&votes) {
        let vote = votes[place];
        match affinities.last_mut().filter(|last| last.product == vote.product) {
            Some(sum) => {
                sum.similarity += vote.similarity;
                if vote.similarity > strongest {
                    strongest = vote.similarity;
                    sum.nearest = vote.nearest;
                    sum.common_buyers = vote.common_buyers;
                }
            }
            None => {
                strongest = vote.similarity;
                affinities.push(vote);
            }
        }
    }
    for affinity in &mut affinities {
        affinity.similarity /= weights;
    }
    affinities
}

/// Where the votes are, in the order of product numbers and then in their own. Product and place in
/// one number sort in a fraction of the time that the votes would take.
fn places_by_product(votes: &[Affinity]) -> impl Iterator<Item = usize> + use<> {
    let in_order = votes.iter().zip(0u64..);
    let mut keys: Vec<u64> = in_order.map(|(vote, place)| u64::from(vote.product) << 32 | place).collect();
    keys.sort_unstable();
    keys.into_iter().map(|key| (key & u64::from(u32::MAX)) as usize)
}

/// How similar products are to those the customer does not want, in the order of product numbers.
pub(super) fn aversions_of(serving: &Serving, tastes: &[Taste]) -> Vec<(u32, f64)> {
    let Some(models) = serving.models() else { return Vec::new() };
    let mut unwanted: Vec<&Taste> = tastes.iter().filter(|taste| taste.is_unwanted()).collect();
    keep_first(&mut unwanted, MOST_UNWANTED, |one, other| {
        let ids = || serving.catalogue.id(one.product).cmp(serving.catalogue.id(other.product));
        other.facts.opinion_at_us.cmp(&one.facts.opinion_at_us).then_with(ids)
    });
    let mut aversions: Vec<(u32, f64)> = Vec::new();
    for taste in unwanted {
        let neighbours = models.neighbours_of(taste.product);
        aversions.extend(neighbours.iter().map(|near| (near.product, f64::from(near.similarity))));
    }
    aversions.sort_by_key(|&(product, _)| product);
    aversions.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    aversions
}

/// Sorts and keeps the first `count`, without sorting the rest.
pub(super) fn keep_first<T>(
    items: &mut Vec<T>,
    count: usize,
    mut compare: impl FnMut(&T, &T) -> std::cmp::Ordering,
) {
    if count == 0 {
        items.clear();
    } else if items.len() > count {
        items.select_nth_unstable_by(count - 1, &mut compare);
        items.truncate(count);
    }
    items.sort_unstable_by(compare);
}
