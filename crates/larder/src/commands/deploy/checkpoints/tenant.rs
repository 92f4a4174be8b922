//! What a key of the right scope is told: keys, models, backups, who is on call. A key without the scope has the
//! checkpoint skipped; what a caller needs is a matter of the smoke tests.

use serde_json::Value;

use super::Facts;
use crate::commands::deploy::arguments::Service;
use crate::commands::deploy::judge;
use crate::commands::deploy::measure::whole;
use crate::commands::deploy::outcome::{Found, Outcome};

/// Beyond this many milliseconds it is no longer seconds.
const LOST_LIMIT_MS: i64 = 60_000;

async fn read(facts: &Facts<'_>, path: &str, scope: &str) -> Result<Value, Outcome> {
    let answer = facts.stack.get(path).await?;
    if answer.status == 403 {
        return Err(Outcome::skipped(format!("the key lacks {scope}")));
    }
    judge::answered(&answer, scope)
}

fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

pub(super) async fn addresses(facts: &Facts<'_>) -> Found {
    let answer = read(facts, "/v1/audit-events?pageSize=100", "audit.read").await?;
    let newest = rows(&answer, "events").iter().map(|event| text(event, "address"));
    let Some(newest) = newest.into_iter().find(|address| !address.is_empty()) else {
        return Err(Outcome::skipped(
            "the audit log has no call from an address yet: sign in, and look again",
        ));
    };
    let is_proxy = newest.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if is_proxy && !facts.stack.is_local() {
        return Err(Outcome::fail(
            format!("the newest caller is {newest}, which is the proxy"),
            "name the proxy's network in gateway.trusted_proxies",
        ));
    }
    Ok(format!("the newest caller is {newest}; see that it is no address of the proxy"))
}

pub(super) async fn keys(facts: &Facts<'_>) -> Found {
    let answer = read(facts, "/v1/api-keys?pageSize=1000", "keys.read").await?;
    let live: Vec<&Value> =
        rows(&answer, "apiKeys").iter().filter(|key| key["revokeTime"].is_null()).collect();
    let everything = live.iter().find(|key| rows(key, "scopes").iter().any(|scope| scope == "*"));
    match everything {
        Some(key) => Err(Outcome::fail(
            format!("the key lrd_{} ({}) may do everything", text(key, "prefix"), text(key, "displayName")),
            "make one with the scopes it needs, and revoke this one: `larder token create-key`, `larder token revoke-key`",
        )),
        None => Ok(format!("{} keys, none for everything", live.len())),
    }
}

pub(super) async fn model(facts: &Facts<'_>) -> Found {
    let answer = read(facts, "/v1/models?pageSize=1000", "models.read").await?;
    let serving = rows(&answer, "models").iter().find(|model| model["promoted"] == true);
    match serving {
        Some(model) => Ok(text(model, "modelVersion").to_owned()),
        None => Err(Outcome::fail("no model serves this tenant", "`larder models train`")),
    }
}

async fn listed(facts: &Facts<'_>) -> Result<Vec<Value>, Outcome> {
    facts.stack.lacks(Service::Backup)?;
    let answer = read(facts, "/v1/backups?pageSize=1000", "backups.read").await?;
    match rows(&answer, "backups") {
        [] => Err(Outcome::fail("there is no backup", "`larder backup create --kind full`")),
        backups => Ok(backups.to_vec()),
    }
}

pub(super) async fn backups(facts: &Facts<'_>) -> Found {
    let backups = listed(facts).await?;
    let newest = text(&backups[0], "backupId");
    let mut targets: Vec<&str> = backups.iter().map(|backup| text(backup, "target")).collect();
    targets.sort_unstable();
    targets.dedup();
    let has = |target: &str| {
        backups.iter().any(|backup| text(backup, "backupId") == newest && text(backup, "target") == target)
    };
    match targets.iter().find(|target| !has(target)) {
        Some(target) => Err(Outcome::fail(
            format!("{newest} is not at {target}"),
            "see why the target did not take it: the log of the backup service, docs/runbooks/BackupFails.md",
        )),
        None => Ok(format!("{newest} at {}", targets.join(", "))),
    }
}

async fn status(facts: &Facts<'_>) -> Result<Value, Outcome> {
    facts.stack.lacks(Service::Backup)?;
    read(facts, "/v1/recovery-status", "backups.read").await
}

pub(super) async fn lost(facts: &Facts<'_>) -> Found {
    let status = status(facts).await?;
    let way_out = "`larder backup status` names what stands in the way; docs/operations/backup-restore.md";
    match whole(&status["rpoMs"]) {
        Some(lost_ms) if lost_ms <= LOST_LIMIT_MS => Ok(format!("{:.1} s", lost_ms as f64 / 1e3)),
        Some(lost_ms) => Err(Outcome::fail(format!("{} s would be lost", lost_ms / 1_000), way_out)),
        None => Err(Outcome::fail("nothing can be restored", way_out)),
    }
}

pub(super) async fn proven(facts: &Facts<'_>) -> Found {
    let status = status(facts).await?;
    if status["proven"] == true {
        return Ok(format!("proven at {}", text(&status, "lastProvenAt")));
    }
    Err(Outcome::fail("the newest backup has not been restored by a drill", "`larder backup drill`"))
}

pub(super) async fn whole_bytes(facts: &Facts<'_>) -> Found {
    let backups = listed(facts).await?;
    let (id, verified) = (text(&backups[0], "backupId"), text(&backups[0], "verifiedAt"));
    if verified.is_empty() {
        return Err(Outcome::fail(
            format!("{id} was never read again"),
            format!("`larder backup verify {id}`"),
        ));
    }
    Ok(format!("{id} was read again at {verified}"))
}

pub(super) async fn on_call(facts: &Facts<'_>) -> Found {
    facts.stack.lacks(Service::Alerting)?;
    let answer = read(facts, "/v1/on-call", "alerting.read").await?;
    let way_out = "a schedule in alerting.on_call_file that somebody is in now: docs/operations/on-call.md";
    let schedules = rows(&answer, "onCall");
    if schedules.is_empty() {
        return Err(Outcome::fail("there is no schedule", way_out));
    }
    match schedules.iter().find(|schedule| text(schedule, "contact").is_empty()) {
        Some(schedule) => {
            Err(Outcome::fail(format!("nobody is on call in {}", text(schedule, "schedule")), way_out))
        }
        None => Ok(schedules.iter().map(|row| text(row, "contact")).collect::<Vec<_>>().join(", ")),
    }
}
