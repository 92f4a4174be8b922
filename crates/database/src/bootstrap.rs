//! Prepares a server before any migration runs: roles, the database, schemas, grants. Everything
//! may be done again at every start, and two processes may do it at once: roles belong to the
//! whole server, so the lock is taken in the server's maintenance database.

use secrecy::SecretString;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::error::{DatabaseError, sql_state};
use crate::roles::{BACKUP_ROLE, Role, SCHEMAS, quote_identifier, quote_literal, role_name};
use crate::scram;
use crate::server::Server;

const MAINTENANCE_DATABASE: &str = "postgres";

/// `larderbs` in ASCII: the advisory lock under which one process at a time prepares a server.
const BOOTSTRAP_LOCK: i64 = 0x6c61_7264_6572_6273;

const INSUFFICIENT_PRIVILEGE: &str = "42501";
const DATABASE_MISSING: &str = "3D000";
const DUPLICATES: [&str; 3] = ["42710", "42P04", "23505"];

/// Creates what is missing of the server's database, roles, schemas and grants, and leaves the
/// rest as it is. With `password` every role of Larder may log in with it.
///
/// # Errors
/// [`DatabaseError::NotPermitted`] when the login of `server` may not create roles or databases.
pub async fn bootstrap(server: &Server, password: Option<&SecretString>) -> Result<(), DatabaseError> {
    let verifier = password.map(scram::verifier).transpose()?;
    let mut maintenance = connect_for_maintenance(server).await?;
    let locked = sqlx::query("SELECT pg_advisory_lock($1)").bind(BOOTSTRAP_LOCK).execute(&mut maintenance);
    locked.await.map_err(|source| failed(server, "take the bootstrap lock".to_owned(), source))?;

    let prepared = prepare_server(server, &mut maintenance, verifier.as_deref()).await;
    // Closing the connection gives the lock back, whatever happened.
    let _ = maintenance.close().await;
    prepared
}

async fn prepare_server(
    server: &Server,
    maintenance: &mut PgConnection,
    verifier: Option<&str>,
) -> Result<(), DatabaseError> {
    create_roles(server, maintenance, verifier).await?;
    create_database(server, maintenance).await?;
    let mut target = server.connect_as_admin().await?;
    let granted = grant_schemas(server, &mut target).await;
    let _ = target.close().await;
    granted
}

/// A login may be kept out of the maintenance database; then the target has to exist already.
async fn connect_for_maintenance(server: &Server) -> Result<PgConnection, DatabaseError> {
    match server.with_database(MAINTENANCE_DATABASE).connect_as_admin().await {
        Err(DatabaseError::Connect { source, .. })
            if matches!(sql_state(&source).as_deref(), Some(DATABASE_MISSING | INSUFFICIENT_PRIVILEGE)) =>
        {
            server.connect_as_admin().await
        }
        connected => connected,
    }
}

async fn create_roles(
    server: &Server,
    connection: &mut PgConnection,
    verifier: Option<&str>,
) -> Result<(), DatabaseError> {
    for schema in SCHEMAS {
        for role in Role::ALL {
            let name = role_name(schema, role);
            let attributes = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION";
            create_role(server, connection, &name, attributes).await?;
            set_password(server, connection, &name, verifier).await?;
        }
    }
    create_backup_role(server, connection, verifier).await
}

/// Where only a provider's superuser may hand out REPLICATION and BYPASSRLS, everything but
/// backups works without this role, so its absence is said and not fatal.
async fn create_backup_role(
    server: &Server,
    connection: &mut PgConnection,
    verifier: Option<&str>,
) -> Result<(), DatabaseError> {
    let attributes = "LOGIN NOSUPERUSER REPLICATION BYPASSRLS NOCREATEDB NOCREATEROLE";
    match create_role(server, connection, BACKUP_ROLE, attributes).await {
        Err(error @ DatabaseError::NotPermitted { .. }) => {
            tracing::warn!(%error, role = BACKUP_ROLE, "backups will have no role to connect as");
            return Ok(());
        }
        created => created?,
    }
    set_password(server, connection, BACKUP_ROLE, verifier).await?;
    let step = format!("let {BACKUP_ROLE} read all data");
    let granted = format!(
        "DO $$ BEGIN IF NOT pg_has_role('{BACKUP_ROLE}', 'pg_read_all_data', 'USAGE')
         THEN GRANT pg_read_all_data TO {BACKUP_ROLE}; END IF; END $$"
    );
    run(server, connection, &step, granted).await
}

async fn create_role(
    server: &Server,
    connection: &mut PgConnection,
    name: &str,
    attributes: &str,
) -> Result<(), DatabaseError> {
    let step = format!("create the role {name}");
    let known: Result<Option<bool>, _> = sqlx::query_scalar(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR NOT rolcanlogin
                OR (rolbypassrls <> $2) OR (rolreplication <> $2)
         FROM pg_roles WHERE rolname = $1",
    )
    .bind(name)
    .bind(name == BACKUP_ROLE)
    .fetch_optional(&mut *connection)
    .await;
    let role = quote_identifier(name);
    match known.map_err(|source| failed(server, step.clone(), source))? {
        None => run(server, connection, &step, format!("CREATE ROLE {role} {attributes}")).await,
        // Somebody gave the role rights it must not have, or took those it needs.
        Some(true) => run(server, connection, &step, format!("ALTER ROLE {role} {attributes}")).await,
        Some(false) => Ok(()),
    }
}

async fn set_password(
    server: &Server,
    connection: &mut PgConnection,
    name: &str,
    verifier: Option<&str>,
) -> Result<(), DatabaseError> {
    let Some(verifier) = verifier else { return Ok(()) };
    let statement = format!("ALTER ROLE {} PASSWORD {}", quote_identifier(name), quote_literal(verifier));
    run(server, connection, &format!("set the password of {name}"), statement).await
}

async fn create_database(server: &Server, connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let name = server.database();
    let step = format!("create the database {name}");
    let exists: Result<bool, _> =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut *connection)
            .await;
    if exists.map_err(|source| failed(server, step.clone(), source))? {
        return Ok(());
    }
    // The locale decides only how unmarked text sorts; keys that are paged over name their collation.
    let plain = format!("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0", quote_identifier(name));
    let with_locale = format!("{plain} LOCALE 'C.UTF-8'");
    match run(server, connection, &step, with_locale).await {
        Err(DatabaseError::Bootstrap { .. }) => run(server, connection, &step, plain).await,
        created => created,
    }
}

async fn grant_schemas(server: &Server, connection: &mut PgConnection) -> Result<(), DatabaseError> {
    let database = quote_identifier(server.database());
    let step = "close the database to everybody else";
    run(server, connection, step, format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")).await?;
    run(server, connection, step, "REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned()).await?;
    for schema in SCHEMAS {
        let step = format!("create the schema {schema}");
        for statement in schema_statements(schema, &database) {
            run(server, connection, &step, statement).await?;
        }
    }
    let step = format!("let {BACKUP_ROLE} connect");
    let granted = format!(
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{BACKUP_ROLE}')
         THEN GRANT CONNECT ON DATABASE {database} TO {BACKUP_ROLE}; END IF; END $$"
    );
    run(server, connection, &step, granted).await
}

fn schema_statements(schema: &str, database: &str) -> Vec<String> {
    let [owner, app, worker] = Role::ALL.map(|role| role_name(schema, role));
    let defaults = format!("ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA {schema} GRANT");
    vec![
        // Only a member may create a schema for a role; a superuser is a member of every role.
        format!(
            "DO $$ BEGIN IF NOT pg_has_role(current_user, '{owner}', 'USAGE')
             THEN GRANT {owner} TO CURRENT_USER; END IF; END $$"
        ),
        format!("GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {owner}, {app}, {worker}"),
        format!("CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}"),
        format!("GRANT USAGE ON SCHEMA {schema} TO {app}, {worker}"),
        format!("{defaults} SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}, {worker}"),
        format!("{defaults} USAGE, SELECT ON SEQUENCES TO {app}, {worker}"),
    ]
}

/// Runs one statement; that the thing exists already is what was wanted.
async fn run(
    server: &Server,
    connection: &mut PgConnection,
    step: &str,
    statement: String,
) -> Result<(), DatabaseError> {
    // Names come from `SCHEMAS` or are quoted, the verifier is quoted: nothing of a caller is in here.
    match connection.execute(AssertSqlSafe(statement)).await {
        Ok(_) => Ok(()),
        Err(error) if sql_state(&error).is_some_and(|code| DUPLICATES.contains(&code.as_str())) => Ok(()),
        Err(error) => Err(failed(server, step.to_owned(), error)),
    }
}

fn failed(server: &Server, step: String, source: sqlx::Error) -> DatabaseError {
    match sql_state(&source).as_deref() {
        Some(INSUFFICIENT_PRIVILEGE) => DatabaseError::NotPermitted { user: server.user(), step, source },
        _ => DatabaseError::Bootstrap { step, source },
    }
}
