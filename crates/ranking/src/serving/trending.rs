//! What rises: products whose buyers bought them lately more than is usual in the shop.

use super::{
    Serving,
    catalogue::Gate,
    recommend::{Candidate, Evidence, ranked, shortfall},
    taste::keep_first,
};
use crate::{Filter, Ranked};

/// The normal quantile of a one-sided 95 % bound: a product with few buyers must rise more.
const Z: f64 = 1.645;

pub(super) fn trending(serving: &Serving, limit: usize, filter: &Filter, now_us: i64) -> Ranked {
    let gate = Gate::new(&serving.catalogue, filter);
    let usual = usual_share(serving);
    let mut chosen: Vec<Candidate<'_>> = (0..serving.catalogue.len() as u32)
        .filter(|&product| gate.passes(product))
        .filter_map(|product| {
            let (recent, ever) = buyers_of(serving, product);
            let score = lower_bound(recent, ever) / usual;
            (score > 1.0).then_some(Candidate {
                product,
                score,
                relevance: None,
                evidence: Evidence::Popular,
            })
        })
        .collect();
    keep_first(&mut chosen, limit, |one, other| {
        let ids = || serving.catalogue.id(one.product).cmp(serving.catalogue.id(other.product));
        other.score.total_cmp(&one.score).then_with(ids)
    });
    let shortfall = shortfall(serving, &gate, chosen.len(), limit);
    ranked(serving, chosen, shortfall, now_us)
}

/// Customers who bought the product lately, and who ever did.
fn buyers_of(serving: &Serving, product: u32) -> (f64, f64) {
    let of = |counts: &[u32]| counts.get(product as usize).copied().map_or(0, i64::from);
    let (recent, ever) =
        serving.models().map_or((0, 0), |models| (of(&models.recent_buyers), of(&models.buyers)));
    let fresh = serving.overlay.recent_buyers(product);
    // Who came since the snapshot may have bought it before: a buyer is counted once at least.
    let recent = (recent + fresh).max(0);
    (recent as f64, ever.max(recent) as f64)
}

/// The share of buyers who bought lately, over all products.
fn usual_share(serving: &Serving) -> f64 {
    let (mut recent, mut ever) = (0.0, 0.0);
    for product in 0..serving.catalogue.len() as u32 {
        let (recently, at_all) = buyers_of(serving, product);
        recent += recently;
        ever += at_all;
    }
    if recent > 0.0 { recent / ever } else { 1.0 }
}

/// The lower end of the interval of a share (Wilson, JASA 1927).
fn lower_bound(count: f64, of: f64) -> f64 {
    if of <= 0.0 {
        return 0.0;
    }
    let (share, z2) = (count / of, Z * Z);
    let middle = share + z2 / (2.0 * of);
    let spread = Z * (share * (1.0 - share) / of + z2 / (4.0 * of * of)).sqrt();
    (middle - spread) / (1.0 + z2 / of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{NOW_US, bought, product, serving};

    #[test]
    fn the_bound_is_wilsons() {
        // 8 of 10: 0.5408 by hand.
        assert!((lower_bound(8.0, 10.0) - 0.540_8).abs() < 1e-3, "{}", lower_bound(8.0, 10.0));
        assert_eq!(lower_bound(0.0, 0.0), 0.0);
        assert!(lower_bound(3.0, 3.0) < lower_bound(30.0, 30.0));
    }

    #[test]
    fn what_is_bought_lately_rises_and_a_steady_seller_does_not() {
        let products = ["steady", "rising", "fading", "rare"].map(|id| product(id, "A"));
        let mut events = Vec::new();
        for customer in 0..40 {
            let name = format!("c{customer}");
            events.push(bought(&name, "steady", if customer % 2 == 0 { 5 } else { 100 }));
            events.push(bought(&name, "fading", 200));
            if customer < 20 {
                events.push(bought(&name, "rising", 3));
            }
        }
        events.push(bought("c0", "rare", 1));
        let serving = serving(&products, &events);
        let rising = serving.trending(10, &Filter::default(), NOW_US);
        let ids: Vec<_> = rising.items.iter().map(|item| item.product_id.as_str()).collect();
        assert_eq!(ids[0], "rising");
        assert!(!ids.contains(&"fading") && !ids.contains(&"rare"), "{ids:?}");
        let filter = Filter { exclude_product_ids: ["rising".to_owned()].into(), ..Filter::default() };
        let others = serving.trending(10, &filter, NOW_US);
        assert!(others.items.iter().all(|item| item.product_id != "rising"));
        assert!(others.shortfall.is_some());
    }
}
