//! The whole stack for once: the four services as processes of their own, PostgreSQL, Redis, an S3 server, a mail server,
//! Prometheus, Alertmanager and exporters with the settings that are shipped. `cargo xtask test-stack` runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod mail;
mod parts;

use std::time::Duration;

use aws_sdk_s3::config::{Credentials, Region};
use larder_testkit::{
    OBJECT_STORE_KEY, OBJECT_STORE_SECRET, ObjectStore, Stop, TestCluster, postgresql_versions,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::mail::MailServer;
use crate::parts::{Addresses, Stack, get, until};

/// Where backups go.
pub(crate) const BUCKET: &str = "larder-backups";
const ALERT: &str = "PostgresDown";
const SUMMARY: &str = "PostgreSQL does not answer";

/// What is looked at by the job `larder`, and by exporters.
const WATCHED: [&str; 7] = [
    "sum(up{job=\"larder\"}) == 4",
    "pg_up == 1",
    "redis_up == 1",
    "probe_success == 1",
    "sum(up{job=\"node\"}) == 1",
    "pg_slow_statements_calls > 0",
    "max(larder_health_level{check=\"postgresql\"}) == 0",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it waits for real alerts, up to ten minutes"]
async fn a_broken_postgresql_is_told_by_mail_and_heals() {
    if std::env::var_os("LARDER_TEST_NODE_EXPORTER").is_none() {
        eprintln!("nothing is tested here without the exporters: run cargo xtask test-stack");
        return;
    }
    let newest = postgresql_versions().pop().unwrap();
    let settings = [
        ("max_slot_wal_keep_size", "1GB"),
        ("shared_preload_libraries", "pg_stat_statements"),
        ("max_connections", "100"),
    ];
    let mut cluster = TestCluster::start(&newest, &settings).await;
    cluster.execute("CREATE EXTENSION pg_stat_statements").await;
    let store = ObjectStore::start().await.expect("LARDER_TEST_WEED is not set: run cargo xtask test-stack");
    make_bucket(&store).await;
    let mails = MailServer::start().await;
    let stack = Stack::start(&Addresses::free(), &cluster, &store, mails.address).await;

    for query in WATCHED {
        until(query, || async { stack.holds(query).await }).await;
    }
    until("the sign of life", || async {
        let beats = get(&stack.gateway("/v1/heartbeats")).await;
        beats["heartbeats"]
            .as_array()
            .is_some_and(|beats| beats.iter().any(|beat| beat["lastBeatAt"].is_string()))
    })
    .await;

    let broken = Instant::now();
    cluster.stop(Stop::Kill).await;
    let firing = format!("ALERTS{{alertname=\"{ALERT}\",alertstate=\"firing\",severity=\"critical\"}}");
    until("the alert", || async { stack.holds(&firing).await }).await;
    told("the alert fires", broken);
    until("the mail", || async { mails.count(SUMMARY) >= 1 }).await;
    told("a mail tells of it, while the database is away", broken);

    let healed = Instant::now();
    cluster.start_server().await;
    let state = |wanted: &'static str| {
        let stack = &stack;
        async move {
            let path = format!("/v1/incidents?state={wanted}&page_size=100");
            let listed = get(&stack.gateway(&path)).await;
            let titles = listed["incidents"].as_array().into_iter().flatten();
            titles.filter_map(|incident| incident["title"].as_str()).any(|title| title.contains(SUMMARY))
        }
    };
    until("the incident", || async {
        state("INCIDENT_STATE_OPEN").await || state("INCIDENT_STATE_RESOLVED").await
    })
    .await;
    told("the incident is in the database, from the spool", healed);
    until("the end", || async { state("INCIDENT_STATE_RESOLVED").await }).await;
    told("the incident is resolved", healed);
    until("healthy services", || async {
        stack.holds("max(larder_health_level{check=\"postgresql\"}) == 0").await
    })
    .await;
    told("every service is well again", healed);
    let level = get(&stack.gateway("/health")).await;
    assert_ne!(level, Value::Null);
    stack.stop().await;
}

async fn make_bucket(store: &ObjectStore) {
    let credentials = Credentials::new(OBJECT_STORE_KEY, OBJECT_STORE_SECRET, None, None, "test");
    let settings = aws_sdk_s3::Config::builder()
        .behavior_version_latest()
        .region(Region::new("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(store.endpoint())
        .force_path_style(true)
        .build();
    aws_sdk_s3::Client::from_conf(settings).create_bucket().bucket(BUCKET).send().await.unwrap();
}

fn told(what: &str, since: Instant) {
    println!("{:>6.1} s  {what}", since.elapsed().as_secs_f64());
}

/// How long anything here may take: Prometheus looks every 15 seconds and an alert waits for a minute.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);
