//! The chain of hashes, computed here independently of the database that wrote it: SHA-256 over the hash before and the
//! event's fields as netstrings, `<length in bytes>:<text>,`. Whoever has an export can do the same.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};
use larder_identity::TenantId;

use crate::store::audit::AuditRow;

/// A chain, followed from its beginning.
pub(crate) struct Chain {
    tenant: TenantId,
    length: i64,
    head: Vec<u8>,
}

impl Chain {
    /// The chain of a tenant before its first event.
    pub(crate) fn of(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), length: 0, head: Vec::new() }
    }

    /// Takes the next event, if it is the one that was written next.
    pub(crate) fn continues_with(&mut self, row: &AuditRow) -> bool {
        let mut text = String::new();
        for field in [
            self.tenant.as_str(),
            &row.sequence.to_string(),
            &row.event_id.to_string(),
            &row.at_us.to_string(),
            &row.actor,
            &row.action,
            &row.target,
            &row.address,
            &row.outcome,
            &row.correlation_id,
        ] {
            let _ = write!(text, "{}:{field},", field.len());
        }
        let expected = digest(&SHA256, &[self.head.as_slice(), text.as_bytes()].concat());
        if row.sequence != self.length + 1 || row.hash != expected.as_ref() {
            return false;
        }
        self.length = row.sequence;
        self.head.clone_from(&row.hash);
        true
    }

    /// How many events there are so far.
    pub(crate) fn length(&self) -> i64 {
        self.length
    }

    /// The hash of the last of them; empty before the first.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }
}
