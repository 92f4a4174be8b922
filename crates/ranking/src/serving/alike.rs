//! Customers who buy alike: the cosine of their vectors, or without vectors that of what they
//! bought, each product weighed by how often and how lately.

use std::collections::HashMap;

use super::Serving;
use crate::{DiscoveryModel, ranked::SimilarCustomer};

/// The customers most like one, the nearest first. Those who have nothing in common are left
/// out; nobody who is not in the snapshot is known here.
pub(super) fn similar_customers(serving: &Serving, customer_id: &str, limit: usize) -> Vec<SimilarCustomer> {
    let Some(snapshot) = &serving.snapshot else { return Vec::new() };
    let factors = snapshot.discovery.as_ref().and_then(DiscoveryModel::factors);
    if let (Some(factors), Some(customer)) = (factors, snapshot.customers.find(customer_id)) {
        let vector = factors.customer(customer as u32).filter(|_| !serving.overlay.is_erased(customer_id));
        let ids = &snapshot.customers.ids;
        let is_left_out =
            |other: u32| other as usize == customer || serving.overlay.is_erased(&ids[other as usize]);
        let found = factors.similar_customers(vector.unwrap_or_default(), limit, is_left_out);
        let named = |(other, similarity): (u32, f32)| SimilarCustomer {
            customer_id: ids[other as usize].clone(),
            similarity: f64::from(similarity).min(1.0),
        };
        return found.into_iter().map(named).collect();
    }
    let own: HashMap<u32, f64> = weights(serving.rows_of(customer_id)).collect();
    let own_length = length(own.values().copied());
    let mut alike: Vec<SimilarCustomer> = Vec::new();
    for other in &snapshot.customers.ids {
        if own_length == 0.0 || other == customer_id {
            continue;
        }
        let rows = serving.rows_of(other);
        let dot: f64 = weights(rows).filter_map(|(product, weight)| Some(own.get(&product)? * weight)).sum();
        if dot > 0.0 {
            let similarity = dot / (own_length * length(weights(rows).map(|(_, weight)| weight)));
            alike.push(SimilarCustomer { customer_id: other.clone(), similarity: similarity.min(1.0) });
        }
    }
    alike.sort_by(|one, other| {
        other.similarity.total_cmp(&one.similarity).then_with(|| one.customer_id.cmp(&other.customer_id))
    });
    alike.truncate(limit);
    alike
}

fn weights(rows: &[crate::snapshot::HistoryRow]) -> impl Iterator<Item = (u32, f64)> {
    rows.iter().filter(|row| row.weight > 0.0).map(|row| (row.product, f64::from(row.weight)))
}

fn length(weights: impl Iterator<Item = f64>) -> f64 {
    weights.map(|weight| weight * weight).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{bought, product, serving};

    #[test]
    fn who_buys_the_same_is_alike_and_who_shares_nothing_is_not_told() {
        let products = ["bread", "milk", "tea"].map(|id| product(id, "A"));
        let events = [
            bought("ann", "bread", 1),
            bought("ann", "milk", 1),
            bought("ben", "bread", 1),
            bought("ben", "milk", 1),
            bought("cleo", "bread", 1),
            bought("cleo", "tea", 1),
            bought("dan", "tea", 1),
        ];
        let mut serving = serving(&products, &events);
        let alike = serving.similar_customers("ann", 10);
        let ids: Vec<_> = alike.iter().map(|customer| customer.customer_id.as_str()).collect();
        assert_eq!(ids, ["ben", "cleo"]);
        assert!((alike[0].similarity - 1.0).abs() < 1e-9, "{alike:?}");
        assert!((alike[1].similarity - 0.5).abs() < 1e-9, "{alike:?}");
        assert!(serving.similar_customers("nobody", 10).is_empty());
        assert_eq!(serving.similar_customers("ann", 1).len(), 1);
        serving.erase_customer("ben");
        assert_eq!(serving.similar_customers("ann", 10)[0].customer_id, "cleo");
        assert!(serving.similar_customers("ben", 10).is_empty());
    }
}
