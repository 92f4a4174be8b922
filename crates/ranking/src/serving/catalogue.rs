//! The products as they are now, numbered: the snapshot's first, later ones as they come.

use std::{collections::HashMap, sync::Arc};

use crate::{Filter, ProductRecord, snapshot::Products};

/// The number of the category of products that have none.
const NO_CATEGORY: u32 = 0;

/// Every product named so far. Numbers are never reused.
pub(super) struct Catalogue {
    numbers: HashMap<Arc<str>, u32>,
    ids: Vec<Arc<str>>,
    records: Vec<Option<ProductRecord>>,
    product_categories: Vec<u32>,
    category_numbers: HashMap<String, u32>,
    category_names: Vec<String>,
    visible_count: usize,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            ids: Vec::new(),
            records: Vec::new(),
            product_categories: Vec::new(),
            category_numbers: HashMap::from([(String::new(), NO_CATEGORY)]),
            category_names: vec![String::new()],
            visible_count: 0,
        }
    }
}

impl Catalogue {
    pub(super) fn of(products: &Products) -> Self {
        let mut catalogue = Self::default();
        for (id, record) in products.ids.iter().zip(&products.records) {
            let product = catalogue.number_of(id);
            if let Some(record) = record {
                catalogue.replace(product, record.clone());
            }
        }
        catalogue
    }

    pub(super) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(super) fn visible_count(&self) -> usize {
        self.visible_count
    }

    pub(super) fn find(&self, product_id: &str) -> Option<u32> {
        self.numbers.get(product_id).copied()
    }

    /// The number of the product, which is new when it was never named before.
    pub(super) fn number_of(&mut self, product_id: &str) -> u32 {
        if let Some(product) = self.find(product_id) {
            return product;
        }
        let product = u32::try_from(self.ids.len()).expect("fewer than 4 billion ids fit into memory");
        let id: Arc<str> = product_id.into();
        self.ids.push(Arc::clone(&id));
        self.numbers.insert(id, product);
        self.records.push(None);
        self.product_categories.push(NO_CATEGORY);
        product
    }

    pub(super) fn replace(&mut self, product: u32, record: ProductRecord) {
        let next = self.category_names.len() as u32;
        let category = *self.category_numbers.entry(record.category.clone()).or_insert(next);
        if category == next {
            self.category_names.push(record.category.clone());
        }
        self.visible_count += usize::from(!record.hidden);
        self.visible_count -= usize::from(self.is_visible(product));
        self.product_categories[product as usize] = category;
        self.records[product as usize] = Some(record);
    }

    pub(super) fn id(&self, product: u32) -> &Arc<str> {
        &self.ids[product as usize]
    }

    pub(super) fn record(&self, product: u32) -> Option<&ProductRecord> {
        self.records[product as usize].as_ref()
    }

    /// Whether it is in the catalogue and not hidden.
    pub(super) fn is_visible(&self, product: u32) -> bool {
        self.record(product).is_some_and(|record| !record.hidden)
    }

    /// The name for people; the id when there is no name.
    pub(super) fn name(&self, product: u32) -> &str {
        match self.record(product) {
            Some(record) if !record.name.is_empty() => &record.name,
            _ => self.id(product),
        }
    }

    /// The category's number; `None` for a product without one.
    pub(super) fn category(&self, product: u32) -> Option<u32> {
        Some(self.product_categories[product as usize]).filter(|&category| category != NO_CATEGORY)
    }

    /// The category's number, the one of products without a category included.
    pub(super) fn shelf(&self, product: u32) -> u32 {
        self.product_categories[product as usize]
    }

    pub(super) fn category_name(&self, category: u32) -> &str {
        &self.category_names[category as usize]
    }
}

/// A filter made ready for asking product by product.
pub(super) struct Gate<'a> {
    catalogue: &'a Catalogue,
    filter: &'a Filter,
    /// The numbers of the filter's categories that exist; `None` lets all through.
    categories: Option<Vec<u32>>,
}

impl<'a> Gate<'a> {
    pub(super) fn new(catalogue: &'a Catalogue, filter: &'a Filter) -> Self {
        let numbers = &catalogue.category_numbers;
        let named = || {
            let mut named: Vec<u32> =
                filter.categories.iter().filter_map(|name| numbers.get(name).copied()).collect();
            named.sort_unstable();
            named.dedup();
            named
        };
        Self { catalogue, filter, categories: (!filter.categories.is_empty()).then(named) }
    }

    /// The only categories that pass; `None` when all do.
    pub(super) fn categories(&self) -> Option<&[u32]> {
        self.categories.as_deref()
    }

    /// Whether the product may be shown: in the catalogue, not hidden, and let through.
    pub(super) fn passes(&self, product: u32) -> bool {
        let Some(record) = self.catalogue.record(product) else { return false };
        !record.hidden
            && (record.in_stock || !self.filter.in_stock_only)
            && self.category_passes(product)
            && self.price_passes(record)
            && !self.is_excluded(&record.product_id)
    }

    /// Whether any product of the catalogue passes. Looks at every product: only for empty answers.
    pub(super) fn lets_anything_through(&self) -> bool {
        (0..self.catalogue.len() as u32).any(|product| self.passes(product))
    }

    fn category_passes(&self, product: u32) -> bool {
        self.categories.as_ref().is_none_or(|only| only.binary_search(&self.catalogue.shelf(product)).is_ok())
    }

    fn price_passes(&self, record: &ProductRecord) -> bool {
        let filter = self.filter;
        if filter.min_price_micros.is_none() && filter.max_price_micros.is_none() && filter.currency.is_none()
        {
            return true;
        }
        let Some(price) = record.price_micros else { return false };
        filter.min_price_micros.is_none_or(|lowest| price >= lowest)
            && filter.max_price_micros.is_none_or(|highest| price <= highest)
            && filter.currency.as_ref().is_none_or(|currency| *currency == record.currency)
    }

    fn is_excluded(&self, product_id: &str) -> bool {
        !self.filter.exclude_product_ids.is_empty() && self.filter.exclude_product_ids.contains(product_id)
    }
}
