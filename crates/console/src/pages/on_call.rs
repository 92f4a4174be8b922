//! Who is on call: now, in the next two weeks, and who takes a shift of somebody else.

use std::sync::Arc;

use futures::StreamExt;
use http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::listing::about;
use crate::clock;
use crate::fields::target;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// Days of the calendar, and at what distance they are asked for.
const DAYS: i64 = 14;
const AT_ONCE: usize = 4;

/// The calendar and the overrides.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, None).await
}

async fn render(visit: &Visit, refused: Option<Refusal>) -> Answer {
    let now = clock::now();
    let (current, heartbeats, probes) =
        tokio::join!(visit.ask("/v1/on-call"), visit.ask("/v1/heartbeats"), visit.ask("/v1/probes"));
    let current = part(current)?;
    let schedules: Vec<String> = current["onCall"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["schedule"].as_str().map(str::to_owned))
        .collect();
    let overrides = overrides_of(visit, &schedules).await?;
    let content = json!({
        "days": days(visit, now).await?,
        "current": current,
        "schedules": schedules,
        "overrides": overrides,
        "heartbeats": part(heartbeats)?,
        "probes": part(probes)?,
        "problem": refused,
    });
    visit.page("on_call.html", content).await
}

/// Who is on call at the same hour of each of the next days.
async fn days(visit: &Visit, now: Timestamp) -> Result<Vec<Value>, Refusal> {
    let asked = (0..DAYS).map(|ahead| async move {
        let at = now.saturating_add(SignedDuration::from_hours(24 * ahead)).unwrap_or(now).to_string();
        let answer = visit.ask(&target("/v1/on-call", &[("at", &at)])).await;
        part(answer).map(|answer| json!({"at": at, "onCall": answer["onCall"]}))
    });
    let answers: Vec<Result<Value, Refusal>> = futures::stream::iter(asked).buffered(AT_ONCE).collect().await;
    answers.into_iter().collect()
}

async fn overrides_of(visit: &Visit, schedules: &[String]) -> Result<Vec<Value>, Refusal> {
    let mut all = Vec::new();
    for schedule in schedules {
        let answer = part(visit.ask(&about("/v1/schedules/{}/overrides", schedule)).await)?;
        all.extend(answer["overrides"].as_array().cloned().unwrap_or_default());
    }
    Ok(all)
}

/// Takes a shift, or gives it back.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let form = &visit.form;
    let sent = match form.get("deed") {
        "take" => {
            let body = json!({
                "contact": form.get("contact"), "startsAt": instant(form.get("starts")), "endsAt": instant(form.get("ends")),
            });
            visit.tell(&about("/v1/schedules/{}/overrides", form.get("schedule")), &body).await
        }
        "give_back" => {
            visit.send(Method::DELETE, &about("/v1/overrides/{}", form.get("override")), None).await
        }
        _ => Err(Refusal::new(400, "deed must be take or give_back")),
    };
    match sent {
        Ok(_) => visit.go("/console/on-call", "kept"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, Some(refusal)).await,
    }
}

/// What a browser's field of a day and a time says, taken for UTC as the page shows times.
fn instant(typed: &str) -> Value {
    match typed.len() {
        16 => json!(format!("{typed}:00Z")),
        _ => json!(typed),
    }
}
