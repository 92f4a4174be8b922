//! Files out: every list as Excel, CSV or Parquet, and templates to fill in.

use std::sync::Arc;

use serde_json::json;

use crate::room::Answer;
use crate::visit::Visit;

/// What can be taken out.
const KINDS: [&str; 7] =
    ["customers", "products", "promotions", "budgets", "transactions", "market-plans", "feedback"];
const FORMATS: [&str; 3] = ["xlsx", "csv", "parquet"];

/// The links.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    visit.page("exports.html", json!({"kinds": KINDS, "formats": FORMATS})).await
}
