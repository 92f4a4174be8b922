//! PostgreSQL itself, asked as the login of `database.url`. Nothing is changed.

use std::time::Duration;

use larder_database::Server;
use larder_settings::Settings;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::time::Instant;

use super::Facts;
use crate::clock;
use crate::commands::deploy::outcome::{Found, Outcome};

/// A server that has not answered by then does not answer.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// Besides what services open: exporters, migrations, replication, people (docs/operations/capacity.md).
const CONNECTIONS_BESIDE: i64 = 20;
/// What the compose files need, where no settings say more.
const CONNECTIONS_OF_COMPOSE: i64 = 70;
/// How far clocks may be apart.
const CLOCK_LIMIT_S: f64 = 0.1;

/// Connections for the looks below; none is opened yet.
pub(super) fn pool(server: &Server) -> PgPool {
    let options = PgPoolOptions::new().max_connections(1).acquire_timeout(CONNECT_LIMIT);
    options.connect_lazy_with(server.admin_options())
}

fn refused(error: sqlx::Error) -> Outcome {
    Outcome::fail(
        format!("the database does not answer the question: {error}"),
        "see that it runs, that its url is right, and docs/runbooks/PostgresDown.md",
    )
}

pub(super) async fn tls(facts: &Facts<'_>) -> Found {
    let asked = "SELECT ssl, coalesce(version, ''), inet_server_addr() IS NULL \
                 FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let (is_on, version, is_socket): (bool, String, bool) =
        sqlx::query_as(asked).fetch_one(facts.database()?).await.map_err(refused)?;
    match (is_on, is_socket) {
        (true, _) => Ok(version),
        (false, true) => Ok("over a socket of its own machine".to_owned()),
        (false, false) => Err(Outcome::fail(
            "the connection is not encrypted",
            "sslmode=verify-full in database.url, and hostssl lines alone in pg_hba.conf",
        )),
    }
}

async fn setting(facts: &Facts<'_>, name: &str) -> Result<String, Outcome> {
    let asked = sqlx::query_scalar("SELECT current_setting($1)").bind(name);
    asked.fetch_one(facts.database()?).await.map_err(refused)
}

pub(super) async fn checksums(facts: &Facts<'_>) -> Found {
    match setting(facts, "data_checksums").await?.as_str() {
        "on" => Ok("on".to_owned()),
        other => Err(Outcome::fail(
            format!("data_checksums is {other}"),
            "with the server stopped: pg_checksums --enable",
        )),
    }
}

pub(super) async fn slot(facts: &Facts<'_>) -> Found {
    match setting(facts, "max_slot_wal_keep_size").await?.as_str() {
        "-1" => Err(Outcome::fail(
            "max_slot_wal_keep_size is -1: a slot keeps log until the disk is full",
            "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB', and reload",
        )),
        size => Ok(format!("max_slot_wal_keep_size {size}")),
    }
}

pub(super) async fn replication(facts: &Facts<'_>) -> Found {
    let asked = "SELECT rolreplication OR rolsuper, rolcreaterole OR rolsuper, rolname::text \
                 FROM pg_roles WHERE rolname = current_user";
    let (replicates, makes_roles, name): (bool, bool, String) =
        sqlx::query_as(asked).fetch_one(facts.database()?).await.map_err(refused)?;
    if replicates && makes_roles {
        return Ok(name);
    }
    Err(Outcome::fail(
        format!("{name} may not replicate, or not make roles"),
        format!(
            "ALTER ROLE {name} REPLICATION CREATEROLE; where a provider forbids it: docs/operations/deploy-production.md"
        ),
    ))
}

/// What the settings let services open at most.
fn connections_wanted(settings: Option<&Settings>) -> i64 {
    let of_services = settings.map_or(CONNECTIONS_OF_COMPOSE, |settings| {
        let two_roles =
            settings.gateway.replicas + settings.recommendation.replicas + settings.alerting.replicas;
        i64::from(2 * two_roles + 1) * i64::from(settings.database.max_connections)
    });
    of_services + CONNECTIONS_BESIDE
}

pub(super) async fn connections(facts: &Facts<'_>) -> Found {
    let has: i64 = setting(facts, "max_connections").await?.parse().unwrap_or_default();
    let wanted = connections_wanted(facts.settings.as_ref());
    if has >= wanted {
        return Ok(format!("max_connections {has}, of which {wanted} may be asked for"));
    }
    Err(Outcome::fail(
        format!("max_connections is {has}, and {wanted} may be asked for"),
        "raise it, or lower database.max_connections: docs/operations/capacity.md",
    ))
}

pub(super) async fn statements(facts: &Facts<'_>) -> Found {
    let asked = sqlx::query_scalar("SELECT count(*) FROM pg_stat_statements");
    let counted: Result<i64, _> = asked.fetch_one(facts.database()?).await;
    counted.map(|count| format!("{count} statements")).map_err(|error| {
        Outcome::fail(
            format!("not counted: {error}"),
            "shared_preload_libraries = 'pg_stat_statements', a restart, CREATE EXTENSION pg_stat_statements",
        )
    })
}

pub(super) async fn owners(facts: &Facts<'_>) -> Found {
    let asked = "SELECT DISTINCT tableowner::text FROM pg_tables \
                 WHERE schemaname IN ('identity', 'recommendation', 'backup', 'alerting') ORDER BY 1";
    let owners: Vec<String> =
        sqlx::query_scalar(asked).fetch_all(facts.database()?).await.map_err(refused)?;
    let way_out = "let the services make their own roles: give database.url a login that may";
    if owners.is_empty() {
        return Err(Outcome::fail("none of Larder's tables is in this database", "name the right one"));
    }
    match owners.iter().find(|owner| !owner.ends_with("_owner")) {
        Some(owner) => Err(Outcome::fail(format!("{owner} owns tables"), way_out)),
        None => Ok(owners.join(", ")),
    }
}

pub(super) async fn clock(facts: &Facts<'_>) -> Found {
    let pool = facts.database()?;
    let asked = "SELECT extract(epoch FROM clock_timestamp())::float8";
    // The first question opens the connection.
    sqlx::query_scalar::<_, f64>(asked).fetch_one(pool).await.map_err(refused)?;
    let (started, here) = (Instant::now(), clock::now());
    let there: f64 = sqlx::query_scalar(asked).fetch_one(pool).await.map_err(refused)?;
    let half = started.elapsed().as_secs_f64() / 2.0;
    let here = here.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let apart = (there - here - half).abs();
    if apart <= CLOCK_LIMIT_S + half {
        return Ok(format!("this machine and the database's are {:.1} ms apart", apart * 1e3));
    }
    Err(Outcome::fail(
        format!("this machine and the database's are {apart:.2} s apart"),
        "let chrony set both: `chronyc tracking`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_added_up_as_the_page_of_capacity_does() {
        assert_eq!(connections_wanted(None), 90);
        let mut settings = Settings::default();
        assert_eq!(connections_wanted(Some(&settings)), 90);
        settings.gateway.replicas = 3;
        settings.recommendation.replicas = 3;
        settings.alerting.replicas = 2;
        assert_eq!(connections_wanted(Some(&settings)), 190);
    }
}
