//! Where PostgreSQL is. A `Server` is an address with a powerful login; every other login is
//! derived from it here, so that no password reaches a role it does not belong to.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use url::Url;

use crate::error::DatabaseError;

/// The database that is used when the address names none.
pub const DEFAULT_DATABASE: &str = "larder";

/// A PostgreSQL server and the database on it that Larder uses.
#[derive(Clone)]
pub struct Server {
    url: Url,
}

impl Server {
    /// Reads `postgres://user:password@host:port/database?sslmode=…`; the database is `larder`
    /// when none is named. For a socket the host is its folder, percent-encoded.
    pub fn from_url(url: &SecretString) -> Result<Self, DatabaseError> {
        let parsed =
            Url::parse(url.expose_secret()).map_err(|error| DatabaseError::Url(error.to_string()))?;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err(DatabaseError::Url(format!("its scheme is {:?}", parsed.scheme())));
        }
        let mut server = Self { url: move_credentials_out_of_query(parsed)? };
        if server.database().is_empty() {
            server = server.with_database(DEFAULT_DATABASE);
        }
        PgConnectOptions::from_str(server.url.as_str())
            .map_err(|error| DatabaseError::Url(error.to_string()))?;
        Ok(server)
    }

    /// The server that listens in the socket folder of a private cluster.
    pub(crate) fn at_socket(folder: &Path, user: &str) -> Result<Self, DatabaseError> {
        let host: String =
            folder.as_os_str().as_encoded_bytes().iter().map(|byte| format!("%{byte:02X}")).collect();
        let url = format!("postgres://{user}@{host}:5432/{DEFAULT_DATABASE}?sslmode=disable");
        Self::from_url(&SecretString::from(url))
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, database: &str) -> Self {
        let mut url = self.url.clone();
        url.set_path(&format!("/{database}"));
        Self { url }
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        self.url.path().trim_start_matches('/')
    }

    /// The whole address with its password, for a process that is told where to connect.
    pub fn url(&self) -> SecretString {
        SecretString::from(self.url.to_string())
    }

    /// The role that the address logs in with.
    pub fn user(&self) -> String {
        parse_checked(&self.url).get_username().to_owned()
    }

    /// Opens one connection with the address's own login.
    pub async fn connect_as_admin(&self) -> Result<PgConnection, DatabaseError> {
        self.open(&self.admin_options(), &self.user()).await
    }

    /// The address's own login.
    pub fn admin_options(&self) -> PgConnectOptions {
        parse_checked(&self.url).application_name("larder admin")
    }

    /// A login as `role`, with `password` when the server asks for one. The password of the
    /// address is left out: it belongs to somebody else.
    pub fn role_options(&self, role: &str, password: Option<&SecretString>) -> PgConnectOptions {
        let mut url = self.url.clone();
        set_login(&mut url, role, None);
        let options = parse_checked(&url).username(role).application_name(&format!("larder {role}"));
        match password {
            Some(password) => options.password(password.expose_secret()),
            None => options,
        }
    }

    pub(crate) async fn open(
        &self,
        options: &PgConnectOptions,
        user: &str,
    ) -> Result<PgConnection, DatabaseError> {
        let connection = PgConnection::connect_with(&options.clone().disable_statement_logging()).await;
        connection.map_err(|source| DatabaseError::Connect {
            server: self.to_string(),
            user: user.to_owned(),
            source,
        })
    }
}

impl fmt::Display for Server {
    /// Host, port and database; never the login.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = parse_checked(&self.url);
        match options.get_socket() {
            Some(folder) => write!(formatter, "{}", folder.display())?,
            None => write!(formatter, "{}:{}", options.get_host(), options.get_port())?,
        }
        write!(formatter, "/{}", self.database())
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Server({self})")
    }
}

fn parse_checked(url: &Url) -> PgConnectOptions {
    PgConnectOptions::from_str(url.as_str()).expect("the address was read once when the server was made")
}

/// `?user=…&password=…&dbname=…` would win over the login of a role, so they move to their places.
fn move_credentials_out_of_query(mut url: Url) -> Result<Url, DatabaseError> {
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut kept = Vec::new();
    for (key, value) in pairs {
        let moved = match key.as_str() {
            "user" => url.set_username(&value).is_ok(),
            "password" => url.set_password(Some(&value)).is_ok(),
            "dbname" => {
                url.set_path(&format!("/{value}"));
                true
            }
            _ => {
                kept.push((key, value));
                continue;
            }
        };
        if !moved {
            return Err(DatabaseError::Url("it has a login but no host".to_owned()));
        }
    }
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    Ok(url)
}

/// A URL without a host carries no login; the options are given it separately then.
fn set_login(url: &mut Url, user: &str, password: Option<&str>) {
    if url.set_username(user).is_ok() {
        let _ = url.set_password(password);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Server {
        Server::from_url(&SecretString::from(url.to_owned())).unwrap()
    }

    #[test]
    fn the_database_is_larder_unless_named() {
        assert_eq!(server("postgres://admin@db:5433").database(), "larder");
        assert_eq!(server("postgres://admin@db:5433/shop").database(), "shop");
        assert_eq!(server("postgres://db/?dbname=shop&user=me").database(), "shop");
    }

    #[test]
    fn a_role_never_gets_the_password_of_the_address() {
        for url in ["postgres://admin:hunter2@db/larder", "postgres://db/larder?user=admin&password=hunter2"]
        {
            let options = server(url).role_options("recommendation_app", None);
            assert_eq!(options.get_username(), "recommendation_app");
            assert!(!format!("{options:?}").contains("hunter2"), "{options:?}");
        }
    }

    #[test]
    fn printing_a_server_shows_no_login() {
        let server = server("postgres://admin:hunter2@db:5433/larder");
        assert_eq!(server.to_string(), "db:5433/larder");
        assert_eq!(format!("{server:?}"), "Server(db:5433/larder)");
    }

    #[test]
    fn a_socket_folder_survives_the_round_trip() {
        let server = Server::at_socket(Path::new("/run/larder-0a1b"), "postgres").unwrap();
        assert_eq!(server.admin_options().get_socket().unwrap(), Path::new("/run/larder-0a1b"));
        assert_eq!(server.to_string(), "/run/larder-0a1b/larder");
    }

    #[test]
    fn other_databases_are_refused() {
        let error = Server::from_url(&SecretString::from("mysql://db/larder".to_owned())).unwrap_err();
        assert!(error.to_string().contains("postgres://"), "{error}");
    }
}
