//! What every request shares: the routes, who may pass, the services behind and the limits.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use larder_identity::Caller;
use larder_telemetry::RequestContext;
use tonic::Status;

use crate::caller::{Authenticator, TokenMint};
use crate::clock;
use crate::config::Limits;
use crate::grpc::OwnServices;
use crate::health::PlatformHealth;
use crate::rpcs::RpcTable;
use crate::transcode::RouteTable;
use crate::upstream::Upstream;

/// The state behind every route.
pub(crate) struct Gate {
    pub(crate) routes: RouteTable,
    pub(crate) rpcs: RpcTable,
    pub(crate) limits: Limits,
    /// The OpenAPI document as it is sent.
    pub(crate) openapi: Bytes,
    pub(crate) own_services: OwnServices,
    pub(crate) health: PlatformHealth,
    pub(crate) callers: Authenticator,
    pub(crate) tokens: TokenMint,
    pub(crate) recommendation: std::sync::Arc<Upstream>,
    /// By the packages that other processes serve, such as `larder.backup.`.
    pub(crate) others: Vec<(&'static str, std::sync::Arc<Upstream>)>,
}

impl Gate {
    /// Finds out who is calling.
    pub(crate) async fn authenticate(&self, headers: &HeaderMap) -> Result<Caller, Status> {
        let caller = self.callers.authenticate(headers, clock::now()).await?;
        RequestContext::set_tenant(caller.tenant.as_str());
        Ok(caller)
    }

    /// Finds out who is calling and signs it for the services behind.
    pub(crate) async fn authorize(&self, headers: &HeaderMap) -> Result<HeaderValue, Status> {
        let caller = self.authenticate(headers).await?;
        self.tokens.authorization_for(&caller, clock::now())
    }

    /// The process that serves `service`. One that is not configured is unknown to the process that
    /// is asked instead, which says so.
    pub(crate) fn upstream_of(&self, service: &str) -> &Upstream {
        let other = self.others.iter().find(|(package, _)| service.starts_with(package));
        other.map_or(&self.recommendation, |(_, upstream)| upstream)
    }
}
