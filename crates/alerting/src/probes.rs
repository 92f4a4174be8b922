//! Looking at something from here: whether it answers, and as it should. Each kind is a function of its target; who
//! looks when, and what becomes of it, is `jobs/probe.rs`. Bounds on where one may look are those of channels.

mod certificate;
mod database;
mod grpc_health;
mod redis;

use std::net::SocketAddr;
use std::time::Duration;

use larder_connectors::is_public_address;
use larder_oncall::settings::{Probe, ProbeKind};
use secrecy::SecretString;
use tokio::net::TcpStream;

use crate::channels::{Reach, get, read_secret};

/// Looks once. The text tells what is wrong, without addresses and secrets.
pub(crate) async fn look(probe: &Probe, reach: Reach, now: jiff::Timestamp) -> Result<(), String> {
    let looking = async {
        match probe.kind {
            ProbeKind::Http => http(&probe.target, reach).await,
            ProbeKind::Grpc => grpc_health::look(&probe.target, reach).await,
            ProbeKind::Tcp => connect(&probe.target, reach).await.map(drop),
            ProbeKind::Postgres => database::look(&probe.target, password(probe)?, reach).await,
            ProbeKind::Redis => redis::look(&probe.target, password(probe)?, reach).await,
            ProbeKind::Certificate => {
                certificate::look(&probe.target, probe.expires_within, reach, now).await
            }
        }
    };
    within(probe.timeout, looking).await
}

async fn within(limit: Duration, looking: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let late = || Err(format!("no answer within {} ms", limit.as_millis()));
    tokio::time::timeout(limit, looking).await.unwrap_or_else(|_| late())
}

fn password(probe: &Probe) -> Result<Option<SecretString>, String> {
    probe.password.as_ref().map(read_secret).transpose()
}

async fn http(target: &str, reach: Reach) -> Result<(), String> {
    let status = get(target, reach).await?;
    if status.is_success() { Ok(()) } else { Err(format!("status {}", status.as_u16())) }
}

/// Connects to `host:port`.
async fn connect(target: &str, reach: Reach) -> Result<TcpStream, String> {
    let address = address_of(target, reach).await?;
    TcpStream::connect(address).await.map_err(|error| format!("no connection: {}", error.kind()))
}

/// The address of `host:port`, one that may be looked at.
async fn address_of(target: &str, reach: Reach) -> Result<SocketAddr, String> {
    let found = tokio::net::lookup_host(target).await.map_err(|_| "the name leads nowhere".to_owned())?;
    let mut allowed = found.filter(|address| reach == Reach::Anywhere || is_public_address(address.ip()));
    allowed.next().ok_or_else(|| {
        "it does not lead to the public internet, and alerting.allow_private_targets is not set".to_owned()
    })
}

#[cfg(test)]
mod tests;
