//! Migrating twice, forwards, and in the ways that must be refused.

use larder_database::{DatabaseError, migrate};
use larder_testkit::TestDatabase;
use sqlx::migrate::Migrator;

use crate::fixture::{SCHEMA, migration, pantry, pantry_edited, pantry_with_labels};

#[tokio::test]
async fn migrating_again_changes_nothing_and_a_new_migration_is_added() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    migrate(database.server(), SCHEMA, &pantry(), None).await.unwrap();
    migrate(database.server(), SCHEMA, &pantry_with_labels(), None).await.unwrap();

    let versions: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM recommendation._sqlx_migrations ORDER BY version")
            .fetch_all(&database.admin_pool())
            .await
            .unwrap();
    assert_eq!(versions, [1, 2]);
}

#[tokio::test]
async fn each_schema_counts_its_own_migrations() {
    let gateway = Migrator::with_migrations(vec![migration(1, "CREATE TABLE tenants (tenant_id text)")]);
    let database = TestDatabase::create(&[(SCHEMA, &pantry()), ("identity", &gateway)]).await;
    let owners: Vec<(String, String)> = sqlx::query_as(
        "SELECT schemaname::text, tableowner::text FROM pg_tables
         WHERE tablename = '_sqlx_migrations' ORDER BY 1",
    )
    .fetch_all(&database.admin_pool())
    .await
    .unwrap();
    let expected = [("identity", "identity_owner"), ("recommendation", "recommendation_owner")];
    assert_eq!(owners, expected.map(|(schema, owner)| (schema.to_owned(), owner.to_owned())));
}

#[tokio::test]
async fn an_edited_migration_is_named() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let error = migrate(database.server(), SCHEMA, &pantry_edited(), None).await.unwrap_err();
    assert!(matches!(&error, DatabaseError::MigrationEdited { version: 1, .. }), "{error}");
    assert!(error.to_string().contains("migration 1 of schema recommendation was edited"), "{error}");
}

#[tokio::test]
async fn an_older_program_goes_on_with_a_database_that_was_added_to() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry_with_labels())]).await;
    migrate(database.server(), SCHEMA, &pantry(), None).await.unwrap();
    // And when it has brought something of its own meanwhile, both stand.
    let patched = Migrator::with_migrations(
        pantry().iter().cloned().chain([migration(3, "CREATE TABLE patches (id int)")]).collect(),
    );
    migrate(database.server(), SCHEMA, &patched, None).await.unwrap();
    let versions: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM recommendation._sqlx_migrations ORDER BY version")
            .fetch_all(&database.admin_pool())
            .await
            .unwrap();
    assert_eq!(versions, [1, 2, 3]);
}

#[tokio::test]
async fn a_database_that_something_was_taken_from_is_refused() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let mut contract = migration(2, "CREATE TABLE nothing_old (id int)");
    contract.description = "contract products".into();
    let newer = Migrator::with_migrations(pantry().iter().cloned().chain([contract]).collect());
    migrate(database.server(), SCHEMA, &newer, None).await.unwrap();
    let error = migrate(database.server(), SCHEMA, &pantry(), None).await.unwrap_err();
    assert!(matches!(&error, DatabaseError::DatabaseNewer { version: 2, .. }), "{error}");
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_behind_and_can_be_mended() {
    let database = TestDatabase::create(&[]).await;
    let broken = Migrator::with_migrations(vec![migration(1, "CREATE TABLE half (id int); SELECT 1 / 0")]);
    let error = migrate(database.server(), SCHEMA, &broken, None).await.unwrap_err();
    assert!(matches!(error, DatabaseError::Migration { .. }), "{error}");

    let mended = Migrator::with_migrations(vec![migration(1, "CREATE TABLE half (id int)")]);
    migrate(database.server(), SCHEMA, &mended, None).await.unwrap();
}

#[tokio::test]
async fn two_programs_may_migrate_at_once() {
    let database = TestDatabase::create(&[]).await;
    let (first, second) = (pantry_with_labels(), pantry_with_labels());
    let (one, other) = tokio::join!(
        migrate(database.server(), SCHEMA, &first, None),
        migrate(database.server(), SCHEMA, &second, None),
    );
    one.unwrap();
    other.unwrap();
}
