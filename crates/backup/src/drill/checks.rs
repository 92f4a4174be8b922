//! What a restored database must stand before its backup counts as proven: its indexes and tables are
//! sound, its rows are there, its canary is alive, and its owner's own questions are answered rightly.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tokio::time::Instant;

use super::cluster::ThrowAwayCluster;
use crate::error::BackupError;

const OUTPUT_SHOWN_BYTES: usize = 2000;

/// A question of the owner. It passes when the first column of the only row is true, or is `expected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SqlCheck {
    /// What the report calls it.
    pub name: String,
    /// Where to ask.
    pub database: String,
    /// One statement, run in a read-only transaction.
    pub sql: String,
    /// The answer as text; without it the answer must be true.
    pub expected: Option<String>,
}

/// A row that is written every minute; its newest instant tells how much is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanaryCheck {
    /// Where it is.
    pub database: String,
    /// Gives the newest instant as text.
    pub sql: String,
    /// It may not be older.
    pub not_before: Timestamp,
}

/// How many rows a table had when the backup was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRows {
    /// The database.
    pub database: String,
    /// The schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// Everything to check.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// Tables and their rows.
    pub rows: Vec<ExpectedRows>,
    /// By how much of itself a table may differ: what was changed while the backup was taken, and
    /// between then and the moment that was recovered to. 0 wants every count exact.
    pub row_tolerance: f64,
    /// The canary.
    pub canary: Option<CanaryCheck>,
    /// The owner's questions.
    pub sql: Vec<SqlCheck>,
    /// How long one question may take.
    pub statement_limit: Duration,
}

/// How one check ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Which one.
    pub name: String,
    /// Whether everything was as it should be.
    pub passed: bool,
    /// What was found, in words.
    pub detail: String,
    /// How long it took.
    pub duration_ms: u64,
}

/// Runs every check; one that fails does not spare the others.
pub async fn run(cluster: &ThrowAwayCluster, checks: &Checks) -> Vec<CheckResult> {
    let mut results = vec![timed("amcheck", amcheck(cluster)).await];
    if !checks.rows.is_empty() {
        results.push(timed("row counts", row_counts(cluster, checks)).await);
    }
    if let Some(canary) = &checks.canary {
        results.push(timed("canary", ask_canary(cluster, checks, canary)).await);
    }
    for check in &checks.sql {
        results.push(timed(&check.name, ask(cluster, checks, check)).await);
    }
    results
}

async fn timed(name: &str, check: impl Future<Output = Result<String, String>>) -> CheckResult {
    let begun = Instant::now();
    let result = check.await;
    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let passed = result.is_ok();
    let detail = result.unwrap_or_else(|reason| reason);
    CheckResult { name: name.to_owned(), passed, detail, duration_ms }
}

/// Reads every table and index of every database and compares them with each other.
async fn amcheck(cluster: &ThrowAwayCluster) -> Result<String, String> {
    let mut command = cluster.program("pg_amcheck");
    command.args(["--all", "--install-missing", "--heapallindexed", "--jobs=2", "--no-password"]);
    let output = command.output().await.map_err(|error| format!("pg_amcheck cannot be run: {error}"))?;
    if output.status.success() {
        return Ok("every table and index is sound".to_owned());
    }
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told[..told.len().min(OUTPUT_SHOWN_BYTES)]).trim().to_owned();
    Err(format!("pg_amcheck ended with {}: {told}", output.status))
}

async fn row_counts(cluster: &ThrowAwayCluster, checks: &Checks) -> Result<String, String> {
    let mut by_database: BTreeMap<&str, Vec<&ExpectedRows>> = BTreeMap::new();
    for expected in &checks.rows {
        by_database.entry(&expected.database).or_default().push(expected);
    }
    let (mut wrong, mut differing) = (Vec::new(), 0_u64);
    for (database, tables) in by_database {
        let mut connection = connect(cluster, checks, database).await?;
        for expected in tables {
            let named = format!("{}.{}.{}", expected.database, expected.schema, expected.table);
            match count(&mut connection, expected).await {
                Ok(found) if found == expected.rows => {}
                Ok(found) if is_within(found, expected.rows, checks.row_tolerance) => differing += 1,
                Ok(found) => wrong.push(format!("{named} has {found} rows of {}", expected.rows)),
                Err(error) => wrong.push(format!("{named}: {error}")),
            }
        }
        let _ = connection.close().await;
    }
    if wrong.is_empty() {
        let tables = checks.rows.len();
        return Ok(format!("{tables} tables have their rows ({differing} have changed since)"));
    }
    wrong.truncate(20);
    Err(wrong.join("; "))
}

async fn count(connection: &mut PgConnection, table: &ExpectedRows) -> Result<u64, sqlx::Error> {
    let sql = format!("SELECT count(*) FROM {}.{}", quoted(&table.schema), quoted(&table.table));
    let rows: i64 = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await?;
    Ok(u64::try_from(rows).unwrap_or(0))
}

/// A table that had rows and has none never counts as one that has merely changed.
fn is_within(found: u64, expected: u64, tolerance: f64) -> bool {
    if found == 0 && expected > 0 {
        return false;
    }
    found.abs_diff(expected) as f64 <= tolerance * expected.max(1) as f64
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn ask_canary(
    cluster: &ThrowAwayCluster,
    checks: &Checks,
    canary: &CanaryCheck,
) -> Result<String, String> {
    let check = SqlCheck {
        name: "canary".to_owned(),
        database: canary.database.clone(),
        sql: canary.sql.clone(),
        expected: None,
    };
    let answer = first_text(cluster, checks, &check).await?.ok_or("there is no canary")?;
    let newest: Timestamp =
        answer.parse().map_err(|_| format!("the canary tells {answer:?}, which is no instant"))?;
    let missing = canary.not_before.duration_since(newest);
    if missing > SignedDuration::ZERO {
        return Err(format!("the newest row of the canary is of {newest}, {} s too old", missing.as_secs()));
    }
    Ok(format!("the newest row of the canary is of {newest}"))
}

async fn ask(cluster: &ThrowAwayCluster, checks: &Checks, check: &SqlCheck) -> Result<String, String> {
    let answer = first_text(cluster, checks, check).await?;
    let expected = check.expected.as_deref().unwrap_or("true");
    match answer {
        Some(answer) if answer == expected => Ok(format!("the answer is {answer}")),
        Some(answer) => Err(format!("the answer is {answer:?} and not {expected:?}")),
        None => Err("the answer is NULL or empty".to_owned()),
    }
}

/// The first column of the only row as text. The owner's statement must not need our trust: it runs
/// read-only, and the cluster is thrown away anyhow.
async fn first_text(
    cluster: &ThrowAwayCluster,
    checks: &Checks,
    check: &SqlCheck,
) -> Result<Option<String>, String> {
    let mut connection = connect(cluster, checks, &check.database).await?;
    let sql = format!(
        "SELECT (answer.value)::text FROM ({}) AS answer(value)",
        check.sql.trim().trim_end_matches(';')
    );
    let asked = async {
        let mut transaction = connection.begin_with("BEGIN READ ONLY").await?;
        let rows: Vec<PgRow> = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *transaction).await?;
        let first = rows.first().map(|row| row.try_get::<Option<String>, _>(0)).transpose()?;
        Ok::<_, sqlx::Error>((rows.len(), first.flatten()))
    };
    let (count, first) = asked.await.map_err(|error| error.to_string())?;
    if count > 1 {
        return Err(format!("the answer has {count} rows, not one"));
    }
    Ok(first)
}

async fn connect(
    cluster: &ThrowAwayCluster,
    checks: &Checks,
    database: &str,
) -> Result<PgConnection, String> {
    let connected = async {
        let mut connection = cluster.connect(database).await?;
        let limit = format!("SET statement_timeout = {}", checks.statement_limit.as_millis());
        sqlx::query(AssertSqlSafe(limit)).execute(&mut connection).await?;
        Ok::<_, BackupError>(connection)
    };
    connected.await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emptied_table_is_never_within_tolerance() {
        assert!(is_within(95, 100, 0.05));
        assert!(!is_within(94, 100, 0.05));
        assert!(!is_within(0, 1, 1.0));
        assert!(is_within(0, 0, 0.0));
        assert!(!is_within(1, 0, 0.0));
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(quoted("a\"; DROP"), "\"a\"\"; DROP\"");
    }
}
