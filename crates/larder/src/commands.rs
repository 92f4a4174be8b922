//! The commands, one file each, and what they share: the settings in force.

pub(crate) mod backup;
pub(crate) mod certificates;
pub(crate) mod check_config;
pub(crate) mod demo;
pub(crate) mod deploy;
pub(crate) mod evaluate;
pub(crate) mod healthcheck;
pub(crate) mod import;
pub(crate) mod incident;
pub(crate) mod load;
pub(crate) mod models;
pub(crate) mod oncall;
pub(crate) mod operations;
pub(crate) mod privacy;
pub(crate) mod secrets;
pub(crate) mod serve;
pub(crate) mod silence;
pub(crate) mod token;
pub(crate) mod train_worker;
pub(crate) mod up;
pub(crate) mod user;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use larder_settings::{Settings, Sources};

use crate::cli::{Cli, Command};
use crate::client::{COMMAND_VARIABLES, ConnectArgs};
use crate::error::CommandError;
use crate::instance;

/// What every command may ask for. Settings are read when they are needed, so that a
/// command that was told everything works beside a broken settings file.
pub(crate) struct Context {
    config: Option<PathBuf>,
}

impl Context {
    /// For settings from this file, or from where they usually are.
    pub(crate) fn of(config: Option<PathBuf>) -> Self {
        Self { config }
    }

    /// The settings file that was named.
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The settings in force, not yet checked for their environment.
    pub(crate) fn settings(&self) -> Result<Settings, CommandError> {
        let mut sources = Sources::of_process(self.config.clone());
        sources.environment_variables.retain(|name, _| !COMMAND_VARIABLES.contains(&name.as_str()));
        Ok(larder_settings::load(&sources)?)
    }

    /// Where a client command connects to: as told, or the gateway that runs on this data
    /// folder, or that of the settings in force.
    pub(crate) fn address(&self, connect: &ConnectArgs) -> Result<String, CommandError> {
        if let Some(address) = &connect.address {
            return Ok(address.clone());
        }
        let settings = self.settings()?;
        let running = instance::running(&settings.data_dir).and_then(|running| running.addresses);
        let address = running.map_or(settings.gateway.listen_address, |addresses| addresses.gateway);
        Ok(gateway_url(&settings, address))
    }

    /// The ops port of the same gateway.
    pub(crate) fn ops_address(&self) -> Result<String, CommandError> {
        let settings = self.settings()?;
        let running = instance::running(&settings.data_dir).and_then(|running| running.addresses);
        Ok(base_url(running.map_or(settings.gateway.ops_address, |addresses| addresses.gateway_ops)))
    }
}

/// How a client on this machine reaches the gateway that listens at `address`.
pub(crate) fn gateway_url(settings: &Settings, address: SocketAddr) -> String {
    with_tls(settings.gateway.ends_tls(), address)
}

/// How the gateway reaches a service that listens at `address`.
pub(crate) fn service_url(settings: &Settings, address: SocketAddr) -> String {
    with_tls(settings.tls.is_set(), address)
}

fn with_tls(is_on: bool, address: SocketAddr) -> String {
    let url = base_url(address);
    if is_on { url.replacen("http://", "https://", 1) } else { url }
}

/// How a client on this machine reaches a listener; "every address" is no address to call.
pub(crate) fn base_url(mut listener: SocketAddr) -> String {
    if listener.ip().is_unspecified() {
        listener.set_ip(match listener.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{listener}")
}

/// Runs one command to its end.
pub(crate) fn run(cli: Cli) -> Result<(), CommandError> {
    let context = Context::of(cli.config);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CommandError::Refused(format!("no threads to run on: {error}")))?;
    runtime.block_on(async {
        match cli.command {
            Command::Up(args) => up::run(args, &context).await,
            Command::Demo(args) => demo::run(args, &context).await,
            Command::Token(args) => token::run(args, &context).await,
            Command::User(args) => user::run(args, &context).await,
            Command::Secrets(args) => secrets::run(args, &context).await,
            Command::Certificates(args) => certificates::run(args),
            Command::Serve(args) => serve::run(args, &context).await,
            Command::CheckConfig(args) => check_config::run(args, &context),
            Command::Import(args) => import::run(args, &context).await,
            Command::Healthcheck(args) => healthcheck::run(args, &context).await,
            Command::Load(args) => load::run(args, &context).await,
            Command::Backup(args) => backup::run(args, &context).await,
            Command::Deploy(args) => deploy::run(args, &context).await,
            Command::Models(args) => models::run(args, &context).await,
            Command::Privacy(args) => privacy::run(args, &context).await,
            Command::Incident(args) => incident::run(args, &context).await,
            Command::Oncall(args) => oncall::run(args, &context).await,
            Command::Silence(args) => silence::run(args, &context).await,
            Command::Evaluate(args) => evaluate::run(args, &context).await,
            Command::TrainWorker => {
                Err(CommandError::Usage("train-worker needs a process of its own".into()))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_called_on_this_machine() {
        assert_eq!(base_url("0.0.0.0:8080".parse().unwrap()), "http://127.0.0.1:8080");
        assert_eq!(base_url("[::]:8080".parse().unwrap()), "http://[::1]:8080");
        assert_eq!(base_url("10.0.0.7:8080".parse().unwrap()), "http://10.0.0.7:8080");
    }
}
