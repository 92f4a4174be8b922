//! Experiments: which ways of recommending are compared, and what each brought.

use std::sync::Arc;

use serde_json::{Value, json};

use super::listing::{about, list};
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// All experiments.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, None).await
}

async fn render(visit: &Visit, refused: Option<Refusal>) -> Answer {
    let (experiments, models) =
        tokio::join!(list(visit, "/v1/experiments", &[]), visit.ask("/v1/models?pageSize=50"));
    let content = json!({"experiments": experiments?, "models": part(models)?["models"], "problem": refused});
    visit.page("experiments.html", content).await
}

/// One experiment with its results.
pub(crate) async fn one(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    let (path, results) = (about("/v1/experiments/{}", &id), about("/v1/experiments/{}/results", &id));
    let (experiment, results) = tokio::join!(visit.ask(&path), visit.ask(&results));
    let content = json!({"experiment": experiment?["experiment"], "results": part(results)?});
    visit.page("experiment.html", content).await
}

/// Starts one of two arms, or stops one.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let form = &visit.form;
    let sent = match form.get("deed") {
        "stop" => {
            visit.tell(&format!("{}:stop", about("/v1/experiments/{}", form.get("id"))), &json!({})).await
        }
        "start" => visit.tell("/v1/experiments", &json!({ "experiment": experiment(&visit) })).await,
        _ => Err(Refusal::new(400, "deed must be start or stop")),
    };
    match sent {
        Ok(_) => visit.go("/console/experiments", "kept"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, Some(refusal)).await,
    }
}

fn experiment(visit: &Visit) -> Value {
    let form = &visit.form;
    let share = form.number("share").unwrap_or(json!(0.5));
    let rest = share.as_f64().map_or(json!(0.5), |share| json!(1.0 - share));
    let mut arrangement = json!({});
    for (field, name) in [("diversity", "diversity"), ("exploration", "exploration")] {
        if let Some(value) = form.number(field) {
            arrangement[name] = value;
        }
    }
    json!({
        "experimentId": form.get("id"),
        "name": form.get("name"),
        "placement": form.get("placement"),
        "arms": [
            {"arm": "as-it-is", "share": rest},
            {"arm": "tried", "share": share, "modelVersion": form.get("model"), "arrangement": arrangement},
        ],
    })
}
