//! `larder backup drill`: restores a backup into a throw-away cluster of this machine, recovers and
//! examines it, and notes at the target that it is proven, or that it is not. No service is asked.

use std::path::PathBuf;
use std::time::Duration;

use larder_backup::drill::{self, Checks, DrillReport, DrillRequest, SqlCheck};
use larder_backup::vault::Vault;
use larder_backup::wal::WalArchive;
use larder_backup::{BackupError, system_clock};
use larder_settings::Settings;

use super::restore::{RecoveryArgs, choose, read_identities, with_progress};
use crate::commands::Context;
use crate::console;
use crate::error::CommandError;

/// Which backup is recovered in a throw-away cluster, how far, and where.
#[derive(Debug, clap::Args)]
pub(super) struct ThrowAwayArgs {
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
    /// How many minutes recovery may take
    #[arg(long, value_name = "MINUTES", default_value_t = 240)]
    limit_minutes: u64,
}

#[derive(Debug, clap::Args)]
pub(super) struct DrillArgs {
    #[command(flatten)]
    source: ThrowAwayArgs,
    /// A question whose answer must be true, such as 'shop=SELECT count(*) > 0 FROM orders'
    #[arg(long, value_name = "DATABASE=SQL", value_parser = question)]
    check: Vec<SqlCheck>,
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
    let mut request = args.source.request(&vault, &settings).await?;
    request.checks = Checks {
        statement_limit: Duration::from_secs(1800),
        ..drill::checks_of(&request.manifest, &request.recover_to, args.check.clone())
    };
    let drilled =
        with_progress("drill", async |progress| drill::run(&vault, &request, progress, system_clock).await);
    let report = drilled.await.map_err(refused)?;
    drill::note(&vault, &request, &report).await.map_err(refused)?;
    tell(&report, args.json);
    if report.passed {
        return Ok(());
    }
    Err(CommandError::Refused(format!("{} did not stand the drill: it is not proven", report.backup_id)))
}

impl ThrowAwayArgs {
    /// What they mean, with nothing to examine.
    pub(super) async fn request(
        &self,
        vault: &Vault,
        settings: &Settings,
    ) -> Result<DrillRequest, CommandError> {
        let (target, manifest) = choose(vault, self.backup_id.as_deref(), self.target.as_deref()).await?;
        let asked = self.recovery.target();
        let has_archive = asked.is_some() || settings.backup.archive_wal;
        let recover_to = asked.unwrap_or_else(|| drill::usual_target(&manifest, has_archive));
        let archive = has_archive.then(|| WalArchive {
            cluster: vault.cluster.clone(),
            system: manifest.server.system_identifier,
            targets: vault.targets.clone(),
        });
        let usual_folder = || drill::usual_folder(&settings.data_dir);
        Ok(DrillRequest {
            target,
            manifest,
            identities: self.identity_file.as_deref().map(read_identities).transpose()?.unwrap_or_default(),
            recover_to,
            archive,
            work_folder: self.work_folder.clone().unwrap_or_else(usual_folder),
            bin_dir: settings.database.bin_dir.clone(),
            superuser: self.superuser.clone(),
            program: std::env::current_exe().map_err(CommandError::file("larder"))?,
            checks: Checks::default(),
            recovery_limit: Duration::from_secs(self.limit_minutes * 60),
        })
    }
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
