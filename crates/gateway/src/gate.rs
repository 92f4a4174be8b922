//! What every request shares: the routes, who may pass and how often, the services behind and the
//! limits.

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use larder_flags::{Context, Flags};
use larder_identity::Caller;
use larder_telemetry::RequestContext;
use tonic::Status;

use crate::audit::{AuditLog, Pending};
use crate::cache::{Cache, Write};
use crate::caller::{Authenticator, Known, TokenMint};
use crate::clock;
use crate::config::Limits;
use crate::error;
use crate::grpc::OwnServices;
use crate::health::PlatformHealth;
use crate::limits::{InFlight, Place, RateLimits, Standing};
use crate::maintenance::{Maintenance, Notice};
use crate::metrics;
use crate::peer::TrustedProxies;
use crate::rpcs::{Rpc, RpcTable};
use crate::transcode::RouteTable;
use crate::upstream::Upstream;
use crate::usage::{Meter, QuotaStanding, Traffic};
use crate::visitor;

/// Names the session of a user to the identity service; from outside it is never let through.
pub(crate) const SESSION_HEADER: HeaderName = HeaderName::from_static("x-larder-session");

/// The services that a tenant may call when everything is used up.
const ACCOUNTS: &str = "larder.identity.";

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
    pub(crate) cache: std::sync::Arc<Cache>,
    pub(crate) maintenance: std::sync::Arc<Maintenance>,
    pub(crate) proxies: TrustedProxies,
    pub(crate) audit: std::sync::Arc<AuditLog>,
    pub(crate) meter: std::sync::Arc<Meter>,
    pub(crate) flags: std::sync::Arc<Flags>,
    pub(crate) recommendation: std::sync::Arc<Upstream>,
    /// By the packages that other processes serve, such as `larder.backup.`.
    pub(crate) others: Vec<(&'static str, std::sync::Arc<Upstream>)>,
}

/// A request that was let in.
pub(crate) struct Admitted {
    pub(crate) caller: Caller,
    /// Proves the caller to the services behind.
    pub(crate) authorization: HeaderValue,
    /// The session of a user who signed in.
    pub(crate) session: Option<HeaderValue>,
    /// Held while the request is worked on.
    pub(crate) _place: Place,
}

/// What is known of a request whatever becomes of it.
#[derive(Default)]
pub(crate) struct Trail {
    /// How the caller's limits stand.
    pub(crate) standing: Option<Standing>,
    /// How the nearest quota of the tenant stands.
    pub(crate) quota: Option<QuotaStanding>,
    /// What the audit log is to be told when it has ended.
    pub(crate) audit: Option<Pending>,
    /// What the call makes old, while nobody told of it yet.
    pub(crate) write: Option<Write>,
}

impl Gate {
    /// Finds out who is calling. An address that asks too much, or showed too many wrong
    /// credentials, is refused before these are looked at.
    pub(crate) async fn authenticate(
        &self,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Caller, Status> {
        Ok(self.identify(headers, extensions).await?.caller)
    }

    async fn identify(&self, headers: &HeaderMap, extensions: &Extensions) -> Result<Known, Status> {
        let address = self.proxies.client(headers, extensions);
        self.rates.enter(address).map_err(error::over_limit)?;
        self.rates.may_show_credentials(address).map_err(error::over_limit)?;
        let known = self.callers.authenticate(headers, clock::now()).await.inspect_err(|refusal| {
            if refusal.is_a_guess() {
                self.rates.count_wrong_credentials(address);
            }
        })?;
        RequestContext::set_tenant(known.caller.tenant.as_str());
        Ok(known)
    }

    /// Who calls `rpc`: for one that needs no credentials they are not looked at, but who showed too many wrong ones
    /// from there waits all the same.
    async fn caller_of(
        &self,
        rpc: &Rpc,
        headers: &HeaderMap,
        extensions: &Extensions,
    ) -> Result<Known, Status> {
        if !rpc.public {
            return self.identify(headers, extensions).await;
        }
        let address = self.proxies.client(headers, extensions);
        self.rates.enter(address).map_err(error::over_limit)?;
        self.rates.may_show_credentials(address).map_err(error::over_limit)?;
        Ok(Known { caller: visitor::from_address(address)?, session_id: None })
    }

    /// Lets a call of `rpc` in: finds out who is calling, counts it, and signs the caller for the
    /// services behind. `trail` tells what is to be known of the call, whatever becomes of it.
    pub(crate) async fn admit(
        &self,
        rpc: &Rpc,
        headers: &HeaderMap,
        extensions: &Extensions,
        trail: &mut Trail,
    ) -> Result<Admitted, Status> {
        let place = self.in_flight.enter(rpc.priority).ok_or_else(error::too_much_in_flight)?;
        let Known { caller, session_id } = self.caller_of(rpc, headers, extensions).await?;
        trail.standing = self.rates.admit(&caller, &rpc.label).map_err(error::over_limit)?;
        if !rpc.public {
            // Who is over may still look at what they used, and sign out.
            let is_exempt = rpc.service.starts_with(ACCOUNTS);
            let counted = self.meter.admit(&caller.tenant, is_exempt);
            trail.quota = counted.map_err(error::over_limit)?;
            if let Some(traffic) = extensions.get::<Traffic>() {
                traffic.belongs_to(&caller.tenant);
            }
        }
        self.check_switch(rpc, &caller)?;
        if rpc.audited {
            trail.audit = Some(Pending::new(rpc, &caller, self.proxies.client(headers, extensions)));
        }
        let authorization = self.tokens.authorization_for(&caller, clock::now())?;
        let session = session_id.and_then(|id| HeaderValue::try_from(id.to_string()).ok());
        Ok(Admitted { caller, authorization, session, _place: place })
    }

    /// What a caller is told instead of an answer while there is maintenance. Signing in goes on.
    pub(crate) fn maintenance_of(&self, rpc: &Rpc, caller: &Caller) -> Option<Notice> {
        let is_identity = self.upstream_of(&rpc.service).name == "identity";
        self.maintenance.of(&caller.tenant).filter(|_| !is_identity)
    }

    /// Begins a call that makes kept answers old, if it does.
    pub(crate) fn begin_write(&self, rpc: &Rpc, caller: &Caller) -> Option<Write> {
        self.cache.write(self.upstream_of(&rpc.service).name, rpc, caller)
    }

    /// Refuses an RPC that a flag named `rpc.<path without the first slash>` switches off.
    fn check_switch(&self, rpc: &Rpc, caller: &Caller) -> Result<(), Status> {
        if !self.flags.contains(&rpc.switch) || self.flags.is_on(&rpc.switch, &context_of(caller), true) {
            return Ok(());
        }
        metrics::count_switched_off();
        Err(error::switched_off(&rpc.switch))
    }

    /// Whether a flag named `kept.<path without the first slash>` spares the service behind, where something is kept.
    pub(crate) fn spares_the_service(&self, rpc: &Rpc, caller: &Caller) -> bool {
        self.flags.contains(&rpc.relief) && self.flags.is_on(&rpc.relief, &context_of(caller), false)
    }

    /// Writes what a client may know of its limits and quotas into an answer.
    pub(crate) fn describe(&self, trail: &Trail, headers: &mut HeaderMap) {
        self.rates.describe(trail.standing, headers);
        if let Some(quota) = trail.quota {
            quota.describe(headers);
        }
    }

    /// The process that serves `service`. One that is not configured is unknown to the process that
    /// is asked instead, which says so.
    pub(crate) fn upstream_of(&self, service: &str) -> &std::sync::Arc<Upstream> {
        let other = self.others.iter().find(|(package, _)| service.starts_with(package));
        other.map_or(&self.recommendation, |(_, upstream)| upstream)
    }
}

/// Whom a flag is evaluated for at the gateway.
fn context_of(caller: &Caller) -> Context {
    Context::of(caller.subject.as_str()).with("tenant", caller.tenant.as_str())
}
