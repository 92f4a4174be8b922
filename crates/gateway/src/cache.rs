//! Answers that are given again: kept in the process and, with Redis, shared by all gateways,
//! as long as the contract says and nothing they are made of has changed. They are asked for
//! once however many wait, and the last good one is given when a service fails.

mod flights;
mod kept;
mod marks;
mod memory;
mod rule;
mod versions;
mod write;

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use larder_identity::Caller;
use larder_lifecycle::Shutdown;
use larder_settings::Settings;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::time::Instant;
use tonic::{Code, Status};

use crate::clock;
use crate::error::{self, GatewayError};
use crate::metrics::{self, Answered};
use crate::rpcs::Rpc;
use flights::{Flight, Flights};
pub(crate) use kept::{Kept, Written};
use memory::Memory;
use rule::Thing;
pub(crate) use rule::{Changes, Rule, changes_of, rule_of};
use versions::{Places, Seen, Shared, Versions};
pub(crate) use write::Write;

/// How long a failing service is asked again before its callers get the last good answer.
const FAILURE_PATIENCE: Duration = Duration::from_millis(35);
/// So long before its deadline a caller gets the last good answer, to have it in time.
const RESERVE: Duration = Duration::from_millis(20);

const IS_FAILING: &str = "the service does not answer; this is the last good answer";
const IS_SLOW: &str = "the service is slow; this is the last good answer";

/// What was asked, by whom may hear it: the RPC, the tenant, the scopes and the request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Key([u8; 32]);

/// The cache.
pub(crate) struct Cache {
    memory: Memory,
    versions: Versions,
    flights: Flights,
    /// How long a service may be at a call whose end nobody saw.
    longest_call: Duration,
    is_on: bool,
}

/// A question about to be asked.
pub(crate) struct Question<'a> {
    rule: &'a Rule,
    key: Key,
    places: Places,
    service: &'static str,
}

/// The way to the service: nothing is sent before it is awaited.
pub(crate) struct Ask {
    pub(crate) answer: BoxFuture<'static, Result<Fetched, Status>>,
    /// Turns true when a try fails.
    pub(crate) failing: watch::Receiver<bool>,
}

/// What a service answered.
#[derive(Debug, Clone)]
pub(crate) struct Fetched {
    pub(crate) message: Bytes,
    pub(crate) keeping: Keeping,
}

/// What a service says of keeping its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// As the contract has it.
    Allowed,
    /// Only for when it fails: each asking has to reach it.
    LastGood,
    /// Not at all.
    Forbidden,
}

/// An answer and where it came from.
pub(crate) struct Found {
    pub(crate) kept: Arc<Kept>,
    pub(crate) source: Source,
    pub(crate) age: Duration,
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The service, just now.
    Service,
    /// The cache, as good as new.
    Fresh,
    /// The cache, while a new one is on its way.
    Stale,
    /// The cache, since the service fails or is slow; why, in a sentence.
    LastGood(&'static str),
}

impl Cache {
    /// The cache as set.
    pub(crate) fn new(settings: &Settings) -> Result<Self, GatewayError> {
        let cache = &settings.cache;
        let versions = match &settings.redis.url {
            Some(url) => {
                let (wait, timeout) = (cache.redis_wait, settings.redis.timeout);
                let shared = Shared::new(url.expose_secret(), wait, timeout, cache.settled_after);
                Versions::Shared(Box::new(shared.map_err(|error| GatewayError::Redis(error.to_string()))?))
            }
            None if settings.gateway.replicas == 1 => Versions::local(cache.settled_after),
            None => Versions::Nobody,
        };
        Ok(Self {
            memory: Memory::new(cache.memory_bytes),
            versions,
            flights: Flights::default(),
            longest_call: settings.gateway.request_timeout,
            is_on: cache.enabled,
        })
    }

    /// Keeps in touch with Redis until shutdown.
    pub(crate) async fn run(self: Arc<Self>, shutdown: Shutdown) {
        let tell = async {
            loop {
                metrics::set_cache_bytes(self.memory.bytes());
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        };
        tokio::select! {
            () = self.versions.run(shutdown) => {}
            () = tell => {}
        }
    }

    /// What `caller` asks of `service` with the encoded `message`; none when its answer is not kept.
    pub(crate) fn question<'a>(
        &self,
        service: &'static str,
        rpc: &'a Rpc,
        caller: &Caller,
        message: &Bytes,
    ) -> Option<Question<'a>> {
        let rule = rpc.cached.as_ref().filter(|_| self.is_on)?;
        let tenant = caller.tenant.as_str();
        let mut hasher = blake3::Hasher::new();
        for part in [&*rpc.label, tenant, &caller.scopes.to_string()] {
            hasher.update(part.as_bytes()).update(b"\0");
        }
        let key = Key(*hasher.update(message).finalize().as_bytes());
        let names = names(&rule.depends_on, &rule.input, message)?;
        let mut places = Places::default();
        for (thing, names) in rule.depends_on.iter().zip(names) {
            places.changed.extend(names.iter().map(|name| versions::place(tenant, name)));
            if thing.field.is_some() {
                let any = thing.any();
                places.changed.push(versions::place(tenant, &any));
                let forgotten = names.iter().chain([&any]).map(|name| versions::place(tenant, name));
                places.forgotten.extend(forgotten);
            }
        }
        places.changed.push(versions::place(tenant, service));
        Some(Question { rule, key, places, service })
    }

    /// Begins a call of `service` that changes things; none when it makes no answers old.
    pub(crate) fn write(
        self: &Arc<Self>,
        service: &'static str,
        rpc: &Rpc,
        caller: &Caller,
    ) -> Option<Write> {
        let changes = rpc.changes.as_ref().filter(|_| self.is_on)?;
        Some(Write::new(self.clone(), service, caller.tenant.clone(), changes))
    }

    /// Answers a question: out of the cache when that is as good, else by asking. With `anew` the
    /// caller wants an answer of the service, and the last good one only if that fails.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        question: &Question<'_>,
        ask: Ask,
        deadline: Instant,
        anew: bool,
    ) -> Result<Found, Status> {
        let Question { rule, key, places, service } = question;
        let started = Instant::now();
        let seen = self.versions.see(places).await;
        let kept = self.find(key, seen).await.filter(|kept| !kept.is_forgotten(seen));
        if let (Some(kept), Some(seen), false) = (&kept, seen, anew)
            && kept.is_current(Some(seen))
        {
            let age = kept.age(started);
            if age < rule.fresh {
                metrics::count_cache_answer(Answered::Fresh);
                return Ok(Found { kept: kept.clone(), source: Source::Fresh, age });
            }
            if age < rule.fresh + rule.stale {
                tokio::spawn(self.fly(rule, *key, Some(seen), ask).landing.map(drop));
                metrics::count_cache_answer(Answered::Stale);
                return Ok(Found { kept: kept.clone(), source: Source::Stale, age });
            }
        }
        let last = kept.filter(|kept| kept.age(started) < rule.last_good);
        let flight = self.fly(rule, *key, seen, ask);
        let found = match last {
            Some(last) => {
                let patience = rule.patience.filter(|_| !anew && last.is_current(seen));
                wait_with_last_good(flight, last, patience, started, deadline).await
            }
            None => match tokio::time::timeout_at(deadline, flight.landing).await {
                Ok(landed) => landed.map(Found::of_service),
                Err(_) => Err(error::upstream_timeout(service)),
            },
        };
        metrics::count_cache_answer(match &found {
            Ok(Found { source: Source::LastGood(_), .. }) => Answered::LastGood,
            Ok(_) => Answered::Service,
            Err(_) => Answered::Failed,
        });
        found
    }

    /// The last good answer to a question without asking anybody, for `reason`.
    pub(crate) async fn last_good(&self, question: &Question<'_>, reason: &'static str) -> Option<Found> {
        let Question { rule, key, places, .. } = question;
        let seen = self.versions.see(places).await;
        let kept = self.find(key, seen).await.filter(|kept| !kept.is_forgotten(seen))?;
        metrics::count_cache_answer(Answered::LastGood);
        (kept.age(Instant::now()) < rule.last_good).then(|| Found::last_good(kept, reason))
    }

    /// The message of an answer as a caller gets it.
    pub(crate) fn message_of(question: &Question<'_>, found: &Found) -> Bytes {
        match (found.source, question.rule.marks) {
            (Source::LastGood(reason), Some(marks)) => marks::mark(marks, &found.kept.message, reason),
            _ => found.kept.message.clone(),
        }
    }

    /// The kept answer to a question: this process's own if it is current, else one that was shared.
    async fn find(&self, key: &Key, seen: Option<Seen>) -> Option<Arc<Kept>> {
        let own = self.memory.get(key);
        if own.as_ref().is_some_and(|own| own.is_current(seen)) || seen.is_none() {
            return own;
        }
        let Some(shared) = self.versions.shared() else { return own };
        let Some(answer) = shared.answer(key).await else { return own };
        let now = Instant::now();
        let Some(read) = Kept::from_shared(answer, now, now_us()).map(Arc::new) else { return own };
        if own.as_ref().is_some_and(|own| own.at >= read.at) {
            return own;
        }
        self.memory.put(*key, read.clone());
        Some(read)
    }

    /// Asks the service, or joins who is asking. Without knowing the state of things everybody
    /// asks alone.
    fn fly(self: &Arc<Self>, rule: &Rule, key: Key, seen: Option<Seen>, ask: Ask) -> Flight {
        let (cache, marks, last_good) = (self.clone(), rule.marks, rule.last_good);
        let lasts = last_good.max(rule.fresh + rule.stale);
        let landing = async move {
            let fetched = ask.answer.await?;
            let degraded = marks.is_some_and(|marks| marks::is_degraded(marks, &fetched.message));
            let may_be_given = fetched.keeping == Keeping::Allowed;
            let made_of = seen.filter(|seen| seen.is_settled && may_be_given);
            let kept = Arc::new(Kept::new(fetched.message, made_of, Instant::now()));
            if !degraded && fetched.keeping != Keeping::Forbidden {
                cache.keep(key, &kept, lasts);
            }
            Ok(kept)
        }
        .boxed();
        match seen {
            Some(seen) => self.flights.join(key, seen, ask.failing, landing),
            None => Flight { landing: landing.shared(), failing: ask.failing },
        }
    }

    fn keep(self: &Arc<Self>, key: Key, kept: &Arc<Kept>, lasts: Duration) {
        self.memory.put(key, kept.clone());
        if self.versions.shared().is_none() {
            return;
        }
        let Some(answer) = kept.to_shared(Instant::now(), now_us()) else { return };
        let cache = self.clone();
        tokio::spawn(async move {
            if let Some(shared) = cache.versions.shared() {
                shared.share(&key, answer, lasts).await;
            }
        });
    }

    /// Makes things old once more when a call whose end nobody saw must have ended.
    fn change_later(self: Arc<Self>, places: Places) {
        tokio::spawn(async move {
            tokio::time::sleep(self.longest_call).await;
            self.versions.change(&places).await;
        });
    }
}

impl Found {
    fn of_service(kept: Arc<Kept>) -> Self {
        Self { kept, source: Source::Service, age: Duration::ZERO }
    }

    fn last_good(kept: Arc<Kept>, reason: &'static str) -> Self {
        let age = kept.age(Instant::now());
        Self { kept, source: Source::LastGood(reason), age }
    }
}

/// Waits for the service with an answer at hand for when it fails. Slowness alone is no failure:
/// only with `patience`, which is given where the answer is as good as a new one but for its age, the
/// caller does not wait for it.
async fn wait_with_last_good(
    flight: Flight,
    last: Arc<Kept>,
    patience: Option<Duration>,
    started: Instant,
    deadline: Instant,
) -> Result<Found, Status> {
    let Flight { landing, mut failing } = flight;
    let reserve = RESERVE.min(deadline.saturating_duration_since(started) / 4);
    let cut = deadline.checked_sub(reserve).unwrap_or(deadline);
    let mut asked = landing.clone();
    let failed = async {
        tokio::time::sleep_until(started + FAILURE_PATIENCE).await;
        if failing.wait_for(|failing| *failing).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let slow = async {
        match patience {
            Some(patience) => tokio::time::sleep_until(started + patience).await,
            None => std::future::pending().await,
        }
    };
    let reason = tokio::select! {
        landed = &mut asked => match landed {
            Ok(kept) => return Ok(Found::of_service(kept)),
            Err(status) if is_failure(&status) => IS_FAILING,
            Err(status) => return Err(status),
        },
        () = failed => IS_FAILING,
        () = slow => IS_SLOW,
        () = tokio::time::sleep_until(cut) => IS_SLOW,
    };
    // The answer is still wanted: by the next one who asks.
    tokio::spawn(landing.map(drop));
    Ok(Found::last_good(last, reason))
}

/// Whether the service failed, and did not merely refuse.
fn is_failure(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal | Code::Unknown | Code::DataLoss
    )
}

/// The names of `things` as `message` has them; none when it cannot be read.
fn names(things: &[Thing], input: &MessageDescriptor, message: &Bytes) -> Option<Vec<Vec<String>>> {
    let needs_message = things.iter().any(|thing| thing.field.is_some());
    let message = match needs_message {
        true => DynamicMessage::decode(input.clone(), message.clone()).ok()?,
        false => DynamicMessage::new(input.clone()),
    };
    let named = |thing: &Thing| {
        let mut names = Vec::new();
        thing.named_in(&message, &mut names);
        names
    };
    Some(things.iter().map(named).collect())
}

fn now_us() -> u64 {
    let now = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
