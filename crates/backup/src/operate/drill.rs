//! A drill of the service: a backup is restored beside the live cluster, recovered and examined, and
//! what came of it is noted at the target.

use std::time::Duration;

use larder_replication::Lsn;
use tokio::time::timeout;

use crate::drill::{self, CanaryCheck, Checks, DrillReport, DrillRequest, RecoveryTarget, SqlCheck};
use crate::error::BackupError;
use crate::manifest::BackupId;
use crate::operations::Results;
use crate::pipeline::Identities;
use crate::progress::Progress;
use crate::state::State;
use crate::store::canary;
use crate::wal::WalArchive;

use super::{choose, guard};

const RECOVERY_LIMIT: Duration = Duration::from_secs(4 * 3600);
const STATEMENT_LIMIT: Duration = Duration::from_secs(1800);
/// The log of a backup that was taken just now is on its way.
const ARCHIVE_LIMIT: Duration = Duration::from_secs(120);

/// What to drill.
#[derive(Debug, Clone, Default)]
pub(crate) struct DrillWishes {
    /// `None` for the newest.
    pub(crate) backup_id: Option<BackupId>,
    /// `None` for the first target that holds it.
    pub(crate) target: Option<String>,
    /// `None` for the moment at which rows were counted, or the latest.
    pub(crate) recover_to: Option<RecoveryTarget>,
}

/// Runs a drill and notes how it ended. A backup that does not stand it is an error.
pub(crate) async fn drill_backup(
    state: &State,
    wishes: DrillWishes,
    progress: &Progress,
) -> Result<Results, BackupError> {
    let turn = state.drill_turn.try_acquire();
    let _turn =
        turn.map_err(|_| BackupError::Refused("a drill is being run already: wait for its end".to_owned()))?;
    let request = request(state, &wishes).await?;
    let _guard = guard(state, &request.target, &request.manifest).await;
    if let (RecoveryTarget::Before(lsn), Some(_)) = (&request.recover_to, &request.archive) {
        progress.begin("waiting for the log", 0);
        wait_until_archived(state, *lsn).await?;
    }
    let report = drill::run(&state.vault, &request, progress, state.clock).await?;
    drill::note(&state.vault, &request, &report).await?;
    finish(report)
}

pub(super) async fn request(state: &State, wishes: &DrillWishes) -> Result<DrillRequest, BackupError> {
    let (target, manifest) = choose(state, wishes.backup_id.as_ref(), wishes.target.as_deref()).await?;
    let settings = &state.settings;
    let recover_to =
        wishes.recover_to.clone().unwrap_or_else(|| drill::usual_target(&manifest, settings.archive_wal));
    let archive = settings.archive_wal.then(|| WalArchive {
        cluster: state.vault.cluster.clone(),
        system: manifest.server.system_identifier,
        targets: state.vault.targets.clone(),
    });
    let checks = Checks {
        canary: canary_check(state, &recover_to),
        statement_limit: STATEMENT_LIMIT,
        ..drill::checks_of(&manifest, &recover_to, own_questions(state)?)
    };
    Ok(DrillRequest {
        identities: identities_for(state, &manifest.backup_id, manifest.is_sealed())?,
        target,
        manifest,
        recover_to,
        archive,
        work_folder: state.drill_folder.clone(),
        bin_dir: state.bin_dir.clone(),
        superuser: settings.drill_superuser.clone(),
        program: state.program.clone(),
        checks,
        recovery_limit: RECOVERY_LIMIT,
    })
}

/// The keys of this machine, which a sealed backup or dump needs.
pub(super) fn identities_for(
    state: &State,
    id: &BackupId,
    is_sealed: bool,
) -> Result<Identities, BackupError> {
    match &state.settings.drill_identity_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(BackupError::file("read", path))?;
            Identities::read(&text.into())
                .map_err(|cause| BackupError::Refused(format!("`backup.drill_identity_file`: {cause}")))
        }
        None if is_sealed => Err(BackupError::Refused(format!(
            "{id} is sealed and `backup.drill_identity_file` names no key, so it cannot be opened here: run              `larder backup drill`, `rescue` or `fetch` where the key is"
        ))),
        None => Ok(Identities::default()),
    }
}

/// The owner's questions, read anew for each drill.
fn own_questions(state: &State) -> Result<Vec<SqlCheck>, BackupError> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Questions {
        #[serde(default)]
        check: Vec<SqlCheck>,
    }
    let Some(path) = &state.settings.drill_checks_file else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(path).map_err(BackupError::file("read", path))?;
    let refused = |cause: toml::de::Error| BackupError::Refused(format!("{}: {cause}", path.display()));
    toml::from_str::<Questions>(&text).map(|questions| questions.check).map_err(refused)
}

/// Whoever recovers to the end of the log must find what was written before the archive had it.
fn canary_check(state: &State, recover_to: &RecoveryTarget) -> Option<CanaryCheck> {
    let database = state.canary_database.clone()?;
    let written = (*state.canary_at.borrow())?;
    let (_, archived_until) = state.wal.get()?.borrow().covered()?;
    let is_told = *recover_to == RecoveryTarget::Latest && written < archived_until;
    is_told.then(|| CanaryCheck { database, sql: canary::TELL_SQL.to_owned(), not_before: written })
}

async fn wait_until_archived(state: &State, lsn: Lsn) -> Result<(), BackupError> {
    let Some(wal) = state.wal.get() else { return Ok(()) };
    let mut wal = wal.clone();
    let waited = wal.wait_for(|status| status.targets.iter().all(|target| target.archived > lsn));
    match timeout(ARCHIVE_LIMIT, waited).await {
        Ok(_) => Ok(()),
        Err(_) => Err(BackupError::Refused(format!(
            "the archived log does not reach {lsn} yet: `larder backup status` tells why"
        ))),
    }
}

fn finish(report: DrillReport) -> Result<Results, BackupError> {
    let failed: Vec<_> = report.checks.iter().filter(|check| !check.passed).collect();
    if !report.passed {
        let told: Vec<_> = failed.iter().map(|check| format!("{}: {}", check.name, check.detail)).collect();
        return Err(BackupError::NotProven { backup_id: report.backup_id, failures: told.join("; ") });
    }
    let passed: Vec<_> =
        report.checks.iter().map(|check| format!("{}: {}", check.name, check.detail)).collect();
    tracing::info!(backup.id = report.backup_id, target.name = report.target, "backup proven");
    Ok(Results::from([
        ("backup_id".to_owned(), report.backup_id),
        ("target".to_owned(), report.target),
        ("recovered_to".to_owned(), report.recover_to.to_string()),
        ("restore_ms".to_owned(), report.restore_ms.to_string()),
        ("recovery_ms".to_owned(), report.recovery_ms.to_string()),
        ("segments_replayed".to_owned(), report.segments_replayed.to_string()),
        ("checks".to_owned(), passed.join("; ")),
    ]))
}
