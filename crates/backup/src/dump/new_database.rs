//! A database that is filled under a name of ours and gets its own only when it is whole: nobody ever
//! meets half of one, and nothing is ever loaded over what is there.

use aws_lc_rs::rand;
use larder_replication::{ConnectOptions, ReplicationConnection};

use super::facts::open_session;
use super::manifest::Locale;
use crate::contents::{quoted, quoted_text, text};
use crate::error::BackupError;

const MOST_NAME_BYTES: usize = 63;
const PREFIX: &str = "larder_loading_";
/// The server knows no such locale, or was built without whoever knows it.
const UNKNOWN_LOCALE: [&str; 3] = ["42809", "22023", "0A000"];

/// A database that is being filled.
pub(super) struct NewDatabase {
    server: ConnectOptions,
    /// The name it has meanwhile.
    pub(super) temporary: String,
    name: String,
    /// Whether it sorts as the dumped one did.
    pub(super) keeps_locale: bool,
}

/// Refuses names that need care wherever they are written.
pub(super) fn refuse_unless_usable(name: &str) -> Result<(), BackupError> {
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    let reserved = name.starts_with("pg_") || name.starts_with(PREFIX);
    if begins && plain && !reserved && name.len() <= MOST_NAME_BYTES {
        return Ok(());
    }
    let description = "must be the name of a new database: a letter or `_`, then letters, digits, `_` and `-`, 63 \
                       in all, and not beginning with pg_ or larder_loading_";
    Err(BackupError::Invalid { field: "database", description: description.to_owned() })
}

impl NewDatabase {
    /// Makes it, empty.
    ///
    /// # Errors
    /// What the server refuses.
    pub(super) async fn create(
        server: &ConnectOptions,
        session: &mut ReplicationConnection,
        name: &str,
        locale: Option<&Locale>,
    ) -> Result<Self, BackupError> {
        let mut bytes = [0; 8];
        let drawn = rand::fill(&mut bytes);
        drawn.map_err(|_| BackupError::Internal("the system has no randomness".to_owned()))?;
        let temporary = format!("{PREFIX}{:016x}", u64::from_le_bytes(bytes));
        let plain = format!("CREATE DATABASE {} TEMPLATE template0", quoted(&temporary));
        let encoding =
            locale.map_or_else(String::new, |locale| format!(" ENCODING {}", quoted_text(&locale.encoding)));
        let whole = locale.map_or_else(String::new, clause);
        let made = session.query(&format!("{plain}{encoding}{whole}")).await;
        let keeps_locale = match made {
            Ok(_) => true,
            Err(error) if error.sql_state().is_some_and(|state| UNKNOWN_LOCALE.contains(&state)) => {
                tracing::warn!(error.cause = %error, "the database sorts by the locale of its new server");
                session.query(&format!("{plain}{encoding}")).await?;
                false
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { server: server.clone(), temporary, name: name.to_owned(), keeps_locale })
    }

    /// Gives it its name.
    ///
    /// # Errors
    /// [`BackupError::Refused`] when somebody else has made one of this name meanwhile; it is removed
    /// then.
    pub(super) async fn publish(self) -> Result<(), BackupError> {
        let renamed = self.rename().await;
        if renamed.is_err() {
            self.discard().await;
        }
        renamed
    }

    async fn rename(&self) -> Result<(), BackupError> {
        let mut session = open_session(&self.server, "postgres").await?;
        refuse_existing(&mut session, &self.name).await?;
        let sql = format!("ALTER DATABASE {} RENAME TO {}", quoted(&self.temporary), quoted(&self.name));
        session.query(&sql).await?;
        session.close().await;
        Ok(())
    }

    /// Removes it.
    pub(super) async fn discard(self) {
        let dropped = async {
            let mut session = open_session(&self.server, "postgres").await?;
            let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(&self.temporary));
            session.query(&sql).await?;
            session.close().await;
            Ok::<_, BackupError>(())
        };
        if let Err(error) = dropped.await {
            let name = &self.temporary;
            tracing::warn!(db.namespace = name, error.cause = %error, "a database that was not filled is left");
        }
    }
}

/// Refuses the name of a database that is there.
pub(super) async fn refuse_existing(
    session: &mut ReplicationConnection,
    name: &str,
) -> Result<(), BackupError> {
    let sql = format!("SELECT count(*) FROM pg_database WHERE datname = {}", quoted_text(name));
    let told = session.query(&sql).await?;
    if told.first().and_then(|row| text(row, 0)).as_deref() == Some("0") {
        return Ok(());
    }
    Err(BackupError::Refused(format!(
        "there is a database {name} already, and nothing is loaded over one: name a database that does not exist"
    )))
}

fn clause(locale: &Locale) -> String {
    let (collate, ctype) = (quoted_text(&locale.collate), quoted_text(&locale.ctype));
    let mut clause = format!(" LC_COLLATE {collate} LC_CTYPE {ctype}");
    let own = locale.locale.as_deref().map(quoted_text).unwrap_or_default();
    match locale.provider.as_str() {
        "i" => clause.push_str(&format!(" LOCALE_PROVIDER icu ICU_LOCALE {own}")),
        "b" => clause.push_str(&format!(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {own}")),
        _ => clause.push_str(" LOCALE_PROVIDER libc"),
    }
    clause
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_taken() {
        for name in ["shop", "_shop-2026", "Shop"] {
            assert!(refuse_unless_usable(name).is_ok(), "{name}");
        }
        let long = "x".repeat(64);
        for name in ["", "2shop", "a b", "a=b", "pg_shop", "larder_loading_1", "a\"b", "-x", long.as_str()] {
            let refused = refuse_unless_usable(name).unwrap_err().to_string();
            assert!(refused.contains("must be the name of a new database"), "{name}: {refused}");
        }
    }

    #[test]
    fn a_locale_is_told_with_its_provider() {
        let mut locale = Locale {
            encoding: "UTF8".to_owned(),
            collate: "C".to_owned(),
            ctype: "it's".to_owned(),
            provider: "i".to_owned(),
            locale: Some("de-AT".to_owned()),
        };
        assert!(clause(&locale).ends_with("LC_CTYPE  E'it''s' LOCALE_PROVIDER icu ICU_LOCALE  E'de-AT'"));
        locale.provider = "c".to_owned();
        assert!(clause(&locale).ends_with("LOCALE_PROVIDER libc"));
    }
}
