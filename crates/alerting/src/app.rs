//! One straight line: build, start, addresses, stop. The process around it is somebody
//! else's; nothing here reads the environment or a signal.

mod database;
mod server;

use std::net::SocketAddr;
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use larder_database::{Role, Server};
use larder_identity::page::PageTokens;
use larder_identity::{TenantId, TokenVerifier};
use larder_lifecycle::{HealthIdentity, HealthRegistry, Shutdown, Tasks};
use larder_settings::Settings;
use larder_telemetry::MetricsHandle;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use uuid::Uuid;

use self::database::{migrate_if_reachable, migrate_until_done};
use crate::channels::Reach;
use crate::http::body::BodyBudget;
use crate::in_force::{InForce, Rules};
use crate::ingest::{Committer, Ingest};
use crate::jobs::alive::Alive;
use crate::jobs::deliver::Deliverer;
use crate::jobs::emergency::EmergencyTeller;
use crate::jobs::foresee::Foresight;
use crate::jobs::group::Grouper;
use crate::jobs::probe::Prober;
use crate::jobs::reload::Reloader;
use crate::jobs::sweep::{self, Sweeper};
use crate::jobs::timers::TimerKeeper;
use crate::jobs::unspool::Unspooler;
use crate::jobs::watch::Watcher;
use crate::signing::SigningKeys;
use crate::spool::Spool;
use crate::state::State;
use crate::view::Views;
use crate::{Clock, health, metrics};

/// The schema that this service owns.
pub const SCHEMA: &str = "alerting";

pub(crate) const SERVICE: &str = "alerting";

const IDLE_IN_TRANSACTION_MS: &str = "15000";

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
    /// The folder for alerts that wait cannot be used.
    #[error("alerting.spool_dir: {0}")]
    Spool(#[from] std::io::Error),
    /// The tenant of the file is none.
    #[error("alerting.home_tenant: accepted are 1 to 63 characters of a-z 0-9 -")]
    HomeTenant,
    /// The on-call file is refused, and there is none before it.
    #[error("alerting.on_call_file: {0}")]
    OnCallFile(String),
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
    /// Signs links and tokens of sources; the same on every replica.
    pub signing_keys: SigningKeys,
    /// Tells the time.
    pub clock: Clock,
    /// A clock that nobody can set and that goes on while the machine sleeps.
    pub steady: Clock,
}

/// The service, built and not yet listening.
pub struct App {
    app: AppSettings,
    state: Arc<State>,
    worker: PgPool,
    committer: Arc<Committer>,
    spool: Arc<Spool>,
    home: TenantId,
    registry: HealthRegistry,
    shutdown: Shutdown,
    tasks: Tasks,
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
    /// Builds the service. The database is not asked for anything yet. Call it inside a runtime.
    ///
    /// # Errors
    /// An on-call file that is refused, or a folder for the spool that cannot be used.
    pub fn build(app: AppSettings) -> Result<Self, AppError> {
        metrics::describe();
        let alerting = app.settings.alerting.clone();
        let home = TenantId::parse(&alerting.home_tenant).map_err(|_| AppError::HomeTenant)?;
        let pool = |role| larder_database::connect(&app.server, SCHEMA, role, &app.settings.database);
        let (pool, worker) = (pool(Role::App), pool(Role::Worker));
        // Nothing here waits inside a transaction. A replica that is frozen in one must not hold its locks for long.
        let idle = [("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS)];
        worker.set_connect_options((*worker.connect_options()).clone().options(idle));
        let reach = reach(&app.settings);
        let rules = match &alerting.on_call_file {
            Some(file) => {
                Rules::read(file, reach).map_err(|error| AppError::OnCallFile(error.to_string()))?
            }
            None => Rules::built_in(),
        };
        let in_force = Arc::new(InForce::new(rules));
        let spool = Arc::new(Spool::open(&app.settings.alert_spool_dir())?);
        let (arrived, outbox, timers) =
            (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
        let shutdown = Shutdown::new();
        let committer = Arc::new(Committer {
            app: pool.clone(),
            in_force: in_force.clone(),
            spool: spool.clone(),
            arrived: arrived.clone(),
            clock: app.clock,
            away_until_us: AtomicI64::new(0),
            sight: Arc::default(),
        });
        let mut tasks = Tasks::new();
        let ingest = Ingest::start(&committer, &mut tasks, &shutdown);
        let registry = HealthRegistry::new(HealthIdentity {
            service: SERVICE,
            version: env!("CARGO_PKG_VERSION"),
            environment: app.settings.environment.to_string(),
        });
        health::register(&registry, pool.clone(), in_force.clone(), spool.clone());
        larder_lifecycle::system::register(&registry, app.settings.data_dir.clone());
        let views = Views { in_force: in_force.clone(), signing: app.signing_keys.clone() };
        let state = Arc::new(State {
            app: pool,
            ingest,
            in_force,
            views,
            signing: app.signing_keys.clone(),
            bodies: BodyBudget::new(alerting.ingest_memory_limit_bytes, alerting.webhook_limit_bytes),
            pages: PageTokens::new(&app.page_token_key),
            settings: alerting,
            anonymous_allowed: app.settings.anonymous_allowed(),
            board: Arc::default(),
            arrived,
            outbox,
            timers,
            clock: app.clock,
            started_at_us: (app.clock)(),
        });
        Ok(Self { app, state, worker, committer, spool, home, registry, shutdown, tasks })
    }

    /// Opens the listeners and begins to serve.
    ///
    /// # Errors
    /// When an address is taken, or the database refuses a migration. A database that is away is no error:
    /// alerts wait on disk until it is back.
    pub async fn start(mut self) -> Result<RunningApp, AppError> {
        let alerting = &self.app.settings.alerting;
        let api = listen("alerting.listen_address", alerting.listen_address).await?;
        let ops = listen("alerting.ops_address", alerting.ops_address).await?;
        let (api_address, ops_address) = (local(&api), local(&ops));
        let is_migrated = migrate_if_reachable(&self.app).await?;
        if !is_migrated {
            let (server, settings) = (self.app.server.clone(), self.app.settings.clone());
            let stopping = self.shutdown.clone();
            self.tasks.spawn("migrations", async move {
                tokio::select! {
                    () = migrate_until_done(&server, &settings) => {}
                    () = stopping.wait() => return,
                }
                // A task that ends is taken for a failure; this one has done its work.
                stopping.wait().await;
            });
        }
        self.spawn_jobs();
        let router = self.router().await?;
        let tls = &self.app.settings.tls;
        let certificates =
            larder_certificates::at_start(tls, &self.registry, &mut self.tasks, &self.shutdown)?;
        self.tasks.spawn("server", server::serve(api, certificates, router, self.shutdown.clone()));
        let ops_server = larder_lifecycle::ops::serve(
            ops,
            self.registry.clone(),
            self.app.metrics.clone(),
            self.shutdown.clone(),
        );
        self.tasks.spawn("ops server", async move { drop(ops_server.await) });
        self.registry.startup_complete();
        tracing::info!(server.address = %api_address, ops.address = %ops_address, "alerting service is up");
        Ok(RunningApp {
            api_address,
            ops_address,
            registry: self.registry,
            shutdown: self.shutdown,
            tasks: self.tasks,
            settings: self.app.settings,
        })
    }

    fn spawn_jobs(&mut self) {
        let (state, shutdown, clock, steady) = (&self.state, &self.shutdown, self.app.clock, self.app.steady);
        let (worker, in_force) = (&self.worker, &state.in_force);
        let grouper = Grouper {
            worker: worker.clone(),
            in_force: in_force.clone(),
            arrived: state.arrived.clone(),
            timers: state.timers.clone(),
            outbox: state.outbox.clone(),
            clock,
        };
        let timers = TimerKeeper {
            worker: worker.clone(),
            in_force: in_force.clone(),
            timers: state.timers.clone(),
            outbox: state.outbox.clone(),
            clock,
            steady,
        };
        let deliverer = Deliverer {
            worker: worker.clone(),
            in_force: in_force.clone(),
            views: state.views.clone(),
            outbox: state.outbox.clone(),
            clock,
            steady,
            owner: Uuid::now_v7(),
            busy: Mutex::default(),
        };
        let watcher = Watcher {
            worker: worker.clone(),
            in_force: in_force.clone(),
            ingest: state.ingest.clone(),
            arrived: state.arrived.clone(),
            outbox: state.outbox.clone(),
            clock,
            steady,
            home: self.home.clone(),
            has_others: self.app.settings.alerting.replicas > 1,
        };
        let unspooler = Unspooler { committer: self.committer.clone(), spool: self.spool.clone(), clock };
        let emergency = EmergencyTeller {
            worker: worker.clone(),
            sight: self.committer.sight.clone(),
            spool: self.spool.clone(),
            in_force: in_force.clone(),
            board: state.board.clone(),
            home: self.home.clone(),
            clock,
        };
        let sweeper = Sweeper {
            worker: worker.clone(),
            history_days: self.app.settings.alerting.history_days,
            board: state.board.clone(),
            home: self.home.clone(),
            clock,
        };
        self.tasks.spawn("grouper", grouper.run(shutdown.clone()));
        self.tasks.spawn("timers", timers.run(shutdown.clone()));
        self.tasks.spawn("outbox", deliverer.run(shutdown.clone()));
        self.tasks.spawn("watch", watcher.run(shutdown.clone()));
        self.tasks.spawn("unspool", unspooler.run(shutdown.clone()));
        self.tasks.spawn("emergency", emergency.run(shutdown.clone()));
        self.tasks.spawn("sweep", sweep::run(sweeper, shutdown.clone()));
        if let Some(file) = self.app.settings.alerting.on_call_file.clone() {
            let reloader = Reloader { file, reach: reach(&self.app.settings), in_force: in_force.clone() };
            self.tasks.spawn("on-call file", reloader.run(shutdown.clone()));
        }
        self.spawn_watchers();
    }
}

impl App {
    /// What looks by itself: at others, ahead, and at this service.
    fn spawn_watchers(&mut self) {
        let (state, shutdown, clock) = (&self.state, &self.shutdown, self.app.clock);
        let prober = Prober {
            worker: self.worker.clone(),
            in_force: state.in_force.clone(),
            ingest: state.ingest.clone(),
            reach: reach(&self.app.settings),
            clock,
            home: self.home.clone(),
            alone: Mutex::default(),
            busy: Mutex::default(),
        };
        let foresight = Foresight {
            worker: self.worker.clone(),
            in_force: state.in_force.clone(),
            ingest: state.ingest.clone(),
            clock,
            home: self.home.clone(),
        };
        let alive = Alive {
            worker: self.worker.clone(),
            home: self.home.clone(),
            name: replica_name(&self.app.settings),
            clock,
        };
        self.tasks.spawn("probes", prober.run(shutdown.clone()));
        self.tasks.spawn("foresight", foresight.run(shutdown.clone()));
        self.tasks.spawn("sign of life", alive.run(shutdown.clone()));
    }
}

impl RunningApp {
    /// Where the service answers HTTP and gRPC.
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

/// What this replica is called among the others: by the setting, or else by its machine.
fn replica_name(settings: &Settings) -> String {
    let machine = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let name = settings.alerting.replica_name.clone().unwrap_or_else(machine);
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' };
    format!("larder-alerting-{}", name.chars().map(plain).take(100).collect::<String>())
}

fn reach(settings: &Settings) -> Reach {
    if settings.alerting.allow_private_targets { Reach::Anywhere } else { Reach::PublicInternet }
}

async fn listen(setting: &'static str, address: SocketAddr) -> Result<TcpListener, AppError> {
    TcpListener::bind(address).await.map_err(|source| AppError::Listen { setting, address, source })
}

fn local(listener: &TcpListener) -> SocketAddr {
    listener.local_addr().expect("a bound listener has an address")
}
