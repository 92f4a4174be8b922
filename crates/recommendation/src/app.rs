//! One straight line: build, start, addresses, stop. The process around it is somebody
//! else's; nothing here reads the environment or a signal.

mod database;
mod server;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use larder_connectors::Connectors;
use larder_database::{Role, Server};
use larder_flags::Flags;
use larder_identity::TokenVerifier;
use larder_identity::page::PageTokens;
use larder_lifecycle::{HealthIdentity, HealthRegistry, Shutdown, Tasks};
use larder_ranking::ExpressionCache;
use larder_settings::Settings;
use larder_telemetry::MetricsHandle;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore, mpsc};

use self::database::{migrate_if_reachable, migrate_until_done};
use crate::Clock;
use crate::exposures::{Exposure, ExposureLog};
use crate::health::{self, ModelsHealth};
use crate::jobs::expose::ExposureWriter;
use crate::jobs::follow::Follower;
use crate::jobs::keep::FactsKeeper;
use crate::jobs::reload::Reloader;
use crate::jobs::sync_shops::{self, ShopsCensus};
use crate::jobs::train::{ModelTrainer, PendingEvents};
use crate::jobs::watch_demand;
use crate::jobs::{retain, sweep};
use crate::market::models::DemandModels;
use crate::metrics;
use crate::model_settings::ModelSettings;
use crate::nutrition::customer_goals::CustomerGoals;
use crate::nutrition::generic_foods::GenericFoods;
use crate::privacy::PrivacyRules;
use crate::recommend::Recommender;
use crate::served::Served;
use crate::snapshots::SnapshotFolder;
use crate::state::State;
use crate::training::process::TrainingProcess;

/// The schema that this service owns.
pub const SCHEMA: &str = "recommendation";

const SERVICE: &str = "recommendation";
/// Expressions of filters and boosts that stay compiled; an expression takes some kilobytes.
const KEPT_EXPRESSIONS: usize = 512;
/// Exports that one process sends at the same time.
const EXPORTS_AT_ONCE: usize = 4;
/// Imports that one process writes at the same time.
const IMPORTS_AT_ONCE: usize = 2;
/// Uploads that one process reads for previews and workbooks of problems at the same time.
const IMPORT_READS_AT_ONCE: usize = 2;

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
    /// Where PostgreSQL is.
    pub server: Server,
    /// Who signs the tokens of callers.
    pub verifier: TokenVerifier,
    /// What `/metrics` shows.
    pub metrics: MetricsHandle,
    /// Authenticates page tokens; the same on every replica.
    pub page_token_key: [u8; 32],
    /// Tells the time.
    pub clock: Clock,
    /// Shops, weather, events and holidays.
    pub connectors: Arc<Connectors>,
    /// What is switched on for whom.
    pub flags: Arc<Flags>,
    /// The `larder` that is started to train; `None` trains in this process.
    pub trainer_program: Option<PathBuf>,
}

/// The service, built and not yet listening.
pub struct App {
    app: AppSettings,
    state: Arc<State>,
    worker: PgPool,
    /// Answers that wait to be written down; taken when the service starts.
    exposures: Option<mpsc::Receiver<Exposure>>,
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
    /// Builds the service. The database is not asked for anything yet.
    #[must_use]
    pub fn build(app: AppSettings) -> Self {
        metrics::describe();
        larder_connectors::describe_metrics();
        let recommendation = app.settings.recommendation.clone();
        let database = &app.settings.database;
        let pool = larder_database::connect(&app.server, SCHEMA, Role::App, database);
        let worker = larder_database::connect(&app.server, SCHEMA, Role::Worker, database);
        let served = Arc::new(Served::default());
        let snapshots = SnapshotFolder::new(app.settings.snapshot_dir());
        let (nudge, pending) = (Arc::new(Notify::new()), PendingEvents::default());
        let shutdown = Shutdown::new();
        let model_settings = Arc::new(ModelSettings::built_in(&recommendation, (app.clock)()));
        let trainer = ModelTrainer {
            worker: worker.clone(),
            snapshots: snapshots.clone(),
            settings: recommendation.clone(),
            model_settings: model_settings.clone(),
            clock: app.clock,
            nudge: nudge.clone(),
            pending: pending.clone(),
            process: app.trainer_program.as_ref().map(|program| training_process(&app, program)),
            turn: Arc::new(Semaphore::new(1)),
            shutdown: shutdown.clone(),
        };
        let registry = HealthRegistry::new(HealthIdentity {
            service: SERVICE,
            version: env!("CARGO_PKG_VERSION"),
            environment: app.settings.environment.to_string(),
        });
        let models = ModelsHealth {
            pending: pending.clone(),
            stale_after: recommendation.model_stale_after,
            clock: app.clock,
        };
        let shops = Arc::new(ShopsCensus::default());
        let outside = (model_settings.clone(), app.connectors.clone(), shops.clone());
        health::register(&registry, pool.clone(), served.clone(), models, outside);
        larder_lifecycle::system::register(&registry, app.settings.data_dir.clone());
        app.flags.register(&registry);
        let keeper = Arc::new(FactsKeeper::new(snapshots.clone(), recommendation.profiles_max_age));
        let (exposures, waiting) = ExposureLog::new();
        let generic_foods = Arc::new(GenericFoods::default());
        let goals = CustomerGoals::new(model_settings.clone(), generic_foods.clone());
        let state = Arc::new(State {
            app: pool,
            worker: worker.clone(),
            recommender: Recommender::new(served.clone(), goals),
            served,
            trainer,
            pending,
            snapshots,
            keeper,
            pages: PageTokens::new(&app.page_token_key),
            exposures,
            exports: Arc::new(Semaphore::new(EXPORTS_AT_ONCE)),
            imports: Arc::new(Semaphore::new(IMPORTS_AT_ONCE)),
            import_reads: Arc::new(Semaphore::new(IMPORT_READS_AT_ONCE)),
            expressions: ExpressionCache::new(KEPT_EXPRESSIONS),
            settings: recommendation,
            model_settings,
            flags: app.flags.clone(),
            generic_foods,
            demand_models: DemandModels::default(),
            demand_nudge: Notify::new(),
            connectors: app.connectors.clone(),
            shops,
            shop_nudge: Notify::new(),
            sync_interval: app.settings.connectors.square_sync_interval,
            normals: Arc::default(),
            privacy: PrivacyRules::of(&app.settings),
            clock: app.clock,
            nudge,
        });
        Self { app, state, worker, exposures: Some(waiting), registry, shutdown }
    }

    /// Opens the listeners and begins to serve.
    ///
    /// # Errors
    ///
    /// When an address is taken, or the database refuses a migration. A database that is
    /// away is no error: what lies on disk is served until it is back.
    pub async fn start(mut self) -> Result<RunningApp, AppError> {
        let recommendation = &self.app.settings.recommendation;
        let api = listen("recommendation.listen_address", recommendation.listen_address).await?;
        let ops = listen("recommendation.ops_address", recommendation.ops_address).await?;
        let (api_address, ops_address) = (local(&api), local(&ops));
        let is_migrated = migrate_if_reachable(&self.app).await?;
        let (shutdown, mut tasks) = (self.shutdown.clone(), Tasks::new());
        self.spawn_jobs(&mut tasks, &shutdown, is_migrated);
        self.follow_model_settings(&mut tasks, &shutdown).await;
        let routes = self.routes().await?;
        let tls = &self.app.settings.tls;
        let certificates = larder_certificates::at_start(tls, &self.registry, &mut tasks, &shutdown)?;
        let server = self.server(routes, api, certificates, shutdown.clone());
        tasks.spawn("gRPC server", server);
        let ops_server = larder_lifecycle::ops::serve(
            ops,
            self.registry.clone(),
            self.app.metrics.clone(),
            shutdown.clone(),
        );
        tasks.spawn("ops server", async move { drop(ops_server.await) });
        wait_until_loaded(&self.state.served).await;
        self.registry.startup_complete();
        tracing::info!(server.address = %api_address, ops.address = %ops_address, "recommendation service is up");
        let settings = self.app.settings;
        Ok(RunningApp { api_address, ops_address, registry: self.registry, shutdown, tasks, settings })
    }

    fn spawn_jobs(&mut self, tasks: &mut Tasks, shutdown: &Shutdown, is_migrated: bool) {
        let follower = Follower::new(
            self.worker.clone(),
            self.state.served.clone(),
            self.state.snapshots.clone(),
            self.app.settings.recommendation.tail_interval,
            self.state.nudge.clone(),
        );
        let (server, settings) = (self.app.server.clone(), self.app.settings.clone());
        let (stopping, served) = (shutdown.clone(), self.state.served.clone());
        let (keeper, now_us) = (self.state.keeper.clone(), (self.app.clock)());
        let keeping = keeper.clone().run(served.clone(), self.app.clock, shutdown.clone());
        tasks.spawn("facts keeper", keeping);
        tasks.spawn("follower", async move {
            follower.serve_newest_files(&keeper, now_us).await;
            if !is_migrated {
                served.set_database_reachable(false);
                tokio::select! {
                    () = stopping.wait() => return,
                    () = migrate_until_done(&server, &settings) => {}
                }
            }
            follower.run(stopping).await;
        });
        tasks.spawn("trainer", self.state.trainer.clone().run(self.state.served.clone(), shutdown.clone()));
        tasks.spawn("demand models", watch_demand::run(self.state.clone(), shutdown.clone()));
        tasks.spawn("shops", sync_shops::run(self.state.clone(), shutdown.clone()));
        // The gateway keeps changes in the audit log; here they only act.
        tasks.spawn("flags", self.state.flags.clone().run(shutdown.clone(), drop));
        tasks.spawn("sweep", sweep::run(self.worker.clone(), shutdown.clone()));
        tasks.spawn("retention", retain::run(self.state.clone(), shutdown.clone()));
        if let Some(receiver) = self.exposures.take() {
            let lost = self.state.exposures.lost().clone();
            let writer = ExposureWriter { app: self.state.app.clone(), receiver, lost };
            tasks.spawn("exposure log", writer.run(shutdown.clone()));
        }
    }

    /// Takes up the model settings file before the first answer, and whenever it changes.
    async fn follow_model_settings(&self, tasks: &mut Tasks, shutdown: &Shutdown) {
        let Some(file) = self.app.settings.recommendation.model_settings_file.clone() else { return };
        let reloader = Reloader { file, settings: self.state.model_settings.clone(), clock: self.app.clock };
        reloader.look().await;
        tasks.spawn("model settings", reloader.run(shutdown.clone()));
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

fn training_process(app: &AppSettings, program: &Path) -> TrainingProcess {
    let recommendation = &app.settings.recommendation;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = match recommendation.training_threads {
        0 => (cores / 2).max(1),
        threads => threads,
    };
    TrainingProcess {
        program: program.to_owned(),
        server: app.server.clone(),
        role_password: app.settings.database.role_password.clone(),
        acquire_timeout: app.settings.database.acquire_timeout,
        threads,
        memory_limit_bytes: recommendation.training_memory_limit_bytes,
    }
}

async fn listen(setting: &'static str, address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|source| AppError::Listen { setting, address, source })
}

fn local(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound listener has an address")
}

/// Waits until the state of before the start is read, but not for a database that is away.
async fn wait_until_loaded(served: &Served) {
    const LOOK: Duration = Duration::from_millis(5);
    const LOOKS: u32 = 2_000;
    for _ in 0..LOOKS {
        if served.can_answer() {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
}
