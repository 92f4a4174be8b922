//! What every request shares: the routes, who may pass and how often, the services behind and the
//! limits.

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue};
use larder_identity::Caller;
use larder_telemetry::RequestContext;
use tonic::Status;

use crate::caller::{Authenticator, TokenMint};
use crate::clock;
use crate::config::Limits;
use crate::error;
use crate::grpc::OwnServices;
use crate::health::PlatformHealth;
use crate::limits::{InFlight, Place, RateLimits, Standing};
use crate::peer::TrustedProxies;
use crate::rpcs::{Rpc, RpcTable};
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
    pub(crate) rates: std::sync::Arc<RateLimits>,
    pub(crate) in_flight: InFlight,
    pub(crate) proxies: TrustedProxies,
    pub(crate) recommendation: std::sync::Arc<Upstream>,
    /// By the packages that other processes serve, such as `larder.backup.`.
    pub(crate) others: Vec<(&'static str, std::sync::Arc<Upstream>)>,
}

/// A request that was let in.
pub(crate) struct Admitted {
    /// Proves the caller to the services behind.
    pub(crate) authorization: HeaderValue,
    /// Held while the request is worked on.
    pub(crate) _place: Place,
}

impl Gate {
    /// Finds out who is calling. An address that asks too much, or showed too many wrong
    /// credentials, is refused before these are looked at.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Caller, Status> {
        let address = self.proxies.client(headers, extensions);
        self.rates.enter(address).map_err(error::over_limit)?;
        self.rates.may_show_credentials(address).map_err(error::over_limit)?;
        let caller = self.callers.authenticate(headers, clock::now()).await.inspect_err(|refusal| {
            if refusal.is_a_guess() {
                self.rates.count_wrong_credentials(address);
            }
        })?;
        RequestContext::set_tenant(caller.tenant.as_str());
        Ok(caller)
    }

    /// Lets a call of `rpc` in: finds out who is calling, counts it, and signs the caller for the
    /// services behind. `standing` tells how the caller's limits stand, whatever becomes of the call.
    pub(crate) async fn admit(
        &self,
        rpc: &Rpc,
        headers: &HeaderMap,
        extensions: &Extensions,
        standing: &mut Option<Standing>,
    ) -> Result<Admitted, Status> {
        let place = self.in_flight.enter(rpc.priority).ok_or_else(error::too_much_in_flight)?;
        let caller = self.authenticate(headers, extensions).await?;
        *standing = self.rates.admit(&caller, &rpc.label).map_err(error::over_limit)?;
        let authorization = self.tokens.authorization_for(&caller, clock::now())?;
        Ok(Admitted { authorization, _place: place })
    }

    /// The process that serves `service`. One that is not configured is unknown to the process that
    /// is asked instead, which says so.
    pub(crate) fn upstream_of(&self, service: &str) -> &Upstream {
        let other = self.others.iter().find(|(package, _)| service.starts_with(package));
        other.map_or(&self.recommendation, |(_, upstream)| upstream)
    }
}
