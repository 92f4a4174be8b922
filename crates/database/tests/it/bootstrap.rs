//! Roles, schemas and grants as they are after bootstrapping once, twice and in parallel.

use larder_database::{BACKUP_ROLE, DatabaseError, Role, SCHEMAS, Server, bootstrap, migrate, role_name};
use larder_testkit::TestDatabase;
use secrecy::SecretString;
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, Executor};

use crate::fixture::{SCHEMA, pantry};

async fn is_refused(pool: &PgPool, statement: &str) -> bool {
    match pool.execute(AssertSqlSafe(statement)).await {
        Ok(_) => false,
        Err(error) => error.as_database_error().unwrap().code().as_deref() == Some("42501"),
    }
}

#[tokio::test]
async fn bootstrapping_again_and_in_parallel_changes_nothing() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let grants =
        "SELECT string_agg(nspname || coalesce(nspacl::text, '') || nspowner::regrole, ' ' ORDER BY 1)
                  FROM pg_namespace";
    let before: String = sqlx::query_scalar(grants).fetch_one(&database.admin_pool()).await.unwrap();
    let server = database.server();
    let (one, two, three) =
        tokio::join!(bootstrap(server, None), bootstrap(server, None), bootstrap(server, None));
    one.unwrap();
    two.unwrap();
    three.unwrap();
    let after: String = sqlx::query_scalar(grants).fetch_one(&database.admin_pool()).await.unwrap();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_missing_database_is_created_by_whoever_comes_first() {
    let database = TestDatabase::create(&[]).await;
    let name = format!("{}_new", database.server().database());
    let server = database.server().with_database(&name);
    let (one, other) = tokio::join!(bootstrap(&server, None), bootstrap(&server, None));
    one.unwrap();
    other.unwrap();
    let schemas: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname = ANY($1)")
        .bind(SCHEMAS.map(str::to_owned).to_vec())
        .fetch_one(&mut server.connect_as_admin().await.unwrap())
        .await
        .unwrap();
    assert_eq!(schemas, SCHEMAS.len() as i64);
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    database.admin_pool().execute(AssertSqlSafe(drop)).await.unwrap();
}

#[tokio::test]
async fn no_service_role_is_above_row_level_security() {
    let database = TestDatabase::create(&[]).await;
    for schema in SCHEMAS {
        for role in Role::ALL {
            let powers: (bool, bool, bool, bool) = sqlx::query_as(
                "SELECT rolsuper, rolbypassrls, rolreplication, rolcanlogin FROM pg_roles WHERE rolname = $1",
            )
            .bind(role_name(schema, role))
            .fetch_one(&database.admin_pool())
            .await
            .unwrap();
            assert_eq!(powers, (false, false, false, true), "{}", role_name(schema, role));
        }
    }
    let backup: (bool, bool, bool) =
        sqlx::query_as("SELECT rolsuper, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = $1")
            .bind(BACKUP_ROLE)
            .fetch_one(&database.admin_pool())
            .await
            .unwrap();
    assert_eq!(backup, (false, true, true));
}

#[tokio::test]
async fn a_service_keeps_to_its_own_schema_and_owns_nothing() {
    let database = TestDatabase::create(&[(SCHEMA, &pantry())]).await;
    let recommendation = database.app_pool(SCHEMA);
    let stranger = database.app_pool("identity");
    assert!(is_refused(&stranger, "SELECT FROM recommendation.pantry").await);
    assert!(is_refused(&recommendation, "DROP TABLE recommendation.pantry").await);
    assert!(
        is_refused(&recommendation, "ALTER TABLE recommendation.pantry DISABLE ROW LEVEL SECURITY").await
    );
    assert!(is_refused(&recommendation, "CREATE TABLE recommendation.other (id int)").await);
    assert!(is_refused(&recommendation, "CREATE TABLE public.other (id int)").await);
    assert!(is_refused(&recommendation, "DELETE FROM recommendation._sqlx_migrations").await);
    assert!(!is_refused(&recommendation, "SELECT FROM recommendation.pantry").await);
}

#[tokio::test]
async fn a_weak_login_is_told_what_it_needs() {
    let database = TestDatabase::create(&[]).await;
    let url = secrecy::ExposeSecret::expose_secret(&database.url()).replace("postgres@", "alerting_app@");
    let server = Server::from_url(&SecretString::from(url)).unwrap().with_database("larder_not_there");
    let error = bootstrap(&server, None).await.unwrap_err();
    assert!(matches!(error, DatabaseError::NotPermitted { .. }), "{error}");
    assert!(error.to_string().contains("alerting_app may not create the database"), "{error}");
}

#[tokio::test]
async fn a_managed_servers_administrator_needs_no_superuser() {
    let database = TestDatabase::create(&[]).await;
    let name = format!("{}_managed", database.server().database());
    let admin = database.admin_pool();
    let create = format!("CREATE ROLE {name} LOGIN CREATEROLE CREATEDB");
    admin.execute(AssertSqlSafe(create)).await.unwrap();
    let url = secrecy::ExposeSecret::expose_secret(&database.url()).replace("postgres@", &format!("{name}@"));
    let server = Server::from_url(&SecretString::from(url)).unwrap().with_database(&name);

    let bootstrapped = async {
        bootstrap(&server, None).await?;
        bootstrap(&server, None).await?;
        migrate(&server, SCHEMA, &pantry(), None).await
    };
    let outcome = bootstrapped.await;
    for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("DROP ROLE {name}")] {
        admin.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    outcome.unwrap();
}
