//! Row-level security: what a tenant's transaction can see, write and count.

use larder_database::{begin_tenant, begin_tenant_read_only, constraint};
use larder_identity::TenantId;
use larder_testkit::TestDatabase;
use sqlx::postgres::PgPool;
use sqlx::{Executor, PgConnection};

use crate::fixture::{SCHEMA, pantry};

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

async fn put_jar(connection: &mut PgConnection, owner: &str, jar: &str) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO recommendation.pantry (tenant_id, jar_id) VALUES ($1, $2)";
    sqlx::query(insert).bind(owner).bind(jar).execute(connection).await.map(drop)
}

async fn fill(pool: &PgPool, owner: &str, jars: &[&str]) {
    let mut transaction = begin_tenant(pool, &tenant(owner)).await.unwrap();
    for jar in jars {
        put_jar(&mut transaction, owner, jar).await.unwrap();
    }
    transaction.commit().await.unwrap();
}

async fn count<'c>(executor: impl sqlx::PgExecutor<'c>) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM recommendation.pantry").fetch_one(executor).await.unwrap()
}

#[tokio::test]
async fn a_tenant_sees_its_own_rows_and_nobody_elses() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let pool = database.app_pool(SCHEMA);
    fill(&pool, "north", &["jam", "honey"]).await;
    fill(&pool, "south", &["salt"]).await;

    let mut north = begin_tenant(&pool, &tenant("north")).await.unwrap();
    assert_eq!(count(&mut *north).await, 2);
    let mut south = begin_tenant_read_only(&pool, &tenant("south")).await.unwrap();
    assert_eq!(count(&mut *south).await, 1);
    assert_eq!(count(&database.worker_pool(SCHEMA)).await, 3);
}

#[tokio::test]
async fn without_a_tenant_there_are_no_rows() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let pool = database.app_pool(SCHEMA);
    assert_eq!(count(&pool).await, 0);
    fill(&pool, "north", &["jam"]).await;
    // The connection that was just used for a tenant must have forgotten it.
    assert_eq!(count(&pool).await, 0);
    assert_eq!(count(&database.admin_pool()).await, 1);
}

#[tokio::test]
async fn a_tenant_cannot_write_for_another() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let pool = database.app_pool(SCHEMA);
    fill(&pool, "south", &["salt"]).await;

    let mut north = begin_tenant(&pool, &tenant("north")).await.unwrap();
    let removed = north.execute("DELETE FROM recommendation.pantry").await.unwrap();
    assert_eq!(removed.rows_affected(), 0);
    let error = put_jar(&mut north, "south", "jam").await.unwrap_err();
    assert!(error.to_string().contains("row-level security"), "{error}");
}

#[tokio::test]
async fn a_read_only_transaction_refuses_writes_and_keeps_one_snapshot() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let pool = database.app_pool(SCHEMA);
    let mut reader = begin_tenant_read_only(&pool, &tenant("north")).await.unwrap();
    assert_eq!(count(&mut *reader).await, 0);
    fill(&pool, "north", &["jam"]).await;
    assert_eq!(count(&mut *reader).await, 0);
    let error = put_jar(&mut reader, "north", "honey").await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[tokio::test]
async fn a_constraint_is_known_by_its_name() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let pool = database.app_pool(SCHEMA);
    fill(&pool, "north", &["jam"]).await;
    let mut north = begin_tenant(&pool, &tenant("north")).await.unwrap();
    let error = put_jar(&mut north, "north", "jam").await.unwrap_err();
    assert_eq!(constraint(&error), Some("pantry_jar_unique"));
}
