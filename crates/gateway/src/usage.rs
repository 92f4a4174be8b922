//! What tenants use: requests and bytes, counted in memory, added up in the database by all gateways together, and
//! held against the plan of the tenant. No request waits for the database.
//!
//! A gateway that is killed loses what it counted since it last wrote, `quotas.write_interval_ms` at most while the
//! database is there; and a quota is overshot by what `n` gateways let in within that time.

mod month;
mod plans;
mod traffic;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use larder_identity::TenantId;
use larder_lifecycle::Shutdown;
use larder_settings::QuotaSettings;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(crate) use month::Month;
pub use plans::PlansError;
pub(crate) use plans::{Amounts, Limits, Plans, Quantity};
pub(crate) use traffic::{Traffic, measure};

use crate::clock;
use crate::limits::Over;
use crate::metrics;
use crate::store;

/// Tenants that did not call for so long are forgotten; what they used is in the database.
const KEPT: Duration = Duration::from_secs(600);
/// Beyond so many tenants within that time newcomers are counted and not limited.
const CAPACITY: usize = 100_000;
const POLICY_HEADER: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT_HEADER: HeaderName = HeaderName::from_static("ratelimit");

/// What is known of every tenant's use.
pub(crate) struct Meter {
    plans: Plans,
    accounts: Mutex<HashMap<TenantId, Account>>,
    /// Of the role `Worker`; without a database nothing is kept.
    pool: Option<PgPool>,
    is_on: bool,
    interval: Duration,
    /// Told when a tenant is met of whom nothing is known yet.
    newcomer: Notify,
}

#[derive(Debug, Clone)]
struct Account {
    month: Month,
    /// What the database had when it was last written to, with what other gateways counted.
    written: Amounts,
    /// What is counted and not written yet.
    pending: Amounts,
    /// What is being written, until the database says what it has now.
    underway: Amounts,
    plan: Option<String>,
    /// Whether the database was asked for the tenant in this month.
    is_known: bool,
    used_at: Instant,
}

/// How the nearest of a tenant's quotas stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuotaStanding {
    pub(crate) quantity: Quantity,
    pub(crate) limit: u64,
    pub(crate) left: u64,
    /// Until the month is over.
    pub(crate) resets_in: Duration,
    /// The whole month.
    pub(crate) window: Duration,
}

impl Meter {
    /// A meter by these settings.
    ///
    /// # Errors
    /// A file of plans that cannot be used.
    pub(crate) fn new(settings: &QuotaSettings, pool: Option<PgPool>) -> Result<Self, PlansError> {
        let plans = match &settings.plans_file {
            Some(file) => Plans::read(file)?,
            None => Plans::default(),
        };
        Ok(Self {
            plans,
            accounts: Mutex::default(),
            is_on: settings.metered && pool.is_some(),
            pool,
            interval: settings.write_interval,
            newcomer: Notify::new(),
        })
    }

    /// Whether anything is counted.
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    /// The plans there are.
    pub(crate) fn plans(&self) -> &Plans {
        &self.plans
    }

    /// Counts a request of `tenant`, or refuses it when a quota of the month is used up. What `is_exempt` is counted
    /// and never refused.
    pub(crate) fn admit(&self, tenant: &TenantId, is_exempt: bool) -> Result<Option<QuotaStanding>, Over> {
        if !self.is_on {
            return Ok(None);
        }
        let now_s = clock::seconds(clock::now());
        let month = Month::of(now_s);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= CAPACITY && !accounts.contains_key(tenant) {
            return Ok(None);
        }
        let account = accounts.entry(tenant.clone()).or_insert_with(|| {
            self.newcomer.notify_one();
            Account::new(month)
        });
        account.used_at = Instant::now();
        if account.month != month {
            // What is pending of the month before is little and goes into the new one.
            let (written, underway) = (Amounts::default(), Amounts::default());
            *account = Account { month, written, underway, is_known: false, ..account.clone() };
        }
        let limits = self.plans.limits_of(account.plan.as_deref());
        let used_up = account.nearest(limits, month, now_s).filter(|standing| standing.left == 0);
        if let Some(standing) = used_up.filter(|_| !is_exempt) {
            metrics::count_over_quota(standing.quantity.name());
            return Err(Over::Quota(standing));
        }
        account.pending.requests += 1;
        Ok(account.nearest(limits, month, now_s))
    }

    /// Counts bytes of a request that ended.
    pub(crate) fn add_bytes(&self, tenant: &TenantId, received: u64, sent: u64) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get_mut(tenant) {
            account.pending.received_bytes += received;
            account.pending.sent_bytes += sent;
        }
    }

    /// What was counted for a tenant and is not in the database yet.
    pub(crate) fn pending(&self, tenant: &TenantId, month: Month) -> Amounts {
        let accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let account = accounts.get(tenant).filter(|account| account.month == month);
        account.map(|account| account.pending).unwrap_or_default()
    }

    /// Asks the database again for a tenant whose plan was changed.
    pub(crate) fn look_again(&self, tenant: &TenantId) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = accounts.get_mut(tenant) {
            account.is_known = false;
            self.newcomer.notify_one();
        }
    }

    /// Writes until `shutdown`, and then what is left.
    pub(crate) async fn write(&self, shutdown: Shutdown) {
        let Some(pool) = self.pool.as_ref().filter(|_| self.is_on) else { return shutdown.wait().await };
        loop {
            tokio::select! {
                () = shutdown.wait() => break,
                () = tokio::time::sleep(self.interval) => {}
                () = self.newcomer.notified() => {}
            }
            self.write_once(pool).await;
        }
        self.write_once(pool).await;
    }

    async fn write_once(&self, pool: &PgPool) {
        let told = self.take();
        if told.is_empty() {
            return;
        }
        match store::usage::add(pool, &told).await {
            Ok(totals) => {
                metrics::set_usage_unwritten(false);
                self.learn(totals);
            }
            Err(error) => {
                metrics::set_usage_unwritten(true);
                tracing::warn!(error = %error, "usage cannot be written; it waits in memory");
                self.give_back(told);
            }
        }
    }

    /// Takes what is pending; for a tenant of whom nothing is known yet the total is asked for alone.
    fn take(&self) -> Vec<store::usage::Counted> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        accounts
            .retain(|_, account| account.pending != Amounts::default() || account.used_at.elapsed() < KEPT);
        let take = |(tenant, account): (&TenantId, &mut Account)| {
            account.underway = std::mem::take(&mut account.pending);
            store::usage::Counted { tenant: tenant.clone(), month: account.month, amounts: account.underway }
        };
        let has_news = |account: &Account| !account.is_known || account.pending != Amounts::default();
        accounts.iter_mut().filter(|(_, account)| has_news(account)).map(take).collect()
    }

    fn learn(&self, totals: Vec<store::usage::Total>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        for total in totals {
            let tenant = TenantId::parse(&total.tenant_id).ok();
            let Some(account) = tenant.and_then(|tenant| accounts.get_mut(&tenant)) else { continue };
            if account.month == total.month {
                account.written = total.amounts;
                account.underway = Amounts::default();
                account.is_known = true;
            }
            account.plan = total.plan;
        }
    }

    fn give_back(&self, told: Vec<store::usage::Counted>) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        for counted in told {
            let account = accounts.entry(counted.tenant).or_insert_with(|| Account::new(counted.month));
            account.pending = account.pending.plus(counted.amounts);
            account.underway = Amounts::default();
        }
    }
}

impl Account {
    fn new(month: Month) -> Self {
        Self {
            month,
            written: Amounts::default(),
            pending: Amounts::default(),
            underway: Amounts::default(),
            plan: None,
            is_known: false,
            used_at: Instant::now(),
        }
    }

    /// The quota of which the smallest share is left.
    fn nearest(&self, limits: &Limits, month: Month, now_s: i64) -> Option<QuotaStanding> {
        let used = self.written.plus(self.underway).plus(self.pending);
        let standing = |quantity: Quantity| {
            let limit = limits.of(quantity)?;
            let left = limit.saturating_sub(used.of(quantity));
            Some(QuotaStanding {
                quantity,
                limit,
                left,
                resets_in: month.left(now_s),
                window: month.length(),
            })
        };
        let share = |standing: &QuotaStanding| standing.left as f64 / standing.limit.max(1) as f64;
        Quantity::ALL
            .into_iter()
            .filter_map(standing)
            .min_by(|one, other| share(one).total_cmp(&share(other)))
    }
}

impl QuotaStanding {
    /// Writes it into an answer behind what stands there already, as the IETF's draft "RateLimit header fields for
    /// HTTP" (revision 11) has it for a further policy.
    pub(crate) fn describe(self, headers: &mut HeaderMap) {
        let (name, unit) = (self.quantity.name(), self.quantity.unit());
        let window_s = self.window.as_secs();
        append(headers, POLICY_HEADER, &format!("\"{name}\";q={};qu=\"{unit}\";w={window_s}", self.limit));
        let resets_s = self.resets_in.as_secs();
        append(headers, LEFT_HEADER, &format!("\"{name}\";r={};t={resets_s}", self.left));
    }
}

fn append(headers: &mut HeaderMap, name: HeaderName, item: &str) {
    let before = headers.get(&name).and_then(|value| value.to_str().ok());
    let value = before.map_or_else(|| item.to_owned(), |before| format!("{before}, {item}"));
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
