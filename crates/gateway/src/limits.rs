//! How much callers may ask: by address, by caller, by tenant, and by tenant and RPC. Every
//! request is decided out of this process's memory; with Redis, gateways tell each other in the
//! background what they let in, see `sharing.rs`, so that no request ever waits for it.
//!
//! With `n` gateways, what is let in over any time is at most what the rate allows in that time
//! and `n` bursts: a gateway that did not hear of the others yet gives away a whole one.

mod gcra;
mod in_flight;
mod ledger;
mod sharing;

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use larder_identity::Caller;
use larder_settings::{OnRedisFailure, Settings};
use tokio::time::Instant;

pub(crate) use in_flight::{InFlight, Place, Priority};
pub(crate) use sharing::Sharing;

use crate::metrics;
use crate::usage::QuotaStanding;
use gcra::{Left, Rate, Wait};
use ledger::Ledger;

const POLICY_HEADER: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT_HEADER: HeaderName = HeaderName::from_static("ratelimit");

/// Every limit that is set.
pub(crate) struct RateLimits {
    address: Option<Limit>,
    caller: Option<Limit>,
    tenant: Option<Limit>,
    rpc: Option<Limit>,
    wrong_credentials: Option<Limit>,
    wrong_passwords: Option<Limit>,
    on_redis_failure: OnRedisFailure,
    /// Whether other gateways cannot be told, nor asked.
    alone: AtomicBool,
    policy_header: Option<HeaderValue>,
    started: Instant,
}

struct Limit {
    name: &'static str,
    rate: Rate,
    /// What this gateway may give away when it knows nothing of the others.
    share: Rate,
    ledger: Ledger,
}

/// How the nearest of a caller's limits stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    limit: &'static str,
    requests: u32,
    burst: u32,
    until_full: Duration,
}

/// Somebody asked too much, or nobody can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Over {
    /// The limit of this name.
    Limit(&'static str, Duration),
    /// What the tenant's plan has in this month is used up.
    Quota(QuotaStanding),
    /// Limits cannot be kept, and are set to let nobody in then.
    Unknown,
}

impl RateLimits {
    /// The limits as set.
    pub(crate) fn new(settings: &Settings) -> Self {
        let limits = &settings.limits;
        let replicas = settings.gateway.replicas;
        let shared = settings.redis.url.is_some();
        let limit = |name, per_s, burst, shared, replicas| {
            let rate = Rate::new(per_s, burst)?;
            Some(Limit { name, rate, share: rate.share(replicas), ledger: Ledger::new(shared) })
        };
        let usual = |name, per_s| limit(name, per_s, limits.burst, shared, replicas);
        let guesses = |name, per_s, burst| limit(name, per_s, burst, shared, replicas);
        let wrong_per_min = limits.wrong_credentials_per_min;
        let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3_600));
        let wrong_passwords_per_s = f64::from(limits.wrong_passwords_per_h) / 3_600.0;
        let mut made = Self {
            address: usual("address", limits.address_per_s),
            caller: usual("caller", limits.caller_per_s),
            tenant: usual("tenant", limits.tenant_per_s),
            rpc: usual("rpc", limits.rpc_per_s),
            wrong_credentials: guesses("wrong-credentials", f64::from(wrong_per_min) / 60.0, minute),
            wrong_passwords: guesses("wrong-passwords", wrong_passwords_per_s, hour),
            on_redis_failure: limits.on_redis_failure,
            alone: AtomicBool::new(true),
            policy_header: None,
            started: Instant::now(),
        };
        made.policy_header = made.policies();
        made
    }

    /// Lets a request of `address` in before it is known who sends it.
    pub(crate) fn enter(&self, address: IpAddr) -> Result<(), Over> {
        self.take(self.address.as_ref(), &network(address)).map(drop)
    }

    /// Refuses an address that showed too many wrong credentials, before these are looked at.
    pub(crate) fn may_show_credentials(&self, address: IpAddr) -> Result<(), Over> {
        let Some(limit) = &self.wrong_credentials else { return Ok(()) };
        self.may_guess(limit, &network(address))
    }

    /// Remembers that an address showed wrong credentials.
    pub(crate) fn count_wrong_credentials(&self, address: IpAddr) {
        if let Some(limit) = &self.wrong_credentials {
            let _ = limit.ledger.take(&network(address), self.guess_rate(limit), self.now_ns());
        }
    }

    /// Refuses a user for whom too many wrong passwords were tried, before one is looked at.
    pub(crate) fn may_try_password(&self, account: &str) -> Result<(), Over> {
        let Some(limit) = &self.wrong_passwords else { return Ok(()) };
        self.may_guess(limit, &nameless(account))
    }

    /// Remembers that a wrong password was tried for a user.
    pub(crate) fn count_wrong_password(&self, account: &str) {
        if let Some(limit) = &self.wrong_passwords {
            let _ = limit.ledger.take(&nameless(account), self.guess_rate(limit), self.now_ns());
        }
    }

    fn may_guess(&self, limit: &Limit, account: &str) -> Result<(), Over> {
        match limit.ledger.must_wait(account, self.guess_rate(limit), self.now_ns()) {
            Some(Wait(wait)) => Err(refused(limit.name, wait)),
            None => Ok(()),
        }
    }

    /// Guesses are never let in without a limit: while Redis is away each gateway takes its share.
    fn guess_rate(&self, limit: &Limit) -> Rate {
        if self.alone.load(Ordering::Relaxed) { limit.share } else { limit.rate }
    }

    /// Lets a call of `caller` to `rpc` in, and tells what is left of the nearest limit.
    pub(crate) fn admit(&self, caller: &Caller, rpc: &str) -> Result<Option<Standing>, Over> {
        let tenant = caller.tenant.as_str();
        let mut nearest = None;
        for (limit, beside) in [(&self.caller, caller.subject.as_str()), (&self.tenant, ""), (&self.rpc, rpc)]
        {
            let Some(limit) = limit else { continue };
            let standing = self.take(Some(limit), &format!("{tenant}/{beside}"))?;
            nearest = [nearest, standing].into_iter().flatten().min_by(Standing::by_share);
        }
        Ok(nearest)
    }

    /// Writes what a client may know of its limits into an answer, as the IETF's draft
    /// "RateLimit header fields for HTTP" (revision 11) has it.
    pub(crate) fn describe(&self, standing: Option<Standing>, headers: &mut HeaderMap) {
        let (Some(policy), Some(standing)) = (&self.policy_header, standing) else { return };
        headers.insert(POLICY_HEADER, policy.clone());
        if let Ok(left) = HeaderValue::try_from(standing.to_header()) {
            headers.insert(LEFT_HEADER, left);
        }
    }

    /// Whether any limit is set that gateways share.
    pub(crate) fn is_any_set(&self) -> bool {
        self.shared().next().is_some()
    }

    fn take(&self, limit: Option<&Limit>, account: &str) -> Result<Option<Standing>, Over> {
        let Some(limit) = limit else { return Ok(None) };
        let alone = self.alone.load(Ordering::Relaxed);
        let rate = match (alone, limit.ledger.is_shared(), self.on_redis_failure) {
            (false, ..) => limit.rate,
            (true, false, _) | (true, true, OnRedisFailure::Local) => limit.share,
            (true, true, OnRedisFailure::Open) => return Ok(None),
            (true, true, OnRedisFailure::Closed) => return Err(Over::Unknown),
        };
        match limit.ledger.take(account, rate, self.now_ns()) {
            Ok(left) => Ok(Some(Standing::new(limit.name, rate, left))),
            Err(Wait(wait)) => Err(refused(limit.name, wait)),
        }
    }

    /// What gateways tell each other of.
    fn shared(&self) -> impl Iterator<Item = &Limit> {
        self.told().chain([&self.wrong_credentials, &self.wrong_passwords].into_iter().flatten())
    }

    /// What callers are told of.
    fn told(&self) -> impl Iterator<Item = &Limit> {
        [&self.address, &self.caller, &self.tenant, &self.rpc].into_iter().flatten()
    }

    fn policies(&self) -> Option<HeaderValue> {
        let policies: Vec<String> = self
            .told()
            .map(|limit| {
                let window_s = limit.rate.window().as_secs_f64().ceil().max(1.0);
                format!("\"{}\";q={};w={window_s:.0}", limit.name, limit.rate.burst())
            })
            .collect();
        if policies.is_empty() { None } else { HeaderValue::try_from(policies.join(", ")).ok() }
    }

    fn now_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Standing {
    fn new(limit: &'static str, rate: Rate, left: Left) -> Self {
        Self { limit, requests: left.requests, burst: rate.burst(), until_full: left.until_full }
    }

    /// The limit that is refused next comes first.
    fn by_share(one: &Self, other: &Self) -> std::cmp::Ordering {
        let share = |standing: &Self| f64::from(standing.requests) / f64::from(standing.burst);
        share(one).total_cmp(&share(other))
    }

    fn to_header(self) -> String {
        let reset_s = self.until_full.as_secs_f64().ceil();
        format!("\"{}\";r={};t={reset_s:.0}", self.limit, self.requests)
    }
}

fn refused(limit: &'static str, wait: Duration) -> Over {
    metrics::count_limited(limit);
    Over::Limit(limit, wait)
}

/// A user as accounts name them: what lies in Redis tells nobody's address.
fn nameless(account: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, account.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// An address as accounts name it: whoever has an IPv6 address has a whole /64 of them.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests;
