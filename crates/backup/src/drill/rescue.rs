//! One database, or some of its tables, out of a backup: the backup is recovered in a throw-away cluster
//! and `pg_dump` writes from there what is wanted. The dump can be loaded by any PostgreSQL that is not
//! older, and nothing else of the live server is touched.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::cluster::ThrowAwayCluster;
use super::{DrillReport, DrillRequest, Place, recover};
use crate::clock::Clock;
use crate::error::BackupError;
use crate::progress::Progress;
use crate::vault::Vault;

const OUTPUT_SHOWN_BYTES: usize = 2000;

/// What to rescue, and where to.
#[derive(Clone)]
pub struct RescueRequest {
    /// The backup and the moment; what a drill would examine is not asked.
    pub recovery: DrillRequest,
    /// The database.
    pub database: String,
    /// Tables as `pg_dump` takes them, such as `public.orders`; empty for the whole database.
    pub tables: Vec<String>,
    /// The file for the dump; it must not exist.
    pub into: PathBuf,
}

/// A dump that was read again to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescued {
    /// Its size.
    pub bytes: u64,
    /// How far the backup was recovered.
    pub recovered: DrillReport,
}

/// Recovers, dumps, and reads the dump again to its end: its list of contents stands at its beginning
/// and says nothing about the rest.
///
/// # Errors
/// As a drill has them, a file that exists, and a program that fails, with what it said. What was
/// written is removed then.
pub async fn rescue(
    vault: &Vault,
    request: &RescueRequest,
    progress: &Progress,
    clock: Clock,
) -> Result<Rescued, BackupError> {
    let file = File::create_new(&request.into).map_err(BackupError::file("create", &request.into))?;
    let rescued = dump_into(vault, request, file, progress, clock).await;
    if rescued.is_err() {
        // It is ours alone: it was not there before.
        let _ = std::fs::remove_file(&request.into);
    }
    rescued
}

async fn dump_into(
    vault: &Vault,
    request: &RescueRequest,
    file: File,
    progress: &Progress,
    clock: Clock,
) -> Result<Rescued, BackupError> {
    let place = Place::prepare(&request.recovery)?;
    let mut report = DrillReport::begin(&request.recovery, clock());
    let recovered = recover(vault, &request.recovery, &place, progress, &mut report).await?;
    progress.begin("dumping", 0);
    dump(&recovered.cluster, request, &file).await?;
    file.sync_all().map_err(BackupError::file("write", &request.into))?;
    progress.begin("reading the dump", 0);
    read_again(&recovered.cluster, &request.into).await?;
    recovered.cluster.stop().await?;
    report.ended_at = clock();
    let bytes = file.metadata().map_err(BackupError::file("read", &request.into))?.len();
    Ok(Rescued { bytes, recovered: report })
}

async fn dump(cluster: &ThrowAwayCluster, request: &RescueRequest, file: &File) -> Result<(), BackupError> {
    let mut command = cluster.program("pg_dump");
    command.args(["--format=custom", "--no-password", "--strict-names", "--dbname", &request.database]);
    command.args(request.tables.iter().map(|table| format!("--table={table}")));
    let output = file.try_clone().map_err(BackupError::file("open", &request.into))?;
    run(command.stdout(output), "pg_dump").await
}

async fn read_again(cluster: &ThrowAwayCluster, dump: &Path) -> Result<(), BackupError> {
    let mut command = cluster.program("pg_restore");
    let file = File::open(dump).map_err(BackupError::file("open", dump))?;
    // The server's account may not enter our folder: it is given the open file.
    command.args(["--exit-on-error", "--file=/dev/null"]).stdin(file).stdout(Stdio::null());
    run(&mut command, "pg_restore").await
}

async fn run(command: &mut Command, program: &'static str) -> Result<(), BackupError> {
    let failed = |status: String, output: String| BackupError::Program { program, status, output };
    let child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn();
    let child = child.map_err(|error| failed("it cannot be run".to_owned(), error.to_string()))?;
    let output = child.wait_with_output().await;
    let output = output.map_err(|error| failed("it was lost".to_owned(), error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = &output.stderr[..output.stderr.len().min(OUTPUT_SHOWN_BYTES)];
    Err(failed(output.status.to_string(), String::from_utf8_lossy(said).trim().to_owned()))
}
