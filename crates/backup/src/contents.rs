//! What the databases of a cluster hold at one moment: rows and a checksum of every table. Recorded
//! when a backup is taken, and asked again of the server that a drill starts on it.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use larder_replication::{ConnectOptions, Lsn, ReplicationConnection, ReplicationError};
use serde::{Deserialize, Serialize};

/// How often a moment without writers is looked for.
const QUIET_ATTEMPTS: u32 = 5;
/// Databases that are seen at one moment.
const SEEN_AT_ONCE: usize = 3;
const QUIET_PAUSE: Duration = Duration::from_millis(50);

/// What decides how values are written as text, so that two servers write the same, and that rows which
/// a policy hides are refused instead of left out.
pub const SESSION_SETTINGS: &str = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres'; \
     SET extra_float_digits = 1; SET bytea_output = 'hex'; SET xmloption = 'content'; SET search_path = ''; \
     SET row_security = off; SET default_transaction_read_only = on";

/// The same in one moment of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// When it was asked.
    pub recorded_at: Timestamp,
    /// The place in the log at which the largest databases were seen.
    pub lsn: Lsn,
    /// The databases by name.
    pub databases: Vec<DatabaseContents>,
}

/// One database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseContents {
    /// Its name.
    pub name: String,
    /// Everything that was committed before this place, and nothing that was committed behind it, was
    /// seen.
    pub lsn: Lsn,
    /// Whether nobody wrote in that moment, so that the place is exact.
    pub is_exact: bool,
    /// Its tables.
    pub tables: Vec<TableContents>,
    /// Tables that were left out: they are too large, or may not be read.
    pub left_out: u64,
}

/// One table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableContents {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub table: String,
    /// Its rows.
    pub rows: u64,
    /// The sum of the hashes of its rows, whatever their order.
    pub checksum: String,
}

/// Asks every database of a server. Tables are taken from the smallest on until they have
/// `most_bytes` together. The largest databases are seen at one and the same moment; a server has few
/// places for connections like these, so the others come after them.
///
/// # Errors
/// As the server has it. A database or table that may not be read is left out.
pub async fn record(
    server: &ConnectOptions,
    most_bytes: u64,
    now: fn() -> Timestamp,
) -> Result<Contents, ReplicationError> {
    let mut left = most_bytes;
    let mut databases = Vec::new();
    let (at_once, later) = connect_to_databases(server).await?;
    let mut sessions = at_once;
    let (lsn, is_exact) = begin_snapshots(&mut sessions).await?;
    for (name, connection) in &mut sessions {
        databases.push(record_database(connection, name, (lsn, is_exact), &mut left).await?);
    }
    emit_record(&mut sessions).await;
    for (_, connection) in sessions {
        connection.close().await;
    }
    for name in later {
        let Some(session) = connect_if_allowed(server, name).await? else { continue };
        let mut session = [session];
        let (lsn, _) = begin_snapshots(&mut session).await?;
        let [(name, mut connection)] = session;
        databases.push(record_database(&mut connection, &name, (lsn, false), &mut left).await?);
        connection.close().await;
    }
    Ok(Contents { recorded_at: now(), lsn, databases })
}

/// A database by its name, and a connection to it.
type Session = (String, ReplicationConnection);

/// Connections to the largest databases, and the names of the others.
async fn connect_to_databases(
    server: &ConnectOptions,
) -> Result<(Vec<Session>, Vec<String>), ReplicationError> {
    let mut connection = connect(server, "postgres").await?;
    let names = connection
        .query(
            "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate \
               AND has_database_privilege(datname, 'CONNECT') \
             ORDER BY pg_database_size(oid) DESC, datname",
        )
        .await?;
    connection.close().await;
    let mut names: Vec<String> = names.iter().filter_map(|row| text(row, 0)).collect();
    let later = names.split_off(names.len().min(SEEN_AT_ONCE));
    let mut sessions = Vec::new();
    for name in names {
        sessions.extend(connect_if_allowed(server, name).await?);
    }
    Ok((sessions, later))
}

async fn connect_if_allowed(
    server: &ConnectOptions,
    name: String,
) -> Result<Option<Session>, ReplicationError> {
    match connect(server, &name).await {
        Ok(connection) => Ok(Some((name, connection))),
        Err(error) if error.sql_state().is_some() => {
            tracing::debug!(error.cause = %error, db.namespace = name, "a database is not recorded");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The statement that tells a table's rows and checksum.
#[must_use]
pub fn table_sql(schema: &str, table: &str) -> String {
    format!(
        "SELECT count(*)::text, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM ONLY {}.{} AS t",
        quoted(schema),
        quoted(table)
    )
}

/// A name as SQL takes it.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text as SQL takes it, whatever `standard_conforming_strings` says.
pub(crate) fn quoted_text(text: &str) -> String {
    format!(" E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

async fn connect(server: &ConnectOptions, database: &str) -> Result<ReplicationConnection, ReplicationError> {
    let options = ConnectOptions { database: Some(database.to_owned()), ..server.clone() };
    let mut connection = ReplicationConnection::connect(&options).await?;
    connection.query(SESSION_SETTINGS).await?;
    Ok(connection)
}

async fn record_database(
    connection: &mut ReplicationConnection,
    name: &str,
    (lsn, is_exact): (Lsn, bool),
    left: &mut u64,
) -> Result<DatabaseContents, ReplicationError> {
    let listed = connection
        .query(
            "SELECT n.nspname, c.relname, pg_relation_size(c.oid) FROM pg_class c \
             JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind = 'r' AND c.relpersistence = 'p' \
               AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%' \
             ORDER BY 3, 1, 2",
        )
        .await?;
    let (mut tables, mut left_out) = (Vec::new(), 0);
    for row in &listed {
        let (Some(schema), Some(table), Some(bytes)) = (text(row, 0), text(row, 1), number(row, 2)) else {
            continue;
        };
        if bytes > *left {
            left_out += 1;
            continue;
        }
        *left -= bytes;
        match record_table(connection, schema, table).await? {
            Some(contents) => tables.push(contents),
            None => left_out += 1,
        }
    }
    connection.query("COMMIT").await?;
    Ok(DatabaseContents { name: name.to_owned(), lsn, is_exact, tables, left_out })
}

/// A server stops before a place only when something lies behind it. Only with a transaction around it is
/// the record written out, and so received, at once.
async fn emit_record(sessions: &mut [Session]) {
    let Some((_, connection)) = sessions.first_mut() else { return };
    for statement in [
        "SET default_transaction_read_only = off",
        "SELECT pg_logical_emit_message(true, 'larder', 'recorded')",
    ] {
        // Where it is not allowed the next checkpoint does the same, later.
        if let Err(error) = connection.query(statement).await {
            tracing::debug!(error.cause = %error, "nothing is written behind the record");
        }
    }
}

/// Takes a snapshot of each and finds their place in the log: it is exact when nothing was written
/// between the moment before them and the last of them.
async fn begin_snapshots(sessions: &mut [Session]) -> Result<(Lsn, bool), ReplicationError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let Some((_, first)) = sessions.first_mut() else { return Ok((Lsn(0), false)) };
        let before = place(first).await?;
        let mut reached = before;
        for (_, connection) in sessions.iter_mut() {
            connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            reached = reached.max(place(connection).await?);
        }
        if reached == before || attempt == QUIET_ATTEMPTS {
            return Ok((reached, reached == before));
        }
        for (_, connection) in sessions.iter_mut() {
            connection.query("ROLLBACK").await?;
        }
        tokio::time::sleep(QUIET_PAUSE).await;
    }
}

async fn place(connection: &mut ReplicationConnection) -> Result<Lsn, ReplicationError> {
    let rows = connection.query("SELECT pg_current_wal_insert_lsn()").await?;
    let told = rows.first().and_then(|row| text(row, 0)).unwrap_or_default();
    told.parse()
}

/// Counts and sums up a table inside a transaction; `None` when it may not be read.
pub(crate) async fn record_table(
    connection: &mut ReplicationConnection,
    schema: String,
    table: String,
) -> Result<Option<TableContents>, ReplicationError> {
    connection.query("SAVEPOINT before_table").await?;
    let rows = match connection.query(&table_sql(&schema, &table)).await {
        Ok(rows) => rows,
        Err(error) if error.sql_state().is_some() => {
            tracing::debug!(error.cause = %error, db.table = table, "a table is not recorded");
            connection.query("ROLLBACK TO SAVEPOINT before_table").await?;
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    connection.query("RELEASE SAVEPOINT before_table").await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (Some(rows), Some(checksum)) = (number(row, 0), text(row, 1)) else { return Ok(None) };
    Ok(Some(TableContents { schema, table, rows, checksum }))
}

pub(crate) fn text(row: &[Option<Bytes>], column: usize) -> Option<String> {
    String::from_utf8(row.get(column)?.as_ref()?.to_vec()).ok()
}

pub(crate) fn number(row: &[Option<Bytes>], column: usize) -> Option<u64> {
    text(row, column)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("a\"; DROP"), "\"a\"\"; DROP\"");
        assert!(table_sql("public", "odd name").ends_with("FROM ONLY \"public\".\"odd name\" AS t"));
    }
}
