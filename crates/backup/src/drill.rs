//! Drills: a backup is restored into a throw-away cluster, recovered to a chosen moment and examined
//! there. Only what came through this counts as proven; nothing of the live server is touched.

mod checks;
mod cluster;
mod recovery;
mod rescue;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use larder_database::{Wanted, find_programs, server_account};
use serde::{Deserialize, Serialize};
use sqlx::Connection;
use tempfile::TempDir;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::error::BackupError;
use crate::manifest::Manifest;
use crate::pipeline::Identities;
use crate::progress::Progress;
use crate::restore::{RestoreRequest, restore};
use crate::target::SharedTarget;
use crate::vault::{Proof, Vault, Verdict};
use crate::wal::{Door, WalArchive, WalGiver, door};

pub use checks::{CanaryCheck, CheckResult, Checks, Comparison, SqlCheck, run as run_checks};
pub use cluster::{ThrowAwayCluster, ThrowAwaySettings, run_folder};
pub use recovery::{RecoveryTarget, prepare_recovery};
pub use rescue::{RescueIntoRequest, RescueRequest, Rescued, rescue, rescue_into};

/// What PostgreSQL says when the log ends, for certain, before the moment that was asked for.
const TARGET_NOT_REACHED: &str = "recovery ended before configured recovery target was reached";
const RESTORED_AT_ONCE: usize = 2;
/// What a drill runs.
const PROGRAMS: [&str; 3] = ["postgres", "pg_controldata", "pg_amcheck"];
const ROOTS_DRILLS: &str = "/var/lib/larder/drills";

/// What to prove.
#[derive(Clone)]
pub struct DrillRequest {
    /// Where to read the backup.
    pub target: SharedTarget,
    /// The backup.
    pub manifest: Manifest,
    /// Keys, for a backup that is sealed.
    pub identities: Identities,
    /// The moment to recover to.
    pub recover_to: RecoveryTarget,
    /// The log; without it the backup alone is proven, as far as its own log goes.
    pub archive: Option<WalArchive>,
    /// Where the restored files go until the drill is over.
    pub work_folder: PathBuf,
    /// Where PostgreSQL's programs are; `None` looks where they usually are.
    pub bin_dir: Option<PathBuf>,
    /// The superuser of the cluster that was backed up.
    pub superuser: String,
    /// The `larder` program, which the throw-away server asks for its log.
    pub program: PathBuf,
    /// What to examine.
    pub checks: Checks,
    /// How long recovery may take.
    pub recovery_limit: Duration,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillReport {
    /// The backup.
    pub backup_id: String,
    /// The target it was read from.
    pub target: String,
    /// The moment that was to be recovered to.
    pub recover_to: RecoveryTarget,
    /// When the drill began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Whether the backup is proven.
    pub passed: bool,
    /// Bytes of the database that were written.
    pub restored_bytes: u64,
    /// How long until every file was written and compared.
    pub restore_ms: u64,
    /// How long the server took from its start until it could be used.
    pub recovery_ms: u64,
    /// Segments of the log that were replayed from the archive.
    pub segments_replayed: u64,
    /// How far the log was replayed, as the server tells it.
    pub reached_lsn: Option<String>,
    /// The last commit that was replayed.
    pub last_commit_at: Option<Timestamp>,
    /// Each step and each check.
    pub checks: Vec<CheckResult>,
}

impl DrillReport {
    fn begin(request: &DrillRequest, now: Timestamp) -> Self {
        Self {
            backup_id: request.manifest.backup_id.to_string(),
            target: request.target.name().to_owned(),
            recover_to: request.recover_to.clone(),
            started_at: now,
            ended_at: now,
            passed: false,
            restored_bytes: 0,
            restore_ms: 0,
            recovery_ms: 0,
            segments_replayed: 0,
            reached_lsn: None,
            last_commit_at: None,
            checks: Vec::new(),
        }
    }
}

/// Runs a drill. The restored files are removed when it returns.
///
/// # Errors
/// What says nothing about the backup: a target that is away, programs or a key that are missing, a
/// full disk. A backup that does not stand the drill is no error but a report that it has not passed.
pub async fn run(
    vault: &Vault,
    request: &DrillRequest,
    progress: &Progress,
    clock: Clock,
) -> Result<DrillReport, BackupError> {
    let mut report = DrillReport::begin(request, clock());
    let place = Place::prepare(request, &PROGRAMS)?;
    let ended = examine(vault, request, &place, progress, &mut report).await;
    report.ended_at = clock();
    match ended {
        Ok(()) => report.passed = report.checks.iter().all(|check| check.passed),
        Err(
            error @ (BackupError::Damaged { .. } | BackupError::Program { .. } | BackupError::Database(_)),
        ) => {
            let duration_ms = millis(
                Duration::try_from(report.ended_at.duration_since(report.started_at)).unwrap_or_default(),
            );
            let (name, detail) = (error.stage().to_owned(), error.to_string());
            report.checks.push(CheckResult { name, passed: false, detail, duration_ms });
        }
        Err(error) => return Err(error),
    }
    Ok(report)
}

/// Where a drill recovers to when nobody says: the moment at which the rows were counted, so that they
/// can be compared to the last one; without a record or an archive to the end of what there is.
#[must_use]
pub fn usual_target(manifest: &Manifest, has_archive: bool) -> RecoveryTarget {
    match &manifest.contents {
        Some(contents) if has_archive => RecoveryTarget::Before(contents.lsn),
        _ => RecoveryTarget::Latest,
    }
}

/// What to examine: what the backup recorded, as strictly as the moment that is recovered to allows,
/// and the owner's questions.
#[must_use]
pub fn checks_of(manifest: &Manifest, recover_to: &RecoveryTarget, sql: Vec<SqlCheck>) -> Checks {
    let contents = manifest.contents.as_ref();
    let is_same = contents.is_some_and(|contents| *recover_to == RecoveryTarget::Before(contents.lsn));
    Checks {
        contents: contents.map(|contents| contents.databases.clone()).unwrap_or_default(),
        comparison: if is_same { Comparison::SameMoment } else { Comparison::AnotherMoment },
        sql,
        ..Checks::default()
    }
}

/// Notes a drill at the target that the backup was read from.
///
/// # Errors
/// As the target has it.
pub async fn note(vault: &Vault, request: &DrillRequest, report: &DrillReport) -> Result<(), BackupError> {
    let proof = Proof {
        at: report.ended_at,
        verdict: if report.passed { Verdict::Passed } else { Verdict::Failed },
        restore_ms: report.restore_ms + report.recovery_ms,
        report: serde_json::to_value(report).map_err(|error| BackupError::Internal(error.to_string()))?,
    };
    vault.record_proof(&request.target, &request.manifest.backup_id, &proof).await
}

/// Where drills take place when the settings do not say: PostgreSQL's servers may not enter root's home.
#[must_use]
pub fn usual_folder(data_dir: &Path) -> PathBuf {
    if rustix::process::geteuid().is_root() { ROOTS_DRILLS.into() } else { data_dir.join("drills") }
}

/// Where a drill takes place.
struct Place {
    account: Option<(u32, u32)>,
    binaries: larder_database::Binaries,
    run: TempDir,
    // The restored files; removed with this value.
    files: TempDir,
}

impl Place {
    fn prepare(request: &DrillRequest, programs: &[&str]) -> Result<Self, BackupError> {
        let refused = |error: larder_database::DatabaseError| BackupError::Refused(error.to_string());
        let wanted = Wanted::Exactly(request.manifest.server.major_version);
        let binaries = find_programs(programs, request.bin_dir.as_deref(), wanted).map_err(refused)?;
        let account = server_account().map_err(refused)?;
        let work = &request.work_folder;
        std::fs::create_dir_all(work).map_err(BackupError::file("create", work))?;
        let files = tempfile::Builder::new().prefix("drill-").tempdir_in(work);
        let files = files.map_err(BackupError::file("create a folder in", work))?;
        cluster::give(files.path(), account)?;
        Ok(Self { account, binaries, run: run_folder(account)?, files })
    }
}

async fn examine(
    vault: &Vault,
    request: &DrillRequest,
    place: &Place,
    progress: &Progress,
    report: &mut DrillReport,
) -> Result<(), BackupError> {
    let recovered = recover(vault, request, place, progress, report).await?;
    progress.begin("examining", 0);
    report.checks.extend(run_checks(&recovered.cluster, &request.checks).await);
    recovered.cluster.stop().await
}

/// A server on restored files, behind the end of its recovery.
struct Recovered {
    cluster: ThrowAwayCluster,
    // Nobody asks at it any more, but a server that was given its name may look.
    _door: Option<Door>,
}

async fn recover(
    vault: &Vault,
    request: &DrillRequest,
    place: &Place,
    progress: &Progress,
    report: &mut DrillReport,
) -> Result<Recovered, BackupError> {
    let data = place.files.path().join("data");
    let begun = Instant::now();
    let restored = restore(vault, &restore_request(request, &data, place), progress).await?;
    report.restore_ms = millis(begun.elapsed());
    report.restored_bytes = restored.bytes;

    progress.begin("recovering", 0);
    let (giver, door) = match &request.archive {
        Some(archive) => open_door(archive, request, place, &data)?,
        None => (None, None),
    };
    let begun = Instant::now();
    let settings = ThrowAwaySettings {
        binaries: place.binaries.clone(),
        data,
        account: place.account,
        superuser: request.superuser.clone(),
        recovery_limit: request.recovery_limit,
    };
    let started = ThrowAwayCluster::start(settings, place.run.path()).await;
    let cluster = started.map_err(|error| as_asked_for(error, &request.recover_to))?;
    report.recovery_ms = millis(begun.elapsed());
    report.segments_replayed = giver.map_or(0, |giver| giver.segments_given());
    (report.reached_lsn, report.last_commit_at) = how_far(&cluster).await?;
    Ok(Recovered { cluster, _door: door })
}

/// Nothing is wrong with the backup when somebody asks for more than there is yet.
fn as_asked_for(error: BackupError, recover_to: &RecoveryTarget) -> BackupError {
    match error {
        BackupError::Program { output, .. } if output.contains(TARGET_NOT_REACHED) => {
            BackupError::Refused(format!(
                "the archived log ends before {recover_to}: recover to an earlier moment, or wait until it is \
                 archived"
            ))
        }
        error => error,
    }
}

fn restore_request(request: &DrillRequest, data: &Path, place: &Place) -> RestoreRequest {
    RestoreRequest {
        target: request.target.clone(),
        manifest: request.manifest.clone(),
        folder: data.to_owned(),
        tablespaces: Default::default(),
        owner: place.account,
        identities: request.identities.clone(),
        at_once: RESTORED_AT_ONCE,
    }
}

/// Opens a door for the server, and tells it where that is.
fn open_door(
    archive: &WalArchive,
    request: &DrillRequest,
    place: &Place,
    data: &Path,
) -> Result<(Option<WalGiver>, Option<Door>), BackupError> {
    let giver = WalGiver::new(archive.clone(), request.identities.clone());
    let door = Door::open(&place.run.path().join("door"), giver.clone())?;
    cluster::give(door.path(), place.account)?;
    let program = reachable(&request.program, place)?;
    let command = door::restore_command(&program, door.path());
    prepare_recovery(data, &request.recover_to, &command, place.account)?;
    Ok((Some(giver), Some(door)))
}

/// Another account may not enter the folder that our program lies in: it gets a copy.
fn reachable(program: &Path, place: &Place) -> Result<PathBuf, BackupError> {
    // A link of this process leads elsewhere in another.
    if place.account.is_none() && !program.starts_with("/proc") {
        return Ok(program.to_owned());
    }
    let copy = place.run.path().join("larder");
    std::fs::copy(program, &copy).map_err(BackupError::file("copy", program))?;
    cluster::give(&copy, place.account)?;
    Ok(copy)
}

async fn how_far(cluster: &ThrowAwayCluster) -> Result<(Option<String>, Option<Timestamp>), BackupError> {
    let mut connection = cluster.connect("postgres").await?;
    // Asked after the end of recovery; the columns keep what replay reached.
    let asked = sqlx::query_as::<_, (Option<String>, Option<String>)>(
        "SELECT pg_last_wal_replay_lsn()::text, \
         to_char(pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')",
    );
    let (lsn, at) = asked.fetch_one(&mut connection).await?;
    let _ = connection.close().await;
    Ok((lsn, at.and_then(|at| at.parse().ok())))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
