//! The gateway's own checks, for its ops port: the services behind, the database of keys,
//! Redis when there is one, the cache of keys, and the machine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use larder_lifecycle::{Check, CheckOutcome, HealthRegistry};
use larder_settings::{OnRedisFailure, RedisSettings, Settings};
use secrecy::ExposeSecret;
use sqlx::PgPool;

use crate::caller::KeyRing;
use crate::error::GatewayError;
use crate::store;
use crate::upstream::Upstream;

const TIMEOUT: Duration = Duration::from_millis(400);

/// Registers the checks that every gateway has.
pub(crate) fn register(registry: &HealthRegistry, upstream: Arc<Upstream>, data_dir: PathBuf) {
    register_upstream(registry, upstream);
    larder_lifecycle::system::register(registry, data_dir);
}

/// Registers the check of a service behind.
pub(crate) fn register_upstream(registry: &HealthRegistry, upstream: Arc<Upstream>) {
    registry.register(Check::optional(upstream.name, TIMEOUT, move || {
        let upstream = upstream.clone();
        async move { upstream.check().await }
    }));
}

/// Registers the checks of the database of API keys and of what is kept of it in memory.
pub(crate) fn register_keys(registry: &HealthRegistry, pool: PgPool, keys: Arc<KeyRing>) {
    registry.register(Check::optional("postgresql", TIMEOUT, move || {
        let pool = pool.clone();
        async move {
            match store::is_reachable(&pool).await {
                Ok(()) => CheckOutcome::healthy(),
                Err(_) => CheckOutcome::degraded("does not answer; only API keys seen lately are let in"),
            }
        }
    }));
    registry.register(Check::optional("cache", TIMEOUT, move || {
        let outcome = if keys.is_full() {
            CheckOutcome::degraded("the cache of API keys is full; others are looked up on every request")
        } else {
            CheckOutcome::healthy()
        };
        async move { outcome }
    }));
}

/// Registers the check of Redis. Without one the check says what stands in for it.
pub(crate) fn register_redis(
    registry: &HealthRegistry,
    settings: &Settings,
    pool: Option<deadpool_redis::Pool>,
) {
    let Some(pool) = pool else {
        registry.register(Check::optional("redis", TIMEOUT, || async {
            let cause = Some("not configured: what it would keep is kept in memory".to_owned());
            CheckOutcome { cause, ..CheckOutcome::healthy() }
        }));
        return;
    };
    let away = match settings.limits.on_redis_failure {
        OnRedisFailure::Local => {
            "does not answer; limits are counted in memory, each gateway takes its share"
        }
        OnRedisFailure::Open => "does not answer; there are no limits until it does",
        OnRedisFailure::Closed => "does not answer; callers with limits are refused until it does",
    };
    registry.register(Check::optional("redis", TIMEOUT, move || {
        let pool = pool.clone();
        async move {
            match ping(&pool).await {
                Ok(()) => CheckOutcome::healthy(),
                Err(_) => CheckOutcome::degraded(away),
            }
        }
    }));
}

/// Connections to Redis, when it is configured: one for limits, one for the check of it.
pub(crate) fn redis_pool(settings: &RedisSettings) -> Result<Option<deadpool_redis::Pool>, GatewayError> {
    let Some(url) = &settings.url else { return Ok(None) };
    let refused = |error: &dyn std::fmt::Display| GatewayError::Redis(error.to_string());
    let mut config = deadpool_redis::Config::from_url(url.expose_secret());
    config.pool = Some(deadpool_redis::PoolConfig::new(2));
    let pool = config.create_pool(Some(deadpool_redis::Runtime::Tokio1)).map_err(|error| refused(&error))?;
    Ok(Some(pool))
}

async fn ping(pool: &deadpool_redis::Pool) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut connection = pool.get().await?;
    let _: String = deadpool_redis::redis::cmd("PING").query_async(&mut connection).await?;
    Ok(())
}
