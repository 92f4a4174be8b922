//! Services in one process: started one after the other, each as the `App` it is anywhere
//! else, and stopped in the opposite order. What fails on the way up takes down again what
//! was up already.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use larder_alerting::{
    App as AlertingApp, AppSettings as AlertingAppSettings, RunningApp as RunningAlerting,
};
use larder_backup::{App as BackupApp, AppSettings as BackupAppSettings, RunningApp as RunningBackup};
use larder_connectors::Connectors;
use larder_database::{PrivateCluster, PrivateClusterSettings, Role, Server};
use larder_gateway::{
    App as GatewayApp, Commander, FirstUser, GatewayAppSettings, RunningApp as RunningGateway,
};
use larder_identity::{TenantId, TokenSigner};
use larder_recommendation::{App as RecommendationApp, AppSettings, RunningApp as RunningRecommendation};
use larder_settings::{Environment, LogFormat, Origin, Settings};
use larder_telemetry::{MetricsHandle, ServiceIdentity, Telemetry};
use url::Url;

use crate::commands::{base_url, service_url};
use crate::error::CommandError;
use crate::instance::Addresses;
use crate::keys;

/// Sets up logs, traces and metrics; once a process, before anything is started.
pub(crate) fn start_telemetry(
    name: &'static str,
    settings: &mut Settings,
) -> Result<Telemetry, CommandError> {
    let chosen = settings.origins.of("telemetry.log_format") != Origin::Default;
    let for_a_person = settings.environment == Environment::Development && crate::console::is_terminal();
    if for_a_person && !chosen {
        settings.telemetry.log_format = LogFormat::Pretty;
    }
    let identity = ServiceIdentity {
        name,
        version: env!("CARGO_PKG_VERSION"),
        environment: settings.environment.to_string(),
        instance_id: uuid::Uuid::new_v4().to_string(),
    };
    larder_telemetry::init(&settings.telemetry, identity)
        .map_err(|error| CommandError::Refused(error.to_string()))
}

/// Fails when a listener's port is taken, before anything is started, and names the setting.
pub(crate) fn check_ports(settings: &Settings) -> Result<(), CommandError> {
    let (gateway, recommendation, alerting) =
        (&settings.gateway, &settings.recommendation, &settings.alerting);
    let listeners = [
        ("gateway.listen_address", gateway.listen_address),
        ("gateway.ops_address", gateway.ops_address),
        ("recommendation.listen_address", recommendation.listen_address),
        ("recommendation.ops_address", recommendation.ops_address),
        ("alerting.listen_address", alerting.listen_address),
        ("alerting.ops_address", alerting.ops_address),
    ];
    let backup = [
        ("backup.listen_address", settings.backup.listen_address),
        ("backup.ops_address", settings.backup.ops_address),
    ];
    let backup = backup.into_iter().filter(|_| settings.backup.enabled);
    for (setting, address) in listeners.into_iter().chain(backup) {
        if let Err(error) = TcpListener::bind(address) {
            return Err(CommandError::Refused(format!(
                "cannot listen on {address}: {error}; change `{setting}` ({}) or stop what uses the port",
                variable_of(setting)
            )));
        }
    }
    Ok(())
}

fn variable_of(setting: &str) -> String {
    format!("LARDER_{}", setting.replace('.', "__").to_uppercase())
}

/// Everything `larder up` runs.
pub(crate) struct Platform {
    cluster: Option<PrivateCluster>,
    recommendation: RunningRecommendation,
    backup: Option<RunningBackup>,
    alerting: RunningAlerting,
    gateway: RunningGateway,
    server: Server,
}

impl Platform {
    /// Starts the database, then the services in the order they need each other.
    pub(crate) async fn start(
        settings: Settings,
        metrics: MetricsHandle,
        signer: TokenSigner,
    ) -> Result<Self, CommandError> {
        let (server, cluster) = database(&settings).await?;
        let recommendation = match recommendation(&settings, metrics.clone(), server.clone()).await {
            Ok(recommendation) => recommendation,
            Err(error) => {
                stop_cluster(cluster).await;
                return Err(error);
            }
        };
        let alerting = match alerting(&settings, metrics.clone(), server.clone()).await {
            Ok(alerting) => alerting,
            Err(error) => {
                recommendation.stop().await;
                stop_cluster(cluster).await;
                return Err(error);
            }
        };
        let mut settings = settings;
        settings.gateway.recommendation_url = local_service_url(&settings, recommendation.api_address());
        settings.gateway.recommendation_ops_url = local_url(recommendation.ops_address());
        let alerting_url = local_service_url(&settings, alerting.api_address());
        settings.gateway.alerting_url = Some(alerting_url.clone());
        settings.gateway.alerting_ops_url = Some(local_url(alerting.ops_address()));
        settings.backup.alerting_url.get_or_insert(alerting_url);
        let backup = match backup_if_enabled(&mut settings, metrics.clone(), server.clone()).await {
            Ok(backup) => backup,
            Err(error) => {
                alerting.stop().await;
                recommendation.stop().await;
                stop_cluster(cluster).await;
                return Err(error);
            }
        };
        match gateway(&settings, metrics, signer, Some(server.clone())).await {
            Ok(gateway) => Ok(Self { cluster, recommendation, backup, alerting, gateway, server }),
            Err(error) => {
                stop_backup(backup).await;
                alerting.stop().await;
                recommendation.stop().await;
                stop_cluster(cluster).await;
                Err(error)
            }
        }
    }

    /// Where everything listens.
    pub(crate) fn addresses(&self) -> Addresses {
        Addresses {
            gateway: self.gateway.address(),
            gateway_ops: self.gateway.ops_address(),
            recommendation: self.recommendation.api_address(),
            recommendation_ops: self.recommendation.ops_address(),
            backup: self.backup.as_ref().map(RunningBackup::api_address),
            backup_ops: self.backup.as_ref().map(RunningBackup::ops_address),
            alerting: self.alerting.api_address(),
            alerting_ops: self.alerting.ops_address(),
        }
    }

    /// The private database, when there is one.
    pub(crate) fn private_server(&self) -> Option<&Server> {
        self.cluster.as_ref().map(|_| &self.server)
    }

    /// Makes a user for whoever starts Larder for the first time, unless the tenant `demo` has users.
    pub(crate) async fn first_user(&self, settings: &Settings) -> Result<Option<FirstUser>, CommandError> {
        let pool =
            larder_database::connect(&self.server, larder_gateway::SCHEMA, Role::App, &settings.database);
        let actor = crate::console::actor();
        let commander = Commander { pool: &pool, tenant: &TenantId::demo(), actor: &actor };
        let made = larder_gateway::first_user(&commander, settings.operator_tenant()).await;
        pool.close().await;
        made.map_err(|error| CommandError::Refused(error.to_string()))
    }

    /// Waits for a service to end although nobody asked it to, and names it.
    pub(crate) async fn failed(&mut self) -> &'static str {
        tokio::select! {
            () = self.gateway.failed() => "gateway",
            () = self.recommendation.failed() => "recommendation service",
            () = failed_backup(self.backup.as_mut()) => "backup service",
            () = self.alerting.failed() => "alerting service",
        }
    }

    /// Stops the gateway, then the services behind it, then the database.
    pub(crate) async fn stop(self) {
        self.gateway.stop().await;
        stop_backup(self.backup).await;
        self.alerting.stop().await;
        self.recommendation.stop().await;
        stop_cluster(self.cluster).await;
    }
}

/// The database of the settings, or a private one.
async fn database(settings: &Settings) -> Result<(Server, Option<PrivateCluster>), CommandError> {
    if let Some(url) = &settings.database.url {
        return Ok((Server::from_url(url)?, None));
    }
    let cluster = PrivateCluster::start(PrivateClusterSettings {
        data_dir: settings.data_dir.clone(),
        bin_dir: settings.database.bin_dir.clone(),
    })
    .await?;
    Ok((cluster.server().clone(), Some(cluster)))
}

async fn stop_cluster(cluster: Option<PrivateCluster>) {
    let Some(cluster) = cluster else { return };
    if let Err(error) = cluster.stop().await {
        tracing::error!(error.cause = %error, "private database did not stop in order");
    }
}

/// Starts the recommendation service.
pub(crate) async fn recommendation(
    settings: &Settings,
    metrics: MetricsHandle,
    server: Server,
) -> Result<RunningRecommendation, CommandError> {
    let connectors = Connectors::from_settings(&settings.connectors)
        .map_err(|refused| CommandError::Refused(refused.to_string()))?;
    let flags = larder_flags::Flags::open(settings.flags.file.as_deref())
        .map_err(|refused| CommandError::Refused(format!("flags.file {refused}")))?;
    let app = RecommendationApp::build(AppSettings {
        flags,
        connectors: Arc::new(connectors),
        settings: settings.clone(),
        server,
        verifier: keys::verifier(settings)?,
        metrics,
        page_token_key: keys::page_token_key(settings)?,
        clock: larder_recommendation::system_clock,
        trainer_program: Some(this_program()?),
    });
    app.start().await.map_err(|error| CommandError::Refused(error.to_string()))
}

/// Starts the backup service, and tells the gateway where it is.
async fn backup_if_enabled(
    settings: &mut Settings,
    metrics: MetricsHandle,
    server: Server,
) -> Result<Option<RunningBackup>, CommandError> {
    if !settings.backup.enabled {
        return Ok(None);
    }
    let running = backup(settings, metrics, server).await?;
    settings.gateway.backup_url = Some(local_service_url(settings, running.api_address()));
    settings.gateway.backup_ops_url = Some(local_url(running.ops_address()));
    Ok(Some(running))
}

async fn stop_backup(backup: Option<RunningBackup>) {
    if let Some(backup) = backup {
        backup.stop().await;
    }
}

async fn failed_backup(backup: Option<&mut RunningBackup>) {
    match backup {
        Some(backup) => backup.failed().await,
        None => std::future::pending().await,
    }
}

/// Starts the backup service.
pub(crate) async fn backup(
    settings: &Settings,
    metrics: MetricsHandle,
    server: Server,
) -> Result<RunningBackup, CommandError> {
    let refused = |error: larder_backup::AppError| CommandError::Refused(error.to_string());
    let app = BackupApp::build(BackupAppSettings {
        settings: settings.clone(),
        server,
        verifier: keys::verifier(settings)?,
        metrics,
        page_token_key: keys::page_token_key(settings)?,
        signer: settings.backup.alerting_url.is_some().then(|| keys::signer(settings)).transpose()?,
        program: this_program()?,
        clock: larder_backup::system_clock,
    });
    app.await.map_err(refused)?.start().await.map_err(refused)
}

/// Starts the alerting service.
pub(crate) async fn alerting(
    settings: &Settings,
    metrics: MetricsHandle,
    server: Server,
) -> Result<RunningAlerting, CommandError> {
    let refused = |error: larder_alerting::AppError| CommandError::Refused(error.to_string());
    let app = AlertingApp::build(AlertingAppSettings {
        settings: settings.clone(),
        server,
        verifier: keys::verifier(settings)?,
        metrics,
        page_token_key: keys::page_token_key(settings)?,
        signing_keys: keys::alerting_keys(settings)?,
        clock: larder_alerting::system_clock,
        steady: larder_alerting::steady_clock,
    });
    app.map_err(refused)?.start().await.map_err(refused)
}

/// The executable of this process, which is started again to train. On Linux the link still leads
/// to it when the file was replaced by a newer one meanwhile.
pub(crate) fn this_program() -> Result<PathBuf, CommandError> {
    let link = PathBuf::from("/proc/self/exe");
    if link.exists() {
        return Ok(link);
    }
    std::env::current_exe()
        .map_err(|error| CommandError::Refused(format!("where this program lies is unknown: {error}")))
}

/// Starts the gateway; without a database it knows no API keys.
pub(crate) async fn gateway(
    settings: &Settings,
    metrics: MetricsHandle,
    signer: TokenSigner,
    server: Option<Server>,
) -> Result<RunningGateway, CommandError> {
    let refused = |error: larder_gateway::GatewayError| CommandError::Refused(error.to_string());
    let app = GatewayApp::build(GatewayAppSettings {
        settings: settings.clone(),
        metrics,
        signer,
        page_token_key: keys::page_token_key(settings)?,
        database: server,
    });
    app.await.map_err(refused)?.start().await.map_err(refused)
}

fn local_service_url(settings: &Settings, address: SocketAddr) -> Url {
    Url::parse(&service_url(settings, address)).expect("an address of a listener is a URL")
}

fn local_url(address: SocketAddr) -> Url {
    Url::parse(&base_url(address)).expect("an address of a listener is a URL")
}
