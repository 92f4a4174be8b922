//! Backups: to which second everything could be brought back, when that was last proven, and what can be done. A
//! restore wants the name of its backup typed.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::listing::{about, list};
use crate::clock;
use crate::refusal::{Refusal, part};
use crate::room::Answer;
use crate::visit::Visit;

const DRAWN_WIDTH: f64 = 640.0;
const MINUTE_S: f64 = 60.0;

/// The promise as it stands, and every backup.
pub(crate) async fn show(visit: Arc<Visit>) -> Answer {
    render(&visit, None, Value::Null).await
}

async fn render(visit: &Visit, refused: Option<Refusal>, operation: Value) -> Answer {
    let (recovery, backups, retention) = tokio::join!(
        visit.ask("/v1/recovery-status"),
        list(visit, "/v1/backups", &[]),
        visit.ask("/v1/backup-retention:preview")
    );
    let (recovery, backups) = (part(recovery)?, backups?);
    let content = json!({
        "drawn": drawn(&recovery, &backups, clock::now()),
        "recovery": recovery,
        "backups": backups,
        "retention": part(retention)?,
        "problem": refused,
        "operation": operation,
        "asked": visit.query.get("restore"),
    });
    visit.page("backups.html", content).await
}

/// One backup as each target holds it, with what its last drill found.
pub(crate) async fn one(visit: Arc<Visit>) -> Answer {
    let id = visit.last_segment();
    let mut content = visit.ask(&about("/v1/backups/{}", &id)).await?;
    content["id"] = json!(id);
    visit.page("backup.html", content).await
}

/// Takes, verifies, drills, holds or restores, as the button says.
pub(crate) async fn act(visit: Arc<Visit>) -> Answer {
    let form = &visit.form;
    let backup = form.get("backup");
    let path = |verb: &str| format!("{}:{verb}", about("/v1/backups/{}", backup));
    let sent = match form.get("deed") {
        "take" => visit.start("/v1/backups", &json!({"kind": form.get("kind")})).await,
        "verify" => visit.start(&path("verify"), &json!({})).await,
        "drill" => visit.start("/v1/backups:drill", &json!({"backupId": backup})).await,
        "hold" => visit.tell(&path("hold"), &json!({"reason": form.get("reason")})).await,
        "release" => visit.tell(&path("hold"), &json!({"release": true})).await,
        "restore" if form.get("confirm") != backup || backup.is_empty() => {
            Err(Refusal::new(400, "confirm must be the name of the backup, letter by letter"))
        }
        "restore" => {
            let body = json!({"backupId": backup, "folder": form.get("folder")});
            visit.start("/v1/backups:restore", &body).await
        }
        _ => Err(Refusal::new(400, "deed must be take, verify, drill, hold, release or restore")),
    };
    match sent {
        Ok(answer) if answer.get("operation").is_some() => {
            render(&visit, None, answer["operation"].clone()).await
        }
        Ok(_) => visit.go("/console/backups", "backup_told"),
        Err(refusal) if refusal.wants_sign_in() => Err(refusal),
        Err(refusal) => render(&visit, Some(refusal), Value::Null).await,
    }
}

/// The stretches of time that can be restored to, and the backups in them, on one line from the oldest until now.
fn drawn(recovery: &Value, backups: &Value, now: Timestamp) -> Value {
    let at = |value: &Value| value.as_str().and_then(|text| text.parse::<Timestamp>().ok()).map(seconds);
    let windows: Vec<(f64, f64)> = recovery["windows"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|window| Some((at(&window["startAt"])?, at(&window["endAt"])?)))
        .collect();
    let points: Vec<f64> = backups["backups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|backup| at(&backup["stoppedAt"]))
        .collect();
    let end = seconds(now);
    let start = windows.iter().map(|window| window.0).chain(points.iter().copied()).fold(end, f64::min);
    let span = (end - start).max(MINUTE_S);
    let place = |second: f64| (((second - start) / span).clamp(0.0, 1.0) * DRAWN_WIDTH * 10.0).round() / 10.0;
    json!({
        "windows": windows.iter().map(|(from, to)| {
            json!({"x": place(*from), "width": (place(*to) - place(*from)).max(2.0)})
        }).collect::<Vec<_>>(),
        "points": points.iter().map(|point| json!({"x": place(*point)})).collect::<Vec<_>>(),
        "start": Timestamp::from_second(start as i64).map(|at| at.to_string()).unwrap_or_default(),
    })
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_between_the_oldest_and_now() {
        let recovery =
            json!({"windows": [{"startAt": "2026-11-20T00:00:00Z", "endAt": "2026-11-21T00:00:00Z"}]});
        let backups = json!({"backups": [{"stoppedAt": "2026-11-22T00:00:00Z"}]});
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        let drawn = drawn(&recovery, &backups, now);
        assert_eq!((&drawn["windows"][0]["x"], &drawn["windows"][0]["width"]), (&json!(0.0), &json!(160.0)));
        assert_eq!(drawn["points"][0]["x"], 320.0);
        assert_eq!(super::drawn(&Value::Null, &Value::Null, now)["windows"], json!([]));
    }
}
