//! A trained model of one tenant, immutable.

use crate::{SnapshotError, Watermark};

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
    pub(crate) trained_at_us: i64,
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

    /// Products of the catalogue that are not hidden.
    pub fn product_count(&self) -> usize {
        0
    }

    /// Customers with at least one event.
    pub fn customer_count(&self) -> usize {
        0
    }

    /// Events the models were trained on.
    pub fn interaction_count(&self) -> u64 {
        0
    }

    /// Whether any event of the customer is in the model.
    pub fn contains_customer(&self, _customer_id: &str) -> bool {
        false
    }

    /// The same model as if the customer had never been there; `None` when they are not in it.
    pub fn without_customer(&self, _customer_id: &str) -> Option<Self> {
        None
    }

    /// The snapshot as a file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Reads what [`Snapshot::encode`] wrote.
    pub fn decode(_bytes: &[u8]) -> Result<Self, SnapshotError> {
        Err(SnapshotError::NotASnapshot)
    }
}
