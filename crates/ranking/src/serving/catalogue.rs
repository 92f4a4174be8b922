//! The products as they are now, numbered: the snapshot's first, later ones as they come.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    Filter, ProductRecord,
    constraint::{Checks, FilterCache, Passing, ProductSet},
    snapshot::Products,
};

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
    filters: FilterCache,
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
            filters: FilterCache::default(),
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
        self.filters.change(product, &record);
        self.records[product as usize] = Some(record);
    }

    pub(super) fn id(&self, product: u32) -> &Arc<str> {
        &self.ids[product as usize]
    }

    pub(super) fn records(&self) -> impl Iterator<Item = &ProductRecord> {
        self.records.iter().flatten()
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

    /// The number of the category with this name, if any product was ever in it.
    pub(super) fn category_number(&self, name: &str) -> Option<u32> {
        self.category_numbers.get(name).copied()
    }

    pub(super) fn category_name(&self, category: u32) -> &str {
        &self.category_names[category as usize]
    }
}

/// What a filter lets through of the catalogue as it is.
pub(super) struct Gate<'a> {
    catalogue: &'a Catalogue,
    excluded: &'a HashSet<String>,
    passing: Passing,
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
        let set_of = |checks: &Checks| {
            let passes = |product| catalogue.record(product).is_some_and(|record| checks.pass(record));
            ProductSet::of(catalogue.len() as u32, passes)
        };
        Self {
            catalogue,
            excluded: &filter.exclude_product_ids,
            passing: catalogue.filters.passing(filter, set_of),
            categories: (!filter.categories.is_empty()).then(named),
        }
    }

    /// The only categories that pass; `None` when all do.
    pub(super) fn categories(&self) -> Option<&[u32]> {
        self.categories.as_deref()
    }

    /// Whether the product may be shown: in the catalogue, not hidden, and let through.
    pub(super) fn passes(&self, product: u32) -> bool {
        let is_let_through = match &self.passing {
            Passing::Set(set) => set.contains(product),
            Passing::Checks(checks) => {
                self.catalogue.record(product).is_some_and(|record| checks.pass(record))
            }
        };
        is_let_through && !self.is_excluded(product)
    }

    /// Whether any product of the catalogue passes. Looks at every product: only for empty answers.
    pub(super) fn lets_anything_through(&self) -> bool {
        match &self.passing {
            Passing::Set(set) => set.products().any(|product| !self.is_excluded(product)),
            Passing::Checks(_) => (0..self.catalogue.len() as u32).any(|product| self.passes(product)),
        }
    }

    fn is_excluded(&self, product: u32) -> bool {
        !self.excluded.is_empty() && self.excluded.contains(&**self.catalogue.id(product))
    }
}
