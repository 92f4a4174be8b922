//! What the tests share: a gateway on port 0 with a service behind it, and plain HTTP calls.

pub(crate) mod http;
pub(crate) mod raw;
pub(crate) mod relay;
pub(crate) mod service;

use std::net::SocketAddr;
use std::time::Duration;

use larder_database::Server;
use larder_gateway::{App, GatewayAppSettings, RunningApp};
use larder_identity::{Caller, Scopes, TenantId, TokenSigner};
use larder_settings::{Environment, Settings};
use larder_telemetry::MetricsHandle;

pub(crate) use http::{Answer, Http};

/// A gateway at work and what a test needs to call it.
pub(crate) struct Gateway {
    pub(crate) app: RunningApp,
    pub(crate) http: Http,
    pub(crate) signer: TokenSigner,
}

/// Settings for a gateway on free ports in front of the service at `upstream`.
pub(crate) fn settings(upstream: SocketAddr) -> Settings {
    let mut settings = Settings::default();
    settings.gateway.listen_address = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.gateway.ops_address = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.gateway.recommendation_url = format!("http://{upstream}").parse().unwrap();
    settings.gateway.recommendation_ops_url = "http://127.0.0.1:1".parse().unwrap();
    settings.gateway.request_body_limit_bytes = 64 * 1024;
    settings.lifecycle.drain_timeout = Duration::from_secs(2);
    settings.data_dir = std::env::temp_dir();
    // Most tests look at what reaches the service; those of the cache turn it on.
    settings.cache.enabled = false;
    settings
}

/// A signer whose tokens the service of `service::start` believes.
pub(crate) fn signer() -> TokenSigner {
    TokenSigner::from_pem(&service::SIGNING_KEY).unwrap()
}

/// Starts a gateway in development: anonymous callers are let in.
pub(crate) async fn gateway() -> Gateway {
    gateway_with(settings(service::start().await), None).await
}

/// Starts a gateway with these settings.
pub(crate) async fn gateway_with(settings: Settings, database: Option<Server>) -> Gateway {
    let parts = GatewayAppSettings {
        settings,
        metrics: MetricsHandle::detached(),
        signer: signer(),
        page_token_key: [7; 32],
        database,
    };
    let app = App::build(parts).await.unwrap().start().await.unwrap();
    Gateway { http: Http::new(app.address()), signer: signer(), app }
}

/// Starts a gateway where nobody is let in without credentials.
pub(crate) async fn strict_gateway(database: Option<Server>) -> Gateway {
    gateway_with(strict_settings().await, database).await
}

/// Settings for such a gateway.
pub(crate) async fn strict_settings() -> Settings {
    let mut settings = settings(service::start().await);
    settings.environment = Environment::Production;
    settings.database.bootstrap = false;
    settings
}

/// A token for `tenant` as the gateway takes it.
pub(crate) fn token(signer: &TokenSigner, tenant: &str, scopes: &str) -> String {
    let caller = Caller {
        tenant: TenantId::parse(tenant).unwrap(),
        subject: "tester".into(),
        scopes: Scopes::parse(scopes).unwrap(),
    };
    signer.sign(&caller, "larder", Duration::from_secs(300), now()).unwrap()
}

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the edge of the tests")]
pub(crate) fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
