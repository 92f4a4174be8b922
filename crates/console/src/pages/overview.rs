//! How everything is, on one page: health, sales, incidents, backups and the model that serves. A part that cannot be
//! shown says why and leaves the others alone.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::chart;
use crate::figures;
use crate::refusal::part;
use crate::room::Answer;
use crate::visit::Visit;

const CHART: (f64, f64) = (640.0, 160.0);

/// The first page.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    let (health, sales, stats, incidents, recovery, models) = tokio::join!(
        visit.ask("/health/detailed"),
        visit.ask("/v1/sales/analytics?groupBy=SALES_GROUP_DAY"),
        visit.ask("/v1/market-feedback/stats"),
        visit.ask("/v1/incidents?pageSize=20"),
        visit.ask("/v1/recovery-status"),
        visit.ask("/v1/models?pageSize=20"),
    );
    let sales = part(sales)?;
    let incidents = part(incidents)?;
    let models = part(models)?;
    let content = json!({
        "health": part(health)?,
        "chart": sales_chart(&sales),
        "sales": sales,
        "stats": part(stats)?,
        "open_incidents": open(&incidents),
        "incidents": incidents,
        "recovery": part(recovery)?,
        "model": serving(&models),
        "models": models,
    });
    visit.page("overview.html", content).await
}

fn sales_chart(sales: &Value) -> Value {
    let days = sales["sums"].as_array().map(Vec::as_slice).unwrap_or_default();
    let bars: Vec<(String, f64)> = days
        .iter()
        .map(|sum| {
            let day = sum["group"].as_str().unwrap_or_default().to_owned();
            (day, figures::amount(&sum["amount"]).unwrap_or(0.0))
        })
        .collect();
    chart::bars(&bars, CHART.0, CHART.1)
}

fn open(incidents: &Value) -> Vec<&Value> {
    let all = incidents["incidents"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(|incident| incident["state"] != "INCIDENT_STATE_RESOLVED").collect()
}

fn serving(models: &Value) -> Option<&Value> {
    models["models"].as_array()?.iter().find(|model| model["promoted"] == true)
}
