//! Models: which one serves, how good each was measured to be, and the few things that can be done with them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::listing::{about, list};
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// The versions, the newest first, and the settings they are trained with.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, None).await
}

async fn render(visit: &Visit, refused: Option<Refusal>) -> Answer {
    let (models, demand, settings) = tokio::join!(
        list(visit, "/v1/models", &[]),
        visit.ask("/v1/demand-models?pageSize=20"),
        visit.ask("/v1/models/settings")
    );
    let content = json!({
        "models": models?, "demand": part(demand)?, "settings": part(settings)?, "problem": refused,
    });
    visit.page("models.html", content).await
}

/// One version with its evaluation.
pub(crate) async fn one(visit: Arc<Visit>) -> Answer {
    let found = visit.ask(&about("/v1/models/{}", &visit.last_segment())).await?;
    visit.page("model.html", found).await
}

/// Promotes, pins, rolls back or trains, as the button says.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let version = visit.form.get("version");
    let path = |verb: &str| format!("{}:{verb}", about("/v1/models/{}", version));
    let nothing = json!({});
    let (sent, done): (Result<Value, Refusal>, &str) = match visit.form.get("deed") {
        "promote" => (visit.tell(&path("promote"), &nothing).await, "model_promoted"),
        "pin" => (visit.tell(&path("pin"), &nothing).await, "model_pinned"),
        "unpin" => (visit.tell(&path("pin"), &json!({"unpin": true})).await, "model_unpinned"),
        "roll_back" => (visit.tell("/v1/models:rollBack", &nothing).await, "model_rolled_back"),
        "train" => (visit.start("/v1/models:train", &nothing).await, "training_started"),
        "roll_back_demand" => {
            let body = json!({"reason": visit.form.get("reason")});
            (visit.tell("/v1/demand-models:rollBack", &body).await, "model_rolled_back")
        }
        _ => (Err(Refusal::new(400, "deed must be promote, pin, unpin, roll_back or train")), ""),
    };
    match sent {
        Ok(_) => visit.go("/console/models", done),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, Some(refusal)).await,
    }
}
