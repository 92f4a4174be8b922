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
        /// How old a connection becomes before its client is told to come back on another (`GOAWAY`, `Connection: close`); each
        /// client's is up to a tenth less, so that not all leave together.
        connection_max_age ("connection_max_age_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(3_600), Kind::Whole(100..=604_800_000);
        /// How long calls and streams that are running then may still take.
        connection_grace ("connection_grace_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(300), Kind::Whole(100..=86_400_000);
        /// How long a connection may bring no request before it is ended in the same way; it is looked at once in that time.
        connection_idle ("connection_idle_ms", "crate::durations::milliseconds"):
            Duration = Duration::from_secs(600), Kind::Whole(100..=86_400_000);
        /// How many gateways run side by side. More than one need Redis to share their limits.
        replicas: u32 = 1, Kind::Whole(1..=1_000);
        /// The networks of proxies in front, whose `x-forwarded-for` is believed.
        trusted_proxies: Vec<String> = Vec::new(), Kind::Networks;
        /// The origins whose pages may call the gateway from a browser.
        cors_origins: Vec<String> = Vec::new(), Kind::Origins;
        /// The file that says what is under maintenance; it is read every second. Without a file nothing is.
        maintenance_file: Option<PathBuf> = None, Kind::Path;
        /// The certificate (chain in PEM) with which the gateway itself speaks TLS, read again when it changes.
        tls_certificate_file: Option<PathBuf> = None, Kind::Path;
        /// The private key (PEM) of that certificate.
        tls_key_file: Option<PathBuf> = None, Kind::Path;
        /// That a proxy in front of the gateway speaks TLS with callers. Without it and without a certificate,
        /// production refuses to start.
        proxy_ends_tls: bool = false, Kind::Flag;
        /// The names for which the gateway fetches a certificate by ACME and renews it; an authority such as Let's
        /// Encrypt asks for a proof at port 80 of each. Left out, it uses the files above.
        acme_domains: Vec<String> = Vec::new(), Kind::Hosts;
        /// Where that authority's directory is.
        acme_directory_url: Url = lets_encrypt(), Kind::Url;
        /// Whom the authority writes to, such as `mailto:ops@example.org`.
        acme_contact: Option<String> = None, Kind::Text;
        /// The authority (certificates in PEM) of that directory's own certificate, where the system does not know it.
        acme_authority_file: Option<PathBuf> = None, Kind::Path;
        /// Where the authority's question is answered, in the clear; port 80 of the domains must lead here. Everybody
        /// else is sent to TLS.
        acme_listen_address: SocketAddr = localhost(8081), Kind::Address;
        /// How long browsers may remember to come with TLS alone (`Strict-Transport-Security`); 0 says nothing.
        hsts_max_age ("hsts_max_age_s", "crate::durations::seconds"):
            Duration = Duration::from_secs(31_536_000), Kind::Whole(0..=63_072_000);
        /// Whether the gateway serves the console, the pages for people, under `/console`.
        console: bool = true, Kind::Flag;
        /// How many connections the gateway keeps to each service behind it.
        upstream_connections: usize = 4, Kind::Whole(1..=64);
    }
}

impl GatewaySettings {
    /// Whether the gateway itself speaks TLS with callers.
    pub fn ends_tls(&self) -> bool {
        self.tls_certificate_file.is_some() || !self.acme_domains.is_empty()
    }
}

fn lets_encrypt() -> Url {
    Url::parse("https://acme-v02.api.letsencrypt.org/directory").expect("a url that was typed here is one")
}

fn local_url(port: u16) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}")).expect("a loopback address with a port is a url")
}
