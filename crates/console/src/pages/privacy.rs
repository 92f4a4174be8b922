//! Personal data: how long each kind is kept, on whom a hold is, who was erased with which proof, and the documents.

use std::sync::Arc;

use serde_json::json;

use super::listing::{about, list};
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// What is typed before what is past its period is deleted.
const CONFIRMED: &str = "delete";

/// Periods, holds, erasures and documents.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, None).await
}

async fn render(visit: &Visit, refused: Option<Refusal>) -> Answer {
    let (retention, holds, erasures) = tokio::join!(
        visit.ask("/v1/privacy/retention:preview"),
        visit.ask("/v1/privacy/holds"),
        list(visit, "/v1/privacy/erasures", &[])
    );
    let content = json!({
        "retention": part(retention)?,
        "holds": part(holds)?,
        "erasures": erasures?,
        "problem": refused,
    });
    visit.page("privacy.html", content).await
}

/// Deletes what is past its period, once that was typed.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let form = &visit.form;
    let sent = match form.get("deed") {
        "apply" if form.get("confirm") != CONFIRMED => {
            Err(Refusal::new(400, format!("confirm must be {CONFIRMED}, letter by letter")))
        }
        "apply" => visit.tell("/v1/privacy/retention:apply", &json!({})).await,
        _ => Err(Refusal::new(400, "deed must be apply")),
    };
    match sent {
        Ok(_) => visit.go("/console/privacy", "privacy_told"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, Some(refusal)).await,
    }
}

/// A document made of the inventory and the settings.
pub(crate) async fn document(visit: Arc<Visit>) -> Answer {
    let document = visit.ask(&about("/v1/privacy/documents/{}", &visit.last_segment())).await?;
    visit.page("privacy_document.html", document).await
}

/// The report of an erasure.
pub(crate) async fn report(visit: Arc<Visit>) -> Answer {
    let report = visit.ask(&about("/v1/privacy/erasures/{}", &visit.last_segment())).await?;
    visit.page("erased.html", report).await
}
