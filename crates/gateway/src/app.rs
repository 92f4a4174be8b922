//! One straight line: build, start, addresses, stop. The process around it is somebody
//! else's; nothing here reads the environment or a signal.

use std::net::SocketAddr;
use std::sync::Arc;

use larder_certificates::Watched;
use larder_certificates::acme::Acme;
use larder_database::{Role, Server};
use larder_flags::Flags;
use larder_identity::{TokenSigner, TokenVerifier};
use larder_lifecycle::{Drained, HealthIdentity, HealthRegistry, Shutdown, Stage, Tasks};
use larder_settings::Settings;
use larder_telemetry::MetricsHandle;
use larder_telemetry::http::HttpTelemetryLayer;
use larder_telemetry::panics::CatchPanicLayer;
use prost_reflect::DescriptorPool;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tonic_health::ServingStatus;
use tower::ServiceBuilder;

use crate::accounts::{self, Accounts};
use crate::audit::{AuditLog, Waiting};
use crate::cache::Cache;
use crate::caller::{Authenticator, Issuer, KeyRing, Rings, SessionRing, TenantRing, TokenMint};
use crate::config::{Limits, SCHEMA, SERVICE, SERVICE_AUDIENCE};
use crate::error::GatewayError;
use crate::front::Front;
use crate::gate::Gate;
use crate::grpc::OwnServices;
use crate::health::{PlatformHealth, checks};
use crate::limits::{InFlight, RateLimits, Sharing};
use crate::maintenance::Maintenance;
use crate::peer::TrustedProxies;
use crate::rpcs::RpcTable;
use crate::transcode::{self, RouteTable};
use crate::transport::Transport;
use crate::upstream::Upstream;
use crate::usage::Meter;
use crate::{audit, openapi, router, server, store};

/// What a gateway is made of.
pub struct GatewayAppSettings {
    /// All settings; the gateway reads its own section and those of what it uses.
    pub settings: Settings,
    /// What the ops port shows under `/metrics`.
    pub metrics: MetricsHandle,
    /// Signs the tokens that prove callers to the services behind.
    pub signer: TokenSigner,
    /// Authenticates page tokens; the same on every replica.
    pub page_token_key: [u8; 32],
    /// Where API keys are kept; without it there are only tokens, and anonymous callers in
    /// development.
    pub database: Option<Server>,
}

/// A gateway that is not listening yet.
pub struct App {
    gate: Arc<Gate>,
    settings: Settings,
    metrics: MetricsHandle,
    database: Option<Server>,
    redis: Option<deadpool_redis::Pool>,
    registry: HealthRegistry,
    accounts: Option<Accounts>,
    waiting: Waiting,
    /// What callers are spoken to with; without it they are answered in the clear.
    tls: Option<Arc<Watched>>,
    /// Fetches that certificate, where an authority is asked for it.
    acme: Option<Acme>,
    /// What is shown to the services behind, and wanted of them.
    certificates: Option<Arc<Watched>>,
}

/// A gateway at work.
pub struct RunningApp {
    address: SocketAddr,
    ops_address: SocketAddr,
    registry: HealthRegistry,
    gate: Arc<Gate>,
    settings: Settings,
    shutdown: Shutdown,
    tasks: Tasks,
    /// What serves the gateway itself, and outlives its last request.
    inner: Stage,
    ops_shutdown: Shutdown,
    ops_tasks: Tasks,
}

impl App {
    /// Builds the gateway of Larder's contract. Must be called inside a runtime.
    ///
    /// # Errors
    /// A route that cannot be served, or settings that cannot be used.
    pub async fn build(parts: GatewayAppSettings) -> Result<Self, GatewayError> {
        Self::build_for_contract(parts, larder_proto::FILE_DESCRIPTOR_SET).await
    }

    /// The same for any contract: an encoded `FileDescriptorSet` with its options.
    ///
    /// # Errors
    /// As [`App::build`].
    pub async fn build_for_contract(
        parts: GatewayAppSettings,
        contract: &[u8],
    ) -> Result<Self, GatewayError> {
        let GatewayAppSettings { settings, metrics, signer, page_token_key, database } = parts;
        crate::metrics::describe();
        let pool = DescriptorPool::decode(contract)?;
        let routes = RouteTable::new(transcode::routes_of(&pool)?)?;
        let openapi = serde_json::to_vec(&openapi::write(&pool, &routes)).unwrap_or_default().into();
        let registry = HealthRegistry::new(HealthIdentity {
            service: SERVICE,
            version: env!("CARGO_PKG_VERSION"),
            environment: settings.environment.to_string(),
        });
        let gateway = &settings.gateway;
        let Transport { tls, acme, between: certificates } = Transport::new(&settings, &registry)?;
        let recommendation =
            Upstream::new("recommendation", &gateway.recommendation_url, &settings, certificates.as_ref());
        let recommendation = Arc::new(recommendation?);
        checks::register(&registry, recommendation.clone(), settings.data_dir.clone());
        let redis = checks::redis_pool(&settings.redis)?;
        checks::register_redis(&registry, &settings, redis.clone());
        let (callers, looked_up) = authenticator(&settings, &signer, database.as_ref(), &registry)?;
        let mut others = others(&settings, certificates.as_ref(), &registry)?;
        let rates = Arc::new(RateLimits::new(&settings));
        let app_pool = database
            .as_ref()
            .map(|database| larder_database::connect(database, SCHEMA, Role::App, &settings.database));
        let (audit, waiting) = AuditLog::new(app_pool.clone());
        let audit = Arc::new(audit);
        let flags = Flags::open(settings.flags.file.as_deref())?;
        flags.register(&registry);
        let worker = looked_up.as_ref().map(|(worker, _)| worker.clone());
        let meter = Arc::new(Meter::new(&settings.quotas, worker)?);
        let mut served = None;
        if let (Some(app), Some((worker, rings))) = (app_pool, looked_up) {
            let parts = accounts::Parts {
                app,
                worker,
                page_token_key,
                rings,
                rates: rates.clone(),
                audit: audit.clone(),
                meter: meter.clone(),
                flags: flags.clone(),
            };
            let (accounts, pipe) = accounts::build(&settings, callers.verifier.clone(), parts)?;
            let identity = Arc::new(Upstream::in_this_process("identity", pipe, &settings));
            others.push(("larder.flags.", identity.clone()));
            others.push(("larder.identity.", identity));
            served = Some(accounts);
        }
        let mut services = vec![("recommendation", gateway.recommendation_ops_url.clone())];
        services.extend(gateway.backup_ops_url.clone().map(|url| ("backup", url)));
        services.extend(gateway.alerting_ops_url.clone().map(|url| ("alerting", url)));
        let gate = Gate {
            routes,
            rpcs: RpcTable::new(&pool)?,
            limits: Limits::new(&settings),
            openapi,
            own_services: OwnServices::new(contract).await?,
            health: PlatformHealth::new(registry.clone(), services),
            callers,
            tokens: TokenMint::new(signer, settings.identity.token_ttl),
            rates,
            in_flight: InFlight::new(settings.limits.in_flight),
            cache: Arc::new(Cache::new(&settings)?),
            maintenance: Arc::new(Maintenance::new(settings.gateway.maintenance_file.clone())),
            proxies: TrustedProxies::new(&settings.gateway.trusted_proxies)?,
            audit,
            meter,
            flags,
            recommendation,
            others,
        };
        let gate = Arc::new(gate);
        Ok(Self {
            gate,
            settings,
            metrics,
            database,
            redis,
            registry,
            accounts: served,
            waiting,
            tls,
            acme,
            certificates,
        })
    }

    /// Prepares the database, opens both ports and begins to serve.
    ///
    /// # Errors
    /// An address that is taken, or a database that refuses a migration. A database that is
    /// away is no error: only API keys have to wait for it.
    pub async fn start(self) -> Result<RunningApp, GatewayError> {
        let listener = listen("gateway.listen_address", self.settings.gateway.listen_address).await?;
        let ops = listen("gateway.ops_address", self.settings.gateway.ops_address).await?;
        let (address, ops_address) = (local(&listener)?, local(&ops)?);
        let (shutdown, ops_shutdown) = (Shutdown::new(), Shutdown::new());
        let (mut tasks, mut ops_tasks) = (Tasks::new(), Tasks::new());
        let ops_server =
            larder_lifecycle::ops::serve(ops, self.registry.clone(), self.metrics, ops_shutdown.clone());
        ops_tasks.spawn("gateway ops port", async move { drop(ops_server.await) });
        if let Some(database) = self.database {
            store::prepare(database, &self.settings, &mut tasks, &shutdown).await?;
        }
        let operator = self.settings.operator_tenant().to_owned();
        tasks.spawn("flags", audit::follow_flags(self.gate.clone(), operator, shutdown.clone()));
        let inner = inner_stage(self.accounts, self.waiting, self.gate.meter.clone());
        if let Some(redis) = self.redis.filter(|_| self.gate.rates.is_any_set()) {
            let sharing = Sharing::new(self.gate.rates.clone(), redis, self.settings.redis.timeout);
            tasks.spawn("limits", sharing.run(shutdown.clone()));
        }
        tasks.spawn("cache", self.gate.cache.clone().run(shutdown.clone()));
        let maintenance = self.gate.maintenance.clone();
        tasks.spawn("maintenance", maintenance.run(self.gate.audit.clone(), shutdown.clone()));
        let service = ServiceBuilder::new()
            .layer(HttpTelemetryLayer::new(SERVICE))
            .layer(CatchPanicLayer)
            .service(Front::new(self.gate.clone(), router::router(self.gate.clone(), &self.settings)));
        for watched in [&self.tls, &self.certificates].into_iter().flatten() {
            tasks.spawn("certificates", watched.clone().run(shutdown.clone()));
        }
        if let Some(acme) = self.acme {
            let setting = "gateway.acme_listen_address";
            let door = listen(setting, self.settings.gateway.acme_listen_address).await?;
            tasks.spawn("acme", acme.run(door, shutdown.clone()));
        }
        let ages = server::Ages::new(&self.settings.gateway);
        let serving = server::serve(listener, self.tls.clone(), ages, service, shutdown.wait_owned());
        tasks.spawn("gateway", serving);
        self.gate.own_services.health.set_service_status("", ServingStatus::Serving).await;
        self.registry.startup_complete();
        warn_of_open_doors(&self.settings);
        tracing::info!(server.address = %address, ops.address = %ops_address, "gateway is up");
        Ok(RunningApp {
            address,
            ops_address,
            registry: self.registry,
            gate: self.gate,
            settings: self.settings,
            shutdown,
            tasks,
            inner,
            ops_shutdown,
            ops_tasks,
        })
    }
}

impl RunningApp {
    /// Where clients call.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where health and metrics are.
    pub fn ops_address(&self) -> SocketAddr {
        self.ops_address
    }

    /// Waits for a task to end that nobody asked to end: the gateway has failed.
    pub async fn failed(&mut self) {
        tokio::select! {
            _ = self.tasks.next_end() => {}
            _ = self.inner.tasks.next_end() => {}
        }
    }

    /// Turns readiness off, lets the requests in flight finish within the limit, and stops.
    pub async fn stop(self) -> Drained {
        self.gate.own_services.health.set_service_status("", ServingStatus::NotServing).await;
        let gateway = Stage { name: "gateway", shutdown: self.shutdown, tasks: self.tasks };
        let stages = vec![gateway, self.inner];
        let mut drained =
            larder_lifecycle::drain_in_order(&self.registry, &self.settings.lifecycle, stages).await;
        self.ops_shutdown.trigger();
        let mut ops_tasks = self.ops_tasks;
        while let Some(end) = ops_tasks.next_end().await {
            if end.panicked {
                drained.panicked.push(end.name);
            }
        }
        drained
    }
}

/// The processes beside the recommendation service that are configured, each with the packages of its own.
fn others(
    settings: &Settings,
    certificates: Option<&Arc<Watched>>,
    registry: &HealthRegistry,
) -> Result<Vec<(&'static str, Arc<Upstream>)>, GatewayError> {
    let gateway = &settings.gateway;
    let known = [
        ("larder.backup.", "backup", &gateway.backup_url),
        ("larder.alerting.", "alerting", &gateway.alerting_url),
    ];
    let mut others = Vec::new();
    for (package, name, url) in known {
        let Some(url) = url else { continue };
        let upstream = Arc::new(Upstream::new(name, url, settings, certificates)?);
        checks::register_upstream(registry, upstream.clone());
        others.push((package, upstream));
    }
    Ok(others)
}

/// The identity service, and what writes the audit log and usage.
fn inner_stage(accounts: Option<Accounts>, waiting: Waiting, meter: Arc<Meter>) -> Stage {
    let (shutdown, mut tasks) = (Shutdown::new(), Tasks::new());
    if let Some(accounts) = accounts {
        tasks.spawn("identity service", accounts.serve(shutdown.clone()));
    }
    let writing = shutdown.clone();
    tasks.spawn("usage", async move { meter.write(writing).await });
    tasks.spawn("audit log", waiting.write(shutdown.clone()));
    Stage { name: "identity", shutdown, tasks }
}

fn authenticator(
    settings: &Settings,
    signer: &TokenSigner,
    database: Option<&Server>,
    registry: &HealthRegistry,
) -> Result<(Authenticator, Option<(PgPool, Rings)>), GatewayError> {
    let mut keys_pem = settings.identity.verifying_keys.clone();
    keys_pem.push(signer.verifying_key_pem().to_owned());
    let rings = database.map(|database| {
        let pool = larder_database::connect(database, SCHEMA, Role::Worker, &settings.database);
        let rings = Rings {
            keys: Arc::new(KeyRing::new(pool.clone())),
            sessions: Arc::new(SessionRing::new(pool.clone(), settings.identity.session_idle)),
            tenants: Arc::new(TenantRing::new(pool.clone())),
        };
        checks::register_keys(registry, pool.clone(), rings.keys.clone());
        (pool, rings)
    });
    let verifier = TokenVerifier::new(&keys_pem, SERVICE_AUDIENCE)?;
    let callers = Authenticator {
        verifier,
        issuer: Issuer::from_settings(&settings.identity)?,
        rings: rings.as_ref().map(|(_, rings)| rings.clone()),
        anonymous_allowed: settings.anonymous_allowed(),
    };
    Ok((callers, rings))
}

fn warn_of_open_doors(settings: &Settings) {
    if settings.anonymous_allowed() {
        tracing::warn!(
            "anybody who reaches this port may do everything as tenant demo; \
             set identity.authentication to required to ask for credentials"
        );
    }
}

async fn listen(setting: &'static str, address: SocketAddr) -> Result<TcpListener, GatewayError> {
    TcpListener::bind(address).await.map_err(|source| GatewayError::Listen { setting, address, source })
}

fn local(listener: &TcpListener) -> Result<SocketAddr, GatewayError> {
    listener.local_addr().map_err(|source| GatewayError::Listen {
        setting: "gateway.listen_address",
        address: SocketAddr::from(([0, 0, 0, 0], 0)),
        source,
    })
}
