//! Pools: one per schema and role, opened on first use, with a limit on every wait. A server that
//! is away shows as errors within the acquire timeout, never as a caller that hangs.

use std::time::Duration;

use larder_settings::DatabaseSettings;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::roles::{Role, role_name};
use crate::server::Server;

/// A transaction left open by a caller that went away holds row locks; a trainer may think longer.
const APP_IDLE_IN_TRANSACTION: Duration = Duration::from_secs(30);
const WORKER_IDLE_IN_TRANSACTION: Duration = Duration::from_secs(15 * 60);

const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);
const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);

/// Makes the pool of `role` in `schema`. No connection is opened yet, so this also works while
/// the server is away. Close the pool with `PgPool::close` when the service stops.
///
/// Requests (`Role::App`) are cut off after `statement_timeout`; workers and owners read and change
/// whole tables, and are not. Every name in SQL must be qualified with its schema.
///
/// Must be called inside a tokio runtime: a task there samples `larder_database_pool_connections`.
pub fn connect(server: &Server, schema: &str, role: Role, settings: &DatabaseSettings) -> PgPool {
    let name = role_name(schema, role);
    let options =
        session_options(server.role_options(&name, settings.role_password.as_ref()), role, settings);
    // Whether an idle connection still works is found out by using it: asking first would cost
    // each request a round trip. `begin_tenant` replaces one that turns out to be dead.
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(settings.acquire_timeout)
        .test_before_acquire(false)
        .idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(MAX_LIFETIME)
        .connect_lazy_with(options);
    tokio::spawn(sample(pool.clone(), name));
    pool
}

fn session_options(options: PgConnectOptions, role: Role, settings: &DatabaseSettings) -> PgConnectOptions {
    let statement_timeout = match role {
        Role::App => settings.statement_timeout,
        Role::Worker | Role::Owner => Duration::ZERO,
    };
    let idle_in_transaction = match role {
        Role::App => APP_IDLE_IN_TRANSACTION,
        Role::Worker | Role::Owner => WORKER_IDLE_IN_TRANSACTION,
    };
    options
        .options([
            ("search_path", "pg_catalog".to_owned()),
            ("statement_timeout", statement_timeout.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", idle_in_transaction.as_millis().to_string()),
            ("timezone", "UTC".to_owned()),
            // A peer that vanished without a word is noticed after 30 + 3 x 10 seconds.
            ("tcp_keepalives_idle", "30".to_owned()),
            ("tcp_keepalives_interval", "10".to_owned()),
            ("tcp_keepalives_count", "3".to_owned()),
        ])
        .disable_statement_logging()
}

/// Reports how many connections are idle and in use, until the pool is closed.
async fn sample(pool: PgPool, role: String) {
    metrics::describe_gauge!(
        "larder_database_pool_connections",
        "Connections to PostgreSQL, idle or in use, by role"
    );
    let idle = metrics::gauge!("larder_database_pool_connections", "state" => "idle", "role" => role.clone());
    let used = metrics::gauge!("larder_database_pool_connections", "state" => "used", "role" => role);
    let mut ticks = tokio::time::interval(SAMPLE_INTERVAL);
    let mut closed = std::pin::pin!(pool.close_event());
    loop {
        tokio::select! {
            () = &mut closed => break,
            _ = ticks.tick() => {
                let idle_count = pool.num_idle() as f64;
                idle.set(idle_count);
                used.set((f64::from(pool.size()) - idle_count).max(0.0));
            }
        }
    }
    idle.set(0.0);
    used.set(0.0);
}
