//! Two small migrations with the row-level security that every service's tables have.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

pub(crate) const SCHEMA: &str = "recommendation";

const CREATE_PANTRY: &str = "
    CREATE TABLE pantry (
        tenant_id text NOT NULL,
        jar_id text NOT NULL,
        CONSTRAINT pantry_jar_unique PRIMARY KEY (tenant_id, jar_id)
    );
    ALTER TABLE pantry ENABLE ROW LEVEL SECURITY;
    ALTER TABLE pantry FORCE ROW LEVEL SECURITY;
    CREATE POLICY pantry_tenant ON pantry TO recommendation_app
        USING (tenant_id = current_setting('larder.tenant_id', true))
        WITH CHECK (tenant_id = current_setting('larder.tenant_id', true));
    CREATE POLICY pantry_worker ON pantry TO recommendation_worker USING (true) WITH CHECK (true);
";

const ADD_LABEL: &str = "ALTER TABLE pantry ADD COLUMN label text";

pub(crate) fn migration(version: i64, sql: &'static str) -> Migration {
    Migration::new(version, "fixture".into(), MigrationType::Simple, sql.into_sql_str(), false)
}

pub(crate) fn pantry() -> Migrator {
    Migrator::with_migrations(vec![migration(1, CREATE_PANTRY)])
}

pub(crate) fn pantry_with_labels() -> Migrator {
    Migrator::with_migrations(vec![migration(1, CREATE_PANTRY), migration(2, ADD_LABEL)])
}

/// The first migration with its text changed after it ran.
pub(crate) fn pantry_edited() -> Migrator {
    Migrator::with_migrations(vec![migration(1, "CREATE TABLE pantry (tenant_id text)")])
}
