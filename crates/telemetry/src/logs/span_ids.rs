//! The ids that a span's own fields name, for work outside requests: a job's span with `tenant_id` marks its lines.

use std::fmt::Debug;

use tracing::field::{Field, Visit};

use super::LineIds;

/// Fields of a span that belong at the top level of its log lines.
#[derive(Debug, Default)]
pub(crate) struct SpanIds {
    correlation_id: Option<String>,
    tenant_id: Option<String>,
}

impl SpanIds {
    /// Whether spans with this field are worth keeping for their lines.
    pub(crate) fn names(field: &str) -> bool {
        matches!(field, "correlation_id" | "tenant_id")
    }

    /// Gives the line what nearer spans and the request have not said.
    pub(crate) fn fill(&self, ids: &mut LineIds) {
        fill(&mut ids.correlation_id, self.correlation_id.as_ref());
        fill(&mut ids.tenant_id, self.tenant_id.as_ref());
    }
}

fn fill(id: &mut Option<String>, from: Option<&String>) {
    if id.is_none() {
        *id = from.cloned();
    }
}

impl Visit for SpanIds {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "correlation_id" => self.correlation_id = Some(value.to_owned()),
            "tenant_id" => self.tenant_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if Self::names(field.name()) {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}
