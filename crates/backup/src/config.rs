//! From settings to what the service works with: targets, policies, schedules, the server to protect.
//! Whatever cannot be used is refused by the name of its setting.

mod targets;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use larder_database::{BACKUP_ROLE, Server};
use larder_replication::ConnectOptions;
use larder_settings::{BackupSettings, LockMode, Settings};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use self::targets::Targets;
use crate::clock::system_clock;
use crate::error::BackupError;
use crate::pipeline::SealSettings;
use crate::retention::{Policy, Tier};
use crate::schedule::Schedule;
use crate::target::SharedTarget;
use crate::target::folder::FolderTarget;
use crate::target::s3::{RetentionLock, S3Settings, S3Target};
use crate::target::throttled::{Rates, throttled};
use crate::vault::Vault;

/// The name of the folder among the targets.
pub const FOLDER_TARGET: &str = "folder";
/// The name of the bucket among the targets.
pub const S3_TARGET: &str = "s3";

fn refused(setting: &str, cause: impl std::fmt::Display) -> BackupError {
    BackupError::Refused(format!("`backup.{setting}`: {cause}"))
}

/// Opens the targets that the settings name.
///
/// # Errors
/// A setting that cannot be used, or a folder that cannot be made.
pub async fn open_vault(settings: &Settings) -> Result<Vault, BackupError> {
    let backup = &settings.backup;
    let mut targets: Vec<SharedTarget> = Vec::new();
    if backup.folder_enabled {
        let folder = Arc::new(FolderTarget::open(FOLDER_TARGET, &settings.backup_dir())?);
        let (write, read) = (backup.folder_write_bytes_per_second, backup.folder_read_bytes_per_second);
        targets.push(throttled(folder, Rates { write, read }));
    }
    if let Some(s3) = s3_settings(backup)? {
        let (write, read) = (backup.s3_write_bytes_per_second, backup.s3_read_bytes_per_second);
        let bucket = Arc::new(S3Target::connect(s3, system_clock).await);
        targets.push(throttled(bucket, Rates { write, read }));
    }
    let further = Targets::read(backup.targets_file.as_deref())?;
    for folder in &further.folders {
        let rates = folder.rates();
        targets.push(throttled(Arc::new(FolderTarget::open(&folder.name, &folder.path)?), rates));
    }
    for bucket in &further.buckets {
        let target = Arc::new(S3Target::connect(bucket.settings()?, system_clock).await);
        targets.push(throttled(target, bucket.rates()));
    }
    if targets.is_empty() {
        let cause = "without the folder `backup.s3_bucket` or `backup.targets_file` must be set";
        return Err(refused("folder_enabled", cause));
    }
    let keys = backup.recipients.as_deref().unwrap_or_default().split(',').map(str::trim);
    let keys: Vec<String> = keys.filter(|key| !key.is_empty()).map(str::to_owned).collect();
    let vault = Vault {
        cluster: backup.cluster.clone(),
        targets,
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

fn s3_settings(backup: &BackupSettings) -> Result<Option<S3Settings>, BackupError> {
    let Some(bucket) = &backup.s3_bucket else { return Ok(None) };
    let credentials = match (&backup.s3_access_key_id, &backup.s3_secret_access_key) {
        (Some(key), Some(secret)) => Some((key.clone(), secret.clone())),
        (None, None) => None,
        _ => return Err(refused("s3_access_key_id", "goes together with `backup.s3_secret_access_key`")),
    };
    let prefix = backup.s3_prefix.clone().unwrap_or_default();
    refuse_prefix(&prefix, "`backup.s3_prefix`")?;
    let days = u64::from(backup.s3_lock_days);
    Ok(Some(S3Settings {
        prefix,
        endpoint: backup.s3_endpoint.as_ref().map(ToString::to_string),
        region: backup.s3_region.clone(),
        credentials,
        storage_class: backup.s3_storage_class.clone(),
        lock: (days > 0).then(|| RetentionLock {
            is_compliance: backup.s3_lock_mode == LockMode::Compliance,
            period: Duration::from_secs(days * 86_400),
        }),
        ..S3Settings::new(S3_TARGET, bucket)
    }))
}

/// Refuses what no name of an object can begin with.
fn refuse_prefix(prefix: &str, named: &str) -> Result<(), BackupError> {
    if prefix.is_empty() || (prefix.ends_with('/') && !prefix.starts_with('/')) {
        return Ok(());
    }
    Err(BackupError::Refused(format!(
        "{named}: accepted is a name that ends with a slash, such as `larder/`"
    )))
}

/// What each target keeps, by its name.
pub(crate) fn policies(backup: &BackupSettings) -> Result<BTreeMap<String, Policy>, BackupError> {
    let folder = Policy {
        keep_count: backup.folder_keep_count,
        keep_days: backup.folder_keep_days,
        daily: 0,
        weekly: backup.folder_keep_weekly,
        monthly: backup.folder_keep_monthly,
        yearly: 0,
    };
    let bucket = Policy {
        keep_count: backup.s3_keep_count,
        keep_days: backup.s3_keep_days,
        daily: 0,
        weekly: backup.s3_keep_weekly,
        monthly: backup.s3_keep_monthly,
        yearly: 0,
    };
    let mut policies = BTreeMap::from([(FOLDER_TARGET.to_owned(), folder), (S3_TARGET.to_owned(), bucket)]);
    policies.extend(Targets::read(backup.targets_file.as_deref())?.policies());
    Ok(policies)
}

/// Where what buckets keep is moved to as it ages.
pub(crate) fn tiers(backup: &BackupSettings) -> Result<BTreeMap<String, Vec<Tier>>, BackupError> {
    Ok(Targets::read(backup.targets_file.as_deref())?.tiers().collect())
}

/// A backup that was last proven longer ago is not promised any more.
pub(crate) const LONGEST_UNPROVEN: SignedDuration = SignedDuration::from_hours(24 * 93);

/// What runs by itself, and when.
#[derive(Clone)]
pub(crate) struct Schedules {
    /// Backups; `None` for never.
    pub(crate) backup: Option<Schedule>,
    /// Drills; `None` for never.
    pub(crate) drill: Option<Schedule>,
    /// Dumps; `None` for never.
    pub(crate) dump: Option<Schedule>,
    /// Test alarms that somebody must acknowledge; `None` for never.
    pub(crate) self_test: Option<Schedule>,
}

/// Reads the schedules.
pub(crate) fn schedules(backup: &BackupSettings, now: Timestamp) -> Result<Schedules, BackupError> {
    let read = |setting: &str, cron: &str| {
        if cron.trim() == "never" {
            return Ok(None);
        }
        Schedule::read(cron, &backup.time_zone).map(Some).map_err(|cause| refused(setting, cause))
    };
    let drill = read("drill_schedule", &backup.drill_schedule)?;
    let is_rare =
        |schedule: &Schedule| schedule.interval(now).is_none_or(|interval| interval > LONGEST_UNPROVEN);
    if drill.as_ref().is_some_and(is_rare) {
        let cause = format!(
            "{:?} is rarer than once a quarter; accepted is at least that, or `never`",
            backup.drill_schedule
        );
        return Err(refused("drill_schedule", cause));
    }
    Ok(Schedules {
        backup: read("schedule", &backup.schedule)?,
        drill,
        dump: read("dump_schedule", &backup.dump_schedule)?,
        self_test: read("self_test_schedule", &backup.self_test_schedule)?,
    })
}

/// Where drills take place.
pub(crate) fn drill_folder(settings: &Settings) -> PathBuf {
    let usual = || crate::drill::usual_folder(&settings.data_dir);
    settings.backup.drill_folder.clone().unwrap_or_else(usual)
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

/// The server whose databases are dumped: the one that is protected, unless the settings name a login.
pub(crate) fn dump_source(settings: &Settings, server: &Server) -> Result<ConnectOptions, BackupError> {
    match &settings.backup.dump_url {
        Some(url) => Ok(ConnectOptions::from_url(url)?),
        None => source(settings, server),
    }
}

/// The server that dumps are loaded into.
pub(crate) fn load_server(settings: &Settings, server: &Server) -> Result<ConnectOptions, BackupError> {
    let url = settings.backup.load_url.clone().unwrap_or_else(|| server.url());
    Ok(ConnectOptions::from_url(&url)?)
}
