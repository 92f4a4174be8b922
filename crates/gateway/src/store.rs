//! The shelves of the schema `identity`, one file a table. All SQL of the gateway is here.

mod api_keys;
pub(crate) mod audit;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod tenants;
pub(crate) mod usage;
pub(crate) mod users;

use std::time::Duration;

use larder_database::{DatabaseError, Server};
use larder_lifecycle::{Shutdown, Tasks};
use larder_settings::Settings;

use crate::config::SCHEMA;

pub use api_keys::{ApiKey, CreatedKey, KeyError, NewKey, create_key, list_keys, revoke_key, rotate_key};
pub(crate) use api_keys::{KeyRecord, find_key, is_reachable, list_keys_before};
pub use audit::{NewAuditEvent, append_audit_event};
pub use users::UserRow;

/// The migrations of the schema `identity`.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!();

/// How long to wait before a database that was away at the start is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// Brings the schema `identity` up to date; creates it and its roles first where that is asked for.
///
/// # Errors
/// When the database is away or refuses.
pub async fn migrate(server: &Server, settings: &Settings) -> Result<(), DatabaseError> {
    let password = settings.database.role_password.as_ref();
    if settings.database.bootstrap {
        larder_database::bootstrap(server, password).await?;
    }
    larder_database::migrate(server, SCHEMA, &MIGRATOR, password).await
}

/// Migrates now, or in the background once a database that is away comes back.
pub(crate) async fn prepare(
    server: Server,
    settings: &Settings,
    tasks: &mut Tasks,
    shutdown: &Shutdown,
) -> Result<(), DatabaseError> {
    match migrate(&server, settings).await {
        Ok(()) => return Ok(()),
        Err(error) if error.is_unavailable() => {
            tracing::warn!(error = %error, "database away at the start; api keys have to wait for it");
        }
        Err(error) => return Err(error),
    }
    let (settings, shutdown) = (settings.clone(), shutdown.clone());
    tasks.spawn("identity migration", async move {
        while let Err(error) = migrate(&server, &settings).await {
            if !error.is_unavailable() {
                tracing::error!(error = %error, "database refuses to be prepared");
            }
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    });
    Ok(())
}
