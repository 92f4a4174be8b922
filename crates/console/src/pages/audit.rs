//! The audit log: who did what, and whether it is as it was written.

use std::sync::Arc;

use serde_json::json;

use super::listing::list;
use crate::refusal::part;
use crate::room::Answer;
use crate::visit::Visit;

/// Events, the newest first; with `verify` the whole chain is read.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let events = list(&visit, "/v1/audit-events", &[("actor", "actor"), ("action", "action")]).await?;
    let verified = match visit.query.given("verify") {
        Some(_) => Some(part(visit.ask("/v1/audit-events:verify").await)?),
        None => None,
    };
    visit.page("audit.html", json!({"events": events, "verified": verified})).await
}
