//! Tenants, for those who operate the installation: adding one, and keeping its callers out for a while.

use std::sync::Arc;

use serde_json::json;

use super::listing::{about, list};
use crate::refusal::Refusal;
use crate::room::Answer;
use crate::visit::Visit;

/// All tenants.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, None).await
}

async fn render(visit: &Visit, refused: Option<Refusal>) -> Answer {
    let tenants = list(visit, "/v1/tenants", &[]).await?;
    visit.page("tenants.html", json!({"tenants": tenants, "problem": refused})).await
}

/// Adds, suspends or resumes. Suspending wants the tenant's name typed.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let form = &visit.form;
    let tenant = form.get("tenant");
    let path = |verb: &str| format!("{}:{verb}", about("/v1/tenants/{}", tenant));
    let sent = match form.get("deed") {
        "add" => {
            visit.tell("/v1/tenants", &json!({"tenantId": tenant, "displayName": form.get("name")})).await
        }
        "suspend" if form.get("confirm") != tenant => {
            Err(Refusal::new(400, "confirm must be the tenant, letter by letter"))
        }
        "suspend" => visit.tell(&path("suspend"), &json!({"reason": form.get("reason")})).await,
        "resume" => visit.tell(&path("resume"), &json!({})).await,
        _ => Err(Refusal::new(400, "deed must be add, suspend or resume")),
    };
    match sent {
        Ok(_) => visit.go("/console/tenants", "tenant_changed"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, Some(refusal)).await,
    }
}
