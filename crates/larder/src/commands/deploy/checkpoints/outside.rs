//! Ports that must not be reached from where callers are.

use std::time::Duration;

use futures::future::join_all;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Facts;
use crate::commands::deploy::outcome::{Found, Outcome};

const LIMIT: Duration = Duration::from_secs(3);
const OPS_PORTS: [u16; 4] = [9080, 9051, 9052, 9053];
const SERVICE_PORTS: [u16; 3] = [50051, 50052, 50053];

pub(super) async fn ops_ports(facts: &Facts<'_>) -> Found {
    shut(facts, &OPS_PORTS).await
}

pub(super) async fn service_ports(facts: &Facts<'_>) -> Found {
    shut(facts, &SERVICE_PORTS).await
}

async fn shut(facts: &Facts<'_>, ports: &[u16]) -> Found {
    if !facts.outside {
        return Err(Outcome::skipped("run it from another network, with --outside"));
    }
    let host = facts.stack.host();
    let tried = ports.iter().map(|port| async move {
        let connected = timeout(LIMIT, TcpStream::connect((host, *port))).await;
        matches!(connected, Ok(Ok(_))).then(|| port.to_string())
    });
    let open: Vec<String> = join_all(tried).await.into_iter().flatten().collect();
    if open.is_empty() {
        return Ok(format!("{} ports of {host}, none answers", ports.len()));
    }
    Err(Outcome::fail(
        format!("{host} answers at {}", open.join(", ")),
        "shut them in the firewall: nobody but the gateway, Prometheus and operators reaches them",
    ))
}
