//! `larder backup drill`: restores a backup into a throw-away cluster of this machine, recovers and
//! examines it, and notes at the target that it is proven, or that it is not. No service is asked.

use std::path::PathBuf;
use std::time::Duration;

use larder_backup::drill::{self, Checks, DrillReport, DrillRequest, SqlCheck};
use larder_backup::vault::{Proof, Vault, Verdict};
use larder_backup::wal::WalArchive;
use larder_backup::{BackupError, system_clock};

use super::restore::{RecoveryArgs, choose, read_identities, with_progress};
use crate::commands::Context;
use crate::console;
use crate::error::CommandError;

/// PostgreSQL's servers may not enter root's home.
const ROOTS_DRILLS: &str = "/var/lib/larder/drills";

#[derive(Debug, clap::Args)]
pub(super) struct DrillArgs {
    /// The backup [default: the newest]
    backup_id: Option<String>,
    /// The target to read from [default: the first that holds it]
    #[arg(long)]
    target: Option<String>,
    #[command(flatten)]
    recovery: RecoveryArgs,
    /// The file with the secret keys of age, for a backup that is sealed
    #[arg(long, value_name = "FILE")]
    identity_file: Option<PathBuf>,
    /// Where the restored files go until the drill is over; as much room as the database takes
    #[arg(long, value_name = "FOLDER")]
    work_folder: Option<PathBuf>,
    /// The superuser of the cluster that was backed up
    #[arg(long, default_value = "postgres")]
    superuser: String,
    /// A question whose answer must be true, such as 'shop=SELECT count(*) > 0 FROM orders'
    #[arg(long, value_name = "DATABASE=SQL", value_parser = question)]
    check: Vec<SqlCheck>,
    /// How many minutes recovery may take
    #[arg(long, value_name = "MINUTES", default_value_t = 240)]
    limit_minutes: u64,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

fn question(text: &str) -> Result<SqlCheck, String> {
    let (database, sql) = text.split_once('=').ok_or("it is like shop=SELECT count(*) > 0 FROM orders")?;
    let (name, database, sql) = (sql.trim().to_owned(), database.to_owned(), sql.to_owned());
    Ok(SqlCheck { name, database, sql, expected: None })
}

pub(super) async fn run(args: &DrillArgs, context: &Context) -> Result<(), CommandError> {
    let settings = context.settings()?;
    let refused = |error: BackupError| CommandError::Refused(error.to_string());
    let vault = larder_backup::open_vault(&settings).await.map_err(refused)?;
    let (target, manifest) = choose(&vault, args.backup_id.as_deref(), args.target.as_deref()).await?;
    let recover_to = args.recovery.target();
    let archive = recover_to.as_ref().map(|_| WalArchive {
        cluster: vault.cluster.clone(),
        system: manifest.server.system_identifier,
        targets: vault.targets.clone(),
    });
    let checks =
        Checks { sql: args.check.clone(), statement_limit: Duration::from_secs(600), ..Checks::default() };
    let request = DrillRequest {
        target,
        manifest,
        identities: args.identity_file.as_deref().map(read_identities).transpose()?.unwrap_or_default(),
        recover_to: recover_to.unwrap_or_default(),
        archive,
        work_folder: args.work_folder.clone().unwrap_or_else(|| work_folder(&settings.data_dir)),
        bin_dir: settings.database.bin_dir.clone(),
        superuser: args.superuser.clone(),
        program: std::env::current_exe().map_err(CommandError::file("larder"))?,
        checks,
        recovery_limit: Duration::from_secs(args.limit_minutes * 60),
    };
    let drilled =
        with_progress("drill", async |progress| drill::run(&vault, &request, progress, system_clock).await);
    let report = drilled.await.map_err(refused)?;
    note(&vault, &request, &report).await.map_err(refused)?;
    tell(&report, args.json);
    if report.passed {
        return Ok(());
    }
    Err(CommandError::Refused(format!("{} did not stand the drill: it is not proven", report.backup_id)))
}

fn work_folder(data_dir: &std::path::Path) -> PathBuf {
    if rustix::process::geteuid().is_root() { ROOTS_DRILLS.into() } else { data_dir.join("drills") }
}

async fn note(vault: &Vault, request: &DrillRequest, report: &DrillReport) -> Result<(), BackupError> {
    let proof = Proof {
        at: report.ended_at,
        verdict: if report.passed { Verdict::Passed } else { Verdict::Failed },
        restore_ms: report.restore_ms + report.recovery_ms,
        report: serde_json::to_value(report).map_err(|error| BackupError::Internal(error.to_string()))?,
    };
    vault.record_proof(&request.target, &request.manifest.backup_id, &proof).await
}

fn tell(report: &DrillReport, json: bool) {
    if json {
        console::print_json(&serde_json::json!(report));
        return;
    }
    console::print_line(&format!(
        "{} recovered to {} in {:.1} s, {:.1} s of it writing files; {} segments of the log replayed",
        report.backup_id,
        report.recover_to,
        (report.restore_ms + report.recovery_ms) as f64 / 1e3,
        report.restore_ms as f64 / 1e3,
        report.segments_replayed
    ));
    for check in &report.checks {
        let verdict = if check.passed { "passed" } else { "FAILED" };
        console::print_line(&format!("{verdict}  {}: {}", check.name, check.detail));
    }
    console::print_line(if report.passed { "proven" } else { "NOT proven" });
}
