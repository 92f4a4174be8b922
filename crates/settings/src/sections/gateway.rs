//! The section `[gateway]`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::{localhost, section};
use crate::kind::Kind;

section! {
    /// The gateway, the one door for HTTP/JSON, gRPC and gRPC-Web.
    GatewaySettings = "gateway" {
        /// Where the gateway listens for callers.
        listen_address: SocketAddr = localhost(8080), Kind::Address;
        /// Where the gateway's health and metrics are; never routed to from outside.
        ops_address: SocketAddr = localhost(9080), Kind::Address;
        /// Where the gateway finds the recommendation service.
        recommendation_url: Url = local_url(50051), Kind::Url;
        /// Where the gateway asks for the recommendation service's health.
        recommendation_ops_url: Url = local_url(9051), Kind::Url;
        /// Where the gateway finds the backup service. Left out, its calls are unknown here.
        backup_url: Option<Url> = None, Kind::Url;
        /// Where the gateway asks for the backup service's health.
        backup_ops_url: Option<Url> = None, Kind::Url;
        /// Where the gateway finds the alerting service. Left out, its calls are unknown here.
        alerting_url: Option<Url> = None, Kind::Url;
        /// Where the gateway asks for the alerting service's health.
        alerting_ops_url: Option<Url> = None, Kind::Url;
        /// How long a request may take in all before it is answered with a timeout.
        request_timeout ("request_timeout_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(10), Kind::Whole(1..=600_000);
        /// The largest request body that is read.
        request_body_limit_bytes: usize = 32 * 1024 * 1024, Kind::Whole(1024..=1_073_741_824);
        /// How many gateways run side by side. More than one need Redis to share their limits.
        replicas: u32 = 1, Kind::Whole(1..=1_000);
        /// The networks of proxies in front, whose `x-forwarded-for` is believed.
        trusted_proxies: Vec<String> = Vec::new(), Kind::Networks;
        /// The origins whose pages may call the gateway from a browser.
        cors_origins: Vec<String> = Vec::new(), Kind::Origins;
        /// The file that says what is under maintenance; it is read every second. Without a file nothing is.
        maintenance_file: Option<PathBuf> = None, Kind::Path;
        /// How many connections the gateway keeps to each service behind it.
        upstream_connections: usize = 4, Kind::Whole(1..=64);
    }
}

fn local_url(port: u16) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}")).expect("a loopback address with a port is a url")
}
