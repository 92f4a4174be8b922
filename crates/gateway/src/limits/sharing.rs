//! How gateways that share a Redis know of each other's requests: every few milliseconds each
//! adds what it let in to the accounts there and learns what all of them owe. Nobody's request
//! waits for that. While Redis does not answer, the limits are told so and hold by themselves.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool_redis::redis::{RedisError, Script};
use deadpool_redis::{Pool, PoolError};
use larder_lifecycle::Shutdown;

use super::RateLimits;
use crate::metrics;

/// How often gateways tell each other.
const PERIOD: Duration = Duration::from_millis(20);
/// How often they make sure that they could when there is nothing to tell, or could not before.
const IDLE_PERIOD: Duration = Duration::from_millis(500);
/// Accounts that are told in one call.
const ACCOUNTS_PER_CALL: usize = 512;

/// For each account the microseconds it took, added to the instant at which it is paid for; gives
/// what each owes. The clock is that of Redis, so that gateways need not agree on theirs.
const ADD: &str = r"
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local owed = {}
for place, key in ipairs(KEYS) do
  local paid_at = tonumber(redis.call('GET', key) or '0')
  if paid_at < now then paid_at = now end
  paid_at = paid_at + tonumber(ARGV[place])
  redis.call('SET', key, string.format('%.0f', paid_at), 'PX', math.ceil((paid_at - now) / 1000) + 1000)
  owed[place] = paid_at - now
end
return owed
";

/// The conversation with Redis.
pub(crate) struct Sharing {
    limits: Arc<RateLimits>,
    pool: Pool,
    script: Script,
    timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
enum SharingError {
    #[error("no connection: {0}")]
    Connection(#[from] PoolError),
    #[error("{0}")]
    Command(#[from] RedisError),
    #[error("no answer in time")]
    Timeout,
}

impl Sharing {
    /// Shares `limits` through `pool`; a call may take as long as `timeout`.
    pub(crate) fn new(limits: Arc<RateLimits>, pool: Pool, timeout: Duration) -> Self {
        Self { limits, pool, script: Script::new(ADD), timeout }
    }

    /// Shares until `shutdown`.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let mut stop = std::pin::pin!(shutdown.wait_owned());
        let mut idle = IDLE_PERIOD;
        loop {
            let untold = self.untold();
            let due = !untold.is_empty() && !self.limits.alone.load(Ordering::Relaxed);
            if due || idle >= IDLE_PERIOD {
                idle = Duration::ZERO;
                self.tell(untold).await;
            } else {
                self.take_back(untold);
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(PERIOD) => idle += PERIOD,
            }
        }
    }

    /// What there is to tell, limit by limit.
    fn untold(&self) -> Vec<(usize, String, u64)> {
        let limits = self.limits.shared().enumerate();
        limits
            .flat_map(|(place, limit)| {
                limit.ledger.untold().into_iter().map(move |(name, ns)| (place, name, ns))
            })
            .collect()
    }

    fn take_back(&self, untold: Vec<(usize, String, u64)>) {
        let limits: Vec<_> = self.limits.shared().collect();
        for (place, name, ns) in untold {
            limits[place].ledger.take_back(name, ns);
        }
    }

    async fn tell(&self, mut untold: Vec<(usize, String, u64)>) {
        loop {
            let later = untold.split_off(untold.len().min(ACCOUNTS_PER_CALL));
            let told = tokio::time::timeout(self.timeout, self.add(&untold)).await;
            match told.unwrap_or(Err(SharingError::Timeout)) {
                Ok(owed_us) => self.learn(&untold, &owed_us),
                Err(error) => {
                    self.take_back(untold);
                    self.take_back(later);
                    return self.lost(&error);
                }
            }
            if later.is_empty() {
                return;
            }
            untold = later;
        }
    }

    async fn add(&self, untold: &[(usize, String, u64)]) -> Result<Vec<u64>, SharingError> {
        let names: Vec<_> = self.limits.shared().map(|limit| limit.name).collect();
        let mut call = self.script.prepare_invoke();
        let mut key = String::new();
        for (place, name, ns) in untold {
            key.clear();
            let _ = write!(key, "larder:limit:{}:{name}", names[*place]);
            call.key(&key).arg(ns.div_ceil(1_000));
        }
        let mut connection = self.pool.get().await?;
        Ok(call.invoke_async(&mut connection).await?)
    }

    fn learn(&self, told: &[(usize, String, u64)], owed_us: &[u64]) {
        let (limits, now_ns): (Vec<_>, _) = (self.limits.shared().collect(), self.limits.now_ns());
        for ((place, name, _), owed_us) in told.iter().zip(owed_us) {
            limits[*place].ledger.learn(name, owed_us.saturating_mul(1_000), now_ns);
        }
        if self.limits.alone.swap(false, Ordering::Relaxed) {
            tracing::info!("limits are shared through Redis");
            metrics::set_limits_alone(false);
        }
    }

    fn lost(&self, error: &SharingError) {
        if !self.limits.alone.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = %error, "Redis does not answer; limits hold as `limits.on_redis_failure` says");
        }
        metrics::set_limits_alone(true);
    }
}
