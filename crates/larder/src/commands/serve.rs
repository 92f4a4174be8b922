//! `larder serve`: one service alone, as a container or a pod runs it. It makes no database
//! and no other service; it connects to those the settings name.

use clap::ValueEnum;
use larder_database::Server;
use larder_lifecycle::Shutdown;
use larder_settings::{Process, Settings};
use larder_telemetry::MetricsHandle;

use crate::commands::Context;
use crate::error::CommandError;
use crate::{console, keys, platform};

/// A service of Larder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ServiceName {
    /// HTTP/JSON, gRPC and gRPC-Web for everybody outside
    Gateway,
    /// The catalogue, what customers did, and what they may want next
    Recommendation,
    /// Backups of the database, proved and given back
    Backup,
    /// Alerts, the incidents they become, and who is told
    Alerting,
}

/// The arguments of `larder serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Which service
    #[arg(value_enum)]
    service: ServiceName,
}

/// Runs the command.
pub(crate) async fn run(args: ServeArgs, context: &Context) -> Result<(), CommandError> {
    let mut settings = context.settings()?;
    let (process, name) = match args.service {
        ServiceName::Gateway => (Process::Gateway, "gateway"),
        ServiceName::Recommendation => (Process::Service, "recommendation"),
        ServiceName::Backup => (Process::Service, "backup"),
        ServiceName::Alerting => (Process::Service, "alerting"),
    };
    settings.check_for(process)?;
    if settings.anonymous_allowed() {
        console::print_warning(super::up::ANONYMOUS_WARNING);
    }
    let shutdown = Shutdown::on_signals().map_err(super::up::no_signals)?;
    let telemetry = platform::start_telemetry(name, &mut settings)?;
    let served = match args.service {
        ServiceName::Gateway => serve_gateway(&settings, telemetry.metrics(), &shutdown).await,
        ServiceName::Recommendation => serve_recommendation(&settings, telemetry.metrics(), &shutdown).await,
        ServiceName::Backup => serve_backup(&settings, telemetry.metrics(), &shutdown).await,
        ServiceName::Alerting => serve_alerting(&settings, telemetry.metrics(), &shutdown).await,
    };
    telemetry.shutdown().await;
    served
}

async fn serve_gateway(
    settings: &Settings,
    metrics: MetricsHandle,
    shutdown: &Shutdown,
) -> Result<(), CommandError> {
    let server = settings.database.url.as_ref().map(Server::from_url).transpose()?;
    if server.is_none() {
        console::print_warning("database.url is not set, so no API key is known; service tokens are");
    }
    let mut gateway = platform::gateway(settings, metrics, keys::signer(settings)?, server).await?;
    let served = tokio::select! {
        () = shutdown.wait() => Ok(()),
        () = gateway.failed() => Err(CommandError::Refused("the gateway ended by itself; the log tells why".into())),
    };
    gateway.stop().await;
    served
}

async fn serve_recommendation(
    settings: &Settings,
    metrics: MetricsHandle,
    shutdown: &Shutdown,
) -> Result<(), CommandError> {
    let mut recommendation = platform::recommendation(settings, metrics, server_of(settings)?).await?;
    let served = tokio::select! {
        () = shutdown.wait() => Ok(()),
        () = recommendation.failed() => {
            Err(CommandError::Refused("the recommendation service ended by itself; the log tells why".into()))
        }
    };
    recommendation.stop().await;
    served
}

async fn serve_backup(
    settings: &Settings,
    metrics: MetricsHandle,
    shutdown: &Shutdown,
) -> Result<(), CommandError> {
    let mut backup = platform::backup(settings, metrics, server_of(settings)?).await?;
    let served = tokio::select! {
        () = shutdown.wait() => Ok(()),
        () = backup.failed() => {
            Err(CommandError::Refused("the backup service ended by itself; the log tells why".into()))
        }
    };
    backup.stop().await;
    served
}

fn server_of(settings: &Settings) -> Result<Server, CommandError> {
    match &settings.database.url {
        Some(url) => Ok(Server::from_url(url)?),
        None => Err(CommandError::Refused(
            "database.url is not set; a service alone uses a database that is there already. \
             Set LARDER_DATABASE__URL, or run `larder up`, which brings its own"
                .into(),
        )),
    }
}

async fn serve_alerting(
    settings: &Settings,
    metrics: MetricsHandle,
    shutdown: &Shutdown,
) -> Result<(), CommandError> {
    let mut alerting = platform::alerting(settings, metrics, server_of(settings)?).await?;
    let served = tokio::select! {
        () = shutdown.wait() => Ok(()),
        () = alerting.failed() => {
            Err(CommandError::Refused("the alerting service ended by itself; the log tells why".into()))
        }
    };
    alerting.stop().await;
    served
}
