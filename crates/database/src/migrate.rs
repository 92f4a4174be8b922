//! Brings one schema up to date. Each schema keeps its own `_sqlx_migrations`, is migrated by its
//! owner, and two processes that start at once take turns.

use secrecy::SecretString;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::error::DatabaseError;
use crate::roles::{Role, quote_identifier, role_name};
use crate::server::Server;

/// Runs the migrations that `schema` has not seen yet, in order, each in its own transaction.
///
/// # Errors
/// [`DatabaseError::MigrationEdited`] when the text of an applied one was changed,
/// [`DatabaseError::DatabaseNewer`] when the database has one that `migrator` does not know.
pub async fn migrate(
    server: &Server,
    schema: &str,
    migrator: &Migrator,
    password: Option<&SecretString>,
) -> Result<(), DatabaseError> {
    let owner = role_name(schema, Role::Owner);
    let options = server.role_options(&owner, password).options([("search_path", schema)]);
    let mut connection = server.open(&options, &owner).await?;
    let migrated = migrator.run_direct(None, &mut connection, false).await;
    let protected = match migrated {
        Ok(()) => protect_history(&mut connection, schema).await,
        Err(error) => Err(error),
    };
    // Closing the connection gives the migrator's lock back, also after a failure.
    let _ = connection.close().await;
    protected.map_err(|error| explain(schema, error))
}

/// The default privileges of the schema let the service write every table; its history is not for it.
async fn protect_history(
    connection: &mut sqlx::postgres::PgConnection,
    schema: &str,
) -> Result<(), MigrateError> {
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
