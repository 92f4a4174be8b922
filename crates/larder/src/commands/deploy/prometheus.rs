//! What Prometheus is asked, where its address is given: whether it reaches everything, what fires, and how many of
//! everybody's calls fail. The queries stand in docs/operations too, where a test looks them up.

use serde_json::Value;
use url::Url;

use super::outcome::{Found, Outcome};
use super::stack::Stack;

const DOWN: &str = "up == 0";
const OURS: &str = "up{job=\"larder\"} == 1";
const ALARMS: &str = "ALERTS{alertstate=\"firing\",severity=\"critical\"}";
const ERROR_SHARE: &str = "larder:api_error_ratio:rate5m";

/// One series of an answer.
struct Series {
    labels: Value,
    value: f64,
}

async fn ask(stack: &Stack, base: &Url, query: &str) -> Result<Vec<Series>, Outcome> {
    let mut url = base.clone();
    url.set_path(&format!("{}/api/v1/query", base.path().trim_end_matches('/')));
    url.query_pairs_mut().append_pair("query", query);
    let answer = stack.get_elsewhere(url).await;
    let answer = answer.map_err(|outcome| Outcome { is_silence: false, ..outcome })?;
    let body = answer.json();
    let Some(result) = body["data"]["result"].as_array() else {
        let found = format!("status {} from {base} to {query}: {}", answer.status, body["error"]);
        return Err(Outcome::fail(found, "see that --prometheus leads to Prometheus"));
    };
    let series = result.iter().map(|series| Series {
        labels: series["metric"].clone(),
        value: series["value"][1].as_str().and_then(|value| value.parse().ok()).unwrap_or_default(),
    });
    Ok(series.collect())
}

/// No target is down, and Larder's own are among those that are up.
pub(super) async fn reaches_everything(stack: &Stack, base: Option<&Url>) -> Found {
    let base = base.ok_or_else(|| Outcome::skipped("name it: --prometheus"))?;
    let down = ask(stack, base, DOWN).await?;
    if let Some(target) = down.first() {
        let (job, instance) = (&target.labels["job"], &target.labels["instance"]);
        return Err(Outcome::fail(format!("{job} {instance} is down"), "docs/runbooks/TargetDown.md"));
    }
    let ours = ask(stack, base, OURS).await?.len();
    if ours == 0 {
        return Err(Outcome::fail(
            "it does not look at Larder",
            "use the shipped deploy/prometheus/prometheus.yml, or give its job the name larder",
        ));
    }
    Ok(format!("nothing is down, {ours} of Larder's ports are looked at"))
}

/// What stands against what was rolled out.
pub(super) async fn alarms(stack: &Stack, base: &Url, error_share: f64) -> Result<Vec<String>, Outcome> {
    let firing = ask(stack, base, ALARMS).await?;
    let name = |series: &Series| series.labels["alertname"].as_str().unwrap_or_default().to_owned();
    let mut alarms: Vec<String> =
        firing.iter().map(|series| format!("the alert {} fires", name(series))).collect();
    let failing = ask(stack, base, ERROR_SHARE).await?;
    let above = failing.iter().filter(|series| series.value > error_share);
    alarms.extend(above.map(|series| {
        format!("{:.2} % of all calls fail, more than {} %", series.value * 100.0, error_share * 100.0)
    }));
    Ok(alarms)
}
