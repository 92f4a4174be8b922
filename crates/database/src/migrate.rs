//! Brings one schema up to date. Each schema keeps its own `_sqlx_migrations`, is migrated by its
//! owner, and two processes that start at once take turns. A program may run on a database that a newer
//! one has only added to; what takes something away is named `contract_…` and bars older ones.

use secrecy::SecretString;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::error::DatabaseError;
use crate::roles::{Role, quote_identifier, role_name};
use crate::server::Server;

/// The verb of migrations after which older programs cannot run.
const CONTRACT: &str = "contract";

/// Runs the migrations that `schema` has not seen yet, in order, each in its own transaction.
///
/// # Errors
/// [`DatabaseError::MigrationEdited`] when the text of an applied one was changed,
/// [`DatabaseError::DatabaseNewer`] when the database has one that `migrator` does not know and that takes
/// something away.
pub async fn migrate(
    server: &Server,
    schema: &str,
    migrator: &Migrator,
    password: Option<&SecretString>,
) -> Result<(), DatabaseError> {
    let owner = role_name(schema, Role::Owner);
    let options = server.role_options(&owner, password).options([("search_path", schema)]);
    let mut connection = server.open(&options, &owner).await?;
    let protected = match run(&mut connection, schema, migrator).await {
        Ok(()) => protect_history(&mut connection, schema).await,
        Err(error) => Err(error),
    };
    // Closing the connection gives the migrator's lock back, also after a failure.
    let _ = connection.close().await;
    protected.map_err(|error| explain(schema, error))
}

async fn run(connection: &mut PgConnection, schema: &str, migrator: &Migrator) -> Result<(), MigrateError> {
    let unknown = unknown_to(migrator, connection).await?;
    if let Some((version, _)) = unknown.iter().find(|(_, description)| description.starts_with(CONTRACT)) {
        return Err(MigrateError::VersionMissing(*version));
    }
    if let Some((version, description)) = unknown.last() {
        tracing::warn!(
            db.namespace = schema,
            migration.version = version,
            migration.description = %description,
            "the database is newer than this program, which goes on with what it knows"
        );
    }
    let mut migrator = Migrator::with_migrations(migrator.iter().cloned().collect());
    migrator.set_ignore_missing(true).run_direct(None, connection, false).await
}

/// What a newer program has done to the schema: versions and what they are called, in order.
async fn unknown_to(
    migrator: &Migrator,
    connection: &mut PgConnection,
) -> Result<Vec<(i64, String)>, MigrateError> {
    let has_history = "SELECT to_regclass('_sqlx_migrations') IS NOT NULL";
    if !sqlx::query_scalar::<_, bool>(has_history).fetch_one(&mut *connection).await? {
        return Ok(Vec::new());
    }
    let history = "SELECT version, description FROM _sqlx_migrations ORDER BY version";
    let applied: Vec<(i64, String)> = sqlx::query_as(history).fetch_all(connection).await?;
    Ok(applied.into_iter().filter(|(version, _)| !migrator.version_exists(*version)).collect())
}

/// The default privileges of the schema let the service write every table; its history is not for it.
async fn protect_history(connection: &mut PgConnection, schema: &str) -> Result<(), MigrateError> {
    let [table, app, worker] =
        [schema.to_owned(), role_name(schema, Role::App), role_name(schema, Role::Worker)]
            .map(|name| quote_identifier(&name));
    let statement = format!("REVOKE INSERT, UPDATE, DELETE ON {table}._sqlx_migrations FROM {app}, {worker}");
    connection.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

fn explain(schema: &str, error: MigrateError) -> DatabaseError {
    let schema = schema.to_owned();
    match error {
        MigrateError::VersionMismatch(version) => DatabaseError::MigrationEdited { schema, version },
        MigrateError::VersionMissing(version) => DatabaseError::DatabaseNewer { schema, version },
        other => DatabaseError::Migration { schema, source: Box::new(other) },
    }
}
