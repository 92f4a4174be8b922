//! A database of its own for each test: copied from a template that has been bootstrapped and
//! migrated once, so that it costs tens of milliseconds, and dropped when the test ends. Tests
//! connect as the service's own roles, since a superuser is above row-level security.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use larder_database::{Role, Server, bootstrap, connect, migrate};
use larder_settings::DatabaseSettings;
use secrecy::SecretString;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, Executor};
use uuid::Uuid;

/// Changed when the bootstrap changes, so that templates of an older one are not used again.
const TEMPLATE_FORMAT: u32 = 1;

/// `larderts` in ASCII: the advisory lock under which one process at a time makes a template.
const TEMPLATE_LOCK: i64 = 0x6c61_7264_6572_7473;

/// Databases of runs that were killed are dropped by the next run after this long.
const LEFTOVER_AGE_SECONDS: i64 = 3600;

/// Templates that this process has seen finished.
static READY_TEMPLATES: Mutex<Option<HashSet<String>>> = Mutex::new(None);

/// A migrated database that belongs to one test and is dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    server: Server,
}

impl TestDatabase {
    /// Makes a database in which the migrations of each `(schema, migrator)` have run.
    ///
    /// # Panics
    /// When `LARDER_TEST_DATABASE_URL`, a superuser's address, is not set or does not answer.
    pub async fn create(migrations: &[(&str, &Migrator)]) -> Self {
        let cluster = test_server();
        let template = template_name(migrations);
        if !is_known_ready(&template) {
            make_template(&cluster, &template, migrations).await;
            READY_TEMPLATES
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert_default()
                .insert(template.clone());
        }
        let mut admin = connect_as_admin(&cluster).await;
        let now: i64 = query_one(&mut admin, "SELECT extract(epoch FROM now())::bigint").await;
        let name = format!("larder_test_{now}_{}", Uuid::new_v4().simple());
        execute(&mut admin, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        let _ = admin.close().await;
        Self { server: cluster.with_database(&name) }
    }

    /// The server with this database selected.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The superuser's address of this database, for a service's `database.url`.
    pub fn url(&self) -> SecretString {
        self.server.url()
    }

    /// Development settings that lead to this database; it is bootstrapped already.
    pub fn settings(&self) -> DatabaseSettings {
        DatabaseSettings { url: Some(self.url()), bootstrap: false, ..DatabaseSettings::default() }
    }

    /// A pool as the service itself, under row-level security.
    pub fn app_pool(&self, schema: &str) -> PgPool {
        connect(&self.server, schema, Role::App, &self.settings())
    }

    /// A pool as the trainer, outbox and schedulers.
    pub fn worker_pool(&self, schema: &str) -> PgPool {
        connect(&self.server, schema, Role::Worker, &self.settings())
    }

    /// A pool as the owner of the tables, to change them in a test.
    pub fn owner_pool(&self, schema: &str) -> PgPool {
        connect(&self.server, schema, Role::Owner, &self.settings())
    }

    /// A pool as superuser, to look at what no role may see.
    pub fn admin_pool(&self) -> PgPool {
        PgPoolOptions::new().max_connections(2).connect_lazy_with(self.server.admin_options())
    }
}

impl Drop for TestDatabase {
    /// A test's runtime may be the one that drops this, so the work is done on another thread.
    fn drop(&mut self) {
        let server = self.server.clone();
        let dropper = std::thread::spawn(move || drop_database(&server));
        let _ = dropper.join();
    }
}

fn drop_database(server: &Server) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else { return };
    runtime.block_on(async {
        let cluster = server.with_database("postgres");
        let Ok(mut admin) = cluster.connect_as_admin().await else { return };
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", server.database());
        if let Err(error) = admin.execute(AssertSqlSafe(statement)).await {
            eprintln!("{} was not dropped: {error}", server.database());
        }
    });
}

fn test_server() -> Server {
    let url = std::env::var("LARDER_TEST_DATABASE_URL")
        .expect("LARDER_TEST_DATABASE_URL is not set: run cargo xtask test, which starts a PostgreSQL");
    Server::from_url(&SecretString::from(url)).expect("LARDER_TEST_DATABASE_URL is a PostgreSQL address")
}

fn template_name(migrations: &[(&str, &Migrator)]) -> String {
    let mut hasher = DefaultHasher::new();
    TEMPLATE_FORMAT.hash(&mut hasher);
    for (schema, migrator) in migrations {
        schema.hash(&mut hasher);
        for migration in migrator.iter() {
            (migration.version, &migration.checksum).hash(&mut hasher);
        }
    }
    format!("larder_template_{:016x}", hasher.finish())
}

fn is_known_ready(template: &str) -> bool {
    let ready = READY_TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
    ready.as_ref().is_some_and(|names| names.contains(template))
}

/// Built under another name and renamed when finished, so that a killed run leaves no half template.
async fn make_template(cluster: &Server, template: &str, migrations: &[(&str, &Migrator)]) {
    let mut admin = connect_as_admin(cluster).await;
    execute(&mut admin, format!("SELECT pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let sql = format!("SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{template}')");
    if !query_one::<bool>(&mut admin, &sql).await {
        drop_leftovers(&mut admin).await;
        let unfinished = format!("{template}_unfinished");
        execute(&mut admin, format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
        let target = cluster.with_database(&unfinished);
        bootstrap(&target, None).await.expect("the template can be bootstrapped");
        for (schema, migrator) in migrations {
            migrate(&target, schema, migrator, None).await.expect("the template can be migrated");
        }
        execute(&mut admin, format!("ALTER DATABASE {unfinished} RENAME TO {template}")).await;
        execute(&mut admin, format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false")).await;
    }
    // Closing the connection gives the lock back.
    let _ = admin.close().await;
}

async fn drop_leftovers(admin: &mut PgConnection) {
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT datname FROM pg_database
         WHERE datname ~ '^larder_test_[0-9]+_'
           AND split_part(datname, '_', 3)::bigint < extract(epoch FROM now())::bigint - $1",
    )
    .bind(LEFTOVER_AGE_SECONDS)
    .fetch_all(&mut *admin)
    .await
    .expect("databases can be listed");
    for name in names {
        execute(admin, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    }
}

async fn connect_as_admin(cluster: &Server) -> PgConnection {
    cluster.connect_as_admin().await.expect("LARDER_TEST_DATABASE_URL answers")
}

async fn execute(admin: &mut PgConnection, statement: String) {
    if let Err(error) = admin.execute(AssertSqlSafe(statement.as_str())).await {
        panic!("{statement}: {error}");
    }
}

async fn query_one<T>(admin: &mut PgConnection, statement: &str) -> T
where
    T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
{
    match sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(admin).await {
        Ok(value) => value,
        Err(error) => panic!("{statement}: {error}"),
    }
}
