//! `larder backup restore`: reads a backup from the targets of the settings and writes it into an
//! empty folder of this machine. No service is asked.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use larder_backup::manifest::BackupId;
use larder_backup::pipeline::Identities;
use larder_backup::restore::{RestoreRequest, RestoredCluster, restore};
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
    /// Who owns the files, as user and group number, such as 104:106; for root alone [default: the
    /// account postgres]
    #[arg(long, value_name = "USER:GROUP", value_parser = owner)]
    owner: Option<(u32, u32)>,
    /// Prints JSON
    #[arg(long)]
    json: bool,
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
    let (target, manifest) = match &args.backup_id {
        Some(id) => {
            let id: BackupId = id.parse().map_err(|error: larder_backup::manifest::RefusedId| {
                CommandError::Usage(error.to_string())
            })?;
            vault.find(&id, args.target.as_deref()).await.map_err(refused)?
        }
        None => {
            let newest = vault.newest(args.target.as_deref(), |_| true).await.map_err(refused)?;
            newest.ok_or_else(|| CommandError::Refused("there is no backup at any target".to_owned()))?
        }
    };
    let request = RestoreRequest {
        target,
        manifest,
        folder,
        tablespaces: args.tablespace.iter().cloned().collect::<BTreeMap<_, _>>(),
        owner: args.owner.or_else(account_of_postgresql),
        identities: identities(args)?,
        at_once: READ_AT_ONCE,
    };
    let restored = show_progress(&vault, &request).await.map_err(refused)?;
    tell(&restored, args.json);
    Ok(())
}

async fn show_progress(
    vault: &larder_backup::vault::Vault,
    request: &RestoreRequest,
) -> Result<RestoredCluster, BackupError> {
    let (progress, mut steps) = Progress::new();
    let bar = console::bytes_bar(0, "restoring");
    let shown = bar.clone();
    let follow = tokio::spawn(async move {
        while steps.changed().await.is_ok() {
            let step = *steps.borrow_and_update();
            shown.set_message(step.name);
            shown.set_length(step.total);
            shown.set_position(step.done);
        }
    });
    let restored = restore(vault, request, &progress).await;
    drop(progress);
    let _ = follow.await;
    bar.finish_and_clear();
    restored
}

fn tell(restored: &RestoredCluster, json: bool) {
    if json {
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
    console::print_line(
        "Start PostgreSQL of the same major version on it; it replays its WAL and is then up.",
    );
}

fn identities(args: &RestoreArgs) -> Result<Identities, CommandError> {
    let Some(path) = &args.identity_file else { return Ok(Identities::default()) };
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
