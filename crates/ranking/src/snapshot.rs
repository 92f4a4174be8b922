//! A trained model of one tenant, immutable, and its file format.
//!
//! The rows of what each customer did are the truth in it; everything about products as a whole is
//! derived from them, so a customer can be taken out without a trace.

pub(crate) mod bytes;
mod format;
mod models;
#[cfg(test)]
mod tests;

pub(crate) use models::{Models, Neighbour};

use crate::{
    DiscoveryModel, ProductRecord, ProfileModel, SnapshotError, Target, Watermark,
    decay::HalfLife,
    history::Facts,
    neighbours::Shortlists,
    occasion::{Occasion, day_of},
    ranker::LearnedRanker,
};

/// What a snapshot says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// Whose model it is.
    pub tenant: String,
    /// The model's version.
    pub version: String,
    /// How far the log of events had been read.
    pub watermark: Watermark,
}

/// A trained model of one tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub(crate) header: SnapshotHeader,
    pub(crate) tuning: Tuning,
    pub(crate) trained_at_us: i64,
    /// The time of the newest event: weights are as seen then, however old the history is.
    pub(crate) reference_us: i64,
    pub(crate) products: Products,
    pub(crate) customers: Customers,
    pub(crate) models: Models,
    /// What customers alike buy, for each customer.
    pub(crate) shortlists: Shortlists,
    /// What tells of products new to a customer.
    pub(crate) discovery: Option<DiscoveryModel>,
    /// What those have who say the same of themselves.
    pub(crate) profiles: Option<ProfileModel>,
    pub(crate) ranker: Option<LearnedRanker>,
}

/// The settings a snapshot was trained with, which its overlay has to share.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tuning {
    pub popularity_half_life: HalfLife,
    pub personal_half_life: HalfLife,
    pub neighbours_per_product: u32,
}

/// Every product that was named, in the order of ids; products only events name have no record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Products {
    pub ids: Vec<String>,
    pub records: Vec<Option<ProductRecord>>,
}

/// Every customer with an event, in the order of ids, and what each did with which product.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Customers {
    pub ids: Vec<String>,
    /// Where each customer's rows begin; one more than customers.
    pub offsets: Vec<u32>,
    /// By customer, then product.
    pub rows: Vec<HistoryRow>,
    /// By row, then day.
    pub occasions: Vec<Occasion>,
}

/// What one customer did with one product.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HistoryRow {
    pub product: u32,
    /// How much the customer was drawn to it at the reference time.
    pub weight: f32,
    pub facts: Facts,
    /// Where its days begin among all occasions.
    pub occasions_begin: u32,
    /// How many days there are.
    pub occasions_count: u32,
}

impl Customers {
    /// Rows and their occasions have to come by customer, then by product.
    pub(crate) fn from_sorted_rows(
        ids: Vec<String>,
        numbered_rows: impl IntoIterator<Item = (u32, HistoryRow)>,
        occasions: Vec<Occasion>,
    ) -> Self {
        let mut customers = Self { offsets: vec![0; ids.len() + 1], ids, rows: Vec::new(), occasions };
        for (customer, row) in numbered_rows {
            customers.offsets[customer as usize + 1] += 1;
            customers.rows.push(row);
        }
        for customer in 0..customers.ids.len() {
            customers.offsets[customer + 1] += customers.offsets[customer];
        }
        customers
    }

    /// The days behind a row, in their order.
    pub(crate) fn occasions_of(&self, row: &HistoryRow) -> &[Occasion] {
        &self.occasions[row.occasions_begin as usize..][..row.occasions_count as usize]
    }

    pub(crate) fn find(&self, customer_id: &str) -> Option<usize> {
        self.ids.binary_search_by(|id| id.as_str().cmp(customer_id)).ok()
    }

    pub(crate) fn rows_of(&self, customer: usize) -> &[HistoryRow] {
        &self.rows[self.offsets[customer] as usize..self.offsets[customer + 1] as usize]
    }

    /// The customer's rows; empty for somebody nobody has seen.
    pub(crate) fn rows_by_id(&self, customer_id: &str) -> &[HistoryRow] {
        self.find(customer_id).map_or(&[], |customer| self.rows_of(customer))
    }

    /// The newest day the customer bought anything on.
    pub(crate) fn last_basket(&self, customer: usize) -> Option<i32> {
        let days = self.rows_of(customer).iter().flat_map(|row| self.occasions_of(row));
        days.filter(|occasion| occasion.is_purchase()).map(|occasion| occasion.day).max()
    }

    fn without(&self, customer: usize) -> Self {
        let (begin, end) = (self.offsets[customer] as usize, self.offsets[customer + 1] as usize);
        let first =
            |at: usize| self.rows.get(at).map_or(self.occasions.len(), |row| row.occasions_begin as usize);
        let gone = first(begin)..first(end);
        let mut rest = self.clone();
        rest.ids.remove(customer);
        rest.rows.drain(begin..end);
        rest.occasions.drain(gone.clone());
        for row in &mut rest.rows[begin..] {
            row.occasions_begin -= gone.len() as u32;
        }
        rest.offsets.remove(customer + 1);
        for offset in &mut rest.offsets[customer + 1..] {
            *offset -= (end - begin) as u32;
        }
        rest
    }
}

impl Snapshot {
    /// Whose model it is.
    pub fn tenant(&self) -> &str {
        &self.header.tenant
    }

    /// The model's version.
    pub fn version(&self) -> &str {
        &self.header.version
    }

    /// How far the log of events had been read.
    pub fn watermark(&self) -> Watermark {
        self.header.watermark
    }

    /// When it was trained, in microseconds since 1970 UTC.
    pub fn trained_at_us(&self) -> i64 {
        self.trained_at_us
    }

    /// What its learned ranker was taught to foresee; `None` when it has none.
    pub fn ranker_target(&self) -> Option<Target> {
        self.ranker.as_ref().map(|ranker| ranker.target)
    }

    /// The day the models see things on: the one after the newest event.
    pub(crate) fn reference_day(&self) -> i32 {
        day_of(self.reference_us).saturating_add(1)
    }

    /// Products of the catalogue that are not hidden.
    pub fn product_count(&self) -> usize {
        self.products.records.iter().flatten().filter(|record| !record.hidden).count()
    }

    /// Customers with at least one event.
    pub fn customer_count(&self) -> usize {
        self.customers.ids.len()
    }

    /// Events the models were trained on.
    pub fn interaction_count(&self) -> u64 {
        self.customers.rows.iter().map(|row| u64::from(row.facts.events)).sum()
    }

    /// Whether any event of the customer is in the model.
    pub fn contains_customer(&self, customer_id: &str) -> bool {
        self.customers.find(customer_id).is_some()
    }

    /// The same model as if the customer had never been there, under the same version; `None` when
    /// they are not in it. What is known of products as a whole is derived anew; what customers alike
    /// buy and the ranker are sums over many and stay until the next training.
    pub fn without_customer(&self, customer_id: &str) -> Option<Self> {
        let customer = self.customers.find(customer_id)?;
        let customers = self.customers.without(customer);
        let models = Models::derive(&self.tuning, self.reference_us, self.products.ids.len(), &customers);
        Some(Self {
            header: self.header.clone(),
            tuning: self.tuning.clone(),
            trained_at_us: self.trained_at_us,
            reference_us: self.reference_us,
            products: self.products.clone(),
            customers,
            models,
            shortlists: self.shortlists.without(customer),
            discovery: self.discovery.as_ref().map(|model| model.without_customer(customer)),
            profiles: self.profiles.clone(),
            ranker: self.ranker.clone(),
        })
    }

    /// The snapshot as a file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        format::encode(self)
    }

    /// Reads what [`Snapshot::encode`] wrote.
    ///
    /// # Errors
    /// Bytes that are not a whole, undamaged snapshot of this format are refused; no input panics
    /// or takes more memory than a small multiple of its own size.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        format::decode(bytes)
    }
}
