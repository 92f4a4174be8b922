//! One database, or some of its tables, out of a backup: the backup is recovered in a throw-away cluster
//! and `pg_dump` writes from there what is wanted. The dump can be loaded by any PostgreSQL that is not
//! older, and nothing else of the live server is touched.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::cluster::ThrowAwayCluster;
use super::{DrillReport, DrillRequest, Place, recover};
use crate::clock::Clock;
use crate::contents::quoted;
use crate::dump::{LoadPlace, Loaded, TableName, load_stream, refuse_place};
use crate::error::BackupError;
use crate::programs::{RunningProgram, run};
use crate::progress::Progress;
use crate::vault::Vault;

/// What a rescue runs.
const PROGRAMS: [&str; 4] = ["postgres", "pg_controldata", "pg_dump", "pg_restore"];

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

/// What to rescue into a running server.
#[derive(Clone)]
pub struct RescueIntoRequest {
    /// The backup and the moment; what a drill would examine is not asked.
    pub recovery: DrillRequest,
    /// The database as it was named.
    pub database: String,
    /// Its tables; empty for all of them.
    pub tables: Vec<TableName>,
    /// Where to.
    pub place: LoadPlace,
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
    // What was somebody's data in the database is nobody else's business in a file.
    let mut options = File::options();
    let file = options.write(true).create_new(true).mode(0o600).open(&request.into);
    let file = file.map_err(BackupError::file("create", &request.into))?;
    let rescued = dump_into(vault, request, file, progress, clock).await;
    if rescued.is_err() {
        // It is ours alone: it was not there before.
        let _ = std::fs::remove_file(&request.into);
    }
    rescued
}

/// Recovers, and gives what `pg_dump` writes from there to a new database of a running server.
///
/// # Errors
/// As a drill has them, a database that exists, a server older than the backup's, and a program that
/// fails, with what it said. Nothing is left of the new database then.
pub async fn rescue_into(
    vault: &Vault,
    request: &RescueIntoRequest,
    progress: &Progress,
    clock: Clock,
) -> Result<(Loaded, DrillReport), BackupError> {
    let major = request.recovery.manifest.server.major_version;
    // Nobody wants to hear of these after an hour of recovery.
    refuse_place(&request.place, major).await?;
    let place = Place::prepare(&request.recovery, &PROGRAMS)?;
    let mut report = DrillReport::begin(&request.recovery, clock());
    let recovered = recover(vault, &request.recovery, &place, progress, &mut report).await?;
    let mut schemas: Vec<&str> = request.tables.iter().map(|table| table.schema.as_str()).collect();
    schemas.sort_unstable();
    schemas.dedup();
    let source = async || {
        let mut command = recovered.cluster.program("pg_dump");
        command.args(["--format=custom", "--compress=0", "--no-password", "--strict-names"]);
        command.arg(format!("--dbname={}", request.database));
        // Quoted names are taken as they are, and not as patterns.
        let tables = request.tables.iter();
        command
            .args(tables.map(|table| format!("--table={}.{}", quoted(&table.schema), quoted(&table.table))));
        RunningProgram::start("pg_dump", command.stdout(Stdio::piped()))
    };
    let loaded = load_stream(&request.place, major, &schemas, source, progress).await?;
    recovered.cluster.stop().await?;
    report.ended_at = clock();
    Ok((loaded, report))
}

async fn dump_into(
    vault: &Vault,
    request: &RescueRequest,
    file: File,
    progress: &Progress,
    clock: Clock,
) -> Result<Rescued, BackupError> {
    let place = Place::prepare(&request.recovery, &PROGRAMS)?;
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
    run("pg_dump", command.stdout(output)).await
}

async fn read_again(cluster: &ThrowAwayCluster, dump: &Path) -> Result<(), BackupError> {
    let mut command = cluster.program("pg_restore");
    let file = File::open(dump).map_err(BackupError::file("open", dump))?;
    // The server's account may not enter our folder: it is given the open file.
    command.args(["--exit-on-error", "--file=/dev/null"]).stdin(file).stdout(Stdio::null());
    run("pg_restore", &mut command).await
}
