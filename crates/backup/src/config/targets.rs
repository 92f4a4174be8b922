//! The file with further targets: any number of buckets and folders, each with its own retention. No key
//! stands in it: it names files that their owner alone may read.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use larder_settings::LockMode;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;

use super::{FOLDER_TARGET, S3_TARGET};
use crate::error::BackupError;
use crate::retention::{Policy, Tier};
use crate::target::s3::{RetentionLock, S3Settings};
use crate::target::throttled::Rates;

const DAY_SECONDS: u64 = 86_400;

/// What the file holds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Targets {
    #[serde(default, rename = "bucket")]
    pub(super) buckets: Vec<Bucket>,
    #[serde(default, rename = "folder")]
    pub(super) folders: Vec<Folder>,
}

/// A folder, such as one of another machine that is mounted here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Folder {
    pub(super) name: String,
    pub(super) path: PathBuf,
    #[serde(default)]
    keep: Keep,
    #[serde(default)]
    write_bytes_per_second: u64,
    #[serde(default)]
    read_bytes_per_second: u64,
}

impl Folder {
    pub(super) fn rates(&self) -> Rates {
        Rates { write: self.write_bytes_per_second, read: self.read_bytes_per_second }
    }
}

/// A bucket, or an access point to one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bucket {
    pub(super) name: String,
    /// Its name, or the ARN of an access point.
    bucket: String,
    #[serde(default)]
    prefix: String,
    endpoint: Option<Url>,
    #[serde(default = "usual_region")]
    region: String,
    /// The file with the key. Left out, it is found as Amazon's own tools find it.
    credentials_file: Option<PathBuf>,
    storage_class: Option<String>,
    #[serde(default)]
    tiers: Vec<Tier>,
    #[serde(default)]
    lock_days: u32,
    #[serde(default = "usual_lock_mode")]
    lock_mode: LockMode,
    #[serde(default)]
    keep: Keep,
    #[serde(default)]
    write_bytes_per_second: u64,
    #[serde(default)]
    read_bytes_per_second: u64,
}

/// What a target keeps; what is not named is as with the first bucket.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Keep {
    count: u32,
    days: u32,
    daily: u32,
    weekly: u32,
    monthly: u32,
    yearly: u32,
}

impl Default for Keep {
    fn default() -> Self {
        Self { count: 2, days: 30, daily: 0, weekly: 0, monthly: 12, yearly: 0 }
    }
}

fn usual_region() -> String {
    "us-east-1".to_owned()
}

fn usual_lock_mode() -> LockMode {
    LockMode::Governance
}

/// The file that a bucket's key lies in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    access_key_id: String,
    secret_access_key: SecretText,
}

/// Read as text, and never shown.
#[derive(Deserialize)]
#[serde(from = "String")]
struct SecretText(SecretString);

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Targets {
    /// Reads the file; without one there are no further targets.
    pub(super) fn read(path: Option<&Path>) -> Result<Self, BackupError> {
        let Some(path) = path else { return Ok(Self::default()) };
        let text = fs::read_to_string(path).map_err(BackupError::file("read", path))?;
        let targets: Self = toml::from_str(&text).map_err(|error| refused(path, error.message()))?;
        targets.refuse_names(path)?;
        for bucket in &targets.buckets {
            refuse_tiers(bucket).map_err(|cause| refused(path, cause))?;
        }
        Ok(targets)
    }

    fn refuse_names(&self, path: &Path) -> Result<(), BackupError> {
        let folders = self.folders.iter().map(|folder| &folder.name);
        let names = self.buckets.iter().map(|bucket| &bucket.name).chain(folders);
        let mut seen = BTreeSet::from([FOLDER_TARGET, S3_TARGET]);
        for name in names {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            if name.is_empty() || !name.bytes().all(plain) {
                let cause =
                    format!("the name {name:?} is not accepted: it is made of A-Z, a-z, 0-9, `_` and `-`");
                return Err(refused(path, cause));
            }
            if !seen.insert(name) {
                return Err(refused(path, format!("there are two targets named {name:?}")));
            }
        }
        Ok(())
    }

    /// Where what a bucket keeps is moved to as it ages, by the bucket's name.
    pub(super) fn tiers(&self) -> impl Iterator<Item = (String, Vec<Tier>)> {
        let tiered = self.buckets.iter().filter(|bucket| !bucket.tiers.is_empty());
        tiered.map(|bucket| (bucket.name.clone(), bucket.tiers.clone()))
    }

    /// What each of them keeps, by its name.
    pub(super) fn policies(&self) -> impl Iterator<Item = (String, Policy)> {
        let folders = self.folders.iter().map(|folder| (folder.name.clone(), folder.keep.policy()));
        self.buckets.iter().map(|bucket| (bucket.name.clone(), bucket.keep.policy())).chain(folders)
    }
}

impl Keep {
    fn policy(self) -> Policy {
        Policy {
            keep_count: self.count,
            keep_days: self.days,
            daily: self.daily,
            weekly: self.weekly,
            monthly: self.monthly,
            yearly: self.yearly,
        }
    }
}

impl Bucket {
    pub(super) fn rates(&self) -> Rates {
        Rates { write: self.write_bytes_per_second, read: self.read_bytes_per_second }
    }

    /// What its client needs to know.
    pub(super) fn settings(&self) -> Result<S3Settings, BackupError> {
        super::refuse_prefix(&self.prefix, &format!("the prefix of {}", self.name))?;
        Ok(S3Settings {
            prefix: self.prefix.clone(),
            endpoint: self.endpoint.as_ref().map(ToString::to_string),
            region: self.region.clone(),
            credentials: self.credentials_file.as_deref().map(read_credentials).transpose()?,
            storage_class: self.storage_class.clone(),
            lock: (self.lock_days > 0).then(|| RetentionLock {
                is_compliance: self.lock_mode == LockMode::Compliance,
                period: Duration::from_secs(u64::from(self.lock_days) * DAY_SECONDS),
            }),
            ..S3Settings::new(&self.name, &self.bucket)
        })
    }
}

fn refuse_tiers(bucket: &Bucket) -> Result<(), String> {
    let mut before = 0;
    for (index, tier) in bucket.tiers.iter().enumerate() {
        let at = format!("{}: tiers[{index}]", bucket.name);
        if tier.after_days <= before {
            return Err(format!(
                "{at}.after_days must be more than {before}: each tier is later than the one before"
            ));
        }
        let plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        if tier.storage_class.is_empty() || !tier.storage_class.bytes().all(plain) {
            return Err(format!(
                "{at}.storage_class {:?} is not accepted: it is one of the bucket's, such as STANDARD_IA, GLACIER_IR or DEEP_ARCHIVE",
                tier.storage_class
            ));
        }
        before = tier.after_days;
    }
    Ok(())
}

fn read_credentials(path: &Path) -> Result<(String, SecretString), BackupError> {
    let metadata = fs::metadata(path).map_err(BackupError::file("read", path))?;
    if metadata.mode() & 0o077 != 0 {
        return Err(refused(path, "others may read it, and it holds a key: run chmod 600 on it"));
    }
    let text = fs::read_to_string(path).map_err(BackupError::file("read", path))?;
    // The parser's own message shows the line that it does not understand.
    let read = toml::from_str::<Credentials>(&text).map_err(|_| {
        refused(path, "accepted are two lines, access_key_id = \"…\" and secret_access_key = \"…\"")
    })?;
    Ok((read.access_key_id, read.secret_access_key.0))
}

fn refused(path: &Path, cause: impl std::fmt::Display) -> BackupError {
    BackupError::Refused(format!("{}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use secrecy::ExposeSecret;

    use super::*;

    const BOTH: &str = "
        [[bucket]]
        name = \"offsite\"
        bucket = \"arn:aws:s3:eu-central-1:123456789012:accesspoint/backups\"
        prefix = \"larder/\"
        region = \"eu-central-1\"
        storage_class = \"GLACIER_IR\"
        lock_days = 7
        lock_mode = \"compliance\"
        keep = { days = 365, yearly = 7 }
        tiers = [{ after_days = 30, storage_class = \"GLACIER\" }, { after_days = 90, storage_class = \"DEEP_ARCHIVE\" }]

        [[bucket]]
        name = \"near\"
        bucket = \"backups\"
        endpoint = \"http://127.0.0.1:9000\"

        [[folder]]
        name = \"nas\"
        path = \"/mnt/nas\"
        keep = { count = 5, monthly = 0 }
    ";

    fn read(text: &str) -> Result<Targets, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("targets.toml");
        fs::write(&path, text).unwrap();
        Targets::read(Some(&path)).map_err(|error| error.to_string())
    }

    #[test]
    fn any_number_of_targets_is_read_each_with_its_own_retention() {
        let targets = read(BOTH).unwrap();
        let offsite = targets.buckets[0].settings().unwrap();
        assert!(offsite.bucket.starts_with("arn:aws:s3:") && offsite.prefix == "larder/");
        assert_eq!(offsite.storage_class.as_deref(), Some("GLACIER_IR"));
        assert_eq!(offsite.lock.unwrap().period, Duration::from_secs(7 * DAY_SECONDS));
        let tiers: Vec<_> = targets.tiers().collect();
        assert_eq!((tiers.len(), tiers[0].0.as_str()), (1, "offsite"));
        assert_eq!((tiers[0].1[1].after_days, tiers[0].1[1].storage_class.as_str()), (90, "DEEP_ARCHIVE"));
        let policies: std::collections::BTreeMap<_, _> = targets.policies().collect();
        assert_eq!((policies["offsite"].keep_days, policies["offsite"].yearly), (365, 7));
        assert_eq!((policies["near"].keep_days, policies["near"].monthly), (30, 12));
        assert_eq!((policies["nas"].keep_count, policies["nas"].monthly), (5, 0));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_name() {
        let twice = "[[folder]]\nname = \"nas\"\npath = \"/a\"\n[[folder]]\nname = \"nas\"\npath = \"/b\"";
        assert!(read(twice).unwrap_err().contains("two targets named \"nas\""));
        let taken = "[[folder]]\nname = \"s3\"\npath = \"/a\"";
        assert!(read(taken).unwrap_err().contains("two targets named \"s3\""));
        let odd = "[[folder]]\nname = \"a/b\"\npath = \"/a\"";
        assert!(read(odd).unwrap_err().contains("not accepted"));
        let key = "[[bucket]]\nname = \"x\"\nbucket = \"y\"\nsecret_access_key = \"hush\"";
        let refused = read(key).unwrap_err();
        assert!(refused.contains("credentials_file") && !refused.contains("hush"), "{refused}");
        for (tiers, field) in [
            ("{ after_days = 0, storage_class = \"GLACIER\" }", "x: tiers[0].after_days must be more than 0"),
            (
                "{ after_days = 9, storage_class = \"cold\" }",
                "tiers[0].storage_class \"cold\" is not accepted",
            ),
            (
                "{ after_days = 9, storage_class = \"A\" }, { after_days = 9, storage_class = \"B\" }",
                "tiers[1].after_days must be more than 9",
            ),
        ] {
            let refused = read(&format!("[[bucket]]\nname = \"x\"\nbucket = \"y\"\ntiers = [{tiers}]"));
            let refused = refused.unwrap_err();
            assert!(refused.contains(field), "{refused}");
        }
        let prefix = "[[bucket]]\nname = \"x\"\nbucket = \"y\"\nprefix = \"z\"";
        let refused = read(prefix).unwrap().buckets[0].settings().unwrap_err().to_string();
        assert!(refused.contains("ends with a slash"), "{refused}");
    }

    #[test]
    fn a_key_lies_in_a_file_of_its_owner_and_is_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "access_key_id = \"me\"\nsecret_access_key = \"hush\"\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = read_credentials(&path).unwrap_err().to_string();
        assert!(refused.contains("chmod 600"), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let (key, secret) = read_credentials(&path).unwrap();
        assert_eq!((key.as_str(), secret.expose_secret()), ("me", "hush"));
        fs::write(&path, "secret_access_key: hush").unwrap();
        let refused = read_credentials(&path).unwrap_err().to_string();
        assert!(!refused.contains("hush") && refused.contains("access_key_id"), "{refused}");
    }
}
