//! Incidents: the list, one with its timeline, what people do about it, and silences.

use std::sync::Arc;

use jiff::ToSpan;
use serde_json::{Value, json};

use super::listing::{about, list};
use crate::clock;
use crate::fields::target;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

/// What a form of an incident may do, and what a note is called there.
const DEEDS: [(&str, &str); 3] = [("acknowledge", "note"), ("resolve", "note"), ("snooze", "note")];
/// A silence or a snooze that says nothing else.
const USUAL_HOURS: f64 = 2.0;
/// Nobody is silenced for longer by a form.
const MOST_HOURS: f64 = 24.0 * 30.0;

/// Incidents of a state, and the silences in force.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render_list(&visit, None).await
}

async fn render_list(visit: &Visit, refused: Option<Refusal>) -> Answer {
    let (incidents, silences) = tokio::join!(
        list(visit, "/v1/incidents", &[("state", "state")]),
        visit.ask("/v1/silences?pageSize=100")
    );
    let content = json!({"incidents": incidents?, "silences": part(silences)?, "problem": refused});
    visit.page("incidents.html", content).await
}

/// One incident.
pub(crate) async fn one(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    render_one(&visit, &id, None).await
}

async fn render_one(visit: &Visit, id: &str, refused: Option<Refusal>) -> Answer {
    let incident = visit.ask(&about("/v1/incidents/{}", id)).await?;
    let mut found = incident;
    found["problem"] = json!(refused);
    visit.page("incident.html", found).await
}

/// Acknowledges, resolves, snoozes or adds a note, as the button says.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    let (deed, note) = (visit.form.get("deed"), visit.form.get("note"));
    let sent = match deed {
        "note" => visit.tell(&about("/v1/incidents/{}/notes", &id), &json!({"text": note})).await,
        _ => match DEEDS.iter().find(|(name, _)| *name == deed) {
            Some((name, field)) => {
                let mut body = json!({ (*field): note });
                if *name == "snooze" {
                    body = json!({"durationSeconds": (hours(&visit)? * 3_600.0).round()});
                }
                visit.tell(&format!("{}:{name}", about("/v1/incidents/{}", &id)), &body).await
            }
            None => Err(Refusal::new(400, "deed must be note, acknowledge, resolve or snooze")),
        },
    };
    match sent {
        Ok(_) => visit.go(&about("/console/incidents/{}", &id), "incident_told"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render_one(&visit, &id, Some(refusal)).await,
    }
}

/// Silences alerts whose labels match, for some hours.
pub(crate) async fn silence(visit: Arc<Visit>) -> Answer {
    let matchers: Vec<Value> = visit.form.get("matchers").split(',').filter_map(matcher).collect();
    let sent = match hours_from_now(&visit) {
        Ok((starts_at, ends_at)) => {
            let comment = visit.form.get("comment");
            let silence =
                json!({"matchers": matchers, "startsAt": starts_at, "endsAt": ends_at, "comment": comment});
            visit.tell("/v1/silences", &silence).await
        }
        Err(refusal) => Err(refusal),
    };
    match sent {
        Ok(_) => visit.go("/console/incidents", "silence_made"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render_list(&visit, Some(refusal)).await,
    }
}

/// Ends a silence now.
pub(crate) async fn end_silence(visit: Arc<Visit>) -> Answer {
    let path = about("/v1/silences/{}", visit.form.get("silence"));
    visit.send(http::Method::DELETE, &path, None).await?;
    visit.go(&target("/console/incidents", &[]), "silence_ended")
}

/// The hours a form says.
fn hours(visit: &Visit) -> Result<f64, Refusal> {
    let typed = visit.form.number("hours").unwrap_or(json!(USUAL_HOURS));
    let hours = typed.as_f64().filter(|hours| *hours > 0.0 && *hours <= MOST_HOURS);
    hours.ok_or_else(|| Refusal::new(400, "hours must be a number above 0, up to 720"))
}

/// Now, and so many hours later as the form says.
fn hours_from_now(visit: &Visit) -> Result<(String, String), Refusal> {
    let now = clock::now();
    let ends = now.saturating_add(((hours(visit)? * 3_600.0).round() as i64).seconds());
    let ends = ends.map_err(|_| Refusal::new(400, "hours must be a number above 0, up to 720"))?;
    Ok((now.to_string(), ends.to_string()))
}

/// `name=value`, `name!=value`, `name=~value` or `name!~value`.
fn matcher(typed: &str) -> Option<Value> {
    for (sign, regex, negative) in
        [("!=", false, true), ("=~", true, false), ("!~", true, true), ("=", false, false)]
    {
        if let Some((name, value)) = typed.split_once(sign) {
            let value = value.trim().trim_matches('"');
            return Some(json!({"name": name.trim(), "value": value, "regex": regex, "negative": negative}));
        }
    }
    // What is no condition is refused by the service, which says what would be one.
    Some(typed.trim()).filter(|typed| !typed.is_empty()).map(|typed| json!({"name": typed}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_alertmanager_writes_them() {
        let plain = |value: Option<Value>| {
            value.map(|v| (v["name"].clone(), v["value"].clone(), v["regex"] == true, v["negative"] == true))
        };
        assert_eq!(
            plain(matcher(" severity=\"warning\" ")),
            Some((json!("severity"), json!("warning"), false, false))
        );
        assert_eq!(plain(matcher("job=~a.*")), Some((json!("job"), json!("a.*"), true, false)));
        assert_eq!(plain(matcher("job!=b")), Some((json!("job"), json!("b"), false, true)));
        assert_eq!(matcher("  "), None);
        assert_eq!(matcher("loose").unwrap()["name"], "loose");
    }
}
