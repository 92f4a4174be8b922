//! PostgreSQL: it must let us in and answer a query.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::address_of;
use crate::channels::Reach;

pub(super) async fn look(target: &str, password: Option<SecretString>, reach: Reach) -> Result<(), String> {
    let options = PgConnectOptions::from_str(target).map_err(|_| "its address is none of PostgreSQL")?;
    let host = options.get_host().to_owned();
    if host.starts_with('/') {
        return Err("its address must be a host, not a socket".to_owned());
    }
    // Connecting to the address that was allowed: no name is looked up again.
    let address = address_of(&format!("{host}:{}", options.get_port()), reach).await?;
    let mut options = options.host(&address.ip().to_string()).disable_statement_logging();
    if let Some(password) = &password {
        options = options.password(password.expose_secret());
    }
    let mut connection = options.connect().await.map_err(|error| told(&error))?;
    connection.ping().await.map_err(|error| told(&error))?;
    let _ = connection.close().await;
    Ok(())
}

/// The kind of the failure, without the words that may quote a secret.
fn told(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => {
            format!("it refuses with {}", error.code().unwrap_or_else(|| "an error".into()))
        }
        sqlx::Error::Tls(_) => "no TLS with it".to_owned(),
        _ => "no connection".to_owned(),
    }
}
