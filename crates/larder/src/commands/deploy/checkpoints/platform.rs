//! What the services report of themselves: by the gateway for `platform.read`, or each by its own ops port.

use serde_json::Value;

use super::Facts;
use crate::commands::deploy::outcome::{Found, Outcome};
use crate::commands::deploy::stack::Stack;

/// The report of every service.
pub(in crate::commands::deploy) async fn services(stack: &Stack) -> Result<Vec<Value>, Outcome> {
    let answer = stack.get("/health/detailed").await?;
    if let Value::Array(services) = &answer.json()["services"] {
        let lacks = |name: &Value| stack.without.iter().any(|missing| *name == missing.name());
        return Ok(services.iter().filter(|service| !lacks(&service["service"])).cloned().collect());
    }
    if stack.ops.is_empty() {
        return Err(Outcome::skipped(
            "the key lacks platform.read, and no ops port is known: --here on its machine, or --ops",
        ));
    }
    let mut services = Vec::new();
    for (service, url) in &stack.ops {
        let url = url.join("/health/detailed").map_err(|error| Outcome::fail(error.to_string(), ""))?;
        let answer = stack.get_elsewhere(url).await;
        let answer = answer.map_err(|outcome| Outcome { is_silence: false, ..outcome })?;
        let mut report = answer.json();
        if report.is_null() {
            report =
                serde_json::json!({"service": service.name(), "cause": "its ops port is none of Larder's"});
        }
        services.push(report);
    }
    Ok(services)
}

fn name(service: &Value) -> &str {
    service["service"].as_str().unwrap_or("?")
}

pub(super) async fn version(facts: &Facts<'_>) -> Found {
    let services = services(facts.stack).await?;
    let wanted = &facts.expected_version;
    for service in &services {
        let version = service["version"].as_str().unwrap_or("unknown: it does not answer");
        if version != wanted {
            return Err(Outcome::fail(
                format!("{} is version {version} instead of {wanted}", name(service)),
                "roll out what was meant, or name it with --expect-version",
            ));
        }
    }
    Ok(format!("{wanted} of {} services", services.len()))
}

pub(super) async fn healthy(facts: &Facts<'_>) -> Found {
    let mut complaints = Vec::new();
    let mut count = 0;
    for service in &services(facts.stack).await? {
        if let Some(cause) = service["cause"].as_str() {
            complaints.push(format!("{}: {cause}", name(service)));
        }
        for check in service["checks"].as_array().into_iter().flatten() {
            count += 1;
            if check["level"] != "healthy" {
                let (what, level) = (check["name"].as_str(), check["level"].as_str());
                let cause = check["cause"].as_str().unwrap_or_default();
                let (what, level) = (what.unwrap_or_default(), level.unwrap_or_default());
                complaints.push(format!("{} {what} is {level}: {cause}", name(service)));
            }
        }
    }
    if complaints.is_empty() {
        return Ok(format!("{count} checks"));
    }
    Err(Outcome::fail(complaints.join("; "), "docs/operations/symptoms.md, and the runbook of what it names"))
}

pub(super) async fn disk(facts: &Facts<'_>) -> Found {
    let mut count = 0;
    for service in &services(facts.stack).await? {
        let checks = service["checks"].as_array().into_iter().flatten();
        for check in checks.filter(|check| check["name"] == "disk") {
            count += 1;
            if check["level"] != "healthy" {
                let cause = check["cause"].as_str().unwrap_or_default();
                return Err(Outcome::fail(
                    format!("{}: {cause}", name(service)),
                    "docs/runbooks/DiskFillsWithinADay.md",
                ));
            }
        }
    }
    if count == 0 {
        return Err(Outcome::skipped("no service has a check of its disk"));
    }
    Ok(format!("{count} disks have room; for how long, predict_linear of capacity.md tells"))
}
