//! One straight line: build, start, addresses, stop. The process around it is somebody else's;
//! nothing here reads the environment or a signal.

mod database;
mod server;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use larder_database::{Role, Server};
use larder_identity::{TokenSigner, TokenVerifier};
use larder_lifecycle::{HealthIdentity, HealthRegistry, Shutdown, Tasks};
use larder_settings::Settings;
use larder_telemetry::MetricsHandle;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use self::database::{migrate_if_reachable, migrate_until_done};
use crate::clock::Clock;
use crate::config::{self, Schedules};
use crate::error::BackupError;
use crate::jobs;
use crate::jobs::schedules::Scheduler;
use crate::operations::Operations;
use crate::page::PageTokens;
use crate::state::{Reading, State};
use crate::under_way::UnderWay;
use crate::{health, metrics};

/// The schema that this service owns.
pub const SCHEMA: &str = "backup";

const SERVICE: &str = "backup";

/// The migrations of this service.
#[must_use]
pub fn migrator() -> sqlx::migrate::Migrator {
    sqlx::migrate!("./migrations")
}

/// Why the service cannot run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A listener could not be opened.
    #[error("{setting}: cannot listen on {address}: {source}")]
    Listen {
        /// The setting to change.
        setting: &'static str,
        /// What it says.
        address: SocketAddr,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The database refused to be prepared.
    #[error(transparent)]
    Database(#[from] larder_database::DatabaseError),
    /// A setting cannot be used, or a target cannot be opened.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// A certificate between services cannot be used.
    #[error("tls: {0}")]
    Certificate(#[from] larder_certificates::CertificateError),
    /// A part of the server could not be built.
    #[error("reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// What the service is built from.
pub struct AppSettings {
    /// All settings in force.
    pub settings: Settings,
    /// Where Larder's own PostgreSQL is.
    pub server: Server,
    /// Who signs the tokens of callers.
    pub verifier: TokenVerifier,
    /// What `/metrics` shows.
    pub metrics: MetricsHandle,
    /// Authenticates page tokens; the same on every replica.
    pub page_token_key: [u8; 32],
    /// Proves this service to the alerting service; `None` shows it nothing.
    pub signer: Option<TokenSigner>,
    /// The `larder` program, which servers in recovery ask for their log.
    pub program: PathBuf,
    /// Tells the time.
    pub clock: Clock,
}

/// The service, built and not yet listening.
pub struct App {
    app: AppSettings,
    state: Arc<State>,
    schedules: Schedules,
    pool: PgPool,
    registry: HealthRegistry,
    shutdown: Shutdown,
}

/// The service at work.
pub struct RunningApp {
    api_address: SocketAddr,
    ops_address: SocketAddr,
    registry: HealthRegistry,
    shutdown: Shutdown,
    tasks: Tasks,
    settings: Settings,
}

impl App {
    /// Builds the service and opens its targets. The database is not asked for anything yet.
    ///
    /// # Errors
    /// A setting that cannot be used, by its name.
    pub async fn build(app: AppSettings) -> Result<Self, AppError> {
        metrics::describe();
        let backup = &app.settings.backup;
        let schedules = config::schedules(backup, (app.clock)())?;
        let registry = HealthRegistry::new(HealthIdentity {
            service: SERVICE,
            version: env!("CARGO_PKG_VERSION"),
            environment: app.settings.environment.to_string(),
        });
        let state = Arc::new(State {
            vault: config::open_vault(&app.settings).await?,
            source: config::source(&app.settings, &app.server)?,
            dump_source: config::dump_source(&app.settings, &app.server)?,
            load_server: config::load_server(&app.settings, &app.server)?,
            policies: config::policies(backup)?,
            tiers: config::tiers(backup)?,
            takes_dumps: schedules.dump.is_some(),
            settings: backup.clone(),
            operations: Operations::new(app.clock),
            clock: app.clock,
            turn: Semaphore::new(1),
            dump_turn: Semaphore::new(1),
            drill_turn: Semaphore::new(1),
            drill_folder: config::drill_folder(&app.settings),
            bin_dir: app.settings.database.bin_dir.clone(),
            program: app.program.clone(),
            canary_database: backup.source_url.is_none().then(|| app.server.database().to_owned()),
            canary_at: watch::Sender::new(None),
            self_test_at: watch::Sender::new(None),
            pages: PageTokens::new(&app.page_token_key),
            reading: Reading::default(),
            under_way: UnderWay::in_folder(app.settings.data_dir.join("under-way").join(&backup.cluster)),
            wal: OnceLock::new(),
        });
        let pool = larder_database::connect(&app.server, SCHEMA, Role::Worker, &app.settings.database);
        health::register(&registry, state.clone(), &schedules);
        larder_lifecycle::system::register(&registry, app.settings.data_dir.clone());
        Ok(Self { app, state, schedules, pool, registry, shutdown: Shutdown::new() })
    }

    /// Opens the listeners and begins to serve.
    ///
    /// # Errors
    /// When an address is taken, or the database refuses a migration. A database that is away is no
    /// error: then backups are most needed.
    pub async fn start(self) -> Result<RunningApp, AppError> {
        let backup = &self.app.settings.backup;
        let api = listen("backup.listen_address", backup.listen_address).await?;
        let ops = listen("backup.ops_address", backup.ops_address).await?;
        let (api_address, ops_address) = (local(&api), local(&ops));
        let is_migrated = migrate_if_reachable(&self.app).await?;
        let (shutdown, mut tasks) = (self.shutdown.clone(), Tasks::new());
        let routes = self.routes().await?;
        let tls = &self.app.settings.tls;
        let certificates = larder_certificates::at_start(tls, &self.registry, &mut tasks, &shutdown)?;
        tasks.spawn("gRPC server", self.server(routes, api, certificates.clone(), shutdown.clone()));
        let ops_server = larder_lifecycle::ops::serve(
            ops,
            self.registry.clone(),
            self.app.metrics.clone(),
            shutdown.clone(),
        );
        tasks.spawn("ops server", async move { drop(ops_server.await) });
        let alarms = jobs::alarms::start(&self.app, self.state.clone(), &self.schedules, certificates)?;
        let scheduler =
            Scheduler { state: self.state.clone(), pool: self.pool.clone(), schedules: self.schedules };
        let (server, settings) = (self.app.server.clone(), self.app.settings.clone());
        tasks.spawn("schedules", async move {
            if !is_migrated {
                tokio::select! {
                    () = shutdown.wait() => return,
                    () = migrate_until_done(&server, &settings) => {}
                }
            }
            scheduler.run(shutdown).await;
        });
        tasks.spawn("left-overs", jobs::left_overs::run(self.state.clone(), self.shutdown.clone()));
        if let Some(alarms) = alarms {
            tasks.spawn("alarms", alarms.run(self.shutdown.clone()));
        }
        if let Some(receiver) = jobs::wal::start(&self.app.settings, &self.state)? {
            // Nothing else sets it.
            let _ = self.state.wal.set(receiver.status());
            tasks.spawn(
                "log receiver",
                jobs::wal::follow(receiver, self.state.clone(), self.shutdown.clone()),
            );
        }
        self.registry.startup_complete();
        tracing::info!(server.address = %api_address, ops.address = %ops_address, "backup service is up");
        let (settings, shutdown) = (self.app.settings, self.shutdown);
        Ok(RunningApp { api_address, ops_address, registry: self.registry, shutdown, tasks, settings })
    }
}

impl RunningApp {
    /// Where the service answers gRPC.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        self.api_address
    }

    /// Where health and metrics are.
    #[must_use]
    pub fn ops_address(&self) -> SocketAddr {
        self.ops_address
    }

    /// Waits for a task to end that nobody asked to end: the service has failed.
    pub async fn failed(&mut self) {
        self.tasks.next_end().await;
    }

    /// Turns readiness off, lets the calls under way end, and stops.
    pub async fn stop(self) {
        larder_lifecycle::drain(&self.registry, &self.settings.lifecycle, &self.shutdown, self.tasks).await;
    }
}

async fn listen(setting: &'static str, address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|source| AppError::Listen { setting, address, source })
}

fn local(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound listener has an address")
}
