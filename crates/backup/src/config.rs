//! From settings to what the service works with: targets, policies, schedules, the server to protect.
//! Whatever cannot be used is refused by the name of its setting.

use std::collections::BTreeMap;
use std::sync::Arc;

use larder_database::{BACKUP_ROLE, Server};
use larder_replication::ConnectOptions;
use larder_settings::{BackupSettings, Settings};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::error::BackupError;
use crate::pipeline::SealSettings;
use crate::retention::Policy;
use crate::schedule::Schedule;
use crate::target::SharedTarget;
use crate::target::folder::FolderTarget;
use crate::vault::Vault;

/// The name of the folder among the targets.
pub const FOLDER_TARGET: &str = "folder";

fn refused(setting: &str, cause: impl std::fmt::Display) -> BackupError {
    BackupError::Refused(format!("`backup.{setting}`: {cause}"))
}

/// Opens the targets that the settings name.
///
/// # Errors
/// A setting that cannot be used, or a folder that cannot be made.
pub async fn open_vault(settings: &Settings) -> Result<Vault, BackupError> {
    let backup = &settings.backup;
    let folder: SharedTarget = Arc::new(FolderTarget::open(FOLDER_TARGET, &settings.backup_dir())?);
    let keys = backup.recipients.as_deref().unwrap_or_default().split(',').map(str::trim);
    let keys: Vec<String> = keys.filter(|key| !key.is_empty()).map(str::to_owned).collect();
    let vault = Vault {
        cluster: backup.cluster.clone(),
        targets: vec![folder],
        seal: SealSettings {
            level: backup.compression_level,
            workers: backup.compression_threads,
            recipients: SealSettings::read_recipients(&keys).map_err(|cause| refused("recipients", cause))?,
        },
        object_bytes: backup.object_bytes,
    };
    if backup.cluster.contains('/')
        || vault.prefix().trim_end_matches('/').parse::<crate::target::ObjectKey>().is_err()
    {
        return Err(refused("cluster", "accepted are A-Z, a-z, 0-9, `.`, `_` and `-`, no dot at the start"));
    }
    Ok(vault)
}

/// What each target keeps, by its name.
pub(crate) fn policies(backup: &BackupSettings) -> BTreeMap<String, Policy> {
    let folder = Policy {
        keep_count: backup.folder_keep_count,
        keep_days: backup.folder_keep_days,
        daily: 0,
        weekly: backup.folder_keep_weekly,
        monthly: backup.folder_keep_monthly,
        yearly: 0,
    };
    BTreeMap::from([(FOLDER_TARGET.to_owned(), folder)])
}

/// What runs by itself, and when.
pub(crate) struct Schedules {
    /// Backups; `None` for never.
    pub(crate) backup: Option<Schedule>,
}

/// Reads the schedules.
pub(crate) fn schedules(backup: &BackupSettings) -> Result<Schedules, BackupError> {
    let read = |setting: &str, cron: &str| {
        if cron.trim() == "never" {
            return Ok(None);
        }
        Schedule::read(cron, &backup.time_zone).map(Some).map_err(|cause| refused(setting, cause))
    };
    Ok(Schedules { backup: read("schedule", &backup.schedule)? })
}

/// How to reach the server that is protected: as set, or Larder's own with the role for backups.
pub(crate) fn source(settings: &Settings, server: &Server) -> Result<ConnectOptions, BackupError> {
    if let Some(url) = &settings.backup.source_url {
        return Ok(ConnectOptions::from_url(url)?);
    }
    let unusable = |cause: &str| BackupError::Refused(format!("the address of the database {cause}"));
    let mut url = Url::parse(server.url().expose_secret()).map_err(|_| unusable("cannot be read"))?;
    url.set_username(BACKUP_ROLE).map_err(|()| unusable("takes no user"))?;
    let password =
        settings.database.role_password.as_ref().map(|password| password.expose_secret().to_owned());
    url.set_password(password.as_deref()).map_err(|()| unusable("takes no password"))?;
    Ok(ConnectOptions::from_url(&SecretString::from(url.to_string()))?)
}
