//! What is asked of the containers once they run, and the story of a database that breaks.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::engine::Engine;
use super::http::{escaped, get, post};
use super::namespace;
use crate::clock;

const OURS: [&str; 4] = ["gateway", "recommendation", "backup", "alerting"];
/// Ports that the compose files publish.
const GATEWAY: u16 = 8080;
const PROMETHEUS: u16 = 9090;
const ALERTMANAGER: u16 = 9093;
const MAIL: u16 = 8025;
/// How long anything may take: Prometheus looks every 15 seconds and an alert waits for a minute.
const LIMIT: Duration = Duration::from_secs(300);
const BETWEEN: Duration = Duration::from_millis(500);
const ALERT: &str = "PostgresDown";
const SUMMARY: &str = "PostgreSQL does not answer";
const PASSWORD: &str = "a pantry full of proper bread 7";

/// What Prometheus must know before anything is broken.
const WATCHED: [&str; 8] = [
    "sum(up{job=\"larder\"}) == 4",
    "pg_up == 1",
    "redis_up == 1",
    "probe_success == 1",
    "sum(up{job=\"node\"}) == 1",
    "pg_slow_statements_calls > 0",
    "max(larder_health_level{check=\"postgresql\"}) == 0",
    "max(larder_health_level) < 2",
];

/// Brings everything up, asks, breaks, heals and takes it down.
pub(super) fn run(engine: &Engine<'_>) -> Result<()> {
    let started = clock::now();
    engine.up().context("`up --wait` does not come to an end that is good")?;
    told("every container is up and every health check well", started);
    for service in OURS {
        hardened(engine, service)?;
    }
    let token = sign_in(engine)?;
    recommends(engine, &token)?;
    for query in WATCHED {
        until(engine, query, || holds(query))?;
    }
    until(engine, "the sign of life of Alertmanager", || {
        let beats = get(GATEWAY, "/v1/heartbeats", &token)?.body;
        Ok(each(&beats["heartbeats"])
            .any(|beat| beat["name"] == "alertmanager" && beat["lastBeatAt"].is_string()))
    })?;
    until(engine, "a backup in the bucket", || {
        let backups = get(GATEWAY, "/v1/backups?pageSize=10", &token)?.body;
        Ok(each(&backups["backups"]).any(|backup| backup["target"] == "s3"))
    })?;
    told("all of it is watched, and the first backup lies in the bucket", started);
    breaks_and_heals(engine, &token)?;
    let ending = clock::now();
    engine.compose(&["down", "--volumes"])?;
    told("down, with all volumes", ending);
    for listing in [&["ps", "--all", "--quiet"][..], &["volume", "ls", "--quiet"]] {
        let left = engine.podman(listing)?;
        if !left.trim().is_empty() {
            bail!("`down --volumes` leaves behind: {left}");
        }
    }
    Ok(())
}

/// What the kernel says of the process, and not what the files ask for.
fn hardened(engine: &Engine<'_>, service: &str) -> Result<()> {
    let container = engine.compose(&["ps", "--quiet", service])?;
    let container = container.trim();
    let pid = engine.podman(&["inspect", "--format", "{{.State.Pid}}", container])?;
    let (read_only, process) =
        namespace::of_process(pid.trim().parse().context("a container has a process")?)?;
    println!("{service}: {process}, root read-only: {read_only}");
    let wanted = "uid 65532, capabilities 0000000000000000, no new privileges 1";
    if !read_only || process != wanted {
        bail!("{service} may do more than it needs: wanted are {wanted} and a read-only root");
    }
    let shell = engine.podman(&["exec", container, "/bin/sh", "-c", "exit 0"]);
    // PostgreSQL's image, which the one for backups stands on, has a shell.
    if shell.is_ok() && service != "backup" {
        bail!("{service} has a shell");
    }
    Ok(())
}

/// A user is added in the container, sets a password and signs in through the published port.
fn sign_in(engine: &Engine<'_>) -> Result<String> {
    let health = get(GATEWAY, "/health", "")?;
    if health.status != 200 {
        bail!("the gateway answers {} on its published port: {}", health.status, health.body);
    }
    let email = "operator@larder.test";
    let adding = ["user", "add", "--tenant", "demo", "--role", "administrator", "--json", email];
    let exec = ["exec", "-T", "gateway", "/usr/bin/larder"];
    let added = engine.compose(&[&exec[..], &adding].concat())?;
    let added: Value = serde_json::from_str(added.trim()).context("`larder user add` prints no JSON")?;
    let reset = json!({"token": added["passwordToken"], "newPassword": PASSWORD});
    post(GATEWAY, "/v1/password-resets:complete", "", &reset)?;
    let session = json!({"tenantId": "demo", "email": email, "password": PASSWORD});
    let session = post(GATEWAY, "/v1/sessions", "", &session)?;
    println!("a user that was added in the container signs in at 127.0.0.1:{GATEWAY}");
    Ok(session["token"].as_str().context("a session has a token")?.to_owned())
}

/// What is written through one container is recommended by another.
fn recommends(engine: &Engine<'_>, token: &str) -> Result<()> {
    let products = json!({"products": [{"productId": "bread", "name": "Bread", "inStock": true}]});
    let bought = json!({"interactions": [{"eventId": "1", "customerId": "ada", "productId": "bread",
        "kind": "INTERACTION_KIND_PURCHASE", "quantity": 2}]});
    // The pools of a service that has only just started may ask a writer to come again.
    let writing = clock::now();
    for (path, rows) in [("/v1/products:batchUpsert", products), ("/v1/interactions:batchRecord", bought)] {
        until(engine, path, || {
            let taken = post(GATEWAY, path, token, &rows)?;
            Ok(taken["acceptedCount"] == 1 || taken["duplicateCount"] == 1)
        })?;
    }
    told("what is written is taken", writing);
    until(engine, "a recommendation", || recommended(token))?;
    println!("what one customer bought is recommended to another");
    Ok(())
}

fn recommended(token: &str) -> Result<bool> {
    let answer = get(GATEWAY, "/v1/customers/grace/recommendations?limit=1", token)?;
    Ok(answer.status == 200 && each(&answer.body["recommendations"]).any(|one| one["productId"] == "bread"))
}

fn breaks_and_heals(engine: &Engine<'_>, token: &str) -> Result<()> {
    let broken = clock::now();
    engine.compose(&["stop", "postgres"])?;
    told("PostgreSQL's container has been stopped", broken);
    let firing = format!("ALERTS{{alertname=\"{ALERT}\",alertstate=\"firing\",severity=\"critical\"}}");
    until(engine, "the alert", || holds(&firing))?;
    told("the alert fires in Prometheus", broken);
    until(engine, "Alertmanager", || {
        let alerts = get(ALERTMANAGER, "/api/v2/alerts", "")?.body;
        Ok(each(&alerts).any(|alert| alert["labels"]["alertname"] == ALERT))
    })?;
    told("Alertmanager has it", broken);
    until(engine, "the mail", mailed)?;
    told("a mail tells of it, while the database is away", broken);
    if !recommended(token)? {
        bail!("nothing is recommended while the database is away");
    }
    println!("recommendations go on meanwhile");

    let healed = clock::now();
    engine.compose(&["start", "postgres"])?;
    told("PostgreSQL's container has been started", healed);
    until(engine, "the incident", || {
        Ok(incident(token, "INCIDENT_STATE_OPEN")? || incident(token, "INCIDENT_STATE_RESOLVED")?)
    })?;
    told("the incident is in the database, from the spool", healed);
    until(engine, "the end", || incident(token, "INCIDENT_STATE_RESOLVED"))?;
    told("the incident is resolved", healed);
    let well = "max(larder_health_level{check=\"postgresql\"}) == 0";
    until(engine, "healthy services", || holds(well))?;
    told("every service is well again", healed);
    Ok(())
}

fn mailed() -> Result<bool> {
    let mails = get(MAIL, "/api/v1/messages", "")?.body;
    let says = |mail: &Value| {
        ["Subject", "Snippet"].iter().any(|part| mail[part].as_str().is_some_and(|text| text.contains(ALERT)))
    };
    Ok(each(&mails["messages"]).any(says))
}

fn incident(token: &str, state: &str) -> Result<bool> {
    let listed = get(GATEWAY, &format!("/v1/incidents?state={state}&pageSize=100"), token)?.body;
    Ok(each(&listed["incidents"])
        .any(|one| one["title"].as_str().is_some_and(|title| title.contains(SUMMARY))))
}

/// Whether a query has an answer now.
fn holds(query: &str) -> Result<bool> {
    let answer = get(PROMETHEUS, &format!("/api/v1/query?query={}", escaped(query)), "")?.body;
    Ok(each(&answer["data"]["result"]).next().is_some())
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Waits until it is so; what cannot be asked is not so yet.
fn until(engine: &Engine<'_>, what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = clock::now();
    loop {
        engine.interrupt().check()?;
        let answer = is_so();
        if matches!(answer, Ok(true)) {
            return Ok(());
        }
        if started.elapsed() > LIMIT {
            answer.with_context(|| format!("waited in vain for {what}"))?;
            bail!("waited in vain for {what}");
        }
        clock::pause(BETWEEN);
    }
}

fn told(what: &str, since: Instant) {
    println!("{:>6.1} s  {what}", since.elapsed().as_secs_f64());
}
