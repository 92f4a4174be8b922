//! Changes remembered in Redis, for all gateways, and answers shared there. All changes stand in
//! one key with the epoch beside them, so that whoever loses some of it loses all, and knows.
//!
//! Nobody waits for Redis longer than is set: whoever cannot ask goes on as if nothing were kept.
//! After a few questions without an answer nobody asks, until Redis answers the keeper again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use deadpool_redis::redis::aio::MultiplexedConnection;
use deadpool_redis::redis::{self, Client, RedisError, RedisResult, Script};
use larder_lifecycle::Shutdown;
use tokio::sync::Semaphore;

use super::super::Key;
use super::{Places, Seen};
use crate::metrics;

const CHANGES_KEY: &str = "larder:cache:changes";
const EPOCH: &str = "epoch";
/// How often the keeper makes sure that Redis is there.
const PERIOD: Duration = Duration::from_millis(250);
/// So many questions in a row without an answer, and nobody asks any more.
const MOST_SILENCE: u32 = 3;
/// Answers on their way to Redis at once; others are not shared.
const MOST_SHARING: usize = 64;
/// An answer larger than this is kept in the process alone.
const MOST_BYTES: usize = 256 * 1024;

/// Counts one change and writes it, with the time of Redis, into the places that are named.
const CHANGE: &str = r"
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
local time = redis.call('TIME')
local count = redis.call('HINCRBY', KEYS[1], 'count', 1)
local value = string.format('%d:%d', count, time[1] * 1000000 + time[2])
for at = 2, #ARGV do redis.call('HSET', KEYS[1], ARGV[at], value) end
return count
";

pub(in crate::cache) struct Shared {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    script: Script,
    /// Changes that Redis could not be told of yet, and how often each could not.
    untold: Mutex<HashMap<String, u64>>,
    silences: AtomicU32,
    sharing: Semaphore,
    wait: Duration,
    timeout: Duration,
    settled_after: Duration,
}

impl Shared {
    /// Requests wait for Redis as long as `wait`, the keeper as long as `timeout`.
    pub(in crate::cache) fn new(
        url: &str,
        wait: Duration,
        timeout: Duration,
        settled_after: Duration,
    ) -> RedisResult<Self> {
        Ok(Self {
            client: Client::open(url)?,
            connection: Mutex::new(None),
            script: Script::new(CHANGE),
            untold: Mutex::default(),
            silences: AtomicU32::new(0),
            sharing: Semaphore::new(MOST_SHARING),
            wait,
            timeout,
            settled_after,
        })
    }

    pub(super) async fn see(&self, places: &Places) -> Option<Seen> {
        if !lock(&self.untold).is_empty() {
            return None;
        }
        let mut connection = self.connection()?;
        let mut question = redis::pipe();
        question.cmd("TIME").cmd("HMGET").arg(CHANGES_KEY).arg(EPOCH);
        for name in names(places) {
            question.arg(name);
        }
        let asked = question.query_async::<((u64, u64), Vec<Option<String>>)>(&mut connection);
        let ((seconds, micros), values) = self.in_time(asked).await?;
        let mut values = values.into_iter();
        let epoch = values.next()??.parse().ok()?;
        let now_us = seconds * 1_000_000 + micros;
        let changes: Vec<(u64, u64)> =
            values.map(|value| value.map_or(Some((0, 0)), |value| read(&value))).collect::<Option<_>>()?;
        let (changed, forgotten) = changes.split_at_checked(places.changed.len())?;
        let changed_us = changed.iter().map(|(_, at_us)| *at_us).max().unwrap_or(0);
        Some(Seen {
            epoch,
            changed_at: changed.iter().map(|(count, _)| *count).max().unwrap_or(0),
            forgotten_at: forgotten.iter().map(|(count, _)| *count).max().unwrap_or(0),
            is_settled: Duration::from_micros(now_us.saturating_sub(changed_us)) >= self.settled_after,
        })
    }

    pub(super) async fn change(&self, places: &Places) {
        let names: Vec<String> = names(places).collect();
        let told = match self.connection() {
            Some(connection) => self.in_time(self.tell(connection, &names)).await.is_some(),
            None => false,
        };
        if !told {
            let mut untold = lock(&self.untold);
            names.into_iter().for_each(|name| *untold.entry(name).or_default() += 1);
        }
    }

    /// An answer that a gateway shared.
    pub(in crate::cache) async fn answer(&self, key: &Key) -> Option<Bytes> {
        let mut connection = self.connection()?;
        let mut question = redis::cmd("GET");
        question.arg(answer_key(key));
        self.in_time(question.query_async::<Option<Vec<u8>>>(&mut connection)).await?.map(Bytes::from)
    }

    /// Shares an answer for as long as it is good for anything. Nobody waits for it.
    pub(in crate::cache) async fn share(&self, key: &Key, answer: Vec<u8>, for_as_long: Duration) {
        let Ok(_place) = self.sharing.try_acquire() else { return };
        let Some(mut connection) = self.connection().filter(|_| answer.len() <= MOST_BYTES) else { return };
        let mut command = redis::cmd("SET");
        let millis = u64::try_from(for_as_long.as_millis()).unwrap_or(u64::MAX).max(1);
        command.arg(answer_key(key)).arg(answer).arg("PX").arg(millis);
        let shared = tokio::time::timeout(self.timeout, command.query_async::<()>(&mut connection)).await;
        if let Ok(Err(error)) = shared {
            tracing::debug!(error = %error, "an answer is not shared");
        }
    }

    pub(super) async fn run(&self, shutdown: Shutdown) {
        let mut stop = std::pin::pin!(shutdown.wait_owned());
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.keep_in_touch() => {}
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(PERIOD) => {}
            }
        }
    }

    /// Connects where there is no connection, tells what could not be told, and only then lets
    /// requests ask.
    async fn keep_in_touch(&self) {
        let known = self.connection();
        let was_there = known.is_some();
        let reached = tokio::time::timeout(self.timeout, async {
            let connection = match known {
                Some(connection) => connection,
                None => self.client.get_multiplexed_async_connection().await?,
            };
            let untold = lock(&self.untold).clone();
            if untold.is_empty() {
                let mut command = redis::cmd("HSETNX");
                command.arg(CHANGES_KEY).arg(EPOCH).arg(new_epoch());
                command.query_async::<u8>(&mut connection.clone()).await?;
            } else {
                let names: Vec<String> = untold.keys().cloned().collect();
                self.tell(connection.clone(), &names).await?;
                // What changed again meanwhile is told again.
                lock(&self.untold).retain(|name, times| untold.get(name) != Some(times));
            }
            Ok::<_, RedisError>(connection)
        });
        match reached.await {
            Ok(Ok(connection)) => {
                self.silences.store(0, Ordering::Relaxed);
                *lock(&self.connection) = Some(connection);
                metrics::set_cache_alone(false);
                if !was_there {
                    tracing::info!("the cache is shared through Redis");
                }
            }
            Ok(Err(error)) => self.lost(&error.to_string()),
            Err(_) => self.lost("no answer in time"),
        }
    }

    async fn tell(&self, mut connection: MultiplexedConnection, names: &[String]) -> RedisResult<u64> {
        let mut call = self.script.key(CHANGES_KEY);
        call.arg(new_epoch());
        for name in names {
            call.arg(name);
        }
        call.invoke_async(&mut connection).await
    }

    async fn in_time<T>(&self, asked: impl Future<Output = RedisResult<T>>) -> Option<T> {
        match tokio::time::timeout(self.wait, asked).await {
            Ok(Ok(value)) => {
                self.silences.store(0, Ordering::Relaxed);
                Some(value)
            }
            Ok(Err(error)) => {
                self.lost(&error.to_string());
                None
            }
            Err(_) => {
                if self.silences.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_SILENCE {
                    self.lost("no answer in time");
                }
                None
            }
        }
    }

    fn connection(&self) -> Option<MultiplexedConnection> {
        lock(&self.connection).clone()
    }

    fn lost(&self, error: &str) {
        if lock(&self.connection).take().is_some() {
            tracing::warn!(error, "Redis does not answer; nothing is answered from the cache until it does");
        }
        metrics::set_cache_alone(true);
    }
}

fn names(places: &Places) -> impl Iterator<Item = String> {
    let changed = places.changed.iter().map(|place| format!("c{place}"));
    changed.chain(places.forgotten.iter().map(|place| format!("f{place}")))
}

/// Reads the count and the time of a change.
fn read(value: &str) -> Option<(u64, u64)> {
    let (count, at_us) = value.split_once(':')?;
    Some((count.parse().ok()?, at_us.parse().ok()?))
}

/// No two memories of Redis have the same.
fn new_epoch() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0 >> 1
}

fn answer_key(key: &Key) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("larder:cache:answer:");
    for byte in key.0 {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
