//! What is asked of a server in the snapshot that a dump is of: the database's locale, its tables with
//! what belongs to them, and what they hold.

use std::time::Duration;

use bytes::Bytes;
use larder_replication::{ConnectOptions, ReplicationConnection, ReplicationError, SystemIdentifier};

use super::manifest::{DumpServer, DumpedTable, Locale};
use crate::contents::{SESSION_SETTINGS, number, record_table, text};
use crate::error::BackupError;

/// Counting a large table says nothing for a while.
const SILENCE_LIMIT: Duration = Duration::from_secs(3600);

/// A session of one database in which every question is answered as of one moment.
pub(super) struct SnapshotSession {
    connection: ReplicationConnection,
    /// The name under which other sessions see the same moment.
    pub(super) snapshot: String,
}

/// How a login becomes one that asks SQL of a database and takes no place of those who replicate.
pub(super) fn plain_login(server: &ConnectOptions, database: &str) -> ConnectOptions {
    ConnectOptions {
        database: Some(database.to_owned()),
        replicates: false,
        silence_limit: SILENCE_LIMIT,
        application_name: "larder dump".to_owned(),
        ..server.clone()
    }
}

/// A session for statements of our own.
pub(super) async fn open_session(
    server: &ConnectOptions,
    database: &str,
) -> Result<ReplicationConnection, ReplicationError> {
    ReplicationConnection::connect(&plain_login(server, database)).await
}

impl SnapshotSession {
    pub(super) async fn begin(server: &ConnectOptions, database: &str) -> Result<Self, ReplicationError> {
        let mut connection = open_session(server, database).await?;
        connection.query(SESSION_SETTINGS).await?;
        connection.query("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0").await?;
        connection.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let told = connection.query("SELECT pg_export_snapshot()").await?;
        let snapshot = told.first().and_then(|row| text(row, 0)).unwrap_or_default();
        Ok(Self { connection, snapshot })
    }

    pub(super) async fn server(&mut self) -> Result<DumpServer, ReplicationError> {
        let version = self.connection.version().clone();
        let system_identifier = self.system_identifier().await?;
        Ok(DumpServer { system_identifier, major_version: version.major, version: version.text })
    }

    async fn system_identifier(&mut self) -> Result<Option<SystemIdentifier>, ReplicationError> {
        self.connection.query("SAVEPOINT before_identity").await?;
        let told = match self.connection.query("SELECT system_identifier FROM pg_control_system()").await {
            Ok(told) => told,
            Err(error) if error.sql_state().is_some() => {
                self.connection.query("ROLLBACK TO SAVEPOINT before_identity").await?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        // The server shows the number as signed.
        let number = told.first().and_then(|row| text(row, 0)).and_then(|text| text.parse::<i64>().ok());
        Ok(number.map(|number| SystemIdentifier(number.cast_unsigned())))
    }

    pub(super) async fn locale(&mut self) -> Result<Locale, BackupError> {
        let locale = if self.connection.version().major >= 17 { "datlocale" } else { "daticulocale" };
        let sql = format!(
            "SELECT pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider::text, {locale} \
             FROM pg_database WHERE datname = current_database()"
        );
        let told = self.connection.query(&sql).await?;
        let row = told.first().ok_or_else(|| BackupError::Internal("a database without a row".to_owned()))?;
        let field = |column| text(row, column).unwrap_or_default();
        Ok(Locale {
            encoding: field(0),
            collate: field(1),
            ctype: field(2),
            provider: field(3),
            locale: text(row, 4),
        })
    }

    /// The tables that a dump of the whole database holds, and their sizes; the smallest come first.
    pub(super) async fn tables(&mut self) -> Result<Vec<(DumpedTable, u64)>, ReplicationError> {
        const SQL: &str = include_str!("tables.sql");
        let told = self.connection.query(SQL).await?;
        Ok(told.iter().filter_map(|row| read_table(row)).collect())
    }

    /// Counts and sums up tables, until they have `most_bytes` together.
    pub(super) async fn count(
        &mut self,
        tables: Vec<(DumpedTable, u64)>,
        most_bytes: u64,
    ) -> Result<Vec<DumpedTable>, ReplicationError> {
        let (mut left, mut counted) = (most_bytes, Vec::new());
        for (mut table, bytes) in tables {
            if bytes <= left {
                left -= bytes;
                let asked = record_table(&mut self.connection, table.schema.clone(), table.table.clone());
                let contents = asked.await?;
                table.rows = contents.as_ref().map(|contents| contents.rows);
                table.checksum = contents.map(|contents| contents.checksum);
            }
            counted.push(table);
        }
        Ok(counted)
    }

    pub(super) async fn end(mut self) -> Result<(), ReplicationError> {
        self.connection.query("COMMIT").await?;
        self.connection.close().await;
        Ok(())
    }
}

fn read_table(row: &[Option<Bytes>]) -> Option<(DumpedTable, u64)> {
    let json = |column| text(row, column).unwrap_or_default();
    let table = DumpedTable {
        schema: text(row, 0)?,
        table: text(row, 1)?,
        owner: text(row, 2)?,
        indexes: serde_json::from_str(&json(4)).unwrap_or_default(),
        sequences: serde_json::from_str(&json(5)).unwrap_or_default(),
        rows: None,
        checksum: None,
    };
    Some((table, number(row, 3)?))
}

/// The databases that can be dumped: templates and those that take no connections are none.
pub(crate) async fn databases(server: &ConnectOptions) -> Result<Vec<String>, ReplicationError> {
    let mut connection = open_session(server, "postgres").await?;
    let told = connection
        .query(
            "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate \
               AND has_database_privilege(datname, 'CONNECT') ORDER BY datname",
        )
        .await?;
    connection.close().await;
    Ok(told.iter().filter_map(|row| text(row, 0)).collect())
}
