//! `larder backup restore`: reads a backup from the targets of the settings and writes it into an
//! empty folder of this machine. No service is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use larder_backup::drill::{RecoveryTarget, prepare_recovery};
use larder_backup::manifest::{BackupId, Manifest};
use larder_backup::pipeline::Identities;
use larder_backup::restore::{RestoreRequest, RestoredCluster, restore};
use larder_backup::target::SharedTarget;
use larder_backup::vault::Vault;
use larder_backup::{BackupError, Progress};
use secrecy::SecretString;

use crate::commands::Context;
use crate::console;
use crate::error::CommandError;

/// Objects that are read at once.
const READ_AT_ONCE: usize = 2;

#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// The backup [default: the newest]
    backup_id: Option<String>,
    /// The new data folder; it must not exist, or be empty
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// The target to read from [default: the first that holds it]
    #[arg(long)]
    target: Option<String>,
    /// The file with the secret keys of age, for a backup that is sealed
    #[arg(long, value_name = "FILE")]
    identity_file: Option<PathBuf>,
    /// Where a tablespace goes, such as 16385=/srv/space [default: beside the folder]
    #[arg(long, value_name = "OID=FOLDER", value_parser = tablespace)]
    tablespace: Vec<(u32, PathBuf)>,
    #[command(flatten)]
    recovery: RecoveryArgs,
    /// Who owns the files, as user and group number, such as 104:106; for root alone [default: the
    /// account postgres]
    #[arg(long, value_name = "USER:GROUP", value_parser = owner)]
    owner: Option<(u32, u32)>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// Until where the archived log is replayed when a server is started on the restored files. With none
/// of these the backup itself is restored, and no more.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub(super) struct RecoveryArgs {
    /// Replay the log as far as it goes
    #[arg(long)]
    pub(super) latest: bool,
    /// Replay up to the last commit at or before an instant, such as 2026-11-23T08:00:00Z
    #[arg(long, value_name = "INSTANT")]
    pub(super) time: Option<jiff::Timestamp>,
    /// Replay up to a place in the log, such as 16/B374D848
    #[arg(long, value_name = "PLACE")]
    pub(super) lsn: Option<larder_replication::Lsn>,
    /// Replay up to a point that was named by pg_create_restore_point
    #[arg(long, value_name = "NAME")]
    pub(super) point: Option<String>,
}

impl RecoveryArgs {
    pub(super) fn target(&self) -> Option<RecoveryTarget> {
        let latest = || self.latest.then_some(RecoveryTarget::Latest);
        let time = || self.time.map(RecoveryTarget::Time);
        let named = || self.point.clone().map(RecoveryTarget::Name);
        self.lsn.map(RecoveryTarget::Lsn).or_else(time).or_else(named).or_else(latest)
    }
}

fn tablespace(text: &str) -> Result<(u32, PathBuf), String> {
    let parts =
        text.split_once('=').and_then(|(oid, folder)| Some((oid.parse().ok()?, PathBuf::from(folder))));
    parts.filter(|(_, folder)| folder.is_absolute()).ok_or_else(|| "it is like 16385=/srv/space".to_owned())
}

fn owner(text: &str) -> Result<(u32, u32), String> {
    let parts =
        text.split_once(':').and_then(|(user, group)| Some((user.parse().ok()?, group.parse().ok()?)));
    parts.ok_or_else(|| "it is like 104:106".to_owned())
}

pub(super) async fn run(args: &RestoreArgs, context: &Context) -> Result<(), CommandError> {
    let settings = context.settings()?;
    let folder = std::path::absolute(&args.to).map_err(CommandError::file(&args.to))?;
    let refused = |error: BackupError| CommandError::Refused(error.to_string());
    let vault = larder_backup::open_vault(&settings).await.map_err(refused)?;
    let (target, manifest) = choose(&vault, args.backup_id.as_deref(), args.target.as_deref()).await?;
    let request = RestoreRequest {
        target,
        manifest,
        folder,
        tablespaces: args.tablespace.iter().cloned().collect::<BTreeMap<_, _>>(),
        owner: args.owner.or_else(account_of_postgresql),
        identities: args.identity_file.as_deref().map(read_identities).transpose()?.unwrap_or_default(),
        at_once: READ_AT_ONCE,
    };
    let restored = with_progress("restoring", async |progress| restore(&vault, &request, progress).await);
    let restored = restored.await.map_err(refused)?;
    if let Some(target) = args.recovery.target() {
        let command = restore_command(args, context, &request.manifest)?;
        prepare_recovery(&restored.folder, &target, &command, request.owner).map_err(refused)?;
    }
    tell(&restored, args);
    Ok(())
}

/// The backup that was named, or the newest.
pub(super) async fn choose(
    vault: &Vault,
    backup_id: Option<&str>,
    target: Option<&str>,
) -> Result<(SharedTarget, Manifest), CommandError> {
    let refused = |error: BackupError| CommandError::Refused(error.to_string());
    if let Some(id) = backup_id {
        let id: BackupId = id
            .parse()
            .map_err(|error: larder_backup::manifest::RefusedId| CommandError::Usage(error.to_string()))?;
        return vault.find(&id, target).await.map_err(refused);
    }
    let newest = vault.newest(target, |_| true).await.map_err(refused)?;
    newest.ok_or_else(|| CommandError::Refused("there is no backup at any target".to_owned()))
}

/// What the server that is started on the files runs to get its log. It reads the same settings and
/// keys as this command, so the server's account must be allowed to.
fn restore_command(
    args: &RestoreArgs,
    context: &Context,
    manifest: &Manifest,
) -> Result<String, CommandError> {
    let quoted = |path: &Path| -> Result<String, CommandError> {
        let path = std::path::absolute(path).map_err(CommandError::file(path))?;
        Ok(format!("'{}'", path.display().to_string().replace('\'', "'\\''").replace('%', "%%")))
    };
    let program = std::env::current_exe().map_err(CommandError::file("larder"))?;
    let mut words = vec![quoted(&program)?];
    if let Some(config) = context.config() {
        words.extend(["--config".to_owned(), quoted(config)?]);
    }
    let system = manifest.server.system_identifier;
    words.push(format!("backup wal-get --system {system}"));
    if let Some(keys) = &args.identity_file {
        words.extend(["--identity-file".to_owned(), quoted(keys)?]);
    }
    words.push("%f %p".to_owned());
    Ok(words.join(" "))
}

/// Runs long work and shows how far it has come.
pub(super) async fn with_progress<T>(
    name: &'static str,
    work: impl AsyncFnOnce(&Progress) -> Result<T, BackupError>,
) -> Result<T, BackupError> {
    let (progress, mut steps) = Progress::new();
    let bar = console::bytes_bar(0, name);
    let shown = bar.clone();
    let follow = tokio::spawn(async move {
        while steps.changed().await.is_ok() {
            let step = *steps.borrow_and_update();
            shown.set_message(step.name);
            shown.set_length(step.total);
            shown.set_position(step.done);
        }
    });
    let done = work(&progress).await;
    drop(progress);
    let _ = follow.await;
    bar.finish_and_clear();
    done
}

fn tell(restored: &RestoredCluster, args: &RestoreArgs) {
    if args.json {
        console::print_json(&serde_json::json!({
            "backupId": restored.backup_id,
            "folder": restored.folder,
            "fileCount": restored.file_count,
            "bytes": restored.bytes,
        }));
        return;
    }
    console::print_line(&format!(
        "{} is in {}: {} files, every one as it was",
        restored.backup_id,
        restored.folder.display(),
        restored.file_count
    ));
    let until = args.recovery.target().map_or_else(
        || "it replays its WAL and is then up".to_owned(),
        |target| format!("it replays the archived log up to {target} and is then up"),
    );
    console::print_line(&format!("Start PostgreSQL of the same major version on it; {until}."));
}

pub(super) fn read_identities(path: &Path) -> Result<Identities, CommandError> {
    let text = fs::read_to_string(path).map_err(CommandError::file(path))?;
    Identities::read(&SecretString::from(text)).map_err(CommandError::Refused)
}

/// PostgreSQL refuses root, so what root restores is handed to the account that a server runs as.
fn account_of_postgresql() -> Option<(u32, u32)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    ["postgres", "nobody"].iter().find_map(|name| {
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2);
        Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_folders_are_read_or_refused() {
        assert_eq!(tablespace("16385=/srv/space"), Ok((16_385, PathBuf::from("/srv/space"))));
        assert!(tablespace("shelf=/srv/space").is_err());
        assert!(tablespace("16385=space").is_err());
        assert_eq!(owner("104:106"), Ok((104, 106)));
        assert!(owner("postgres").is_err());
    }
}
