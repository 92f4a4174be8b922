//! The ops port over a real socket, and the life of a service from start to drain.

mod life;
mod load;
mod paths;
mod signals;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use larder_lifecycle::{Check, CheckOutcome, HealthIdentity, HealthRegistry, Shutdown, ops};
use larder_telemetry::MetricsHandle;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An ops port on a free port.
struct OpsPort {
    address: SocketAddr,
    registry: HealthRegistry,
    shutdown: Shutdown,
    server: JoinHandle<std::io::Result<()>>,
}

impl OpsPort {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let identity =
            HealthIdentity { service: "pantry", version: "1.2.3", environment: "testing".to_owned() };
        let registry = HealthRegistry::new(identity);
        let shutdown = Shutdown::new();
        let serving = ops::serve(listener, registry.clone(), MetricsHandle::detached(), shutdown.clone());
        Self { address, registry, shutdown, server: tokio::spawn(serving) }
    }

    /// Status and body of a GET.
    async fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.expect("the ops port listens");
        let request = format!("GET {path} HTTP/1.1\r\nhost: ops\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("the answer is text");
        let status = answer[9..12].parse().expect("the status line has a code");
        let body = answer.split_once("\r\n\r\n").expect("headers end").1.to_owned();
        (status, body)
    }

    async fn get_json(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.get(path).await;
        (status, serde_json::from_str(&body).expect("the body is JSON"))
    }
}

/// A required check with a limit of 300 ms.
fn required<F>(name: &'static str, run: impl Fn() -> F + Send + Sync + 'static) -> Check
where
    F: Future<Output = CheckOutcome> + Send + 'static,
{
    Check::required(name, Duration::from_millis(300), run)
}
