//! Preparing the database: at the start when it can be reached, or as soon as it can.

use std::time::Duration;

use larder_database::Server;
use larder_settings::Settings;

use super::{AppError, AppSettings, SCHEMA, migrator};

/// How long to wait before a database that was away at the start is asked again.
const MIGRATE_AGAIN: Duration = Duration::from_secs(1);

/// Prepares the database and tells whether it could be reached.
pub(super) async fn migrate_if_reachable(app: &AppSettings) -> Result<bool, AppError> {
    match migrate(&app.server, &app.settings).await {
        Ok(()) => Ok(true),
        Err(error) if error.is_unavailable() => {
            tracing::warn!(error.cause = %error, "database away at the start; alerts wait on disk");
            Ok(false)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn migrate_until_done(server: &Server, settings: &Settings) {
    while let Err(error) = migrate(server, settings).await {
        if !error.is_unavailable() {
            tracing::error!(error.cause = %error, "database refuses to be prepared");
        }
        tokio::time::sleep(MIGRATE_AGAIN).await;
    }
}

async fn migrate(server: &Server, settings: &Settings) -> Result<(), larder_database::DatabaseError> {
    let password = settings.database.role_password.as_ref();
    if settings.database.bootstrap {
        larder_database::bootstrap(server, password).await?;
    }
    larder_database::migrate(server, SCHEMA, &migrator(), password).await
}
