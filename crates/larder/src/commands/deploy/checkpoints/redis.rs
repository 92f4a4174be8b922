//! Redis as the settings of this machine name it: whether it lets strangers in, and what it does when it is full.

use std::time::Duration;

use deadpool_redis::redis::cmd;
use deadpool_redis::{Config, Connection, Runtime};
use secrecy::ExposeSecret;
use url::Url;

use super::Facts;
use crate::commands::deploy::outcome::{Found, Outcome};

const LIMIT: Duration = Duration::from_secs(3);
const AWAY: &str = "see that it runs, and docs/runbooks/RedisDown.md";

fn url(facts: &Facts<'_>) -> Result<Url, Outcome> {
    let url = facts.settings()?.redis.url.as_ref();
    let url = url.ok_or_else(|| Outcome::skipped("there is no Redis: redis.url is not set"))?;
    Url::parse(url.expose_secret()).map_err(|error| Outcome::fail(format!("redis.url: {error}"), ""))
}

async fn connect(url: &Url) -> Result<Connection, String> {
    let pool = Config::from_url(url.as_str()).create_pool(Some(Runtime::Tokio1));
    let pool = pool.map_err(|error| error.to_string())?;
    match tokio::time::timeout(LIMIT, pool.get()).await {
        Ok(connection) => connection.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} s", LIMIT.as_secs())),
    }
}

pub(super) async fn password(facts: &Facts<'_>) -> Found {
    let mut stranger = url(facts)?;
    if stranger.set_password(None).and_then(|()| stranger.set_username("")).is_err() {
        return Err(Outcome::skipped("redis.url is a socket of this machine"));
    }
    let said = match connect(&stranger).await {
        Ok(mut connection) => {
            let asked: Result<String, _> = cmd("PING").query_async(&mut connection).await;
            match asked {
                Ok(_) => {
                    return Err(Outcome::fail(
                        "whoever reaches it may use it",
                        "requirepass or users in its settings, and the password in redis.url",
                    ));
                }
                Err(error) => error.to_string(),
            }
        }
        Err(error) => error,
    };
    if said.to_lowercase().contains("auth") {
        return Ok("a stranger is refused".to_owned());
    }
    Err(Outcome::fail(format!("Redis does not answer: {said}"), AWAY))
}

pub(super) async fn forgets(facts: &Facts<'_>) -> Found {
    let url = url(facts)?;
    let away = |error: String| Outcome::fail(format!("Redis does not answer: {error}"), AWAY);
    let mut connection = connect(&url).await.map_err(away)?;
    let asked: Result<Vec<String>, _> =
        cmd("CONFIG").arg("GET").arg("maxmemory-policy").query_async(&mut connection).await;
    match asked.as_deref() {
        Ok([_, policy]) if policy == "allkeys-lru" || policy == "allkeys-lfu" => Ok(policy.clone()),
        Ok([_, policy]) => Err(Outcome::fail(
            format!("maxmemory-policy is {policy}"),
            "CONFIG SET maxmemory-policy allkeys-lru, and in its settings",
        )),
        Ok(_) | Err(_) => Err(Outcome::skipped("it does not tell its settings; look where it is managed")),
    }
}
