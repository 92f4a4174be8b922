//! What a restored database must stand before its backup counts as proven: its indexes and tables are
//! sound, its rows are there, its canary is alive, and its owner's own questions are answered rightly.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tokio::time::Instant;

use super::cluster::ThrowAwayCluster;
use crate::contents::{DatabaseContents, SESSION_SETTINGS, TableContents, table_sql};
use crate::error::BackupError;

const OUTPUT_SHOWN_BYTES: usize = 2000;
const INEXACT_TOLERANCE: f64 = 0.05;

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

/// How the rows of a restored database compare with those that were recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Comparison {
    /// The database stands at the moment of the record: every row must be the very same.
    SameMoment,
    /// It stands at another one: tables have changed meanwhile, but not most of them to nothing.
    #[default]
    AnotherMoment,
}

/// Everything to check.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    /// What the databases held when the backup was taken.
    pub contents: Vec<DatabaseContents>,
    /// How far that may differ.
    pub comparison: Comparison,
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
    if !checks.contents.is_empty() {
        results.push(timed("contents", compare_contents(cluster, checks)).await);
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

/// How the recorded tables were found.
#[derive(Debug, Default)]
struct Found {
    same: usize,
    changed: usize,
    /// Tables that had rows and have none, or are not there.
    gone: usize,
    /// What must not be, in words.
    wrong: Vec<String>,
}

async fn compare_contents(cluster: &ThrowAwayCluster, checks: &Checks) -> Result<String, String> {
    let mut found = Found::default();
    for database in &checks.contents {
        let mut connection = connect(cluster, checks, &database.name).await?;
        let settings = sqlx::raw_sql(SESSION_SETTINGS).execute(&mut connection).await;
        settings.map_err(|error| error.to_string())?;
        for table in &database.tables {
            let asked = ask_table(&mut connection, table).await;
            found.take(checks.comparison, database, table, asked);
        }
        let _ = connection.close().await;
    }
    found.verdict()
}

impl Found {
    fn take(
        &mut self,
        comparison: Comparison,
        database: &DatabaseContents,
        table: &TableContents,
        asked: Result<(u64, String), sqlx::Error>,
    ) {
        let named = format!("{}.{}.{}", database.name, table.schema, table.table);
        let is_strict = comparison == Comparison::SameMoment;
        match asked {
            Ok((rows, checksum)) if rows == table.rows && checksum == table.checksum => self.same += 1,
            // A record that others wrote around is not exact.
            Ok((rows, _)) if is_strict && !database.is_exact && is_close(rows, table.rows) => {
                self.changed += 1
            }
            Ok((rows, _)) if is_strict && rows == table.rows => {
                self.wrong.push(format!("{named} has other rows than it had"));
            }
            Ok((rows, _)) if is_strict => {
                self.wrong.push(format!("{named} has {rows} rows of {}", table.rows));
            }
            Err(error) if is_strict => self.wrong.push(format!("{named}: {error}")),
            Ok((rows, _)) if rows > 0 || table.rows == 0 => self.changed += 1,
            Ok(_) | Err(_) => self.gone += 1,
        }
    }

    fn verdict(mut self) -> Result<String, String> {
        let Self { same, changed, gone, .. } = self;
        if gone > same + changed {
            self.wrong.push(format!("of {} tables {gone} are empty or missing", same + changed + gone));
        }
        if self.wrong.is_empty() {
            let gone = if gone > 0 { format!(", {gone} are empty now") } else { String::new() };
            return Ok(format!(
                "{same} tables are the same to the last row, {changed} have changed since{gone}"
            ));
        }
        self.wrong.truncate(20);
        Err(self.wrong.join("; "))
    }
}

async fn ask_table(
    connection: &mut PgConnection,
    table: &TableContents,
) -> Result<(u64, String), sqlx::Error> {
    let sql = table_sql(&table.schema, &table.table);
    let asked = sqlx::query_as::<_, (String, String)>(AssertSqlSafe(sql));
    let (rows, checksum) = asked.fetch_one(connection).await?;
    Ok((rows.parse().unwrap_or(0), checksum))
}

/// What may have been written between a snapshot and its place in the log.
fn is_close(found: u64, expected: u64) -> bool {
    let is_emptied = found == 0 && expected > 0;
    !is_emptied && found.abs_diff(expected) as f64 <= INEXACT_TOLERANCE * expected.max(20) as f64
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

    fn table(rows: u64) -> (DatabaseContents, TableContents) {
        let table = TableContents {
            schema: "public".to_owned(),
            table: "jars".to_owned(),
            rows,
            checksum: "7".to_owned(),
        };
        let database = DatabaseContents {
            name: "shop".to_owned(),
            lsn: larder_replication::Lsn(1),
            is_exact: true,
            tables: vec![table.clone()],
            left_out: 0,
        };
        (database, table)
    }

    fn verdict(comparison: Comparison, is_exact: bool, had: u64, has: (u64, &str)) -> Result<String, String> {
        let (mut database, table) = table(had);
        database.is_exact = is_exact;
        let mut found = Found::default();
        found.take(comparison, &database, &table, Ok((has.0, has.1.to_owned())));
        found.verdict()
    }

    #[test]
    fn at_the_same_moment_every_row_is_the_same() {
        let strict = |had, has| verdict(Comparison::SameMoment, true, had, has);
        assert!(strict(100, (100, "7")).is_ok());
        assert!(strict(100, (100, "8")).unwrap_err().contains("other rows"));
        assert!(strict(100, (99, "8")).unwrap_err().contains("99 rows of 100"));
        let written_around = |has| verdict(Comparison::SameMoment, false, 100, has);
        assert!(written_around((99, "8")).is_ok());
        assert!(written_around((90, "8")).is_err());
        assert!(written_around((0, "0")).is_err());
    }

    #[test]
    fn at_another_moment_most_tables_still_have_rows() {
        let later = |had, has| verdict(Comparison::AnotherMoment, true, had, has);
        assert!(later(100, (300, "8")).is_ok());
        assert!(later(0, (0, "0")).is_ok());
        assert!(later(100, (0, "0")).unwrap_err().contains("empty or missing"));
    }
}
