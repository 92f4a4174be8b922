//! Products that stand near another, and how they stand to it: one of the same category is
//! bought instead of it, one of another category together with it.

use larder_ranking::{Filter, Ranked, RankedItem, Serving, Shortfall, Source, UnknownProduct};

/// Asked for so many times what is wanted, since half of it may be of the other relation.
const MORE: usize = 5;

/// How one product stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Bought instead of it.
    Substitute,
    /// Bought together with it.
    Complement,
}

/// How `item` stands to a product of `category`; `None` when nothing tells.
pub(crate) fn relation_of(serving: &Serving, category: &str, item: &RankedItem) -> Option<Relation> {
    let other = serving.product(&item.product_id).map_or("", |product| product.category.as_str());
    match item.source {
        _ if !category.is_empty() && category == other => Some(Relation::Substitute),
        Source::Similar => Some(Relation::Complement),
        _ => None,
    }
}

/// The products near one, of one relation or of both, the strongest first.
pub(crate) fn similar(
    serving: &Serving,
    product_id: &str,
    wanted: Option<Relation>,
    limit: usize,
    filter: &Filter,
    now_us: i64,
) -> Result<Ranked, UnknownProduct> {
    let category = serving.product(product_id).map(|product| product.category.clone()).unwrap_or_default();
    let Some(wanted) = wanted else { return serving.similar(product_id, limit, filter, now_us) };
    let mut narrowed = filter.clone();
    if wanted == Relation::Substitute {
        let is_let_through = filter.categories.is_empty() || filter.categories.contains(&category);
        if category.is_empty() || !is_let_through {
            serving.similar(product_id, 0, filter, now_us)?;
            return Ok(Ranked { shortfall: Some(Shortfall::FilterExcludesAll), ..Ranked::default() });
        }
        narrowed.categories = vec![category.clone()];
    }
    let mut found = serving.similar(product_id, limit.saturating_mul(MORE), &narrowed, now_us)?;
    found.items.retain(|item| relation_of(serving, &category, item) == Some(wanted));
    if found.items.len() >= limit {
        found.items.truncate(limit);
        found.shortfall = None;
    } else {
        found.shortfall = found.shortfall.or(Some(Shortfall::FewerThanAsked));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use larder_ranking::{Event, InteractionKind, ProductRecord, SnapshotHeader, Trainer, TrainingSettings};

    use super::*;

    fn shop() -> Serving {
        let mut trainer = Trainer::new(TrainingSettings::default(), 1_000_000);
        for (id, category) in [("bread", "Bakery"), ("rolls", "Bakery"), ("milk", "Dairy"), ("tea", "")] {
            trainer.add_product(ProductRecord {
                product_id: id.into(),
                category: category.into(),
                ..ProductRecord::default()
            });
        }
        for (customer, products) in
            [("a", ["bread", "milk"]), ("b", ["bread", "milk"]), ("c", ["rolls", "tea"])]
        {
            for product in products {
                trainer.add_event(&Event {
                    event_id: format!("{customer}{product}"),
                    customer_id: customer.into(),
                    product_id: product.into(),
                    kind: InteractionKind::Purchase,
                    quantity: 1.0,
                    value: None,
                    occurred_at_us: 1,
                });
            }
        }
        let header = SnapshotHeader {
            tenant: "shop".into(),
            version: "v".into(),
            watermark: larder_ranking::Watermark::default(),
        };
        Serving::new(Arc::new(trainer.finish(header)))
    }

    fn near(serving: &Serving, wanted: Option<Relation>) -> Vec<String> {
        let found = similar(serving, "bread", wanted, 5, &Filter::default(), 2_000_000).unwrap();
        found.items.into_iter().map(|item| item.product_id).collect()
    }

    #[test]
    fn substitutes_share_the_category_and_complements_are_bought_together() {
        let serving = shop();
        assert_eq!(near(&serving, Some(Relation::Substitute)), ["rolls"]);
        assert_eq!(near(&serving, Some(Relation::Complement)), ["milk"]);
        assert_eq!(near(&serving, None), ["milk", "rolls", "tea"]);
    }

    #[test]
    fn what_nobody_sells_stands_near_nothing() {
        let serving = shop();
        for wanted in [None, Some(Relation::Substitute), Some(Relation::Complement)] {
            assert!(similar(&serving, "caviar", wanted, 5, &Filter::default(), 2_000_000).is_err());
        }
        let other = Filter { categories: vec!["Dairy".into()], ..Filter::default() };
        let none = similar(&serving, "bread", Some(Relation::Substitute), 5, &other, 2_000_000).unwrap();
        assert_eq!((none.items.len(), none.shortfall), (0, Some(Shortfall::FilterExcludesAll)));
    }
}
