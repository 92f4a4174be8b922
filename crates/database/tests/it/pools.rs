//! Pools: what they set on a connection, and how they behave when the server is away.

use std::time::Duration;

use larder_database::{Role, Server, begin_tenant, connect, is_unavailable};
use larder_identity::TenantId;
use larder_settings::DatabaseSettings;
use larder_testkit::TestDatabase;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use secrecy::SecretString;
use sqlx::Executor;
use sqlx::postgres::PgPool;

use crate::fixture::{SCHEMA, pantry};

async fn show(pool: &PgPool, setting: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn requests_are_cut_off_and_workers_are_not() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let settings = DatabaseSettings { statement_timeout: Duration::from_millis(150), ..database.settings() };
    let app = connect(database.server(), SCHEMA, Role::App, &settings);
    let error = app.execute("SELECT pg_sleep(5)").await.unwrap_err();
    assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("57014"));
    assert!(!is_unavailable(&error));
    assert_eq!(show(&app, "idle_in_transaction_session_timeout").await, "30s");
    assert_eq!(show(&app, "application_name").await, "larder recommendation_app");

    let worker = connect(database.server(), SCHEMA, Role::Worker, &settings);
    assert_eq!(show(&worker, "statement_timeout").await, "0");
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_within_the_timeout() {
    let nobody_listens = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = SecretString::from(format!("postgres://postgres@{nobody_listens}/larder"));
    let settings =
        DatabaseSettings { acquire_timeout: Duration::from_millis(300), ..DatabaseSettings::default() };
    let pool = connect(&Server::from_url(&url).unwrap(), SCHEMA, Role::App, &settings);
    let started = tokio::time::Instant::now();
    let error = pool.execute("SELECT 1").await.unwrap_err();
    assert!(is_unavailable(&error), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn connections_that_died_while_idle_are_replaced_unnoticed() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let pool = database.app_pool(SCHEMA);
    let (one, two) = tokio::join!(pool.acquire(), pool.acquire());
    drop((one.unwrap(), two.unwrap()));
    while pool.num_idle() < 2 {
        tokio::task::yield_now().await;
    }
    let killed: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND usename = 'recommendation_app'",
    )
    .fetch_one(&database.admin_pool())
    .await
    .unwrap();
    assert_eq!(killed, 2);
    let tenant = TenantId::parse("north").unwrap();
    begin_tenant(&pool, &tenant).await.unwrap().commit().await.unwrap();
}

#[tokio::test]
async fn connections_in_use_and_idle_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _installed = metrics::set_default_local_recorder(&recorder);
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let pool = database.app_pool(SCHEMA);
    let _used = pool.acquire().await.unwrap();
    let sampled = async {
        loop {
            let samples = snapshotter.snapshot().into_vec();
            let used = samples.iter().any(|(key, _, _, value)| {
                key.key().name() == "larder_database_pool_connections"
                    && key.key().labels().any(|label| (label.key(), label.value()) == ("state", "used"))
                    && *value == DebugValue::Gauge(1.0.into())
            });
            if used {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), sampled).await.unwrap();
}
