//! The fixtures themselves, against the server that the tests run on.

use larder_testkit::TestDatabase;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Executor, SqlSafeStr};

fn shelf() -> Migrator {
    let sql = "CREATE TABLE shelf (jar text)".into_sql_str();
    Migrator::with_migrations(vec![Migration::new(1, "shelf".into(), MigrationType::Simple, sql, false)])
}

#[tokio::test]
async fn each_test_has_an_empty_database_of_its_own() {
    let shelf = shelf();
    let migrations = [("recommendation", &shelf)];
    let (one, other) = tokio::join!(TestDatabase::create(&migrations), TestDatabase::create(&migrations));
    one.app_pool("recommendation").execute("INSERT INTO recommendation.shelf VALUES ('jam')").await.unwrap();
    let elsewhere: i64 = sqlx::query_scalar("SELECT count(*) FROM recommendation.shelf")
        .fetch_one(&other.worker_pool("recommendation"))
        .await
        .unwrap();
    assert_eq!(elsewhere, 0);
}

#[tokio::test]
async fn it_is_gone_afterwards_even_while_it_is_in_use() {
    let witness = TestDatabase::create(&[]).await;
    let database = TestDatabase::create(&[]).await;
    let name = database.server().database().to_owned();
    let pool = database.app_pool("recommendation");
    let _in_use = pool.acquire().await.unwrap();
    drop(database);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(name)
        .fetch_one(&witness.admin_pool())
        .await
        .unwrap();
    assert_eq!(left, 0);
}
