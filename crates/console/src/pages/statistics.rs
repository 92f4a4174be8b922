//! What feedback says of the plans: how right they were, what was wasted, and what they saved.

use std::sync::Arc;

use serde_json::{Value, json};

use super::recommendations::product_names;
use crate::chart;
use crate::fields::target;
use crate::figures;
use crate::refusal::part;
use crate::room::Answer;
use crate::visit::Visit;

const CHART: (f64, f64) = (640.0, 160.0);
const PATH: &str = "/v1/market-feedback/stats";

/// All of it by week, and by product.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let market = visit.query.get("market");
    let by = |group| target(PATH, &[("groupBy", group), ("marketId", market)]);
    let (by_week, by_product) = (by("FEEDBACK_GROUP_WEEK"), by("FEEDBACK_GROUP_PRODUCT"));
    let (weeks, products, markets) =
        tokio::join!(visit.ask(&by_week), visit.ask(&by_product), visit.ask("/v1/markets?pageSize=200"));
    let (weeks, products) = (part(weeks)?, part(products)?);
    let ids: Vec<&str> = rows(&products).iter().filter_map(|row| row["productId"].as_str()).collect();
    let names = product_names(&visit, ids.into_iter().take(200)).await?;
    let content = json!({
        "accuracy": weekly(&weeks, |row| figures::as_number(&row["accuracyRate"]).map(|rate| rate * 100.0)),
        "waste": weekly(&weeks, |row| figures::amount(&row["wasteCost"])),
        "weeks": weeks,
        "products": products,
        "names": names,
        "markets": part(markets)?["markets"],
        "market": market,
    });
    visit.page("statistics.html", content).await
}

fn rows(stats: &Value) -> &[Value] {
    stats["stats"].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn weekly(stats: &Value, value: impl Fn(&Value) -> Option<f64>) -> Value {
    let mut weeks: Vec<(String, f64)> = rows(stats)
        .iter()
        .filter_map(|row| {
            Some((figures::as_day(&row["periodStartsOn"])?.to_string(), value(row).unwrap_or(0.0)))
        })
        .collect();
    weeks.sort_by(|one, other| one.0.cmp(&other.0));
    let from = weeks.len().saturating_sub(26);
    chart::bars(&weeks[from..], CHART.0, CHART.1)
}
