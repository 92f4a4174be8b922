//! The page of symptoms, tried: three of them are provoked, and what the page says to ask is asked of a real Prometheus
//! and a real database, which have to show the cause.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use larder_testkit::{NetworkCut, TestDatabase, redis_url};
use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::{Connection, Row};
use tokio::process::Command;
use url::Url;

use super::larder::{finish, larder};
use super::roles::{Deployment, free_addresses, stop};

const LIMIT: Duration = Duration::from_secs(90);

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations/symptoms.md");
    std::fs::read_to_string(path).unwrap()
}

/// The lines of the blocks in a language below a heading.
fn lines(page: &str, heading: &str, language: &str) -> Vec<String> {
    let section =
        page.split(&format!("\n## {heading}")).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let fence = format!("```{language}\n");
    let blocks = section.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let lines: Vec<String> = blocks.flat_map(str::lines).map(str::to_owned).collect();
    assert!(!lines.is_empty(), "{heading} has no block of {language}");
    lines
}

/// Asks an address with a token; the status and the answer as JSON.
async fn get(url: &str, token: &str) -> (u16, Value) {
    let client: Client<_, String> = Client::builder(TokioExecutor::new()).build_http();
    let request = http::Request::get(url).header("authorization", format!("Bearer {token}"));
    let Ok(answer) = client.request(request.body(String::new()).unwrap()).await else {
        return (0, Value::Null);
    };
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// What Prometheus answers to a query: the series. A query that it refuses fails the test.
async fn ask(prometheus: &str, query: &str) -> Vec<Value> {
    let mut url = Url::parse(&format!("{prometheus}/api/v1/query")).unwrap();
    url.query_pairs_mut().append_pair("query", query);
    let (status, answer) = get(url.as_str(), "").await;
    assert!(status == 0 || status == 200, "{query}: {answer}");
    answer["data"]["result"].as_array().cloned().unwrap_or_default()
}

fn largest(series: &[Value]) -> f64 {
    let values = series.iter().filter_map(|one| one["value"][1].as_str()?.parse::<f64>().ok());
    values.fold(0.0, f64::max)
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    tokio::time::timeout(LIMIT, waiting).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

#[tokio::test]
async fn who_holds_a_connection_is_shown_and_can_be_ended() {
    let database = TestDatabase::create(&[]).await;
    let asked = lines(&page(), "3. No connections", "sql");
    let url = database.url();
    let mut holder = sqlx::PgConnection::connect(url.expose_secret()).await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut holder).await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT 'asked long ago'").execute(&mut holder).await.unwrap();
    let pool = database.admin_pool();
    let by_state = sqlx::raw_sql(sqlx::AssertSqlSafe(asked[0].clone())).fetch_all(&pool).await.unwrap();
    let idle = |row: &sqlx::postgres::PgRow| {
        row.get::<Option<String>, _>(1).as_deref() == Some("idle in transaction")
    };
    assert!(by_state.iter().any(idle), "{} rows", by_state.len());
    let who = sqlx::raw_sql(sqlx::AssertSqlSafe(asked[1].clone())).fetch_all(&pool).await.unwrap();
    let row = who.iter().find(|row| row.get::<i32, _>(0) == pid).expect("the holder is named");
    assert!(row.get::<String, _>(3).contains("asked long ago"));
    let end =
        page().split('`').find(|code| code.starts_with("SELECT pg_terminate_backend")).unwrap().to_owned();
    let end = sqlx::AssertSqlSafe(end.replace("PID", &pid.to_string()));
    sqlx::raw_sql(end).execute(&pool).await.unwrap();
    assert!(sqlx::raw_sql("SELECT 1").execute(&mut holder).await.is_err(), "it was ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_service_and_a_redis_that_is_away_are_seen_by_what_the_page_asks() {
    let database = TestDatabase::create(&[]).await;
    let deployment = Deployment::new(database.url().expose_secret()).await;
    let mut redis = Url::parse(&redis_url()).unwrap();
    let there = format!("{}:{}", redis.host_str().unwrap(), redis.port().unwrap_or(6379));
    let cut = NetworkCut::before(there.parse().unwrap()).await;
    redis.set_port(Some(cut.address().port())).unwrap();
    let settings = std::fs::read_to_string(deployment.settings()).unwrap();
    std::fs::write(deployment.settings(), format!("{settings}[redis]\nurl = \"{redis}\"\n")).unwrap();
    let recommendation = deployment.serve("recommendation", &deployment.recommendation_ops).await;
    let gateway = deployment.serve("gateway", &deployment.gateway_ops).await;
    let token = deployment.issue("catalog.read recommendations.read").await;
    let folder = tempfile::tempdir().unwrap();
    let [listen, ..] = free_addresses();
    let targets = [&deployment.gateway_ops, &deployment.recommendation_ops]
        .map(|url| url.trim_start_matches("http://"));
    let scraped = format!(
        "global: {{scrape_interval: 1s}}\nscrape_configs:\n  - job_name: larder\n    static_configs: [{{targets: {targets:?}}}]\n"
    );
    std::fs::write(folder.path().join("prometheus.yml"), scraped).unwrap();
    let program = std::env::var_os("LARDER_TEST_PROMETHEUS")
        .expect("LARDER_TEST_PROMETHEUS is not set: run cargo xtask test");
    let mut command = Command::new(program);
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=metrics"]).current_dir(folder.path());
    command.arg(format!("--web.listen-address={listen}")).kill_on_drop(true);
    let _prometheus =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let prometheus = format!("http://{listen}");
    let call = async |path: &str| get(&format!("{}{path}", deployment.gateway), &token).await;

    let page = page();
    until("two services that are looked at", async || {
        ask(&prometheus, "up{job=\"larder\"} == 1").await.len() == 2
    })
    .await;
    for query in
        page.split("```promql\n").skip(1).flat_map(|rest| rest.split("\n```").next().unwrap().lines())
    {
        ask(&prometheus, query).await;
    }

    let alone = lines(&page, "4. The cache", "promql")
        .into_iter()
        .find(|line| line.ends_with("_cache_alone"))
        .unwrap();
    until("a cache that is shared", async || {
        call("/v1/products?pageSize=1").await.0 == 200
            && ask(&prometheus, &alone).await.len() == 1
            && largest(&ask(&prometheus, &alone).await) == 0.0
    })
    .await;
    cut.cut();
    until("a cache that stands alone", async || {
        assert_eq!(call("/v1/products?pageSize=1").await.0, 200, "callers do not notice");
        largest(&ask(&prometheus, &alone).await) == 1.0
    })
    .await;
    cut.mend();

    let asked = lines(&page, "1. Callers get", "promql");
    let breaker = asked.iter().find(|line| line.contains("breaker_state")).unwrap();
    let mut dead = recommendation;
    dead.kill().await.unwrap();
    until("5xx, and a breaker that is open", async || {
        let status = call("/v1/transactions?pageSize=1").await.0;
        assert!(status >= 500, "{status}");
        let (errors, open) = (ask(&prometheus, &asked[0]).await, ask(&prometheus, breaker).await);
        largest(&errors) > 0.0 && largest(&open) == 2.0
    })
    .await;
    let typed = lines(&page, "1. Callers get", "sh");
    let check = typed.iter().find(|line| line.starts_with("larder healthcheck")).unwrap();
    let check = check.replace("http://127.0.0.1:9051", &deployment.recommendation_ops);
    let words: Vec<&str> = check.split_whitespace().skip(1).collect();
    finish(&mut larder(&words)).await.expect_code(4);
    let (_, health) = get(&format!("{}/health/detailed", deployment.gateway_ops), "").await;
    let unwell: Vec<&Value> =
        health["checks"].as_array().unwrap().iter().filter(|check| check["level"] == "unhealthy").collect();
    assert!(unwell.iter().any(|check| check["name"] == "recommendation"), "it is named: {health}");
    let (ready, _) = get(&format!("{}/readyz", deployment.gateway_ops), "").await;
    assert_eq!(ready, 200, "and the gateway goes on for the others");

    let recommendation = deployment.serve("recommendation", &deployment.recommendation_ops).await;
    until("a breaker that is closed", async || {
        call("/v1/transactions?pageSize=1").await.0 == 200 && largest(&ask(&prometheus, breaker).await) == 0.0
    })
    .await;
    stop(gateway).await;
    stop(recommendation).await;
}
