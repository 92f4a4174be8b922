//! The identity service: tenants, users, sessions, roles, API keys and the audit log. The gateway runs it in its own
//! process, behind a pipe that nobody else can reach, and calls it as it calls any service: through a policy, with a
//! signed token that is verified again. This folder alone knows messages of the contract.

mod at_the_machine;
mod audit;
mod convert;
mod error;
mod flags;
mod grpc;
mod keys;
mod mail;
mod passwords;
pub(crate) mod roles;
mod sessions;
mod setting;
mod tenants;
mod usage;
mod users;

use std::sync::Arc;
use std::time::Duration;

use larder_flags::Flags;
use larder_identity::page::PageTokens;
use larder_identity::{GrpcCallerLayer, GrpcCallerPolicy, TokenVerifier};
use larder_lifecycle::Shutdown;
use larder_proto::larder::flags::v1::flag_service_server::FlagServiceServer;
use larder_proto::larder::identity::v1::identity_service_server::IdentityServiceServer;
use larder_settings::Settings;
use larder_telemetry::grpc::GrpcTelemetryLayer;
use larder_telemetry::panics::CatchPanicLayer;
use sqlx::PgPool;
use tokio::io::DuplexStream;
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};

use crate::audit::AuditLog;
use crate::caller::Rings;
use crate::error::GatewayError;
use crate::limits::RateLimits;
use crate::usage::Meter;
pub use at_the_machine::{
    AccountError, Commander, FirstUser, Invited, create_user, disable_user, first_user, invite_again,
    list_users,
};
use mail::Mail;
use passwords::Passwords;

/// How much lies in the pipe each way before the writer waits.
const PIPE_BYTES: usize = 64 * 1024;
/// Connections that were asked for and not taken yet.
const WAITING: usize = 16;

/// What every call of the service needs.
pub(crate) struct State {
    /// Sees one tenant at a time.
    pub(crate) app: PgPool,
    /// Finds what comes before a tenant is known, and what is across tenants.
    pub(crate) worker: PgPool,
    pub(crate) pages: PageTokens,
    pub(crate) rings: Rings,
    pub(crate) rates: Arc<RateLimits>,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) flags: Arc<Flags>,
    passwords: Passwords,
    mail: Option<Mail>,
    /// One for each mail that is on its way.
    mails: Arc<Semaphore>,
    rules: Rules,
}

/// What the settings say of accounts.
#[derive(Debug, Clone)]
struct Rules {
    operator_tenant: String,
    session_idle_us: i64,
    session_lifetime_us: i64,
    least_password_characters: usize,
}

/// What the service is built from beside its settings.
pub(crate) struct Parts {
    pub(crate) app: PgPool,
    pub(crate) worker: PgPool,
    pub(crate) page_token_key: [u8; 32],
    pub(crate) rings: Rings,
    pub(crate) rates: Arc<RateLimits>,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) flags: Arc<Flags>,
}

/// The service's end of the pipe, not served yet.
pub(crate) struct Accounts {
    state: Arc<State>,
    verifier: TokenVerifier,
    connections: mpsc::Receiver<DuplexStream>,
}

/// Builds the service and the one way to call it.
///
/// # Errors
/// A mail server or sender in the settings that cannot be one.
pub(crate) fn build(
    settings: &Settings,
    verifier: TokenVerifier,
    parts: Parts,
) -> Result<(Accounts, Channel), GatewayError> {
    let Parts { app, worker, page_token_key, rings, rates, audit, meter, flags } = parts;
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    let identity = &settings.identity;
    let state = Arc::new(State {
        app,
        worker,
        pages: PageTokens::new(&page_token_key),
        rings,
        rates,
        audit,
        meter,
        flags,
        passwords: Passwords::default(),
        mail: Mail::from_settings(identity)?,
        mails: Arc::new(Semaphore::new(setting::MAILS)),
        rules: Rules {
            operator_tenant: settings.operator_tenant().to_owned(),
            session_idle_us: micros(identity.session_idle),
            session_lifetime_us: micros(identity.session_lifetime),
            least_password_characters: identity.least_password_characters,
        },
    });
    let (sender, connections) = mpsc::channel(WAITING);
    Ok((Accounts { state, verifier, connections }, pipe(sender)))
}

/// A channel whose connections go to whoever holds the receiver.
fn pipe(sender: mpsc::Sender<DuplexStream>) -> Channel {
    let connector = tower::service_fn(move |_: http::Uri| {
        let sender = sender.clone();
        async move {
            let (near, far) = tokio::io::duplex(PIPE_BYTES);
            let taken = sender.send(far).await;
            taken.map_err(|_| std::io::Error::from(std::io::ErrorKind::ConnectionRefused))?;
            Ok::<_, std::io::Error>(hyper_util::rt::TokioIo::new(near))
        }
    });
    Endpoint::from_static("http://identity.in-this-process").connect_with_connector_lazy(connector)
}

impl Accounts {
    /// Serves until `shutdown`, then lets the calls in flight finish.
    pub(crate) async fn serve(self, shutdown: Shutdown) {
        let policy = GrpcCallerPolicy {
            verifier: self.verifier,
            anonymous_tenant_allowed: false,
            required_scope: larder_proto::required_scope,
        };
        let flags = FlagServiceServer::new(flags::FlagCalls { state: self.state.clone() });
        let calls = IdentityServiceServer::new(grpc::IdentityCalls { state: self.state });
        let served = tonic::transport::Server::builder()
            .layer(GrpcTelemetryLayer::new("identity").known_methods(is_known))
            .layer(CatchPanicLayer)
            .layer(GrpcCallerLayer::new(policy))
            .add_service(calls)
            .add_service(flags)
            .serve_with_incoming_shutdown(
                ReceiverStream::new(self.connections).map(Ok::<_, std::io::Error>),
                shutdown.wait_owned(),
            );
        if let Err(error) = served.await {
            tracing::error!(error = %error, "identity service ended");
        }
    }
}

/// Whether a path is an RPC of ours, and so may become the label of a metric.
fn is_known(path: &str) -> bool {
    larder_proto::required_scope(path).is_some()
}
