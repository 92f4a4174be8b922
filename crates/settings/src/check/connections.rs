//! Which connections production refuses: the database without TLS anywhere but on this machine,
//! and everything else without TLS outside a network of our own.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::Settings;
use crate::network::{Distance, distance, distance_of_name};

const PROTECTED_SSL_MODES: [&str; 3] = ["require", "verify-ca", "verify-full"];

/// Everything about the connections that production refuses.
pub(super) fn refusals(settings: &Settings) -> Vec<String> {
    let mut refusals = Vec::new();
    refusals.extend(database(settings.database.url.as_ref()));
    let backup = &settings.backup;
    for (name, url) in [
        ("backup.source_url", &backup.source_url),
        ("backup.dump_url", &backup.dump_url),
        ("backup.load_url", &backup.load_url),
    ] {
        refusals.extend(url.as_ref().and_then(|url| unprotected(name, url)));
    }
    refusals.extend(redis(settings.redis.url.as_ref()));
    let gateway = &settings.gateway;
    refusals.extend(plaintext("gateway.recommendation_url", Some(&gateway.recommendation_url)));
    refusals.extend(plaintext("gateway.recommendation_ops_url", Some(&gateway.recommendation_ops_url)));
    refusals.extend(plaintext("gateway.backup_url", gateway.backup_url.as_ref()));
    refusals.extend(plaintext("gateway.backup_ops_url", gateway.backup_ops_url.as_ref()));
    refusals.extend(plaintext("gateway.alerting_url", gateway.alerting_url.as_ref()));
    refusals.extend(plaintext("gateway.alerting_ops_url", gateway.alerting_ops_url.as_ref()));
    refusals.extend(plaintext("identity.jwks_url", settings.identity.jwks_url.as_ref()));
    refusals.extend(plaintext("telemetry.otlp_endpoint", settings.telemetry.otlp_endpoint.as_ref()));
    let dsn = settings.telemetry.sentry_dsn.as_ref().and_then(|dsn| Url::parse(dsn.expose_secret()).ok());
    refusals.extend(plaintext("telemetry.sentry_dsn", dsn.as_ref()));
    refusals
}

fn database(url: Option<&SecretString>) -> Option<String> {
    let Some(url) = url else {
        return Some(
            "`database.url` is not set; the private cluster is for development, accepted is a PostgreSQL url"
                .to_owned(),
        );
    };
    unprotected("database.url", url)
}

fn unprotected(name: &str, url: &SecretString) -> Option<String> {
    let url = Url::parse(url.expose_secret()).ok()?;
    if database_distance(&url) == Distance::SameMachine {
        return None;
    }
    let protected = url.query_pairs().any(|(name, value)| {
        matches!(name.as_ref(), "sslmode" | "ssl-mode") && PROTECTED_SSL_MODES.contains(&value.as_ref())
    });
    (!protected).then(|| {
        format!("`{name}` leads to another machine without TLS; accepted is sslmode=require, verify-ca or verify-full")
    })
}

/// The parameters `host` and `hostaddr` outrank the host in the url's authority.
fn database_distance(url: &Url) -> Distance {
    let named = url.query_pairs().filter(|(name, _)| matches!(name.as_ref(), "host" | "hostaddr"));
    named.map(|(_, host)| distance_of_name(&host)).max().unwrap_or_else(|| match url.host_str() {
        Some(host) => distance_of_name(&host.replace("%2F", "/").replace("%2f", "/")),
        None => Distance::SameMachine,
    })
}

fn redis(url: Option<&SecretString>) -> Option<String> {
    let url = Url::parse(url?.expose_secret()).ok()?;
    let refused = url.scheme() == "redis" && distance_of_name(url.host_str()?) == Distance::Elsewhere;
    refused.then(|| {
        "`redis.url` leaves our own network without TLS; accepted is a url that starts with `rediss://`"
            .to_owned()
    })
}

fn plaintext(name: &str, url: Option<&Url>) -> Option<String> {
    let url = url?;
    let refused = url.scheme() == "http" && distance(url) == Distance::Elsewhere;
    refused.then(|| {
        format!("`{name}` leaves our own network without TLS; accepted is a url that starts with `https://`")
    })
}
