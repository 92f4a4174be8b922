//! The services behind the gateway by a reading of each, and all of them by their ops ports.

use http::Method;

use crate::commands::deploy::arguments::Service;
use crate::commands::deploy::judge;
use crate::commands::deploy::measure::whole;
use crate::commands::deploy::outcome::{Found, Outcome};
use crate::commands::deploy::stack::Stack;

pub(super) async fn incidents(stack: &Stack) -> Found {
    stack.lacks(Service::Alerting)?;
    judge::answered(&stack.get("/v1/incidents?pageSize=1").await?, "alerting.read")?;
    Ok("listed".to_owned())
}

pub(super) async fn on_call(stack: &Stack) -> Found {
    stack.lacks(Service::Alerting)?;
    let answer = judge::answered(&stack.get("/v1/on-call").await?, "alerting.read")?;
    Ok(format!("{} schedules", answer["onCall"].as_array().map_or(0, Vec::len)))
}

pub(super) async fn backups(stack: &Stack) -> Found {
    stack.lacks(Service::Backup)?;
    judge::answered(&stack.get("/v1/backups?pageSize=1").await?, "backups.read")?;
    Ok("listed".to_owned())
}

pub(super) async fn recovery(stack: &Stack) -> Found {
    stack.lacks(Service::Backup)?;
    let status = judge::answered(&stack.get("/v1/recovery-status").await?, "backups.read")?;
    Ok(match whole(&status["rpoMs"]) {
        Some(lost_ms) => format!("{:.1} s would be lost", lost_ms as f64 / 1e3),
        None => "nothing can be restored yet; checkpoints 36 and 37 tell whether it has to be".to_owned(),
    })
}

pub(super) async fn correlation(stack: &Stack) -> Found {
    let id = format!("verify-{}", uuid::Uuid::now_v7());
    let request = stack.request(Method::GET, "/health")?.header("x-correlation-id", &id);
    let answer = stack.send(request).await?;
    match answer.header("x-correlation-id") {
        same if same == id => Ok(id),
        "" => Err(Outcome::fail("none came back", "let the proxy in front pass x-correlation-id both ways")),
        other => Err(Outcome::fail(
            format!("{other:?} came back instead of {id:?}"),
            "let the proxy in front pass x-correlation-id on as it is",
        )),
    }
}

pub(super) async fn metrics(stack: &Stack) -> Found {
    let mut seen = Vec::new();
    for (service, url) in &stack.ops {
        let name = service.name();
        let url = url.join("/metrics").map_err(|error| Outcome::fail(format!("{name}: {error}"), ""))?;
        let answer = stack.get_elsewhere(url.clone()).await?;
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status != 200 || !text.contains("larder_build_info") {
            return Err(Outcome::fail(
                format!("{name}: status {} and no larder_build_info at {url}", answer.status),
                "see that this is the ops port of the service",
            ));
        }
        seen.push(name);
    }
    if seen.is_empty() { Err(no_ops_port()) } else { Ok(format!("of {}", seen.join(", "))) }
}

pub(super) async fn gateway_ready(stack: &Stack) -> Found {
    ready(stack, Service::Gateway).await
}

pub(super) async fn recommendation_ready(stack: &Stack) -> Found {
    ready(stack, Service::Recommendation).await
}

pub(super) async fn backup_ready(stack: &Stack) -> Found {
    ready(stack, Service::Backup).await
}

pub(super) async fn alerting_ready(stack: &Stack) -> Found {
    ready(stack, Service::Alerting).await
}

async fn ready(stack: &Stack, service: Service) -> Found {
    stack.lacks(service)?;
    let url = stack.ops.get(&service).ok_or_else(no_ops_port)?;
    let url = url.join("/readyz").map_err(|error| Outcome::fail(error.to_string(), ""))?;
    let answer = stack.get_elsewhere(url.clone()).await;
    let answer = answer.map_err(|outcome| Outcome { is_silence: false, ..outcome })?;
    let body = answer.json();
    if answer.status == 200 && body["ready"] == true {
        return Ok("ready".to_owned());
    }
    let failing = body["failing"].as_array().into_iter().flatten();
    let causes: Vec<String> = failing.map(|check| format!("{}: {}", check["name"], check["cause"])).collect();
    let phase = body["phase"].as_str().unwrap_or("no Larder");
    Err(Outcome::fail(
        format!("not ready ({phase}) {}", causes.join("; ")),
        format!("`larder healthcheck --url {url}`, and the log of the service"),
    ))
}

fn no_ops_port() -> Outcome {
    Outcome::skipped("its ops port is not known: --here on its machine, or --ops SERVICE=URL")
}
